"""The plan: everything that will happen, drawn week by week and never changed afterwards.

What a week draws depends on the seed, the number of the week and what the weeks before drew; a plan that was made for
eight weeks and then extended is the plan that was made for ten.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dpp.adapters.simulation.company import Company, found_company
from dpp.adapters.simulation.pull_requests import PullRequest, PullRequestPlanner
from dpp.adapters.simulation.rates import Rates, Size
from dpp.adapters.simulation.release_train import ReleaseTrain
from dpp.adapters.simulation.releases import Deployment, Incident, Rollback
from dpp.adapters.simulation.tickets import Ticket
from dpp.adapters.simulation.work import Numbers, TicketPlanner

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What one week added to the plan. Its consequences may reach into the weeks after."""

    number: int
    start: datetime
    tickets: tuple[Ticket, ...]
    requests: tuple[PullRequest, ...]
    deployments: tuple[Deployment, ...]
    rollbacks: tuple[Rollback, ...]
    incidents: tuple[Incident, ...]


@dataclass(slots=True, kw_only=True)
class Plan:
    """A company and the weeks planned so far, from ``start`` (aware)."""

    seed: int
    start: datetime
    items: int
    rates: Rates
    company: Company
    weeks: list[Week] = field(default_factory=list)
    _numbers: Numbers
    _request_numbers: dict[str, int] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(289_782_000))
    _free: dict[str, datetime] = field(default_factory=dict)
    _waiting: list[PullRequest] = field(default_factory=list)
    _train: ReleaseTrain | None = None

    @classmethod
    def make(cls, *, seed: int, start: datetime, size: Size, rates: Rates) -> Plan:
        """An empty plan; ``extend`` fills it."""
        company = found_company(random.Random(f"{seed}/people"))
        numbers = Numbers(keys={project.key: 100 for project in company.projects})
        return cls(seed=seed, start=start, items=size.value, rates=rates, company=company, _numbers=numbers)

    def extend(self, *, weeks: int) -> None:
        """Plan on until the plan is ``weeks`` long; no effect when it already is."""
        while len(self.weeks) < weeks:
            self._plan_week(len(self.weeks))

    @property
    def tickets(self) -> Iterator[Ticket]:
        """All tickets planned so far."""
        return itertools.chain.from_iterable(week.tickets for week in self.weeks)

    @property
    def requests(self) -> Iterator[PullRequest]:
        """All pull requests planned so far."""
        return itertools.chain.from_iterable(week.requests for week in self.weeks)

    @property
    def deployments(self) -> Iterator[Deployment]:
        """All deployments planned so far."""
        return itertools.chain.from_iterable(week.deployments for week in self.weeks)

    @property
    def rollbacks(self) -> Iterator[Rollback]:
        """All rollbacks planned so far."""
        return itertools.chain.from_iterable(week.rollbacks for week in self.weeks)

    @property
    def incidents(self) -> Iterator[Incident]:
        """All incidents planned so far."""
        return itertools.chain.from_iterable(week.incidents for week in self.weeks)

    def _plan_week(self, number: int) -> None:
        start = self.start + number * WEEK
        tickets: list[Ticket] = []
        requests: list[PullRequest] = []
        for stream in self.company.delivery_streams:
            planner = TicketPlanner(
                rng=self._rng(number, stream.name, "tickets"),
                rates=self.rates,
                company=self.company,
                numbers=self._numbers,
            )
            reviews = self._request_planner(number, stream.name)
            for worked in planner.week(stream, start=start, items=self.items):
                tickets.append(worked.ticket)
                requests.extend(reviews.for_ticket(stream, worked.ticket, worked.passes))
        requests.extend(self._bot_requests(number, start))
        train = self._release(number, start, requests)
        self.weeks.append(
            Week(
                number=number,
                start=start,
                tickets=tuple(tickets),
                requests=tuple(requests),
                deployments=tuple(train.deployments),
                rollbacks=tuple(train.rollbacks),
                incidents=tuple(train.incidents),
            )
        )

    def _bot_requests(self, number: int, start: datetime) -> Iterator[PullRequest]:
        rng = self._rng(number, "bots")
        planner = self._request_planner(number, "bots")
        for repository in self.company.repositories:
            if self.rates.unlinked and rng.random() < 0.25:
                team = next(one.team for one in self.company.delivery_streams if repository.tech_stream in one.touches)
                yield planner.by_bot(repository, team, start + timedelta(hours=rng.uniform(1, 160)))

    def _release(self, number: int, start: datetime, requests: list[PullRequest]) -> ReleaseTrain:
        """Deploy what is merged within the week, whenever it was opened."""
        self._waiting.extend(request for request in requests if request.merged_at is not None)
        due = [
            request for request in self._waiting if request.merged_at is not None and request.merged_at < start + WEEK
        ]
        self._waiting = [request for request in self._waiting if request not in due]
        train = ReleaseTrain(
            rng=self._rng(number, "releases"), rates=self.rates, company=self.company, ids=self._ids, free=self._free,
            before=self._train,
        )  # fmt: skip
        train.run(due, week=start)
        if self._train is not None:
            self._train.before = None
        self._train = train
        return train

    def _request_planner(self, number: int, name: str) -> PullRequestPlanner:
        return PullRequestPlanner(
            rng=self._rng(number, name, "requests"), rates=self.rates, company=self.company,
            numbers=self._request_numbers, ids=self._ids,
        )  # fmt: skip

    def _rng(self, number: int, *names: str) -> random.Random:
        return random.Random("/".join((str(self.seed), str(number), *names)))
