"""What stood blocked, by what, and for how many working days: under every figure of blocked time (decision 0023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from uuid import UUID

import numpy as np

from dpp.application.bottleneck_ports import BottleneckReader
from dpp.application.calendars import Calendars
from dpp.application.flow_reader import FlowReader, HeldStays
from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.arrivals import in_progress
from dpp.domain.blocked import Spell, blocked_parts, blocked_spells
from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.elapsed import elapsed_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """
    Parts of stays in progress during which tickets were blocked.

    Attributes:
        days: shape (n,), working days.
        blockers: n, what blocked.
        streams: n, whose ticket it was then.
        total_days: working days that all tickets, blocked or not, were in progress.
    """

    days: FloatArray
    blockers: Sequence[Spell]
    streams: Sequence[UUID | None]
    total_days: float

    def only(self, chosen: Sequence[bool]) -> Costs:
        """Return some of the parts: those marked, n of them."""
        return replace(
            self,
            days=self.days[np.array(chosen, dtype=np.bool_)],
            blockers=list(compress(self.blockers, chosen)),
            streams=list(compress(self.streams, chosen)),
        )


class Blocking:
    """Works out blocked parts of stays.

    Args:
        reader: rows about positions.
        bottlenecks: rows about blocked tickets.
        calendars: of the delivery streams.
    """

    def __init__(self, *, reader: FlowReader, bottlenecks: BottleneckReader, calendars: Calendars) -> None:
        self._reader = reader
        self._bottlenecks = bottlenecks
        self._calendars = calendars

    async def costs(self, view: View, *, configuration: Configuration, window_days: int) -> Costs:
        """Return the parts of the window in which tickets in progress stood blocked; refuses what no window can be."""
        window = Window.back_from(view.as_of, days=window_days)
        start, end = to_micros(window.start), to_micros(window.end)
        spells = await self.spells(view, since=window.start)
        held = await self._reader.held(view, window=window, naming={spell.item for spell in spells})
        held = held.only(in_progress(held.stays) & (held.stays.left > start) & (held.stays.entered < end))
        parts = blocked_parts(spells, stays=held.stays, items=held.items, start=start, end=end)
        calendars = [self._calendars.of(configuration.calendar_of(stream)) for stream in held.delivery_streams]
        stream_of = held.stream_of[parts.stay]
        days = elapsed_days(starts=parts.start, ends=parts.end, calendars=calendars, calendar_of=stream_of)
        return Costs(
            days=days,
            blockers=[spells[number] for number in parts.spell.tolist()],
            streams=[held.delivery_streams[number] for number in stream_of.tolist()],
            total_days=_days_in_progress(held, calendars, start=start, end=end),
        )

    async def spells(self, view: View, *, since: datetime) -> list[Spell]:
        """Return what blocked tickets of the view at some time since a moment."""
        return blocked_spells(row.flag for row in await self._bottlenecks.flags(view, since=since))


def _days_in_progress(held: HeldStays, calendars: Sequence[BusinessCalendar], *, start: int, end: int) -> float:
    days = elapsed_days(
        starts=np.maximum(held.stays.entered, start),
        ends=np.minimum(held.stays.left, end),
        calendars=calendars,
        calendar_of=held.stream_of,
    )
    return float(np.sort(days).sum())
