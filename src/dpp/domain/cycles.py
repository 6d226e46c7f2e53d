"""From the histories of tickets to their stays, completions and current positions (§4.4.2, decisions 0007, 0008).

Time is counted in the whole ticks of a business calendar, so that the parts of a cycle add up to it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput
from dpp.domain.folded import Completions, CurrentPositions, Folded, Stays
from dpp.domain.histories import FOREVER, NEVER, Kind, OrderedColumns, TicketColumns, in_order
from dpp.domain.positions import DONE, IS_ACTIVE, LABELS, NOWHERE, Codes, last_before, resolve


def fold_histories(
    columns: TicketColumns,
    *,
    configuration: Configuration,
    calendars: Sequence[BusinessCalendar],
    calendar_of: IntArray | None = None,
) -> Folded:
    """
    Return the stays, completions and current positions of all tickets; it depends on the set of rows (decision 0003).

    Args:
        columns: rows in any order; repeated rows change nothing.
        configuration: what statuses and resolutions mean.
        calendars: at least one.
        calendar_of: shape (len(columns.items),), position in ``calendars``; the first one for all when None.

    Raises:
        InvalidInput: ``calendars`` is empty or ``calendar_of`` does not point into it for each ticket.
        TimeOutOfRange: a calendar does not cover an instant.
    """
    ordered = in_order(columns)
    return fold(ordered, resolve(ordered, configuration=configuration), calendars=calendars, calendar_of=calendar_of)


def fold(
    columns: OrderedColumns,
    states: Codes,
    *,
    calendars: Sequence[BusinessCalendar],
    calendar_of: IntArray | None = None,
) -> Folded:
    """Return what ``fold_histories`` returns, of rows in order whose positions ``resolve`` has found; same errors."""
    calendar_of = _checked(calendar_of, calendars, len(columns.items))
    steps = _Steps.of(columns, states)
    created_at = _created_at(columns)
    ticks = _ticks(columns.time, calendars, calendar_of[columns.item])
    return Folded(
        stays=_stays(steps),
        completions=_completions(columns, steps, ticks, created_at, calendars, calendar_of),
        current=_current(columns, steps, created_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """The rows that put a ticket somewhere, in order; all arrays of one shape."""

    row: IntArray
    """Position in the columns."""
    item: IntArray
    entered: IntArray
    left: IntArray
    position: Codes
    status_code: NDArray[np.int32]
    is_first: BoolArray
    is_last: BoolArray
    first_active: IntArray
    """Of each ticket, in ``items``' order, the first step into active work; beyond all steps when there is none."""

    @classmethod
    def of(cls, columns: OrderedColumns, states: Codes) -> _Steps:
        row = np.flatnonzero(states != NOWHERE)
        item, entered, position = columns.item[row], columns.time[row], states[row]
        is_first, is_last = _ends(item)
        left = np.full(len(row), FOREVER, dtype=np.int64)
        left[:-1] = np.where(is_last[:-1], FOREVER, entered[1:])
        return cls(
            row=row,
            item=item,
            entered=entered,
            left=left,
            position=position,
            status_code=_status_held(columns, row),
            is_first=is_first,
            is_last=is_last,
            first_active=_first_active(item, position, len(columns.items)),
        )


def _checked(calendar_of: IntArray | None, calendars: Sequence[BusinessCalendar], count: int) -> IntArray:
    if not calendars:
        raise InvalidInput("business time needs at least one calendar", field="calendars")
    if calendar_of is None:
        return np.zeros(count, dtype=np.int64)
    if calendar_of.shape != (count,) or not ((calendar_of >= 0) & (calendar_of < len(calendars))).all():
        raise InvalidInput(f"calendar_of must name one of {len(calendars)} calendars for each of {count} tickets")
    return calendar_of


def _ticks(times: IntArray, calendars: Sequence[BusinessCalendar], which: IntArray) -> IntArray:
    if len(calendars) == 1:
        return calendars[0].ticks(times)
    ticks = np.empty_like(times)
    for number, calendar in enumerate(calendars):
        chosen = which == number
        ticks[chosen] = calendar.ticks(times[chosen])
    return ticks


def _ends(item: IntArray) -> tuple[BoolArray, BoolArray]:
    """Tell which rows are the first and which the last of their ticket."""
    is_first = np.ones(len(item), dtype=np.bool_)
    is_first[1:] = item[1:] != item[:-1]
    is_last = np.ones(len(item), dtype=np.bool_)
    is_last[:-1] = is_first[1:]
    return is_first, is_last


def _status_held(columns: OrderedColumns, row: IntArray) -> NDArray[np.int32]:
    """Return the status that each step finds its ticket in or puts it into: a resolution does not change it."""
    if (columns.kind[row] == Kind.STATUS).all():
        return columns.status_code[row]
    last = last_before(columns.kind == Kind.STATUS, item=columns.item)[row]
    return np.where(last >= 0, columns.status_code[last], np.int32(-1))


def _first_active(item: IntArray, position: Codes, count: int) -> IntArray:
    active = np.flatnonzero(IS_ACTIVE[position])
    first = active[_ends(item[active])[0]]
    found = np.full(count, len(item), dtype=np.int64)
    found[item[first]] = first
    return found


def _created_at(columns: OrderedColumns) -> IntArray:
    """Return when each ticket came to be: as the source tells, but no later than its first event."""
    first = np.full(len(columns.items), FOREVER, dtype=np.int64)
    starts = np.flatnonzero(_ends(columns.item)[0])
    first[columns.item[starts]] = columns.time[starts]
    told = columns.told_created_at
    return np.where(told == NEVER, first, np.minimum(first, told))


def _stays(steps: _Steps) -> Stays:
    is_news = steps.is_first.copy()
    is_news[1:] |= (steps.position[1:] != steps.position[:-1]) | (steps.status_code[1:] != steps.status_code[:-1])
    start = np.flatnonzero(is_news)
    # A stay lasts until the step before the next news, or until the last step there is.
    end = np.append(start[1:], len(is_news))[: len(start)] - 1
    lasting = steps.left[end] > steps.entered[start]
    start, end = start[lasting], end[lasting]
    return Stays(
        item=steps.item[start],
        entered=steps.entered[start],
        left=steps.left[end],
        position=steps.position[start],
        status_code=steps.status_code[start],
    )


def _done_runs(steps: _Steps) -> tuple[IntArray, IntArray]:
    """Return the first step of each run of ``done`` that lasted, and when the ticket left it again."""
    is_done = steps.position == DONE
    follows = np.zeros(len(is_done), dtype=np.bool_)
    follows[1:] = is_done[1:] & is_done[:-1] & ~steps.is_first[1:]
    goes_on = np.zeros(len(is_done), dtype=np.bool_)
    goes_on[:-1] = follows[1:]
    start, left = np.flatnonzero(is_done & ~follows), steps.left[is_done & ~goes_on]
    lasting = left > steps.entered[start]
    return start[lasting], left[lasting]


def _completions(
    columns: OrderedColumns,
    steps: _Steps,
    ticks: IntArray,
    created_at: IntArray,
    calendars: Sequence[BusinessCalendar],
    calendar_of: IntArray,
) -> Completions:
    done, reopened_at = _done_runs(steps)
    item = steps.item[done]
    begin = steps.first_active[item]
    measured = begin < done
    # An unmeasured cycle begins where it ends, so that it has no time in it; its figures are struck out below.
    begin = np.where(measured, begin, done)
    label_ticks, visited = _divided(steps, ticks[steps.row], done, item)
    at_end, at_begin = ticks[steps.row[done]], ticks[steps.row[begin]]
    blocked = _blocked_before(columns, ticks)
    return Completions(
        item=item,
        created_at=created_at[item],
        first_in_progress=np.where(measured, steps.entered[begin], NEVER),
        completed_at=steps.entered[done],
        reopened_at=reopened_at,
        lead_ticks=at_end - _ticks(created_at[item], calendars, calendar_of[item]),
        cycle_ticks=np.where(measured, at_end - at_begin, -1),
        active_ticks=np.where(measured, label_ticks[:, IS_ACTIVE].sum(axis=1), -1),
        wait_ticks=np.where(measured, label_ticks[:, ~IS_ACTIVE].sum(axis=1), -1),
        blocked_ticks=np.where(measured, blocked[steps.row[done]] - blocked[steps.row[begin]], -1),
        label_ticks=label_ticks,
        visited=visited,
    )


def _divided(steps: _Steps, ticks: IntArray, done: IntArray, item: IntArray) -> tuple[IntArray, BoolArray]:
    """Return how the cycle that ends with each of ``done`` divides into labels, and which of them it has visited."""
    shape = (len(done), len(LABELS))
    # Each step up to a completion, from the first active one on, belongs to the next completion of its ticket.
    upcoming = np.searchsorted(done, np.arange(len(steps.row)), side="right")
    owner = np.append(item, NEVER)[upcoming]
    within = np.flatnonzero((owner == steps.item) & (np.arange(len(steps.row)) >= steps.first_active[steps.item]))
    cell = upcoming[within] * shape[1] + steps.position[within]
    # Sums of ticks stay below 2^53, since a calendar covers two centuries only: floats keep them exact.
    spent = np.bincount(cell, weights=ticks[within + 1] - ticks[within], minlength=shape[0] * shape[1])
    stayed = steps.left[within] > steps.entered[within]
    visits = np.bincount(cell[stayed], minlength=shape[0] * shape[1])
    return (
        _added_up(spent.astype(np.int64).reshape(shape), item),
        _added_up(visits.reshape(shape), item) > 0,
    )


def _added_up(parts: IntArray, item: IntArray) -> IntArray:
    """Add to each completion's part those of the earlier completions of the same ticket."""
    is_first, _ = _ends(item)
    if is_first.all():
        return parts
    # The total over all tickets may pass 64 bits; the difference of two such totals is right all the same.
    total = np.cumsum(parts, axis=0)
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(item)), 0))
    return total - total[first] + parts[first]


def _blocked_before(columns: OrderedColumns, ticks: IntArray) -> IntArray:
    """Return for each row the ticks with the flag up before it; only differences within a ticket mean anything."""
    before = np.zeros(len(columns), dtype=np.int64)
    flag = last_before(_is_flag(columns), item=columns.item)
    is_up = (flag >= 0) & (columns.kind[flag] == Kind.FLAG_ON)
    if is_up.any():
        before[1:] = np.cumsum(np.where(is_up[:-1], np.diff(ticks), 0))
    return before


def _is_flag(columns: OrderedColumns) -> BoolArray:
    flag: BoolArray = (columns.kind == Kind.FLAG_ON) | (columns.kind == Kind.FLAG_OFF)
    return flag


def _current(columns: OrderedColumns, steps: _Steps, created_at: IntArray) -> CurrentPositions:
    last = np.flatnonzero(steps.is_last)
    item = steps.item[last]
    begin = steps.first_active[item]
    has_begun = begin < len(steps.row)
    return CurrentPositions(
        item=item,
        position=steps.position[last],
        status_code=steps.status_code[last],
        since=_since(steps)[last],
        created_at=created_at[item],
        first_in_progress=np.where(has_begun, steps.entered[np.where(has_begun, begin, 0)], NEVER),
        blocked_since=_blocked_since(columns)[item],
    )


def _since(steps: _Steps) -> IntArray:
    """Return for each step when its ticket came to the position in which the step leaves it."""
    is_move = steps.is_first.copy()
    is_move[1:] |= steps.position[1:] != steps.position[:-1]
    return steps.entered[last_before(is_move, item=steps.item)]


def _blocked_since(columns: OrderedColumns) -> IntArray:
    """Return for each ticket when its flag went up, or ``NEVER`` when it is down."""
    since = np.full(len(columns.items), NEVER, dtype=np.int64)
    flags = np.flatnonzero(_is_flag(columns))
    item, is_up = columns.item[flags], columns.kind[flags] == Kind.FLAG_ON
    is_first, is_last = _ends(item)
    goes_up = is_up & is_first
    goes_up[1:] |= is_up[1:] & ~is_up[:-1]
    raised = columns.time[flags[last_before(goes_up, item=item)]] if len(flags) else since[:0]
    up_now = is_last & is_up
    since[item[up_now]] = raised[up_now]
    return since
