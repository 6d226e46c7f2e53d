"""Flow over time: ageing work, cumulative flow, arrivals against departures, and what blocked time costs.

All of it is about tickets, on the delivery stream's own calendar, against the cycle times that are shown elsewhere
(decision 0023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import numpy as np

from dpp.application import flow_tickets
from dpp.application.answers import Answers, Asked, Trust
from dpp.application.blocking import Blocking
from dpp.application.bottleneck_ports import BottleneckReader
from dpp.application.cache import Keeping
from dpp.application.calendars import Calendars
from dpp.application.derivation import TOPICS
from dpp.application.flow_answers import (
    Ageing,
    AgeingTicket,
    ArrivalsAndDepartures,
    Blocked,
    BlockedBy,
    BlockedByOne,
    BlockedShare,
    BlockedTicket,
    CumulativeFlow,
    FlowDay,
    FlowSpan,
    HeldUp,
    Passage,
)
from dpp.application.flow_reader import FlowReader, UnfinishedRow
from dpp.application.readers import MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View, Window, may_name
from dpp.domain.ageing import AgeBand, age_bands
from dpp.domain.arrays import FloatArray
from dpp.domain.arrivals import Arrivals, arrivals_in
from dpp.domain.blocked import blocked_time
from dpp.domain.calendar import BusinessCalendar, from_micros, to_micros
from dpp.domain.configuration import Configuration, DeliveryStream
from dpp.domain.cumulative_flow import cumulative_flow
from dpp.domain.elapsed import elapsed_days
from dpp.domain.figures import Figure
from dpp.domain.flow import cycle_times
from dpp.domain.histories import FOREVER
from dpp.domain.local_days import Buckets, last_days, last_weeks
from dpp.domain.positions import DONE, IS_ACTIVE, STAGE_OF, STAGES
from dpp.domain.wip import wip_by_stage

LIKE = "wip_by_stage"
"""The metric whose marks of confidence these figures have: all are taken from the same tickets."""

_NOT_TICKETS = frozenset(TOPICS.values()) - {TOPICS[StaleKind.TICKET]}
AGEING = Keeping(ttl=timedelta(seconds=30), unmoved_by=_NOT_TICKETS)
OVER_TIME = Keeping(ttl=timedelta(minutes=15), unmoved_by=_NOT_TICKETS)


class FlowOverTime:
    """Answers what is asked about flow over time.

    Args:
        reader: rows about positions.
        bottlenecks: rows about blocked tickets.
        metrics: rows for cycle times and for the rates of §5.6.
        calendars: of the delivery streams.
        answers: keeps answers, or not.
    """

    def __init__(
        self,
        *,
        reader: FlowReader,
        bottlenecks: BottleneckReader,
        metrics: MetricsReader,
        calendars: Calendars,
        answers: Answers | None = None,
    ) -> None:
        self._reader = reader
        self._blocking = Blocking(reader=reader, bottlenecks=bottlenecks, calendars=calendars)
        self._metrics = metrics
        self._calendars = calendars
        self._answers = answers or Answers()
        self._trust = Trust(reader=metrics, answers=self._answers)

    async def ageing(self, view: View, *, configuration: Configuration, window_days: int) -> Ageing:
        """Return the ages of unfinished tickets, compared with the view's cycle times of so many days."""
        return await self._answers.get(
            ("ageing", window_days, configuration.version),
            view=view,
            keeping=AGEING,
            compute=lambda: self._ageing(view, configuration=configuration, window_days=window_days),
        )

    async def _ageing(self, view: View, *, configuration: Configuration, window_days: int) -> Ageing:
        cycles = await self._metrics.cycle_values(view, window=Window.back_from(view.as_of, days=window_days))
        rows = await self._reader.unfinished(view)
        blocked = {it.item for it in await self._blocking.spells(view, since=view.as_of) if it.end == FOREVER}
        begun = [row for row in rows if row.first_in_progress is not None]
        ages = self._ages(begun, now=to_micros(view.as_of), configuration=configuration)
        bands = age_bands(ages, cycle_days=cycles.cycle_days)
        # The rows are by key: of equal ages they stay so.
        oldest_first = np.argsort(-ages, kind="stable").tolist()
        tickets = [
            _ageing_ticket(
                begun[it], age_days=float(ages[it]), band=bands[it], is_blocked=begun[it].issue_id in blocked
            )
            for it in oldest_first
        ]
        counts = Counter(bands)
        return Ageing(
            asked=Asked.of(view, window_days=window_days),
            figure=await self._marked(view, Figure(value=len(begun), unit="count", sample_size=len(begun))),
            cycle_times=cycle_times(cycles.cycle_days),
            bands={band: counts[band] for band in AgeBand},
            tickets=tuple(tickets),
            unbegun=len(rows) - len(begun),
        )

    async def unbegun(self, view: View) -> tuple[UnfinishedRow, ...]:
        """Return the unfinished tickets that nobody has worked on, by key; nothing of it is kept."""
        rows = await self._reader.unfinished(view)
        return tuple(row for row in rows if row.first_in_progress is None)

    def _ages(self, rows: Sequence[UnfinishedRow], *, now: int, configuration: Configuration) -> FloatArray:
        starts = [row.first_in_progress for row in rows if row.first_in_progress is not None]
        return self._since(rows, starts, now=now, configuration=configuration)

    def _since(
        self, rows: Sequence[UnfinishedRow], starts: Sequence[int], *, now: int, configuration: Configuration
    ) -> FloatArray:
        """Return the working days from one moment for each ticket until now, by the calendars of their streams."""
        streams = {
            stream: number for number, stream in enumerate(dict.fromkeys(row.delivery_stream_id for row in rows))
        }
        return elapsed_days(
            starts=np.array(starts, dtype=np.int64),
            ends=np.full(len(rows), now, dtype=np.int64),
            calendars=[self._calendar(stream, configuration) for stream in streams],
            calendar_of=np.array([streams[row.delivery_stream_id] for row in rows], dtype=np.int64),
        )

    async def cumulative_flow(self, view: View, *, configuration: Configuration, window_days: int) -> CumulativeFlow:
        """Return where tickets were at the end of each of the last local days, today included."""
        return await self._answers.get(
            ("cumulative-flow", window_days, configuration.version),
            view=view,
            keeping=OVER_TIME,
            compute=lambda: self._cumulative_flow(view, configuration=configuration, window_days=window_days),
        )

    async def _cumulative_flow(self, view: View, *, configuration: Configuration, window_days: int) -> CumulativeFlow:
        days = self._days(view, configuration=configuration, window_days=window_days)
        held = await self._reader.held(view, window=_since(days, view), naming=())
        columns = cumulative_flow(held.stays, moments=days.ends)
        shown = tuple(_flow_day(*row) for row in zip(days.dates.tolist(), columns.tolist(), strict=True))
        total = shown[-1].wip.total
        return CumulativeFlow(
            asked=Asked.of(view, window_days=window_days),
            figure=await self._marked(view, Figure(value=total, unit="count", sample_size=total)),
            days=shown,
        )

    async def arrivals(self, view: View, *, configuration: Configuration, window_days: int) -> ArrivalsAndDepartures:
        """Return what came into progress and left it in the last local days, today included, and in their weeks."""
        return await self._answers.get(
            ("arrivals", window_days, configuration.version),
            view=view,
            keeping=OVER_TIME,
            compute=lambda: self._arrivals(view, configuration=configuration, window_days=window_days),
        )

    async def _arrivals(self, view: View, *, configuration: Configuration, window_days: int) -> ArrivalsAndDepartures:
        days = self._days(view, configuration=configuration, window_days=window_days)
        calendar, now = self._calendar(view.delivery_stream_id, configuration), to_micros(view.as_of)
        mondays = calendar.iso_week(days.edges[[0, -2]])
        weeks = last_weeks(calendar, now=now, weeks=int((mondays[1] - mondays[0]).astype(int)) // 7 + 1)
        held = await self._reader.held(view, window=_since(weeks, view), naming=())
        by_day, by_week = arrivals_in(held.stays, buckets=(days, weeks))
        marks = await self._trust.marks(view)
        totals = [int(part.sum()) for part in (by_day.arrived, by_day.departed, by_day.finished)]
        arrived, departed, finished = [
            marks.on(Figure(value=total, unit="count", sample_size=total), LIKE) for total in totals
        ]
        return ArrivalsAndDepartures(
            asked=Asked.of(view, window_days=window_days),
            arrived=arrived,
            departed=departed,
            finished=finished,
            opening=by_day.opening,
            days=_spans(days, by_day),
            weeks=_spans(weeks, by_week),
        )

    async def passages(self, view: View, *, configuration: Configuration, window_days: int) -> tuple[Passage, ...]:
        """Return the tickets behind arrivals and departures, the latest arrival first; nothing of it is kept."""
        days = self._days(view, configuration=configuration, window_days=window_days)
        held = await self._reader.held(view, window=_since(days, view))
        keys = await self._reader.keys(view, held.items)
        return flow_tickets.passages_in(held, keys=keys, start=int(days.edges[0]), end=to_micros(view.as_of))

    async def blocked_tickets(
        self, view: View, *, configuration: Configuration, window_days: int
    ) -> tuple[BlockedShare, ...]:
        """Return the tickets behind blocked time with each one's days, the dearest first; nothing of it is kept."""
        costs = await self._blocking.costs(view, configuration=configuration, window_days=window_days)
        tech = {row.stream_id: row for row in configuration.tech_streams if may_name(row, scope=view.scope)}
        keys = await self._reader.keys(view, {spell.item for spell in costs.blockers})
        return flow_tickets.blocked_shares(costs.blockers, costs.days.tolist(), keys=keys, tech=tech)

    async def blocked(self, view: View, *, configuration: Configuration, window_days: int) -> Blocked:
        """Return what blocked time has cost in the window, by what blocked."""
        return await self._answers.get(
            ("blocked", window_days, configuration.version),
            view=view,
            keeping=OVER_TIME,
            compute=lambda: self._blocked(view, configuration=configuration, window_days=window_days),
        )

    async def _blocked(self, view: View, *, configuration: Configuration, window_days: int) -> Blocked:
        costs = await self._blocking.costs(view, configuration=configuration, window_days=window_days)
        tech = {row.stream_id: row for row in configuration.tech_streams if may_name(row, scope=view.scope)}
        whole, causes = blocked_time(
            costs.days,
            causes=[spell.blocking if spell.blocking in tech else None for spell in costs.blockers],
            tickets=[spell.item for spell in costs.blockers],
            total_days=costs.total_days,
        )
        return Blocked(
            asked=Asked.of(view, window_days=window_days),
            figure=await self._marked(view, Figure(value=whole.days, unit="days", sample_size=whole.tickets)),
            whole=whole,
            in_progress_days=costs.total_days,
            causes=tuple(
                BlockedBy(tech_stream=tech[cause] if cause else None, time=time) for cause, time in causes.items()
            ),
        )

    async def blocked_by(
        self, view: View, *, blocking: UUID, configuration: Configuration, window_days: int
    ) -> BlockedByOne:
        """Return what one technology stream has cost in the window, by whom it held up, and what it blocks now.

        Args:
            view: whose tickets; a technology stream in it chooses tickets that belong to that, whatever blocks them.
            blocking: the technology stream that blocks.
            configuration: has the names of delivery streams, and calendars.
            window_days: days of the cost; what is blocked now is of no window.

        Raises:
            InvalidInput: the window is too short or too long.
        """
        return await self._answers.get(
            ("blocked-by", blocking, window_days, configuration.version),
            view=view,
            keeping=AGEING,
            compute=lambda: self._blocked_by(
                view, blocking=blocking, configuration=configuration, window_days=window_days
            ),
        )

    async def _blocked_by(
        self, view: View, *, blocking: UUID, configuration: Configuration, window_days: int
    ) -> BlockedByOne:
        costs = await self._blocking.costs(view, configuration=configuration, window_days=window_days)
        costs = costs.only([spell.blocking == blocking for spell in costs.blockers])
        named = {row.stream_id: row for row in configuration.delivery_streams if may_name(row, scope=view.scope)}
        whole, streams = blocked_time(
            costs.days,
            causes=[stream if stream in named else None for stream in costs.streams],
            tickets=[spell.item for spell in costs.blockers],
            total_days=costs.total_days,
        )
        return BlockedByOne(
            asked=Asked.of(view, window_days=window_days),
            figure=await self._marked(view, Figure(value=whole.days, unit="days", sample_size=whole.tickets)),
            whole=whole,
            streams=tuple(
                HeldUp(delivery_stream=named[stream] if stream else None, time=time) for stream, time in streams.items()
            ),
            tickets=await self._blocked_now(view, blocking=blocking, named=named, configuration=configuration),
        )

    async def _blocked_now(
        self, view: View, *, blocking: UUID, named: Mapping[UUID, DeliveryStream], configuration: Configuration
    ) -> tuple[BlockedTicket, ...]:
        spells = await self._blocking.spells(view, since=view.as_of)
        begun = {it.item: it.start for it in spells if it.end == FOREVER and it.blocking == blocking}
        rows = [row for row in await self._reader.unfinished(view) if row.issue_id in begun]
        starts = [begun[row.issue_id] for row in rows]
        days = self._since(rows, starts, now=to_micros(view.as_of), configuration=configuration)
        tickets = [
            BlockedTicket(
                ticket_id=row.ticket_id,
                delivery_stream=named.get(row.delivery_stream_id) if row.delivery_stream_id else None,
                stage=row.stage,
                active=row.active,
                since=from_micros(start),
                days=spent,
            )
            for row, start, spent in zip(rows, starts, days.tolist(), strict=True)
        ]
        return tuple(sorted(tickets, key=lambda ticket: (-ticket.days, ticket.ticket_id)))

    async def _marked(self, view: View, figure: Figure) -> Figure:
        return (await self._trust.marks(view)).on(figure, LIKE)

    def _calendar(self, stream: UUID | None, configuration: Configuration) -> BusinessCalendar:
        return self._calendars.of(configuration.calendar_of(stream))

    def _days(self, view: View, *, configuration: Configuration, window_days: int) -> Buckets:
        # Refuses what no window can be.
        Window.back_from(view.as_of, days=window_days)
        calendar = self._calendar(view.delivery_stream_id, configuration)
        return last_days(calendar, now=to_micros(view.as_of), days=window_days)


def _since(buckets: Buckets, view: View) -> Window:
    return Window(start=from_micros(int(buckets.edges[0])), end=view.as_of)


def _ageing_ticket(row: UnfinishedRow, *, age_days: float, band: AgeBand | None, is_blocked: bool) -> AgeingTicket:
    assert row.first_in_progress is not None
    return AgeingTicket(
        ticket_id=row.ticket_id,
        delivery_stream_id=row.delivery_stream_id,
        stage=row.stage,
        active=row.active,
        began_at=from_micros(row.first_in_progress),
        age_days=age_days,
        band=band,
        is_blocked=is_blocked,
    )


def _flow_day(day: date, counts: Sequence[int]) -> FlowDay:
    places = zip(STAGE_OF.tolist(), IS_ACTIVE.tolist(), counts, strict=True)
    wip = wip_by_stage((STAGES[stage], active, count) for stage, active, count in places)
    return FlowDay(day=day, wip=wip, done=counts[DONE])


def _spans(buckets: Buckets, found: Arrivals) -> tuple[FlowSpan, ...]:
    columns = (found.arrived, found.departed, found.finished, found.in_progress)
    rows = zip(buckets.dates.tolist(), *(column.tolist() for column in columns), strict=True)
    return tuple(
        FlowSpan(begins=begins, arrived=arrived, departed=departed, finished=finished, in_progress=level)
        for begins, arrived, departed, finished, level in rows
    )
