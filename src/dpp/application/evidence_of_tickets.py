"""The tickets behind figures of work in progress and of finished work (§6.2.1, §6.2.3, §6.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np

from dpp.application.answers import Asked
from dpp.application.calendars import Calendars
from dpp.application.evidence_answers import Found, Item, Place, Question, Role
from dpp.application.evidence_reader import Among, AsideTicket, EvidenceReader, FinishedTicket, PlacedTicket
from dpp.application.queries import Queries
from dpp.application.views import View, Window
from dpp.domain.calendar import to_micros
from dpp.domain.explanations import Input, Remark
from dpp.domain.figures import Figure
from dpp.domain.metric import Unit
from dpp.domain.stages import UNMAPPED, Stage

_NOT_IN_PROGRESS = {Stage.BACKLOG.value: Remark.IN_BACKLOG, UNMAPPED: Remark.STATUS_NOT_MAPPED}


class TicketEvidence:
    """Names tickets.

    Args:
        queries: has the figures.
        reader: names what is behind them.
        calendars: tell the working days that a ticket has been where it is.
    """

    def __init__(self, *, queries: Queries, reader: EvidenceReader, calendars: Calendars) -> None:
        self._queries = queries
        self._reader = reader
        self._calendars = calendars

    async def in_progress(self, question: Question) -> Found:
        """Return the unfinished tickets, with the working days that they have been where they are."""
        answer = await self._queries.realtime(question.view, window_days=_configured(question))
        view = at_moment(question.view, answer.asked)
        shown = await self._reader.placed(view)
        unplaced = await self._reader.placed(view, among=Among.UNPLACED)
        doubtful = [row for row in unplaced if row.stage not in _NOT_IN_PROGRESS]
        items = [
            *placed_items(shown, question, calendars=self._calendars, as_of=answer.asked),
            *missing(placed_items(doubtful, question, calendars=self._calendars, as_of=answer.asked)),
        ]
        return Found(asked=_momentary(answer.asked), figure=answer.wip, window=None, items=items)

    async def cycle_times(self, question: Question) -> Found:
        """Return the tickets that were finished in the rolling window, with their cycle times."""
        name = question.metric.name
        answer = await self._queries.realtime(question.view, window_days=_configured(question))
        if name in answer.cycle_times:
            figure = answer.cycle_times[name]
        else:
            points = len(answer.points)
            trust = answer.cycle_times["cycle_time_p50"].confidence
            figure = Figure(value=float(points), unit=Unit.COUNT, sample_size=points, confidence=trust)
        return await self._finished(question, answer.asked, figure)

    async def flow_efficiency(self, question: Question) -> Found:
        """Return the tickets that were finished in the window, with their shares of work."""
        answer = await self._queries.diagnostic(question.view, window_days=question.window_days)
        return await self._finished(question, answer.asked, answer.flow_efficiency)

    async def _finished(self, question: Question, asked: Asked, figure: Figure) -> Found:
        view, window = at_moment(question.view, asked), Window.back_from(asked.as_of, days=asked.window_days)
        as_item = _share_item if question.metric.name == "flow_efficiency" else _cycle_item
        shown = [as_item(row) for row in await self._reader.finished(view, window=window)]
        aside = [_aside_item(row) for row in await self._reader.set_aside(view, window=window)]
        unplaced = await self._reader.finished(view, window=window, among=Among.UNPLACED)
        items = [*shown, *aside, *missing(as_item(row) for row in unplaced)]
        return Found(asked=asked, figure=figure, window=window, items=items)


def at_moment(view: View, asked: Asked) -> View:
    """Return a view as of the moment of an answer, which may have been worked out a little earlier."""
    return replace(view, as_of=asked.as_of)


def missing(items: Iterable[Item]) -> Iterator[Item]:
    """Return of things of no stream those that would count, as what is left out for that."""
    return (replace(item, counted=False, remark=Remark.NO_STREAM) for item in items if item.counted)


def placed_items(
    rows: Sequence[PlacedTicket], question: Question, *, calendars: Calendars, as_of: Asked, with_backlog: bool = False
) -> list[Item]:
    """Return unfinished tickets, with the working days that they have been where they are.

    Args:
        rows: the tickets.
        question: has the calendars' rules.
        calendars: makes the calendars.
        as_of: the answer up to whose moment the days are counted.
        with_backlog: whether those in the backlog, and in unmapped statuses, count.
    """
    days = _days_there(rows, question, calendars=calendars, moment=to_micros(as_of.as_of))
    remarks = [None if with_backlog else _NOT_IN_PROGRESS.get(row.stage) for row in rows]
    return [
        Item(
            kind=Input.TICKET,
            name=row.ticket_id,
            at=row.entered_at,
            value=spent,
            unit=Unit.DAYS,
            detail=row.stage if row.active or row.stage in _NOT_IN_PROGRESS else f"{row.stage}_queue",
            place=Place(ticket_id=row.ticket_id),
            counted=remark is None,
            remark=remark,
        )
        for row, spent, remark in zip(rows, days, remarks, strict=True)
    ]


def sample_items(rows: Iterable[FinishedTicket]) -> list[Item]:
    """Return completed tickets as a part of the history that chances are drawn from."""
    return [
        Item(
            kind=Input.TICKET,
            name=row.ticket_id,
            at=row.completed_at,
            detail=Stage.DONE.value,
            place=Place(ticket_id=row.ticket_id),
            role=Role.SAMPLE,
        )
        for row in rows
    ]


def _days_there(rows: Sequence[PlacedTicket], question: Question, *, calendars: Calendars, moment: int) -> list[float]:
    entered = np.array([to_micros(row.entered_at) for row in rows], dtype=np.int64)
    days = np.zeros(len(rows))
    by_stream: dict[UUID | None, list[int]] = {}
    for place, row in enumerate(rows):
        by_stream.setdefault(row.delivery_stream_id, []).append(place)
    for stream, places in by_stream.items():
        calendar = calendars.of(question.configuration.calendar_of(stream))
        days[places] = calendar.elapsed_days(starts=entered[places], ends=np.array(moment, dtype=np.int64))
    found: list[float] = days.tolist()
    return found


def _cycle_item(row: FinishedTicket) -> Item:
    remark = Remark.NEVER_WORKED_ON if row.cycle_days is None else None
    return _finished_item(row, value=row.cycle_days, unit=Unit.DAYS, remark=remark)


def _share_item(row: FinishedTicket) -> Item:
    share = row.flow_efficiency_pct
    remark = Remark.NEVER_WORKED_ON if row.cycle_days is None else Remark.NO_WORKING_TIME if share is None else None
    return _finished_item(row, value=share, unit=Unit.PERCENT, remark=remark)


def _finished_item(row: FinishedTicket, *, value: float | None, unit: Unit, remark: Remark | None) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.completed_at,
        value=value,
        unit=unit,
        detail=Stage.DONE.value,
        place=Place(ticket_id=row.ticket_id),
        counted=remark is None,
        remark=remark,
    )


def _aside_item(row: AsideTicket) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.at,
        detail=Stage.CANCELLED.value if row.is_cancelled else Stage.DONE.value,
        place=Place(ticket_id=row.ticket_id),
        counted=False,
        remark=Remark.CANCELLED if row.is_cancelled else Remark.REOPENED,
    )


def _configured(question: Question) -> int:
    return question.configuration.platform.window_days


def _momentary(asked: Asked) -> Asked:
    return replace(asked, window_days=0)
