"""What is calculated, and what stands around it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from dpp.application.collector import collector_paused
from dpp.application.derivation import (
    TicketInputs,
    attributes_of,
    chosen_ticket,
    isolate,
)
from dpp.application.derive import Derivation
from dpp.application.derived_rows import TicketRows
from dpp.application.identities import PullRequestId, pull_request_of
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.errors import Unavailable
from dpp.domain.events import TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.histories import TicketColumns
from tests.support.derivation import (
    CALENDAR,
    CONFIGURATION,
    DERIVE,
    LOGISTICS,
    PAYMENTS,
    at,
    finished_ticket,
    ticket_event,
)

T = WorkItemEventType


def _inputs(*events: WorkItemEvent) -> TicketInputs:
    items = sorted({event.item for event in events})
    changes = {item: [attributes_of(event) for event in events if event.item == item] for item in items}
    return TicketInputs(columns=TicketColumns.from_events(events), changes=changes)


def _rows(*events: WorkItemEvent, derive: Derivation = DERIVE) -> TicketRows:
    return derive.tickets(_inputs(*events), CONFIGURATION)


def test_one_ticket_and_many_come_to_the_same() -> None:
    """The rows of tickets that are derived together are those of each derived alone."""
    lives = [finished_ticket(number=number, begin=number * 3.1) for number in range(1, 6)]
    together = _rows(*(event for life in lives for event in life))
    alone = [_rows(*life) for life in lives]
    for name in TicketRows._fields:
        assert [row for rows in alone for row in getattr(rows, name)] == getattr(together, name)


def test_superseded_completions_keep_what_the_ticket_was_then() -> None:
    """A completion that was taken back has the key, stream and fields that held just before it was taken back."""
    bug = TicketFields(ticket_type="bug", story_points=5.0, jira_sprint_id="7")
    events = (
        *finished_ticket(),
        ticket_event(T.TRANSITIONED, 60, key="LOG-5", status="Doing", change="900", fields=bug),
        ticket_event(T.TRANSITIONED, 70, key="LOG-5", status="Closed", change="901", fields=bug),
    )
    first, second = _rows(*events).cycles
    assert ("PAY-1", PAYMENTS, "story", None, False) == (
        first.ticket_id,
        first.delivery_stream_id,
        first.ticket_type,
        first.story_points,
        first.counts,
    )
    assert ("LOG-5", LOGISTICS, "bug", 5.0, True) == (
        second.ticket_id,
        second.delivery_stream_id,
        second.ticket_type,
        second.story_points,
        second.counts,
    )
    assert second.sprint_id is not None
    assert first.cycle_id != second.cycle_id


def test_durations_add_up_to_the_cycle() -> None:
    """The times under the labels add up to the cycle time, and active and waiting time do as well."""
    (cycle,) = _rows(*finished_ticket(begin=90)).cycles
    assert cycle.cycle_time_days is not None
    assert cycle.active_time_days is not None
    assert cycle.wait_time_days is not None
    assert cycle.cycle_time_days == pytest.approx(sum(cycle.stage_durations.values()), abs=1e-12)
    assert cycle.cycle_time_days == cycle.active_time_days + cycle.wait_time_days


def test_calendar_is_that_of_the_stream() -> None:
    """The time of a ticket runs on the calendar of its own delivery stream."""
    holiday = BusinessCalendar(zone="UTC", holidays=frozenset({at(24).date()}))
    derive = Derivation(calendar_of=lambda _, stream: holiday if stream == LOGISTICS else CALENDAR)
    events = (*finished_ticket(number=1), *finished_ticket(number=2, project="LOG"))
    # From Monday 11:00 to Tuesday 23:00 is a day and a half, of which the Tuesday counts for nothing in logistics.
    assert [36 / 24, 13 / 24] == [cycle.cycle_time_days for cycle in _rows(*events, derive=derive).cycles]


def test_ticket_that_is_nowhere_yet() -> None:
    """A ticket of which only a changed field is known has a row without a stage, and was created by then."""
    rows = _rows(ticket_event(T.UPDATED, 4, change="1"))
    (row,) = rows.work_items
    assert (None, None, None, None) == (row.stage, row.status, row.entered_at, row.is_active_work)
    assert row.created_at == rows.attributions[0].valid_from
    assert not rows.stays


def test_deleted_ticket() -> None:
    """A deleted ticket is marked as such and has no completion that counts."""
    rows = _rows(*finished_ticket(), ticket_event(T.DELETED, 100, change="999"))
    assert [(True, "deleted", None)] == [(row.is_deleted, row.stage, row.completed_at) for row in rows.work_items]
    assert [False] == [cycle.counts for cycle in rows.cycles]


def test_nothing_comes_to_nothing() -> None:
    """Without tickets there are no rows."""
    assert TicketRows([], [], [], []) == _rows()


def test_equal_neighbours_may_be_missing() -> None:
    """Leaving out events that say the same as those before them changes no row."""
    events = finished_ticket()
    inputs = _inputs(*events)
    sparse = replace(inputs, changes={"10001": inputs.changes["10001"][:1]})
    assert DERIVE.tickets(inputs, CONFIGURATION) == DERIVE.tickets(sparse, CONFIGURATION)


def test_key_of_a_pull_request() -> None:
    """The key of a pull request names its repository and number, or nothing when its repository was not known."""
    repository = UUID(int=5)
    assert PullRequestId(repository, 7) == pull_request_of(StaleKey(StaleKind.PULL_REQUEST, f"{repository}/7"))
    assert pull_request_of(StaleKey(StaleKind.PULL_REQUEST, "None/7")) is None


def test_ticket_that_has_a_key_now_goes_first() -> None:
    """Of two tickets that had a key the one that has it now is meant, else the first by identity."""
    former, present = ("1", "LOG-5", LOGISTICS), ("2", "PAY-1", PAYMENTS)
    assert ("2", PAYMENTS) == chosen_ticket("PAY-1", [former, present])
    assert ("1", LOGISTICS) == chosen_ticket("PAY-9", [present, former])
    assert chosen_ticket("PAY-1", []) is None


def test_isolation_finds_those_that_fail() -> None:
    """Of many keys exactly those that fail are told to have failed, each with its reason."""
    keys = [StaleKey(StaleKind.TICKET, str(number)) for number in range(20)]
    bad = {keys[3], keys[17]}
    attempts: list[int] = []

    async def attempt(some: Sequence[StaleKey]) -> Collection[StaleKey]:
        attempts.append(len(some))
        if not bad.isdisjoint(some):
            raise ValueError("no")
        return [StaleKey(StaleKind.PULL_REQUEST, key.key) for key in some]

    outcome = asyncio.run(isolate(keys, attempt))
    assert dict.fromkeys(bad, "ValueError: no") == outcome.failed
    assert set(keys) - bad == set(outcome.done)
    assert 18 == len(outcome.marked)
    assert len(attempts) < 20


def test_outage_is_no_fault_of_a_key() -> None:
    """When the store goes away in the middle, that is told and blamed on nothing."""

    async def attempt(_: Sequence[StaleKey]) -> Collection[StaleKey]:
        raise Unavailable("gone")

    with pytest.raises(Unavailable):
        asyncio.run(isolate([StaleKey(StaleKind.TICKET, "1")], attempt))


def test_days_are_exact_binary_fractions_of_ticks() -> None:
    """Numbers of days are plain floats that a store can keep, not numpy's."""
    (cycle,) = _rows(*finished_ticket()).cycles
    assert not any(isinstance(cell, np.generic) for cell in cycle)


def test_collector_is_paused_and_goes_on() -> None:
    """The garbage collector rests within the block and works after it, even after an error."""

    def fail() -> None:
        with collector_paused():
            raise ValueError(str(gc.isenabled()))

    with pytest.raises(ValueError, match="False"):
        fail()
    assert gc.isenabled()
