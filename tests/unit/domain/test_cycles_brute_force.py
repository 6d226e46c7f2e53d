"""The fold against a second one that shares no idea with it: plain Python, ticket by ticket, hour by hour.

Histories last some days on a grid of six hours, so that events often share an instant, and weekends fall into them.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.calendar import TICKS_PER_DAY, BusinessCalendar, to_micros
from dpp.domain.configuration import Configuration, JiraProject
from dpp.domain.cycles import fold_histories
from dpp.domain.events import TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.folded import Folded
from dpp.domain.histories import FOREVER, NEVER, TicketColumns
from dpp.domain.positions import IS_ACTIVE, LABELS
from dpp.domain.stages import Stage, StatusMapping

START = datetime(2026, 3, 5, tzinfo=UTC)  # a Thursday
HOUR = timedelta(hours=1)
TICKS_PER_HOUR = TICKS_PER_DAY // 24

# Of each project: what a status is called, and the label of time in it.
MEANING = {
    ("PAY", "Backlog"): "backlog",
    ("PAY", "Dev"): "dev",
    ("PAY", "Ready for QA"): "qa_queue",
    ("PAY", "QA"): "qa",
    ("PAY", "Closed"): "done",
    ("PAY", "Released"): "done",
    ("PAY", "Rejected"): "cancelled",
    ("API", "Dev"): "dev_queue",
    ("API", "QA"): "backlog",
    ("API", "Closed"): "done",
}
NAMES = ("Backlog", "Dev", "Ready for QA", "QA", "Closed", "Released", "Rejected", "Nobody knows")
RESOLUTIONS = ("Done", "Duplicate")
CONFIGURATION = Configuration(
    jira_projects=(JiraProject(key="PAY", cancelled_resolutions=("duplicate",)), JiraProject(key="API")),
    status_mappings=tuple(
        StatusMapping(
            project=project,
            status=status,
            stage=Stage(label.removesuffix("_queue")),
            active=label in ("dev", "qa"),
        )
        for (project, status), label in MEANING.items()
    ),
)
CALENDAR = BusinessCalendar(zone="UTC")

ORDER = ("created", "transitioned", "completed", "blocked", "unblocked", "deleted")
PLAIN_COLUMNS = ("item", "time", "kind", "rank", "change", "resolution_code")
STATUS_EVENTS = (WorkItemEventType.CREATED, WorkItemEventType.TRANSITIONED)


@st.composite
def work_item_events(draw: st.DrawFn) -> WorkItemEvent:
    """Any event of one of two tickets, at one of 25 times within six days."""
    kinds = (*ORDER, "transitioned", "transitioned", "transitioned", "completed")
    kind = WorkItemEventType(draw(st.sampled_from(kinds)))
    project = draw(st.sampled_from(("PAY", "PAY", "PAY", "API")))
    item = draw(st.sampled_from("112"))
    told = draw(st.sampled_from((None, None, "empty", *RESOLUTIONS)))
    return WorkItemEvent(
        event_type=kind,
        event_timestamp=START + HOUR * 6 * draw(st.integers(0, 24)),
        ticket_id=f"{project}-{item}",
        project_key=project,
        issue_id=item,
        source_change_id=draw(st.one_of(st.none(), st.integers(1, 10_000).map(str))),
        to_status=draw(st.sampled_from(NAMES)) if kind in STATUS_EVENTS else None,
        resolution=draw(st.sampled_from(RESOLUTIONS)) if kind is WorkItemEventType.COMPLETED else None,
        fields=None if told is None else TicketFields(resolution=None if told == "empty" else told),
    )


def distinct_changes(events: list[WorkItemEvent]) -> list[WorkItemEvent]:
    """Leave no two reports of one fact, so that the second fold need not know which of two counts."""
    kept: dict[tuple[object, ...], WorkItemEvent] = {}
    for event in events:
        change = event.source_change_id
        kept[event.issue_id, event.event_type, change or (event.event_timestamp, event.ticket_id)] = event
    return list(kept.values())


histories = st.lists(work_item_events(), max_size=24).map(distinct_changes)


def folded(events: list[WorkItemEvent]) -> Folded:
    """The fold under test."""
    return fold_histories(TicketColumns.from_events(events), configuration=CONFIGURATION, calendars=[CALENDAR])


@dataclass
class Life:
    """A ticket as the second fold walks through its events."""

    label: str | None = None
    status_label: str | None = None
    resolution: str | None = None
    flag: bool = False
    first_active: datetime | None = None


def happened_before(event: WorkItemEvent) -> tuple[object, ...]:
    """The order of a ticket's events, as it is promised."""
    kind = event.event_type.value
    phase = {"created": 0, "deleted": 2}.get(kind, 1)
    told = event.resolution or (event.fields and event.fields.resolution) or ""
    is_told = event.resolution is not None or event.fields is not None
    status = event.to_status if kind in ("created", "transitioned") else None
    status_key = (status is not None, event.project_key if status else "", status or "")
    resolution_key = (is_told, event.project_key if is_told else "", told != "", told)
    change = int(event.source_change_id or 0)
    return (event.event_timestamp, phase, change, ORDER.index(kind), status_key, resolution_key)


def is_cancelling(project: str, resolution: str | None) -> bool:
    """Only PAY has a cancelling resolution."""
    return project == "PAY" and resolution == "Duplicate"


def step(life: Life, event: WorkItemEvent) -> None:
    """Let one event happen to a ticket."""
    kind = event.event_type.value
    told = event.resolution or (event.fields.resolution if event.fields else None)
    if kind in ("blocked", "unblocked"):
        life.flag = kind == "blocked"
        return
    if kind == "deleted":
        life.label = "deleted"
        life.resolution = "cancelling" if is_cancelling(event.project_key, told) else None
        return
    if kind == "completed":
        life.resolution = "cancelling" if is_cancelling(event.project_key, told) else "ordinary"
        cancelled = life.resolution == "cancelling" or life.status_label == "cancelled"
        life.label = "cancelled" if cancelled else "done"
        return
    meant = MEANING.get((event.project_key, event.to_status or ""), "unmapped")
    is_told = event.fields is not None
    if is_told or meant != "done":
        life.resolution = "cancelling" if is_cancelling(event.project_key, told) else None
    life.status_label = meant
    life.label = "cancelled" if meant == "done" and life.resolution == "cancelling" else meant
    if meant in ("dev", "qa"):
        life.first_active = life.first_active or event.event_timestamp


def hours_between(start: datetime, end: datetime) -> list[datetime]:
    """Every hour that begins in the span."""
    return [start + HOUR * hour for hour in range(int((end - start) / HOUR))]


def worked(hours: list[datetime]) -> int:
    """Business time of whole hours, in ticks."""
    return TICKS_PER_HOUR * sum(hour.weekday() < 5 for hour in hours)


def brute_force(events: list[WorkItemEvent]) -> list[dict[str, object]]:
    """Every completion of every ticket, found by letting the events happen and by looking at every hour."""
    found: list[dict[str, object]] = []
    for item in sorted({event.item for event in events}):
        mine = sorted((event for event in events if event.item == item), key=happened_before)
        found.extend(completions_of(item, mine))
    return found


def completions_of(item: str, mine: list[WorkItemEvent]) -> list[dict[str, object]]:
    """The completions of one ticket, whose events are in order."""
    life, last_label = Life(), None
    label_at: dict[datetime, str | None] = {}
    flag_at: dict[datetime, bool] = {}
    runs: list[dict[str, object]] = []
    open_run: dict[str, object] | None = None
    for number, event in enumerate(mine):
        step(life, event)
        if life.label == "done" and last_label != "done":
            open_run = {"item": item, "completed_at": event.event_timestamp, "begun": life.first_active}
            runs.append(open_run | {"reopened_at": None})
        elif last_label == "done" and life.label != "done":
            runs[-1]["reopened_at"] = event.event_timestamp
        last_label = life.label
        until = mine[number + 1].event_timestamp if number + 1 < len(mine) else event.event_timestamp
        for hour in hours_between(event.event_timestamp, until):
            label_at[hour], flag_at[hour] = life.label, life.flag
    lasting = [run for run in runs if run["reopened_at"] != run["completed_at"]]
    return [run | measures(run, mine[0].event_timestamp, label_at, flag_at) for run in lasting]


def measures(
    run: dict[str, object], created: datetime, label_at: dict[datetime, str | None], flag_at: dict[datetime, bool]
) -> dict[str, object]:
    """The times of one completion, counted hour by hour."""
    begun, completed = run["begun"], run["completed_at"]
    assert isinstance(completed, datetime)
    lead = worked(hours_between(created, completed))
    if not isinstance(begun, datetime):
        return {"lead": lead, "cycle": -1, "active": -1, "wait": -1, "blocked": -1, "labels": {}}
    hours = hours_between(begun, completed)
    labels = {name: worked([hour for hour in hours if label_at[hour] == name]) for name in map(label_at.get, hours)}
    active = sum(ticks for name, ticks in labels.items() if name in ("dev", "qa"))
    return {
        "lead": lead,
        "cycle": worked(hours),
        "active": active,
        "wait": worked(hours) - active,
        "blocked": worked([hour for hour in hours if flag_at[hour]]),
        "labels": labels,
    }


def as_found(events: list[WorkItemEvent]) -> list[dict[str, object]]:
    """The completions of the fold under test, in the words of the second one."""
    done, items = folded(events).completions, TicketColumns.from_events(events).items
    return [
        {
            "item": items[done.item[row]],
            "completed_at": START + timedelta(microseconds=int(done.completed_at[row]) - to_micros(START)),
            "begun": None if done.first_in_progress[row] == NEVER else moment(int(done.first_in_progress[row])),
            "reopened_at": None if done.reopened_at[row] == FOREVER else moment(int(done.reopened_at[row])),
            "lead": int(done.lead_ticks[row]),
            "cycle": int(done.cycle_ticks[row]),
            "active": int(done.active_ticks[row]),
            "wait": int(done.wait_ticks[row]),
            "blocked": int(done.blocked_ticks[row]),
            "labels": {
                LABELS[code]: int(done.label_ticks[row, code]) for code in np.flatnonzero(done.visited[row]).tolist()
            },
        }
        for row in range(len(done.item))
    ]


def moment(micros: int) -> datetime:
    """The time that microseconds stand for."""
    return START + timedelta(microseconds=micros - to_micros(START))


@given(histories)
def test_completions_are_those_of_the_second_fold(events: list[WorkItemEvent]) -> None:
    """Both folds find the same completions with the same times, to the last tick."""
    assert brute_force(events) == as_found(events)


@given(histories)
def test_positions_are_those_of_the_second_fold(events: list[WorkItemEvent]) -> None:
    """At every half hour, and at the end, the stays tell where each ticket is as the second fold does."""
    result, items = folded(events), TicketColumns.from_events(events).items
    for half_hours in (0, 1, 31, 77, 144, 145, 288, 289):
        now = START + HOUR * half_hours / 2
        held = result.stays.held_at(to_micros(now))
        found = {
            items[item]: LABELS[place]
            for item, place in zip(result.stays.item[held], result.stays.position[held], strict=True)
        }
        assert standing(events, now) == found
    at_last = {
        items[item]: LABELS[place] for item, place in zip(result.current.item, result.current.position, strict=True)
    }
    assert standing(events, START + HOUR * 1000) == at_last


def standing(events: list[WorkItemEvent], now: datetime) -> dict[str, str]:
    """Where each ticket is at a time, by letting happen what has happened until then."""
    lives: dict[str, Life] = {}
    for event in sorted(events, key=happened_before):
        if event.event_timestamp <= now:
            step(lives.setdefault(event.item, Life()), event)
    return {item: life.label for item, life in sorted(lives.items()) if life.label is not None}


@given(histories)
def test_flags_are_those_of_the_second_fold(events: list[WorkItemEvent]) -> None:
    """A ticket is blocked since its flag last went up, and not at all when it is down."""
    result, items = folded(events), TicketColumns.from_events(events).items
    found = {items[item]: since for item, since in zip(result.current.item, result.current.blocked_since, strict=True)}
    for item, since in found.items():
        up: int = NEVER
        for event in sorted((event for event in events if event.item == item), key=happened_before):
            if event.event_type is WorkItemEventType.BLOCKED and up == NEVER:
                up = to_micros(event.event_timestamp)
            elif event.event_type is WorkItemEventType.UNBLOCKED:
                up = NEVER
        assert up == since


@given(histories)
def test_the_parts_of_a_cycle_make_the_cycle(events: list[WorkItemEvent]) -> None:
    """Work and waiting add up to the cycle, and so do the labels, exactly."""
    done = folded(events).completions
    measured = done.measured
    assert (done.cycle_ticks == done.active_ticks + done.wait_ticks)[measured].all()
    assert (done.cycle_ticks == done.label_ticks.sum(axis=1))[measured].all()
    assert (done.active_ticks == done.label_ticks[:, IS_ACTIVE].sum(axis=1))[measured].all()
    assert (done.blocked_ticks <= done.cycle_ticks).all()
    assert (done.label_ticks >= 0).all()
    assert not done.visited[~measured].any()


def arrays(result: Folded) -> list[list[object]]:
    """Every number of a result."""
    return [
        getattr(part, field.name).tolist()
        for part in (result.stays, result.completions, result.current)
        for field in fields(part)
    ]


@given(st.lists(work_item_events(), max_size=20), st.integers(0, 2**32))
def test_order_and_repetition_change_nothing(events: list[WorkItemEvent], seed: int) -> None:
    """Any permutation and any repetition of the same events fold to the same, to the last digit."""
    random = Random(seed)
    mixed = events + random.choices(events, k=len(events)) if events else []
    random.shuffle(mixed)
    assert arrays(folded(events)) == arrays(folded(mixed))


@given(histories, st.integers(0, 2**32))
def test_the_order_of_rows_and_codes_changes_nothing(events: list[WorkItemEvent], seed: int) -> None:
    """Shuffled rows, repeated rows and a dictionary in another order fold to the same."""
    columns = TicketColumns.from_events(events)
    random = np.random.default_rng(seed)
    rows = random.permutation(np.repeat(np.arange(len(columns)), random.integers(1, 3, len(columns))))
    codes = random.permutation(len(columns.statuses))
    renamed = np.append(np.argsort(codes), -1).astype(np.int32)
    mixed = replace(
        columns,
        statuses=tuple(columns.statuses[code] for code in codes),
        **{name: getattr(columns, name)[rows] for name in PLAIN_COLUMNS},
        status_code=renamed[columns.status_code[rows]],
    )
    plain = fold_histories(columns, configuration=CONFIGURATION, calendars=[CALENDAR])
    other = fold_histories(mixed, configuration=CONFIGURATION, calendars=[CALENDAR])
    back = np.append(codes, -1)
    assert back[other.stays.status_code].tolist() == plain.stays.status_code.tolist()
    assert back[other.current.status_code].tolist() == plain.current.status_code.tolist()
    other = replace(
        other,
        stays=replace(other.stays, status_code=plain.stays.status_code),
        current=replace(other.current, status_code=plain.current.status_code),
    )
    assert arrays(plain) == arrays(other)


@given(histories)
def test_one_at_a_time_equals_all_at_once(events: list[WorkItemEvent]) -> None:
    """Folding each ticket alone gives what folding all of them gives."""
    alone = [
        row
        for item in sorted({event.item for event in events})
        for row in as_found([event for event in events if event.item == item])
    ]
    assert as_found(events) == alone
