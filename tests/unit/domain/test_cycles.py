"""Cycles worked out by hand; `test_cycles_brute_force` compares with a second implementation."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from dpp.domain.calendar import TICKS_PER_DAY, BusinessCalendar, to_micros
from dpp.domain.configuration import Configuration, JiraProject
from dpp.domain.cycles import fold_histories
from dpp.domain.errors import InvalidInput
from dpp.domain.events import TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.folded import Folded
from dpp.domain.histories import FOREVER, NEVER, InvalidHistory, StatusKey, TicketColumns
from dpp.domain.positions import LABELS, STAGES
from dpp.domain.stages import Stage, StatusMapping

CREATED, TRANSITIONED, COMPLETED = (
    WorkItemEventType.CREATED,
    WorkItemEventType.TRANSITIONED,
    WorkItemEventType.COMPLETED,
)
STATUSES = {
    "Backlog": (Stage.BACKLOG, False),
    "In Analysis": (Stage.BA, True),
    "In Progress": (Stage.DEV, True),
    "Ready for QA": (Stage.QA, False),
    "In QA": (Stage.QA, True),
    "Closed": (Stage.DONE, False),
    "Rejected": (Stage.CANCELLED, False),
}
CONFIGURATION = Configuration(
    jira_projects=(JiraProject(key="PAY", cancelled_resolutions=("Won't Do",)),),
    status_mappings=tuple(
        StatusMapping(project="PAY", status=status, stage=stage, active=active)
        for status, (stage, active) in STATUSES.items()
    ),
)
CALENDAR = BusinessCalendar(zone="UTC")


def at(text: str) -> datetime:
    """Monday 2 March 2026 and the days after it: ``"02 12:00"``."""
    return datetime.strptime(f"2026-03-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def happened(when: str, to_status: str | None = None, **more: object) -> WorkItemEvent:
    """An event of PAY-1, a transition unless said otherwise."""
    values: dict[str, object] = {
        "event_type": TRANSITIONED,
        "event_timestamp": at(when),
        "ticket_id": "PAY-1",
        "project_key": "PAY",
        "issue_id": "1",
        "to_status": to_status,
    } | more
    return WorkItemEvent(**values)  # type: ignore[arg-type]


def folded(*events: WorkItemEvent, configuration: Configuration = CONFIGURATION) -> Folded:
    """What the events come to on weekdays in UTC."""
    return fold_histories(TicketColumns.from_events(events), configuration=configuration, calendars=[CALENDAR])


def durations(result: Folded, completion: int = 0) -> dict[str, float]:
    """Working days under each label that the cycle has visited."""
    done = result.completions
    days = (done.label_ticks[completion] / TICKS_PER_DAY).tolist()
    return {name: days[code] for code, name in enumerate(LABELS) if done.visited[completion, code]}


def test_a_plain_cycle() -> None:
    """A cycle runs from the first active status to done, and its time divides into work and waiting."""
    result = folded(
        happened("02 00:00", "Backlog", event_type=CREATED),
        happened("03 00:00", "In Progress"),
        happened("04 12:00", "Ready for QA"),
        happened("05 00:00", "In QA"),
        happened("05 06:00", "Closed"),
        happened("05 06:00", event_type=COMPLETED, resolution="Done"),
    )
    done = result.completions
    assert {"dev": 1.5, "qa_queue": 0.5, "qa": 0.25} == durations(result)
    assert [2.25] == done.cycle_days.tolist()
    assert [1.75 / 2.25 * 100] == pytest.approx(done.flow_efficiency_pct.tolist(), rel=1e-15)
    assert [3.25 * TICKS_PER_DAY] == done.lead_ticks.tolist()
    assert [0.5 * TICKS_PER_DAY] == done.wait_ticks.tolist()
    assert [to_micros(at("05 06:00"))] == done.completed_at.tolist()
    assert [FOREVER] == done.reopened_at.tolist()


def test_a_weekend_does_not_count() -> None:
    """Friday 18:00 to Monday 06:00 is half a working day."""
    result = folded(happened("06 18:00", "In Progress"), happened("09 06:00", "Closed"))
    assert [0.5] == result.completions.cycle_days.tolist()


def test_a_cycle_of_a_weekend_has_no_efficiency() -> None:
    """A cycle that passes wholly on free days takes 0 and has no active share, but it has been in its stage."""
    result = folded(happened("07 09:00", "In Progress"), happened("08 09:00", "Closed"))
    assert [0.0] == result.completions.cycle_days.tolist()
    assert np.isnan(result.completions.flow_efficiency_pct).tolist() == [True]
    assert {"dev": 0.0} == durations(result)


def test_going_back_does_not_restart_the_cycle() -> None:
    """Time back in the backlog and time in done before a re-opening are waiting within the one cycle."""
    result = folded(
        happened("02 00:00", "In Progress"),
        happened("03 00:00", "Backlog"),
        happened("04 00:00", "In Progress"),
        happened("05 00:00", "Closed"),
        happened("05 12:00", "In QA"),
        happened("06 00:00", "Closed"),
    )
    done = result.completions
    assert {"dev": 2.0, "backlog": 1.0} == durations(result, 0)
    assert {"dev": 2.0, "backlog": 1.0, "done": 0.5, "qa": 0.5} == durations(result, 1)
    assert [3.0, 4.0] == done.cycle_days.tolist()
    assert [to_micros(at("05 12:00")), FOREVER] == done.reopened_at.tolist()
    assert [True, False] == done.counted_at(to_micros(at("05 11:59"))).tolist()
    assert [False, False] == done.counted_at(to_micros(at("05 12:00"))).tolist()


def test_never_active() -> None:
    """A ticket that nobody is known to have worked on has no cycle, but a lead time."""
    result = folded(happened("02 00:00", "Backlog", event_type=CREATED), happened("03 00:00", "Closed"))
    done = result.completions
    assert [NEVER] == done.first_in_progress.tolist()
    assert [-1, -1, -1, -1] == [
        int(part[0]) for part in (done.cycle_ticks, done.active_ticks, done.wait_ticks, done.blocked_ticks)
    ]
    assert [TICKS_PER_DAY] == done.lead_ticks.tolist()
    assert np.isnan(done.cycle_days).tolist() == [True]
    assert {} == durations(result)


def test_work_after_an_unworked_completion_measures_the_next_only() -> None:
    """The first completion knows no work; the second begins with the work that followed the first."""
    done = folded(
        happened("02 00:00", "Closed"), happened("03 00:00", "In QA"), happened("04 00:00", "Closed")
    ).completions
    assert [False, True] == done.measured.tolist()
    assert [1.0] == done.cycle_days[1:].tolist()


def test_a_resolution_completes_without_a_status() -> None:
    """The completed event is the completion when it comes before the done status."""
    done = folded(
        happened("02 00:00", "In QA"),
        happened("03 00:00", event_type=COMPLETED, resolution="Fixed"),
        happened("04 00:00", "Closed"),
    ).completions
    assert [1.0] == done.cycle_days.tolist()


@pytest.mark.parametrize(
    "ending",
    [
        (happened("03 00:00", "Rejected"),),
        (happened("03 00:00", "Rejected"), happened("03 00:00", event_type=COMPLETED, resolution="Done")),
        (happened("03 00:00", "Closed"), happened("03 00:00", event_type=COMPLETED, resolution=" won't do ")),
        (happened("03 00:00", "Closed", fields=TicketFields(resolution="Won't Do")),),
        (happened("03 00:00", event_type=COMPLETED, resolution="Won't Do"), happened("03 01:00", "Closed")),
    ],
    ids=["status", "status-wins", "resolution-wins", "resolution-told", "resolution-remembered"],
)
def test_a_cancelled_ticket_is_not_completed(ending: tuple[WorkItemEvent, ...]) -> None:
    """A cancelled status or a cancelling resolution is no completion."""
    result = folded(happened("02 00:00", "In Progress"), *ending)
    assert 0 == len(result.completions.item)
    assert [LABELS.index("cancelled")] == result.current.position.tolist()


def test_a_cancellation_is_forgotten_after_reopening() -> None:
    """Work that was cancelled, taken up again and closed is done."""
    result = folded(
        happened("02 00:00", event_type=COMPLETED, resolution="Won't Do"),
        happened("03 00:00", "In Progress"),
        happened("04 00:00", "Closed"),
    )
    assert [1.0] == result.completions.cycle_days.tolist()
    assert {"dev": 1.0} == durations(result)


def test_a_cleared_resolution_is_no_cancellation() -> None:
    """A done status whose ticket says that it has no resolution is done, whatever it was before."""
    result = folded(
        happened("02 00:00", event_type=COMPLETED, resolution="Won't Do"),
        happened("03 00:00", "Closed", fields=TicketFields()),
    )
    assert [LABELS.index("done")] == result.current.position.tolist()


def test_a_changed_mapping_changes_the_past() -> None:
    """A status is read as it is mapped now, and an unmapped one waits under its own label."""
    events = (happened("02 00:00", "In Progress"), happened("03 00:00", "Odd"), happened("04 00:00", "Closed"))
    assert {"dev": 1.0, "unmapped": 1.0} == durations(folded(*events))
    mapped = Configuration(
        status_mappings=(
            *CONFIGURATION.status_mappings,
            StatusMapping(project="PAY", status="odd", stage=Stage.UAT, active=True),
        )
    )
    assert {"dev": 1.0, "uat": 1.0} == durations(folded(*events, configuration=mapped))


def test_a_moved_ticket_is_one() -> None:
    """A ticket that moved to another project keeps its history, each status read in the project that it was in."""
    result = folded(
        happened("02 00:00", "In Progress"),
        happened("03 00:00", "In Progress", ticket_id="API-9", project_key="API"),
        happened("04 00:00", "Closed"),
    )
    assert {"dev": 1.0, "unmapped": 1.0} == durations(result)


def test_a_flag_is_counted_beside() -> None:
    """Flagged time counts within the cycle only, and changes neither work nor waiting."""
    result = folded(
        happened("02 00:00", event_type=WorkItemEventType.BLOCKED),
        happened("03 00:00", "In Progress"),
        happened("04 00:00", event_type=WorkItemEventType.UNBLOCKED),
        happened("04 12:00", event_type=WorkItemEventType.FLAGGED),
        happened("05 00:00", "Closed"),
    )
    assert [1.5 * TICKS_PER_DAY] == result.completions.blocked_ticks.tolist()
    assert [2 * TICKS_PER_DAY] == result.completions.active_ticks.tolist()
    assert [to_micros(at("04 12:00"))] == result.current.blocked_since.tolist()


def test_a_deleted_ticket_is_nowhere() -> None:
    """Deletion takes a ticket out of its last position and ends its completion."""
    result = folded(
        happened("02 00:00", "In Progress"),
        happened("03 00:00", "Closed"),
        happened("04 00:00", event_type=WorkItemEventType.DELETED),
    )
    assert ["dev", "done", "deleted"] == [STAGES[stage] for stage in result.stays.stage]
    assert [to_micros(at("04 00:00"))] == result.completions.reopened_at.tolist()


def test_the_told_creation_counts() -> None:
    """Lead time begins when the source says the ticket was created, even if no event of that time is known."""
    told = TicketFields(created_at=at("02 00:00"))
    result = folded(happened("03 00:00", "In QA", fields=told), happened("04 00:00", "Closed"))
    assert [2 * TICKS_PER_DAY] == result.completions.lead_ticks.tolist()
    assert [to_micros(at("02 00:00"))] == result.current.created_at.tolist()


def test_the_number_of_a_change_orders_an_instant() -> None:
    """Of two moves in one instant the one with the later change number is where the ticket stands."""
    first = happened("02 00:00", "In QA", source_change_id="9")
    second = happened("02 00:00", "In Progress", source_change_id="10")
    for events in ((first, second), (second, first)):
        assert [LABELS.index("dev")] == folded(*events).current.position.tolist()


def test_one_change_reported_twice_is_one() -> None:
    """A change that comes again by another way, a second later, counts once, at the earlier time."""
    seen = happened("02 00:00", "In Progress", source_change_id="5")
    again = happened("02 00:01", "In Progress", source_change_id="5")
    back = happened("02 00:00", "Backlog", source_change_id="6")
    stays = folded(again, back, seen).stays
    assert [LABELS.index("backlog")] == stays.position.tolist()


def test_calendars_differ_by_ticket() -> None:
    """Each ticket is measured by its own calendar."""
    events = [
        happened("02 00:00", "In Progress"),
        happened("04 00:00", "Closed"),
        happened("02 00:00", "In Progress", issue_id="2", ticket_id="PAY-2"),
        happened("04 00:00", "Closed", issue_id="2", ticket_id="PAY-2"),
    ]
    free_tuesday = BusinessCalendar(zone="UTC", holidays=frozenset({date(2026, 3, 3)}))
    done = fold_histories(
        TicketColumns.from_events(events),
        configuration=CONFIGURATION,
        calendars=[CALENDAR, free_tuesday],
        calendar_of=np.array([1, 0]),
    ).completions
    assert [1.0, 2.0] == done.cycle_days.tolist()
    assert [TICKS_PER_DAY, 2 * TICKS_PER_DAY] == done.lead_ticks.tolist()


def test_no_events_fold_to_nothing() -> None:
    """Without events there are no stays, completions or positions."""
    result = folded()
    assert [0, 0, 0] == [len(part.item) for part in (result.stays, result.completions, result.current)]


def test_a_ticket_of_which_only_a_flag_is_known_has_no_position() -> None:
    """A flag alone does not tell where a ticket is."""
    result = folded(happened("02 00:00", event_type=WorkItemEventType.FLAGGED))
    assert [0, 0, 0] == [len(part.item) for part in (result.stays, result.completions, result.current)]


def test_wrong_columns_are_refused() -> None:
    """Columns of other lengths, or with codes that point nowhere, are refused by name."""
    good = TicketColumns.from_events([happened("02 00:00", "In QA")])
    values = {name: getattr(good, name) for name in TicketColumns.__slots__}
    for name, wrong in {
        "time": np.array([1, 2]),
        "item": np.array([1]),
        "kind": np.array([9], dtype=np.int8),
        "status_code": np.array([-1], dtype=np.int32),
        "change": np.array([1.5]),
    }.items():
        with pytest.raises(InvalidHistory) as caught:
            TicketColumns(**(values | {name: wrong}))
        assert name == caught.value.field


def test_a_fold_needs_a_calendar_for_each_ticket() -> None:
    """No calendar, and a calendar number that is none, are refused."""
    columns = TicketColumns.from_events([happened("02 00:00", "In QA")])
    with pytest.raises(InvalidInput):
        fold_histories(columns, configuration=CONFIGURATION, calendars=[])
    with pytest.raises(InvalidInput):
        fold_histories(columns, configuration=CONFIGURATION, calendars=[CALENDAR], calendar_of=np.array([1]))


def test_a_stored_stage_stands_in_for_a_mapping() -> None:
    """A status without a mapping takes the stage stored with it; an unknown stage is unmapped."""
    good = TicketColumns.from_events(
        [happened("02 00:00", "Odd"), happened("02 00:00", "Odd", issue_id="2", ticket_id="PAY-2")]
    )
    values = {name: getattr(good, name) for name in TicketColumns.__slots__} | {
        "statuses": (StatusKey("PAY", "Odd", "uat", True), StatusKey("PAY", "Odd", "nonsense", True)),
        "status_code": np.array([0, 1], dtype=np.int32),
    }
    result = fold_histories(TicketColumns(**values), configuration=CONFIGURATION, calendars=[CALENDAR])
    assert ["uat", "unmapped"] == [LABELS[position] for position in result.current.position]


def test_equal_neighbours_are_one_stay() -> None:
    """A position reported again does not end a stay."""
    result = folded(happened("02 00:00", "In QA"), happened("02 00:01", "In QA"), happened("03 00:00", "Closed"))
    assert [to_micros(at("02 00:00"))] == result.stays.entered[:1].tolist()
    assert 2 == len(result.stays.item)
    later = at("02 00:00") + timedelta(hours=5)
    assert [True, False] == result.stays.held_at(to_micros(later)).tolist()


def test_a_flag_does_not_make_a_cancellation_forgotten() -> None:
    """What happens to the flag between a cancelling resolution and a done status changes nothing."""
    result = folded(
        happened("02 00:00", event_type=COMPLETED, resolution="Won't Do"),
        happened("03 00:00", event_type=WorkItemEventType.BLOCKED),
        happened("04 00:00", "Closed"),
    )
    assert [LABELS.index("cancelled")] == result.current.position.tolist()


def test_deletion_is_the_last_of_an_instant() -> None:
    """A deletion, which has no change number, comes after every numbered change of the same instant."""
    gone = happened("02 00:00", event_type=WorkItemEventType.DELETED)
    result = folded(gone, happened("02 00:00", "In QA", source_change_id="12"))
    assert [LABELS.index("deleted")] == result.current.position.tolist()


def test_a_status_of_no_time_is_not_visited() -> None:
    """A status that was left in the instant of its entering takes no part in the averages."""
    result = folded(
        happened("02 00:00", "In Progress"),
        happened("03 00:00", "In QA", source_change_id="1"),
        happened("03 00:00", "Ready for QA", source_change_id="2"),
        happened("04 00:00", "Closed"),
    )
    assert {"dev": 1.0, "qa_queue": 1.0} == durations(result)
