"""Pull requests: what they are, what happened to them, and the builds that they set off.

Times are whole seconds, as GitHub gives them, and no two events of one pull request share one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dpp.adapters.simulation.company import Company, DeliveryStream, Repository
from dpp.adapters.simulation.lives import DevPass
from dpp.adapters.simulation.people import DEPENDABOT, REVIEW_BOT, Account, Bot, Person
from dpp.adapters.simulation.rates import Rates
from dpp.adapters.simulation.tickets import IssueState, Ticket

What = Literal["pushed", "opened", "synchronize", "labeled", "review", "dismissed", "closed", "reopened", "merged"]
LinkMethod = Literal["branch", "title", "body", "none"]
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrEvent:
    """One thing that happened to a pull request. ``head`` is the head commit from then on; ``event_id`` GitHub's id."""

    at: datetime
    what: What
    actor: Account
    head: str
    event_id: int
    review_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One attempt of a workflow run. A re-run keeps ``run_id`` and counts ``attempt`` up."""

    run_id: int
    attempt: int
    trigger: Literal["pull_request", "push"]
    head: str
    requested_at: datetime
    started_at: datetime
    completed_at: datetime
    conclusion: str


@dataclass(slots=True, kw_only=True)
class PullRequest:
    """A pull request from its first push to its end; ``ticket`` is what a reader who follows the rules links it to."""

    repository: Repository
    number: int
    github_id: int
    author: Account
    branch: str
    title: str
    body: str | None
    ticket: Ticket | None
    link: LinkMethod
    merge_commit: str
    additions: int
    deletions: int
    changed_files: int
    events: list[PrEvent] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)

    @property
    def opened_at(self) -> datetime:
        """When the pull request was opened."""
        return next(event.at for event in self.events if event.what == "opened")

    @property
    def merged_at(self) -> datetime | None:
        """When it was merged, if it ever is."""
        return next((event.at for event in self.events if event.what == "merged"), None)


def whole_seconds(at: datetime) -> datetime:
    """A time without its fraction of a second."""
    return at.replace(microsecond=0)


@dataclass(slots=True, kw_only=True)
class PullRequestPlanner:
    """Draws pull requests; numbers and ids run on from week to week."""

    rng: random.Random
    rates: Rates
    company: Company
    numbers: dict[str, int]
    ids: Iterator[int]

    def for_ticket(self, stream: DeliveryStream, ticket: Ticket, passes: tuple[DevPass, ...]) -> Iterator[PullRequest]:
        """The pull requests of every time that the ticket went through development."""
        for one in passes:
            if self._chance(self.rates.no_pull_request):
                continue
            streams = ticket.touches if self._chance(self.rates.second_repository) else ticket.touches[:1]
            for name in streams:
                repository = self.rng.choice(self.company.tech_stream(name).repositories)
                yield self._of_pass(stream, ticket, one, repository)

    def by_bot(self, repository: Repository, team: tuple[Person, ...], at: datetime) -> PullRequest:
        """A dependency update: no ticket, and a text full of things that look like ticket keys."""
        package = self.rng.choice(("lodash", "netty", "serde", "requests", "vite"))
        version = f"{self.rng.randrange(1, 9)}.{self.rng.randrange(20)}.{self.rng.randrange(20)}"
        request = self._blank(
            repository, DEPENDABOT, None, "none", branch=f"dependabot/{package}-{version}",
            title=f"Bump {package} to {version}",
            body=f"Fixes CVE-2026-{self.rng.randrange(1000, 99999)} and GHSA-77: SHA-256 sums, UTF-8 and ISO-8601.",
        )  # fmt: skip
        opened, ended = whole_seconds(at), whole_seconds(at + timedelta(hours=self.rng.uniform(1, 70)))
        self._happen(
            request, opened=opened, ended=ended, pushed=opened - 5 * SECOND, team=team, unmerged=self._chance(0.3)
        )
        return request

    def _of_pass(self, stream: DeliveryStream, ticket: Ticket, one: DevPass, repository: Repository) -> PullRequest:
        pushed = one.started + (one.review - one.started) * self.rng.uniform(0.1, 0.8)
        opened = whole_seconds(one.review - timedelta(minutes=self.rng.uniform(0.2, 12)))
        state = ticket.state_at(pushed) or ticket.first
        link: LinkMethod = "none"
        if not self._chance(self.rates.unlinked):
            link = self.rng.choices(("branch", "title", "body"), (7, 2, 1))[0]
        branch, title, body = self._named(state, link)
        request = self._blank(
            repository, one.developer, None if link == "none" else ticket, link, branch=branch, title=title, body=body
        )
        self._happen(
            request,
            opened=opened,
            ended=whole_seconds(one.ended - timedelta(minutes=self.rng.uniform(0, 4))),
            pushed=min(whole_seconds(pushed), opened - 30 * SECOND),
            team=stream.team,
            unmerged=one.abandoned or self._chance(self.rates.closed_unmerged),
        )
        return request

    def _named(self, state: IssueState, link: LinkMethod) -> tuple[str, str, str | None]:
        """Branch, title and body that lead to the ticket by one way and by none that goes before it."""
        slug = state.summary.lower().replace(" ", "-")
        prefix = "bugfix/" if state.issue_type == "Bug" else self.rng.choice(("feature/", "", "chore/", "hotfix/"))
        body: str | None = "Small and reviewable. See the description for how it was tested."
        if link == "branch":
            title = self.rng.choice((f"{state.key}: {state.summary}", state.summary))
            return f"{prefix}{state.key}-{slug}", title, self.rng.choice((body, None, f"Closes {state.key}."))
        branch = f"{prefix}{slug}-{self.rng.randrange(10, 99)}"
        if link == "title":
            return branch, self.rng.choice((f"[{state.key}] {state.summary}", f"{state.key} {state.summary}")), body
        if link == "body":
            return (
                branch,
                state.summary,
                f"## Why\n\nPart of RFC-7231 clean-up.\n\nJira ticket: {state.key}\n\n- [x] tests",
            )
        return branch, state.summary, body

    def _blank(
        self, repository: Repository, author: Account, ticket: Ticket | None, link: LinkMethod, *,
        branch: str, title: str, body: str | None,
    ) -> PullRequest:  # fmt: skip
        self.numbers[repository.full_name] = number = self.numbers.get(repository.full_name, 0) + 1
        return PullRequest(
            repository=repository, number=number, github_id=next(self.ids), author=author, branch=branch, title=title,
            body=body, ticket=ticket, link=link, merge_commit=self._sha(),
            additions=1 + int(self.rng.expovariate(1 / 90)), deletions=int(self.rng.expovariate(1 / 40)),
            changed_files=1 + int(self.rng.expovariate(1 / 5)),
        )  # fmt: skip

    def _happen(
        self, request: PullRequest, *, opened: datetime, ended: datetime, pushed: datetime, team: tuple[Person, ...],
        unmerged: bool,
    ) -> None:  # fmt: skip
        """Draw what happens between opening and end, in order, at least a second apart."""
        ended = max(ended, opened + 60 * SECOND)
        steps = sorted(self._between(request, team), key=lambda step: step[0])
        merger = self.rng.choice(team)
        head = self._sha()
        events = [
            self._event(pushed, "pushed", request.author, head),
            self._event(opened, "opened", request.author, head),
        ]
        for share, what, actor, review_state in steps:
            if what == "synchronize":
                head = self._sha()
            at = max(whole_seconds(opened + (ended - opened) * share), events[-1].at + SECOND)
            if what == "synchronize":
                events.append(self._event(at, "pushed", actor, head))
            events.append(self._event(at, what, actor, head, review_state))
        last = max(ended, events[-1].at + SECOND)
        events.append(self._event(last, "closed" if unmerged else "merged", merger, head))
        request.events = events
        self._build(request)

    def _between(self, request: PullRequest, team: tuple[Person, ...]) -> Iterator[tuple[float, What, Account, str]]:
        rng, rates = self.rng, self.rates
        reviewers = [person for person in team if person != request.author]
        reviewer = rng.choice(reviewers[: max(3, len(reviewers) // 2)] if rng.random() < 0.6 else reviewers)
        if self._chance(rates.bot_review):
            yield 0.01, "review", REVIEW_BOT, "commented"
        if self._chance(rates.self_comment) and not isinstance(request.author, Bot):
            yield rng.uniform(0.05, 0.3), "review", request.author, "commented"
        if self._chance(rates.changes_requested):
            yield rng.uniform(0.2, 0.4), "review", reviewer, "changes_requested"
            yield rng.uniform(0.45, 0.55), "synchronize", request.author, ""
        elif self._chance(0.3):
            yield rng.uniform(0.2, 0.5), "review", rng.choice(reviewers), "commented"
        if self._chance(rates.reopened_pull_request):
            yield 0.57, "closed", reviewer, ""
            yield 0.59, "reopened", reviewer, ""
        if not self._chance(rates.bot_review / 4):
            yield rng.uniform(0.6, 0.95), "review", reviewer, "approved"
            if self._chance(rates.self_comment / 4):
                yield 0.97, "dismissed", reviewer, "dismissed"
        if self._chance(0.3):
            yield rng.uniform(0.01, 0.9), "labeled", reviewer, ""

    def _build(self, request: PullRequest) -> None:
        for event in request.events:
            if event.what in {"opened", "synchronize"}:
                request.builds.extend(self._runs("pull_request", event.head, event.at))
            elif event.what == "merged":
                request.builds.extend(self._runs("push", request.merge_commit, event.at))

    def _runs(self, trigger: Literal["pull_request", "push"], head: str, at: datetime) -> Iterator[Build]:
        run_id, requested = next(self.ids), at + 2 * SECOND
        for attempt in (1, 2):
            started = requested + self.rng.randrange(3, 40) * SECOND
            completed = started + self.rng.randrange(60, 900) * SECOND
            failed = attempt == 1 and self._chance(self.rates.failed_build)
            conclusion = self.rng.choice(("failure", "failure", "cancelled", "timed_out")) if failed else "success"
            yield Build(
                run_id=run_id, attempt=attempt, trigger=trigger, head=head, requested_at=requested, started_at=started,
                completed_at=completed, conclusion=conclusion,
            )  # fmt: skip
            if not failed:
                return
            requested = completed + self.rng.randrange(30, 900) * SECOND

    def _event(self, at: datetime, what: What, actor: Account, head: str, review_state: str = "") -> PrEvent:
        return PrEvent(at=at, what=what, actor=actor, head=head, event_id=next(self.ids), review_state=review_state)

    def _sha(self) -> str:
        return f"{self.rng.getrandbits(160):040x}"

    def _chance(self, rate: float) -> bool:
        return self.rng.random() < rate
