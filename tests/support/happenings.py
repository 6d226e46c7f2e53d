"""Random lives of a few tickets and pull requests that name them, for properties of derivation."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from dpp.application.deliveries import AcceptedDelivery
from dpp.domain.events import PullRequestEvent, PullRequestEventType, TicketFields, WorkItemEvent, WorkItemEventType
from tests.support.derivation import STATUSES, STORY, deliveries, pull_request_event, ticket_event

T = WorkItemEventType
P = PullRequestEventType

_STATUS_NAMES = [status for status, *_ in STATUSES] + ["Nobody mapped this"]
_FIELDS = [
    None,
    STORY,
    TicketFields(ticket_type="bug", delivery_stream="logistics", story_points=3.0, labels=("a", "b")),
    TicketFields(ticket_type="bug", tech_streams=("apps",), jira_sprint_id="77"),
]
#: The keys that each of two tickets has or had; one of them is moved between projects.
_KEYS = {"10001": ["PAY-1", "LOG-5"], "10002": ["PAY-2"]}
_BRANCHES = ["feature/PAY-1", "LOG-5", "PAY-2-x", "LOG-99", "main"]


@dataclass(frozen=True, slots=True)
class Happening:
    """The same deliveries twice: as they happened, and as they came; a number says how many come in each batch."""

    told: list[AcceptedDelivery]
    heard: list[AcceptedDelivery]
    batches: list[int]

    def batched(self) -> list[list[AcceptedDelivery]]:
        """Return what was heard in batches."""
        rest, found = list(self.heard), []
        for size in self.batches:
            found.append(rest[:size])
            rest = rest[size:]
        return [batch for batch in [*found, rest] if batch]


@st.composite
def _ticket_events(draw: st.DrawFn, change: int) -> WorkItemEvent:
    issue = draw(st.sampled_from(sorted(_KEYS)))
    keys = _KEYS[issue]
    kind = draw(
        st.sampled_from([T.CREATED, *[T.TRANSITIONED] * 4, T.COMPLETED, T.BLOCKED, T.UNBLOCKED, T.MOVED, T.DELETED])
    )
    return ticket_event(
        kind,
        draw(st.integers(0, 12)) * 7.3,
        issue=issue,
        key=draw(st.sampled_from(keys)),
        status=draw(st.sampled_from(_STATUS_NAMES)) if kind in {T.CREATED, T.TRANSITIONED} else None,
        from_key=keys[0] if kind is T.MOVED else None,
        resolution=draw(st.sampled_from(["Done", "Won't Do"])) if kind is T.COMPLETED else None,
        change=str(change),
        fields=draw(st.sampled_from(_FIELDS)),
    )


@st.composite
def _pull_request_events(draw: st.DrawFn, change: int) -> PullRequestEvent:
    kind = draw(st.sampled_from([P.OPENED, P.REVIEW_SUBMITTED, P.MERGED, P.CLOSED, P.REOPENED]))
    return pull_request_event(
        kind,
        3 + draw(st.integers(0, 12)),
        number=draw(st.integers(1, 2)),
        branch=draw(st.sampled_from(_BRANCHES)),
        org=draw(st.sampled_from(["acme-core", "acme-apps"])),
        reviewer=draw(st.sampled_from(["reviewer", "author", None])),
        change=str(change),
    )


@st.composite
def happenings(draw: st.DrawFn, *, most: int = 12) -> Happening:
    """Deliveries of one event each; they are heard in any order, some of them twice."""
    count = draw(st.integers(1, most))
    events: list[WorkItemEvent | PullRequestEvent] = [
        draw(st.one_of(_ticket_events(change), _pull_request_events(change))) for change in range(1, count + 1)
    ]
    told = deliveries([[event] for event in events])
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    heard = draw(st.permutations(told + again))
    return Happening(told, heard, draw(st.lists(st.integers(1, 5), max_size=6)))
