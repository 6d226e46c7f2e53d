"""What is behind the figures beside the catalogue: ages, flow, blocked time, and changes that wait (decision 0026)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dpp.application.answers import Asked
from dpp.application.change_ledger import MAX_LIMIT, ChangeLedger
from dpp.application.delivery_reader import ChangePlace, ChangeState, LedgerChange
from dpp.application.evidence_answers import Found, Item, Place, Question
from dpp.application.evidence_of_tickets import TicketEvidence, at_moment
from dpp.application.flow_answers import AgeingTicket, BlockedShare, Passage
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.flow_reader import UnfinishedRow
from dpp.application.trends import Trends
from dpp.application.views import View, Window
from dpp.domain.errors import InvalidInput
from dpp.domain.explanations import Input, Remark
from dpp.domain.metric import Unit
from dpp.domain.stages import UNMAPPED, Stage

_WITHOUT_QUEUE = frozenset({Stage.BACKLOG.value, UNMAPPED})


class FlowEvidence:
    """Names tickets, and changes that wait.

    Args:
        flow: has the figures of flow, and the tickets behind them.
        trends: has how many changes wait.
        ledger: has the changes.
        tickets: names what is in progress.
    """

    def __init__(self, *, flow: FlowOverTime, trends: Trends, ledger: ChangeLedger, tickets: TicketEvidence) -> None:
        self._flow = flow
        self._trends = trends
        self._ledger = ledger
        self._tickets = tickets

    async def ageing(self, question: Question) -> Found:
        """Return the tickets with their ages, the oldest first, and those that nobody has begun."""
        found = await self._flow.ageing(
            question.view,
            configuration=question.configuration,
            window_days=question.configuration.platform.window_days,
        )
        unbegun = await self._flow.unbegun(at_moment(question.view, found.asked))
        items = [*map(_aged, found.tickets), *map(_unbegun, unbegun)]
        return Found(asked=found.asked, figure=found.figure, window=None, items=items)

    async def cumulative_flow(self, question: Question) -> Found:
        """Return the tickets that are in progress at the end."""
        found = await self._flow.cumulative_flow(
            question.view, configuration=question.configuration, window_days=question.window_days
        )
        behind = await self._tickets.in_progress(replace(question, view=at_moment(question.view, found.asked)))
        items = [item for item in behind.items if item.counted]
        return Found(asked=found.asked, figure=found.figure, window=_window(found.asked), items=items)

    async def arrivals(self, question: Question) -> Found:
        """Return the tickets that came, with what became of them, and those that came earlier and left."""
        found = await self._flow.arrivals(
            question.view, configuration=question.configuration, window_days=question.window_days
        )
        passages = await self._flow.passages(
            at_moment(question.view, found.asked),
            configuration=question.configuration,
            window_days=question.window_days,
        )
        items = [*map(_came, passages)]
        return Found(asked=found.asked, figure=found.arrived, window=_window(found.asked), items=items)

    async def blocked(self, question: Question) -> Found:
        """Return the tickets that stood blocked in the window, by what, and for how many days of it."""
        found = await self._flow.blocked(
            question.view, configuration=question.configuration, window_days=question.window_days
        )
        shares = await self._flow.blocked_tickets(
            at_moment(question.view, found.asked),
            configuration=question.configuration,
            window_days=question.window_days,
        )
        return Found(asked=found.asked, figure=found.figure, window=_window(found.asked), items=[*map(_held, shares)])

    async def impact(self, question: Question) -> Found:
        """Return the tickets that the chosen technology blocked in the window, and for how many days of it.

        Raises:
            InvalidInput: no technology stream is chosen.
        """
        chosen = question.view.tech_stream_id
        if chosen is None:
            raise InvalidInput("Choose a technology stream to see whom it holds up", field="tech_stream")
        whole = replace(question.view, tech_stream_id=None)
        found = await self._flow.blocked_by(
            whole, blocking=chosen, configuration=question.configuration, window_days=question.window_days
        )
        shares = await self._flow.blocked_tickets(
            at_moment(whole, found.asked), configuration=question.configuration, window_days=question.window_days
        )
        items = [_held(row) for row in shares if row.tech_stream and row.tech_stream.stream_id == chosen]
        return Found(asked=found.asked, figure=found.figure, window=_window(found.asked), items=items)

    async def changes(self, question: Question) -> Found:
        """Return the changes that wait, the latest first."""
        found, changes = await asyncio.gather(
            self._trends.trends(question.view, window_days=question.window_days, configuration=question.configuration),
            self._waiting(question.view),
        )
        asked = replace(found.asked, window_days=0)
        items = [_waiting(row, now=asked.as_of) for row in changes]
        return Found(asked=asked, figure=found.waiting.count, window=None, items=items)

    async def _waiting(self, view: View) -> Sequence[LedgerChange]:
        found: list[LedgerChange] = []
        after: ChangePlace | None = None
        while True:
            page = await self._ledger.page(
                view, state=ChangeState.UNDEPLOYED, window_days=1, after=after, limit=MAX_LIMIT
            )
            found += page.changes
            after = page.following
            if after is None:
                return found


def _window(asked: Asked) -> Window:
    return Window.back_from(asked.as_of, days=asked.window_days)


def _aged(row: AgeingTicket) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.began_at,
        value=row.age_days,
        unit=Unit.DAYS,
        detail=_stage(row.stage, active=row.active),
        place=Place(ticket_id=row.ticket_id),
    )


def _unbegun(row: UnfinishedRow) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        detail=_stage(row.stage, active=row.active),
        place=Place(ticket_id=row.ticket_id),
        counted=False,
        remark=Remark.NOT_BEGUN,
    )


def _came(row: Passage) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.began_at,
        detail="in_progress" if row.ended_at is None else "finished" if row.is_finished else "left",
        until=row.ended_at,
        place=Place(ticket_id=row.ticket_id),
        counted=row.has_arrived,
        remark=None if row.has_arrived else Remark.CAME_EARLIER,
    )


def _held(row: BlockedShare) -> Item:
    by = row.tech_stream.display_name if row.tech_stream else "Not told"
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.since,
        value=row.days,
        unit=Unit.DAYS,
        detail=f"{by}, still" if row.is_blocked else by,
        place=Place(ticket_id=row.ticket_id),
        remark=None if row.tech_stream else Remark.BLOCKER_NOT_TOLD,
    )


def _waiting(row: LedgerChange, *, now: datetime) -> Item:
    return Item(
        kind=Input.PULL_REQUEST,
        name=f"{row.repository}#{row.pr_number}",
        at=row.merged_at,
        value=(now - row.merged_at).total_seconds() / 3600,
        unit=Unit.HOURS,
        detail=row.ticket_id,
        place=Place(repository=row.repository, pr_number=row.pr_number),
    )


def _stage(stage: str, *, active: bool) -> str:
    return stage if active or stage in _WITHOUT_QUEUE else f"{stage}_queue"
