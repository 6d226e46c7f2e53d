"""What belongs to a delivery and a technology stream, as of a time (§5.2.4, §5.2.5, §5.3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dpp.adapters.simulation.company import Company, DeliveryStream, TechStream
from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.pull_requests import PullRequest
from dpp.adapters.simulation.tickets import IssueState, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The filter of a question: a delivery stream, a technology stream, both (they intersect) or neither."""

    company: Company
    as_of: datetime
    delivery_stream: str | None
    tech_stream: str | None
    requested: dict[int, frozenset[str]]

    @classmethod
    def at(cls, plan: Plan, *, as_of: datetime, delivery_stream: str | None, tech_stream: str | None) -> Scope:
        """The scope, knowing which technology streams each ticket's pull requests are in."""
        found: dict[int, set[str]] = {}
        for request in plan.requests:
            if request.ticket is not None and request.opened_at < as_of:
                found.setdefault(request.ticket.jira_id, set()).add(request.repository.tech_stream)
        requested = {number: frozenset(streams) for number, streams in found.items()}
        return cls(
            company=plan.company,
            as_of=as_of,
            delivery_stream=delivery_stream,
            tech_stream=tech_stream,
            requested=requested,
        )

    def holds(self, ticket: Ticket) -> bool:
        """Whether a ticket that exists is in the scope."""
        state = last_state(ticket, self.as_of)
        return self._delivers(stream_of(self.company, state)) and (
            self.tech_stream is None or self.tech_stream in self.tech_streams_of(ticket, state)
        )

    def tech_streams_of(self, ticket: Ticket, state: IssueState) -> frozenset[str]:
        """What the ticket's own field names, else where its pull requests are."""
        named = {name for value in state.tech_field for name in _matching(value, self.company.tech_streams)}
        return frozenset(named) or self.requested.get(ticket.jira_id, frozenset())

    def holds_request(self, request: PullRequest | None, tech_stream: str) -> bool:
        """Whether a pull request, or what was done in a technology stream on its behalf, is in the scope."""
        if self.tech_stream is not None and tech_stream != self.tech_stream:
            return False
        ticket = request.ticket if request is not None else None
        known = ticket is not None and ticket.created_at < self.as_of
        return self._delivers(stream_of(self.company, last_state(ticket, self.as_of)) if known and ticket else None)

    def _delivers(self, stream: str | None) -> bool:
        return self.delivery_stream is None or stream == self.delivery_stream


def last_state(ticket: Ticket, as_of: datetime) -> IssueState:
    """The latest state before a time, also of a ticket that was deleted since."""
    state = ticket.first
    for _, _, after in ticket.until(as_of):
        state = after
    return state


def stream_of(company: Company, state: IssueState) -> str | None:
    """The delivery stream of a ticket by the first of its project's methods that finds one."""
    project = company.project(state.project)
    values: dict[str, Iterable[str]] = {
        "field": [state.stream_field] if state.stream_field else [],
        "project": [project.stream] if project.stream else [],
        "label": state.labels,
        "component": state.components,
    }
    for method in project.stream_from:
        for value in values[method]:
            for name in _matching(value, company.delivery_streams):
                return name
    return None


def _matching(value: str, streams: Iterable[DeliveryStream | TechStream]) -> Iterable[str]:
    """Names of the streams that a value means, by name or display name, whatever its case and blanks."""
    meant = value.strip().lower()
    for stream in streams:
        if meant in {stream.name.lower(), stream.display_name.lower()}:
            yield stream.name
