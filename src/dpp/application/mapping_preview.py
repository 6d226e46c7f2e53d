"""What another meaning of statuses would do to the figures, worked out without writing anything (§4.2.3, §7.1.3).

The tickets that the change would have derived again are derived twice, as things are and as they would be, by the same
calculation that derives them for good. Where a ticket comes out differently its part in the figures is exchanged.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol
from uuid import UUID

import numpy as np

from dpp.application.affected import Affected, affected_by
from dpp.application.derivation import Derive, TicketInputs
from dpp.application.derived_rows import AttributionRow, CycleRow, StayRow, TicketRows
from dpp.application.readers import CycleRows, MetricsReader
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.figures import Figure, mean_figure
from dpp.domain.flow import cycle_times
from dpp.domain.wip import WipByStage, wip_by_stage

PREVIEW_DAYS = 90
"""How far back cycles count in a preview."""


class TicketHistories(Protocol):
    """Reads what tickets are derived from."""

    @abstractmethod
    def of(self, affected: Affected) -> AsyncIterator[TicketInputs]:
        """Yield the inputs of the tickets that a change affects, many at a time, each ticket once.

        Raises:
            Unavailable: the store does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedFigures:
    """The figures of a view: where unfinished tickets are, and how long finished ones took.

    ``cycle_times`` are the percentiles by the names of §6.2.3.
    """

    stages: WipByStage
    cycle_times: Mapping[str, Figure]
    flow_efficiency: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The figures as they are and as they would be; of one delivery stream, or, with None, of all that is seen."""

    delivery_stream_id: UUID | None
    before: PreviewedFigures
    after: PreviewedFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingPreview:
    """
    What a change would do.

    Attributes:
        tickets: how many of those that the caller sees would be derived again.
        moved: how many of these would be in another stage, or active where they were waiting, or the other way round.
        cycles_changed: how many completions of the window would be gained, lost, or have other times.
        window_days: how far back completions count.
        whole: everything that the caller sees.
        streams: each delivery stream in the caller's scope in which anything would change, in the order of their ids.
    """

    tickets: int
    moved: int
    cycles_changed: int
    window_days: int
    whole: Comparison
    streams: tuple[Comparison, ...]


class _Cycle(NamedTuple):
    """A completion as figures take it."""

    completed_at: int
    ticket_id: str
    cycle_days: float | None
    flow_efficiency_pct: float | None


class _Part(NamedTuple):
    """A ticket's part in the figures."""

    place: tuple[str, bool] | None
    cycles: tuple[_Cycle, ...]


class _Seen(NamedTuple):
    """A ticket that the caller sees, with its part as it is and as it would be."""

    held: AttributionRow
    before: _Part
    after: _Part


@dataclass(slots=True)
class _Counted:
    """What the tickets came to; only those that come out differently are kept."""

    tickets: int = 0
    moved: int = 0
    cycles_changed: int = 0
    different: list[_Seen] = field(default_factory=list)


class MappingPreviews:
    """
    Works out previews.

    Args:
        histories: what tickets are derived from.
        derive: the calculation.
        reader: the figures' rows as they are.
    """

    def __init__(self, *, histories: TicketHistories, derive: Derive, reader: MetricsReader) -> None:
        self._histories = histories
        self._derive = derive
        self._reader = reader

    async def preview(
        self, view: View, *, before: Configuration, after: Configuration, window_days: int = PREVIEW_DAYS
    ) -> MappingPreview:
        """
        Return what a change of status mappings would do to the figures of a view.

        Args:
            view: what the caller sees; ``as_of`` is now.
            before: as it is.
            after: as it would be.
            window_days: how far back completions count.

        Raises:
            InvalidInput: the window is out of range.
            Unavailable: the store does not answer.
        """
        window = Window.back_from(view.as_of, days=window_days)
        counted = _Counted()
        async for inputs in self._histories.of(affected_by(before, after)):
            # Seconds of arithmetic for a large project: not on the loop that everybody's requests run on.
            now, then = await asyncio.to_thread(self._both, inputs, before, after)
            _compare(counted, now, then, view=view, window=window)
        concerned = {seen.held.delivery_stream_id for seen in counted.different} - {None}
        # Who sees a ticket for its technology may not know whose it is.
        streams = sorted(one for one in concerned if one and view.scope.sees(delivery_stream_id=one))
        return MappingPreview(
            tickets=counted.tickets,
            moved=counted.moved,
            cycles_changed=counted.cycles_changed,
            window_days=window_days,
            whole=await self._comparison(view, counted.different, window),
            streams=tuple(
                [
                    await self._comparison(replace(view, delivery_stream_id=stream), counted.different, window)
                    for stream in streams
                ]
            ),
        )

    def _both(self, inputs: TicketInputs, before: Configuration, after: Configuration) -> tuple[TicketRows, TicketRows]:
        return self._derive.tickets(inputs, before), self._derive.tickets(inputs, after)

    async def _comparison(self, view: View, different: Sequence[_Seen], window: Window) -> Comparison:
        concerned = [seen for seen in different if _shows(view, seen.held)]
        places = Counter({(row.stage, row.active): row.tickets for row in await self._reader.wip(view)})
        cycles = _told(await self._reader.cycles(view, window=window))
        return Comparison(
            delivery_stream_id=view.delivery_stream_id,
            before=_figures(places, cycles),
            after=_figures(_moved(places, concerned), _exchanged(cycles, concerned)),
        )


def _compare(counted: _Counted, now: TicketRows, then: TicketRows, *, view: View, window: Window) -> None:
    moment = to_micros(view.as_of)
    parts = [_parts(rows, moment=moment, window=window) for rows in (now, then)]
    nothing = _Part(None, ())
    for held in now.attributions:
        if not held.valid_from <= moment < held.valid_to or not _shows(view, held):
            continue
        before, after = (_named(part.get(held.issue_id, nothing), held.ticket_id) for part in parts)
        counted.tickets += 1
        counted.moved += before.place != after.place
        counted.cycles_changed += _differing(before.cycles, after.cycles)
        if before != after:
            counted.different.append(_Seen(held, before, after))


def _parts(rows: TicketRows, *, moment: int, window: Window) -> dict[str, _Part]:
    start, end = to_micros(window.start), to_micros(window.end)
    places: dict[str, StayRow] = {row.issue_id: row for row in rows.stays if row.entered_at <= moment < row.left_at}
    cycles: dict[str, list[_Cycle]] = {}
    for row in rows.cycles:
        if start <= row.completed_at < end and row.completed_at <= moment < row.reopened_at:
            cycles.setdefault(row.issue_id, []).append(_cycle(row))
    return {
        item: _Part(_place(places.get(item)), tuple(sorted(cycles.get(item, ()), key=_when)))
        for item in (*places, *(item for item in cycles if item not in places))
    }


def _place(stay: StayRow | None) -> tuple[str, bool] | None:
    return None if stay is None else (stay.stage, stay.is_active_work)


def _cycle(row: CycleRow) -> _Cycle:
    return _Cycle(row.completed_at, row.ticket_id, row.cycle_time_days, row.flow_efficiency_pct)


def _when(cycle: _Cycle) -> int:
    return cycle.completed_at


def _named(part: _Part, ticket_id: str) -> _Part:
    """Return a part with its cycles under the key that the ticket has at the view's moment, as figures name them."""
    return part._replace(cycles=tuple(cycle._replace(ticket_id=ticket_id) for cycle in part.cycles))


def _differing(before: Sequence[_Cycle], after: Sequence[_Cycle]) -> int:
    """Return how many completions are gained, lost or different; one at another time is one that is different."""
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return max(gone.total(), come.total())


def _shows(view: View, held: AttributionRow) -> bool:
    return view.shows(delivery_stream_id=held.delivery_stream_id, tech_stream_ids=held.tech_stream_ids)


def _told(rows: CycleRows) -> Counter[_Cycle]:
    columns = (
        rows.completed_at.tolist(),
        rows.ticket_ids,
        _optional(rows.cycle_days),
        _optional(rows.flow_efficiency_pct),
    )
    return Counter(_Cycle(*row) for row in zip(*columns, strict=True))


def _optional(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - nan is not itself


def _moved(places: Counter[tuple[str, bool]], seen: Iterable[_Seen]) -> Counter[tuple[str, bool]]:
    result = Counter(places)
    for _, before, after in seen:
        if before.place is not None:
            result[before.place] -= 1
        if after.place is not None:
            result[after.place] += 1
    # What has not been derived yet after the last change is in no row so far; it must not make a count negative.
    return +result


def _exchanged(cycles: Counter[_Cycle], seen: Iterable[_Seen]) -> Counter[_Cycle]:
    result = Counter(cycles)
    for _, before, after in seen:
        result -= Counter(before.cycles)
        result.update(after.cycles)
    return result


def _figures(places: Counter[tuple[str, bool]], cycles: Counter[_Cycle]) -> PreviewedFigures:
    rows = [cycle for cycle in cycles.elements() if cycle.flow_efficiency_pct is not None]
    days = np.array([cycle.cycle_days for cycle in cycles.elements()], dtype=np.float64)
    shares = np.array([cycle.flow_efficiency_pct for cycle in rows], dtype=np.float64)
    return PreviewedFigures(
        stages=wip_by_stage((*place, count) for place, count in places.items()),
        cycle_times=cycle_times(days),
        flow_efficiency=mean_figure(shares, unit="percent"),
    )
