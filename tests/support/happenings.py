"""Random lives of a few tickets and pull requests that name them, for properties of derivation.

Some changes are reported more than once, with other times and contents (decision 0030).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from dpp.application.deliveries import AcceptedDelivery
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    Event,
    IncidentEvent,
    IncidentEventType,
    PullRequestEvent,
    PullRequestEventType,
    PushEvent,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from tests.support.derivation import (
    STATUSES,
    STORY,
    deliveries,
    deployment_event,
    incident_event,
    pull_request_event,
    push_event,
    ticket_event,
)

T = WorkItemEventType
P = PullRequestEventType
C = CicdEventType
I = IncidentEventType  # noqa: E741 - one letter each

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


@dataclass(frozen=True, slots=True, repr=False)
class Happening:
    """The same deliveries twice: as they happened, and as they came; a number says how many come in each batch."""

    told: list[AcceptedDelivery]
    heard: list[AcceptedDelivery]
    batches: list[int]

    def __repr__(self) -> str:
        """Tell what was heard, event by event, shortly."""
        events = [event for one in self.heard for event in one.facts.events]
        lines = [f"{type(event).__name__}{tuple(map(str, event.identity))}" for event in events]
        return f"Happening({len(self.told)} told, heard in {self.batches}: {'; '.join(lines)})"

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
    return draw(
        _heard(
            [draw(st.one_of(_ticket_events(change), _pull_request_events(change))) for change in range(1, count + 1)]
        )
    )


@st.composite
def _told_otherwise(draw: st.DrawFn, event: Event) -> Event:
    """Another report of the same change: at another time, with other contents, or both."""
    later = timedelta(seconds=draw(st.sampled_from([-3600, -0.4, 0, 0, 0.4, 1, 5 * 3600])))
    match event:
        case WorkItemEvent():
            moved = replace(event, event_timestamp=event.event_timestamp + later)
            has_status = event.to_status is not None
            return draw(
                st.sampled_from(
                    [
                        moved,
                        replace(moved, fields=draw(st.sampled_from(_FIELDS))),
                        replace(moved, to_status=draw(st.sampled_from(_STATUS_NAMES)) if has_status else None),
                        replace(moved, ticket_id=draw(st.sampled_from([*_KEYS.get(event.item, ()), "PAY-77"]))),
                    ]
                )
            )
        case PullRequestEvent():
            moved_review = replace(event, event_timestamp=event.event_timestamp + later)
            return draw(
                st.sampled_from(
                    [
                        moved_review,
                        replace(moved_review, branch_name=draw(st.sampled_from(_BRANCHES))),
                        replace(moved_review, head_sha=draw(st.sampled_from([None, *_COMMITS]))),
                        replace(moved_review, base_branch=draw(st.sampled_from(_LINES))),
                    ]
                )
            )
        case CicdEvent():
            moved_step = replace(event, event_timestamp=event.event_timestamp + later)
            return draw(
                st.sampled_from(
                    [
                        moved_step,
                        replace(moved_step, commit_sha=draw(st.sampled_from([None, *_COMMITS]))),
                        replace(moved_step, repository=None),
                        replace(moved_step, environment=draw(st.sampled_from(["production", "stage"]))),
                        replace(moved_step, rollback_of=draw(st.sampled_from([None, "1", "2"]))),
                    ]
                )
            )
        case PushEvent():
            return replace(event, event_timestamp=event.event_timestamp + later)
        case IncidentEvent():
            return replace(event, service_name=draw(st.sampled_from(["core", "apps", "nobody"])))
        case _:
            return event


@st.composite
def _heard(draw: st.DrawFn, events: Sequence[Event]) -> Happening:
    retold = draw(st.lists(st.sampled_from(events), max_size=3)) if draw(st.booleans()) else []
    told = deliveries([[event] for event in (*events, *(draw(_told_otherwise(event)) for event in retold))])
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    heard = draw(st.permutations(told + again))
    return Happening(told, heard, draw(st.lists(st.integers(1, 5), max_size=6)))


_LINES = ["main", "develop"]
_COMMITS = ["c1", "c2", "c3"]


@st.composite
def _pull_request_of_line(draw: st.DrawFn, number: int) -> list[Event]:
    """A pull request that is opened and maybe merged, on a branch of its own or from line to line."""
    branch = draw(st.sampled_from([f"feature/PAY-{number}", f"feature/PAY-{number}", "develop", "feature/shared"]))
    base = "main" if branch == "develop" else draw(st.sampled_from(_LINES))
    begun = draw(st.integers(0, 8))

    def event(kind: PullRequestEventType, hours: float, **told: str | None) -> Event:
        return pull_request_event(
            kind,
            hours,
            number=number,
            branch=branch,
            base=base,
            change=f"{number}-{kind}",
            **told,  # type: ignore[arg-type]
        )

    events = [event(P.OPENED, begun, head_sha=draw(st.sampled_from([None, *_COMMITS])))]
    if draw(st.booleans()):
        events.append(event(P.REVIEW_SUBMITTED, begun + 1, reviewer="reviewer"))
    if draw(st.integers(0, 3)):
        merged = begun + draw(st.integers(1, 8))
        events.append(event(P.MERGED, merged, merge_sha=draw(st.sampled_from([None, *_COMMITS]))))
    return events


@st.composite
def _run(draw: st.DrawFn, number: int) -> list[Event]:
    """A deployment, or a rollback that names one or none."""
    run, begun, production = (
        str(number),
        draw(st.integers(0, 18)),
        draw(st.sampled_from(["production"] * 4 + ["stage"])),
    )
    if draw(st.integers(0, 3)) == 0:
        undone = draw(st.sampled_from([None, "1", "2"]))
        back = deployment_event(
            C.ROLLBACK_COMPLETED, begun + 0.5, run=f"back-{run}", environment=production, rollback_of=undone
        )
        return [back]
    told = {
        "run": run,
        "environment": production,
        "branch": draw(st.sampled_from([None, "main", "main", "develop", "v1.2"])),
        "commit": draw(st.sampled_from([None, *_COMMITS])),
        "number": draw(st.sampled_from([None, None, 1, 2])),
        "is_config_only": draw(st.integers(0, 5)) == 0,
    }
    end = draw(st.sampled_from([C.DEPLOY_COMPLETED] * 4 + [C.DEPLOY_FAILED]))
    closing = deployment_event(end, begun + draw(st.sampled_from([0, 0.25, 1.5])), **told)  # type: ignore[arg-type]
    return [deployment_event(C.DEPLOY_STARTED, begun, **told), closing]  # type: ignore[arg-type]


@st.composite
def _incident(draw: st.DrawFn) -> Event:
    return incident_event(
        draw(st.sampled_from(list(I))),
        draw(st.integers(0, 40)) / 2,
        incident=draw(st.sampled_from(["INC-1", "INC-2"])),
        service=draw(st.sampled_from(["core", "ecs:core", "nobody"])),
    )


@st.composite
def releases(draw: st.DrawFn) -> Happening:
    """Pull requests on their way to users, with what goes wrong there, in any order and some of it twice."""
    events: list[Event] = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        events += draw(_pull_request_of_line(number))
    for number in range(1, draw(st.integers(1, 4)) + 1):
        events += draw(_run(number))
    incidents = draw(st.lists(_incident(), max_size=4))
    events += {event.identity: event for event in incidents}.values()
    for place in range(draw(st.integers(0, 3))):
        branch = draw(st.sampled_from(["feature/PAY-1", "feature/shared", "develop"]))
        events.append(push_event(draw(st.integers(0, 10)) - 0.5, branch=branch, last=f"p{place}"))
    if draw(st.booleans()):
        events.append(ticket_event(T.CREATED, 1, key="PAY-1", issue="10001", status="Open", change="1"))
    return draw(_heard(events))
