"""Plans made by hand, small enough to work out their figures on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from dpp.adapters.simulation.company import ZONE, Repository
from dpp.adapters.simulation.people import Account
from dpp.adapters.simulation.plan import Plan, Week
from dpp.adapters.simulation.pull_requests import PrEvent, PullRequest, What
from dpp.adapters.simulation.rates import Rates, Size
from dpp.adapters.simulation.releases import Deployment, Incident, Outcome, Rollback
from dpp.adapters.simulation.tickets import Change, IssueState, Ticket

Happening = tuple[datetime, What, Account]

START = datetime(2026, 1, 5, tzinfo=ZONE)


def january(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in January 2026, whose 5th is a Monday."""
    return datetime(2026, 1, day, hour, minute, tzinfo=ZONE)


class PlanByHand:
    """Collects tickets, pull requests and releases and makes a plan of them."""

    def __init__(self) -> None:
        self.plan = Plan.make(seed=1, start=START, size=Size.SMALL, rates=Rates())
        self.company = self.plan.company
        self.someone, self.other, self.third = self.company.people[:3]
        self._number = 0
        self._parts: dict[str, list[Any]] = {
            name: [] for name in ("tickets", "requests", "deployments", "rollbacks", "incidents")
        }

    def ticket(
        self,
        key: str,
        created: datetime,
        *changes: tuple[datetime, dict[str, Any]],
        deleted: datetime | None = None,
        parent: Ticket | None = None,
        **fields: Any,
    ) -> Ticket:
        """Add a ticket that starts in ``todo`` unless told otherwise."""
        values = {"issue_type": "Story", "summary": "x", "description": "y", "step": "todo", "priority": "Medium"}
        first = IssueState(key=key, project=key.partition("-")[0], reporter=self.someone, **(values | fields))
        made = [Change(at=at, author=self.someone, sets=sets) for at, sets in changes]
        if deleted is not None:
            made.append(Change(at=deleted, author=self.someone, kind="deleted"))
        ticket = Ticket(
            jira_id=self._next(), first=first, created_at=created, changes=made, stream=None, touches=(), parent=parent
        )
        ticket.replay()
        self._parts["tickets"].append(ticket)
        return ticket

    def request(
        self, repository: str, ticket: Ticket | None, *events: Happening, states: str = "approved"
    ) -> PullRequest:
        """Add a pull request by ``someone``."""
        number = self._next()
        request = PullRequest(
            repository=self.repository(repository), number=number, github_id=number, author=self.someone, branch="b",
            title="t", body=None, ticket=ticket, link="branch", merge_commit=f"{number:040x}", additions=1, deletions=1,
            changed_files=1,
            events=[
                PrEvent(at=at, what=what, actor=actor, head="a" * 40, event_id=self._next(), review_state=states)
                for at, what, actor in events
            ],
        )  # fmt: skip
        self._parts["requests"].append(request)
        return request

    def deployment(
        self,
        repository: str,
        at: datetime,
        request: PullRequest | None,
        outcome: Outcome = "success",
        *,
        environment: Literal["staging", "production"] = "production",
        config_only: bool = False,
    ) -> Deployment:
        """Add a deployment that was over at ``at``."""
        deployment = Deployment(
            repository=self.repository(repository),
            environment=environment,
            run_id=str(self._next()),
            started_at=at,
            completed_at=at,
            outcome=outcome,
            commit="c" * 40,
            request=request,
            config_only=config_only,
        )
        self._parts["deployments"].append(deployment)
        return deployment

    def rollback(self, undone: Deployment, at: datetime, *, named: bool) -> None:
        """Add a rollback that was complete at ``at``."""
        self._parts["rollbacks"].append(
            Rollback(
                repository=undone.repository, run_id=f"rb-{self._next()}", undone=undone, named=named, initiated_at=at,
                completed_at=at, commit="d" * 40,
            )
        )  # fmt: skip

    def incident(self, service: str, began: datetime, over: datetime | None) -> None:
        """Add an incident."""
        self._parts["incidents"].append(
            Incident(
                incident_id=f"INC-{self._next()}", service=service, severity="high", description="", started_at=began,
                resolved_at=over, pairs=("alarm",),
            )
        )  # fmt: skip

    def made(self) -> Plan:
        """The plan."""
        parts = {name: tuple(values) for name, values in self._parts.items()}
        self.plan.weeks = [Week(number=0, start=START, **parts)]
        return self.plan

    def repository(self, name: str) -> Repository:
        """A repository of the company by its short name."""
        return next(one for one in self.company.repositories if one.name == name)

    def _next(self) -> int:
        self._number += 1
        return self._number
