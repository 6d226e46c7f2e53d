"""Keeps figures by day up to date: measures the days of streams that may have changed (§4.4.1, §6.1, decision 0025)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from dpp.application.calendars import Calendars
from dpp.application.daily_figures import DailyFigures
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.derivation import DerivationStore
from dpp.application.measure_reader import MeasureReader
from dpp.application.measures import (
    Cause,
    DayFigure,
    MeasuredDays,
    MeasureStore,
    StaleDays,
    StaleStream,
    StreamKey,
)
from dpp.application.ports import Clock
from dpp.application.views import MAX_WINDOW_DAYS
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar, TimeOutOfRange, from_micros, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.metric import Dimension
from dpp.domain.moments import day_ends

GRACE = timedelta(minutes=15)
"""What comes so soon after midnight still belongs to the day: it is closed when it was measured after that."""

CATCHING_UP = 2_000
"""While more entries than this wait for derivation a past is being taken in, and to measure it would be in vain."""

QUIET = timedelta(minutes=5)
"""Days before today are measured again when nothing has touched them for so long: what comes late rarely comes alone,
and a history that is taken in would be restated with every part of it."""
LONGEST_WAIT = timedelta(hours=6)
"""At the latest after this they are, however much goes on."""

CLOSING_DAYS = 35
"""Days that were not closed are looked for so far back; nobody measured for longer than this only after an outage."""

_DAY = timedelta(days=1)


class Measurer:
    """Measures days.

    Args:
        store: of figures, and of what is to be measured.
        reader: tickets, defects and reviews over time.
        deliveries: deployments and incidents.
        derivations: tells how much waits to be derived.
        calendars: where days begin and end.
        configuration: gives the current configuration.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        store: MeasureStore,
        reader: MeasureReader,
        deliveries: DeliveryReader,
        derivations: DerivationStore,
        calendars: Calendars,
        configuration: Callable[[], Awaitable[Configuration]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._reader = reader
        self._daily = DailyFigures(reader=reader, deliveries=deliveries)
        self._derivations = derivations
        self._calendars = calendars
        self._configuration = configuration
        self._clock = clock
        self._waits: dict[StreamKey, _Wait] = {}

    async def measure_stale(
        self, *, progress: Callable[[StreamKey], None] = lambda _: None, is_patient: bool = True
    ) -> int:
        """Measure the streams that wait, each once, and return how many figures were written or removed.

        Args:
            progress: told each stream when it is measured.
            is_patient: leave days before today until nothing touches them, and everything while derivation is far
                behind; otherwise all is done now.

        Raises:
            Unavailable: the store does not answer.
            ExceptionGroup: some streams could not be measured; they wait, and the others are done.
        """
        if is_patient and (await self._derivations.pending()).entries > CATCHING_UP:
            return 0
        written, seen, failed = 0, set[StreamKey](), list[Exception]()

        async def measure(stale: StaleStream) -> MeasuredDays | None:
            try:
                return await self._measure(stale, is_patient=is_patient)
            except Exception as error:  # whatever it is, it is told at the end, and must not stop the other streams
                failed.append(error)
                return None

        while (settled := await self._store.measure_next(measure, skip=seen)) is not None:
            written += settled.written
            seen.add(settled.stream)
            progress(settled.stream)
        if failed:
            raise ExceptionGroup(f"{len(failed)} streams could not be measured", failed)
        return written

    async def measure_range(self, stream: StreamKey, *, first_day: date, last_day: date) -> Sequence[DayFigure]:
        """Return the figures of some days of a stream as they are now, none for days to come; nothing is stored."""
        calendar, now = await self._calendar(), self._clock.now()
        days, moments = _days(calendar, first=first_day, now=now)
        wanted = [place for place, day in enumerate(days) if first_day <= day <= last_day]
        if not wanted:
            return []
        return await self._daily.take(stream, days=[days[place] for place in wanted], moments=moments[wanted])

    async def mark_all(self, cause: Cause) -> int:
        """Have every day of every configured stream measured; return how many streams that is."""
        streams = streams_of(await self._configuration())
        await self._store.mark(streams, StaleDays(None, cause))
        return len(streams)

    async def close_days(self) -> int:
        """Have the days measured that are over and were not measured since; return of how many streams."""
        calendar, now = await self._calendar(), self._clock.now()
        measured = await self._store.measured(since=_today(calendar, now) - CLOSING_DAYS * _DAY)
        over: dict[StaleDays, list[StreamKey]] = {}
        for stream in streams_of(await self._configuration()):
            stale = _unclosed(measured.get(stream), calendar, now)
            if stale is not None:
                over.setdefault(stale, []).append(stream)
        for stale, streams in over.items():
            await self._store.mark(streams, stale)
        return sum(map(len, over.values()))

    async def _calendar(self) -> BusinessCalendar:
        return self._calendars.of((await self._configuration()).platform.calendar)

    async def _measure(self, stale: StaleStream, *, is_patient: bool) -> MeasuredDays | None:
        calendar, now = await self._calendar(), self._clock.now()
        past = {mark.number for mark in stale.marks if _is_past(mark.days, calendar, now)}
        waiting = past if is_patient and past and not self._may_look_back(stale.stream, max(past), now) else set()
        taken = [mark for mark in stale.marks if mark.number not in waiting]
        if waiting and not taken:
            return None
        first = await self._first_day(replace(stale, marks=taken), calendar, now)
        days, moments = _days(calendar, first=first, now=now)
        closes_at = [_end(calendar, day) + GRACE for day in days]
        return MeasuredDays(
            closes_at=dict(zip(days, closes_at, strict=True)),
            figures=await self._daily.take(stale.stream, days=days, moments=moments),
            computed_at=now,
            first_days=[
                (days[0] if cause.since is None else _day_of(calendar, cause.since), cause) for _, cause in taken
            ],
            waiting=frozenset(waiting),
        )

    def _may_look_back(self, stream: StreamKey, newest: int, now: datetime) -> bool:
        """Tell whether nothing new has been marked for long enough, as far as this process has seen."""
        known = self._waits.get(stream) or _Wait(newest=newest, since=now, begun=now)
        known = known if known.newest == newest else known._replace(newest=newest, since=now)
        is_over = now - known.since >= QUIET or now - known.begun >= LONGEST_WAIT
        if is_over:
            self._waits.pop(stream, None)
        else:
            self._waits[stream] = known
        return is_over

    async def _first_day(self, stale: StaleStream, calendar: BusinessCalendar, now: datetime) -> date:
        since = [mark.days.since for mark in stale.marks]
        known = [_day_of(calendar, at) for at in since if at is not None]
        if None in since:
            begun = await self._reader.first_event(stale.stream)
            known += [] if begun is None else [_day_of(calendar, begun)]
            known += [] if stale.first_stored is None else [stale.first_stored]
        return min(known, default=_today(calendar, now))


class _Wait(NamedTuple):
    """The newest mark on past days of a stream, since when it was the newest, and since when there were any."""

    newest: int
    since: datetime
    begun: datetime


def streams_of(configuration: Configuration) -> list[StreamKey]:
    """Return the streams of a configuration."""
    return [
        *(StreamKey(Dimension.DELIVERY, stream.stream_id) for stream in configuration.delivery_streams),
        *(StreamKey(Dimension.TECH, stream.stream_id) for stream in configuration.tech_streams),
    ]


def _unclosed(measured: Mapping[date, datetime] | None, calendar: BusinessCalendar, now: datetime) -> StaleDays | None:
    """Return the days from the first one on that is over and is not closed; all of them where nothing is known."""
    if not measured:
        return StaleDays(None, Cause.DAY_ENDED)
    day = min(measured)
    while (closes_at := _end(calendar, day) + GRACE) <= now:
        if day not in measured or measured[day] < closes_at:
            return StaleDays(_end(calendar, day - _DAY), Cause.DAY_ENDED)
        day += _DAY
    return None


def _is_past(days: StaleDays, calendar: BusinessCalendar, now: datetime) -> bool:
    return days.since is None or _day_of(calendar, days.since) < _today(calendar, now)


def _days(calendar: BusinessCalendar, *, first: date, now: datetime) -> tuple[list[date], IntArray]:
    """Return the days from a first one to today with the moments as of which they are measured.

    Never more than figures are kept for, and always today.
    """
    count = (_today(calendar, now) - first) // _DAY + 1
    return day_ends(calendar, now=to_micros(now), days=min(max(count, 1), MAX_WINDOW_DAYS))


def _today(calendar: BusinessCalendar, now: datetime) -> date:
    return _day_of(calendar, now)


def _day_of(calendar: BusinessCalendar, moment: datetime) -> date:
    try:
        day: date = calendar.local_date(np.array([to_micros(moment)], dtype=np.int64))[0].item()
    except TimeOutOfRange:
        return moment.date()
    return day


def _end(calendar: BusinessCalendar, day: date) -> datetime:
    return from_micros(calendar.day_start(day + _DAY))
