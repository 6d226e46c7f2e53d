"""What is behind forecasts, the team pulse and shared bottlenecks (§6.2.2, §6.5.1, §6.6.1, §6.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from dpp.application.answers import Asked
from dpp.application.calendars import Calendars
from dpp.application.cross_stream import CrossStream
from dpp.application.evidence_answers import Found, Item, Place, Question
from dpp.application.evidence_of_tickets import at_moment, missing, placed_items, sample_items
from dpp.application.evidence_reader import Among, BlockedTicket, EvidenceReader, FinishedTicket, PlacedTicket
from dpp.application.forecasting_reader import ForecastReader
from dpp.application.forecasts import Forecasts
from dpp.application.pulse import Pulse
from dpp.application.sprint_outlook import closed_sprints, local_day
from dpp.application.views import View, Window, may_name
from dpp.domain.arrays import DateArray
from dpp.domain.bottlenecks import BLOCK_DAYS
from dpp.domain.calendar import BusinessCalendar, from_micros, to_micros
from dpp.domain.explanations import Input, Remark
from dpp.domain.metric import Unit
from dpp.domain.pulse import PulsePeriod
from dpp.domain.throughput import sprint_days

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlooks:
    """The answers that have the figures."""

    forecasts: Forecasts
    pulse: Pulse
    cross_stream: CrossStream


class OutlookEvidence:
    """Names what forecasts, pulse and bottlenecks rest on.

    Args:
        outlooks: have the figures.
        reader: names what is behind them.
        forecasting: knows sprints.
        calendars: tell where weeks and days begin.
    """

    def __init__(
        self, *, outlooks: Outlooks, reader: EvidenceReader, forecasting: ForecastReader, calendars: Calendars
    ) -> None:
        self._outlooks = outlooks
        self._reader = reader
        self._forecasting = forecasting
        self._calendars = calendars

    async def forecast(self, question: Question) -> Found:
        """Return what is to be done, and what was done in the weeks that chances are drawn from."""
        answer = await self._outlooks.forecasts.forecast(question.view)
        if answer.forecast is None:
            return Found(asked=answer.asked, figure=answer.figure, window=None, items=[])
        view = at_moment(question.view, answer.asked)
        items = self._placed(await self._reader.placed(view), question, answer.asked)
        unplaced = await self._reader.placed(view, among=Among.UNPLACED)
        items += missing(
            placed_items(unplaced, question, calendars=self._calendars, as_of=answer.asked, with_backlog=True)
        )
        if answer.weeks:
            calendar = self._calendar(question)
            start, end = (calendar.day_start(day) for day in (answer.weeks[0], answer.weeks[-1] + _WEEK))
            window = Window(start=from_micros(start), end=from_micros(end))
            done = await self._reader.finished(view, window=window)
            items += sample_items(row for row in done if row.delivery_stream_id is not None)
        return Found(asked=answer.asked, figure=answer.figure, window=None, items=items)

    async def sprint_confidence(self, question: Question) -> Found:
        """Return what remains in the sprint, and what was done on the days of the closed sprints before it."""
        answer = await self._outlooks.forecasts.sprint_confidence(question.view)
        if answer.sprint is None:
            return Found(asked=answer.asked, figure=answer.figure, window=None, items=[])
        view = at_moment(question.view, answer.asked)
        remaining = await self._reader.in_sprint(view, sprint_id=answer.sprint.sprint_id)
        items = self._placed(remaining, question, answer.asked)
        items += sample_items(await self._done_in_sprints(view, self._calendar(question)))
        return Found(asked=answer.asked, figure=answer.figure, window=None, items=items)

    async def _done_in_sprints(self, view: View, calendar: BusinessCalendar) -> list[FinishedTicket]:
        today = local_day(to_micros(view.as_of), calendar)
        sprints = closed_sprints(await self._forecasting.sprints(view, today=today), today=today, as_of=view.as_of)
        first = await self._forecasting.first_event(view)
        if first is None:
            return []
        spans = [(row.start_date, row.end_date) for row in sprints]
        days = sprint_days(spans=spans, first_day=local_day(first, calendar), today=today, calendar=calendar)
        return await self._done_on(view, days, calendar) if days.size else []

    async def _done_on(self, view: View, days: DateArray, calendar: BusinessCalendar) -> list[FinishedTicket]:
        window = Window(start=from_micros(calendar.day_start(days[0].item())), end=view.as_of)
        rows = [row for row in await self._reader.finished(view, window=window) if row.delivery_stream_id is not None]
        times = np.array([to_micros(row.completed_at) for row in rows], dtype=np.int64)
        counts = np.isin(calendar.local_date(times), days).tolist()
        return [row for row, is_sample in zip(rows, counts, strict=True) if is_sample]

    def _placed(self, rows: Sequence[PlacedTicket], question: Question, asked: Asked) -> list[Item]:
        """Return all unfinished tickets, the backlog included; those of no delivery stream count in no forecast."""
        items = placed_items(rows, question, calendars=self._calendars, as_of=asked, with_backlog=True)
        return [
            item if row.delivery_stream_id is not None else replace(item, counted=False, remark=Remark.NO_STREAM)
            for row, item in zip(rows, items, strict=True)
        ]

    def _calendar(self, question: Question) -> BusinessCalendar:
        return self._calendars.of(question.configuration.calendar_of(question.view.delivery_stream_id))

    async def pulse(self, question: Question) -> Found:
        """Return the surveys, with how many answered; of answers nothing else."""
        answer = await self._outlooks.pulse.pulse(question.view, configuration=question.configuration)
        closed = [row for row in answer.periods if not row.is_open]
        latest = closed[-1] if closed else None
        items = [_survey_item(row, is_latest=row is latest) for row in reversed(answer.periods)]
        return Found(asked=answer.asked, figure=answer.figure, window=None, items=items)

    async def bottlenecks(self, question: Question) -> Found:
        """Return each time that a ticket was blocked; with a technology stream, by that one."""
        answer = await self._outlooks.cross_stream.bottlenecks(
            question.view, configuration=question.configuration, window_days=question.window_days
        )
        wanted = question.view.tech_stream_id
        view = at_moment(replace(question.view, tech_stream_id=None), answer.asked)
        window = Window.back_from(answer.asked.as_of, days=BLOCK_DAYS)
        rows = await self._reader.blocked(view, window=window)
        items = [_block_item(row, question) for row in rows if wanted is None or row.blocking_tech_stream_id == wanted]
        return Found(asked=answer.asked, figure=answer.figure, window=window, items=items)


def _survey_item(row: PulsePeriod, *, is_latest: bool) -> Item:
    remark = None
    if row.is_open:
        remark = Remark.SURVEY_OPEN
    elif row.is_withheld:
        remark = Remark.TOO_FEW_ANSWERS
    elif not is_latest:
        remark = Remark.EARLIER_SURVEY
    return Item(
        kind=Input.SURVEY,
        name=str(row.period),
        value=row.overall,
        unit=Unit.SCORE,
        detail=f"{row.response_count} answers",
        counted=remark is None,
        remark=remark,
    )


def _block_item(row: BlockedTicket, question: Question) -> Item:
    streams = {stream.stream_id: stream for stream in question.configuration.tech_streams}
    blocking = streams.get(row.blocking_tech_stream_id) if row.blocking_tech_stream_id else None
    is_told = blocking is not None and may_name(blocking, scope=question.view.scope)
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.at,
        value=1.0,
        unit=Unit.COUNT,
        detail=blocking.display_name if blocking is not None and is_told else None,
        place=Place(ticket_id=row.ticket_id),
        counted=is_told,
        remark=None if is_told else Remark.BLOCKER_NOT_TOLD,
    )
