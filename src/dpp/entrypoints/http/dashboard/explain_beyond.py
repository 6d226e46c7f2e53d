"""What is behind the figures that are in no catalogue, from the answers that their cards show (decision 0026)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dpp.application.answers import Asked
from dpp.application.delivery_reader import ChangeState, LedgerChange
from dpp.application.evidence_answers import Item, Place, Question
from dpp.application.flow_answers import AgeingTicket, BlockedShare, BlockedTicket, Passage
from dpp.application.views import Window
from dpp.domain.catalogue import METRICS
from dpp.domain.errors import InvalidInput
from dpp.domain.explanations import Input
from dpp.domain.figures import Figure
from dpp.domain.metric import Unit
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.beyond import CARDS
from dpp.entrypoints.http.dashboard.explained import Explained, Reason, Text
from dpp.entrypoints.http.dashboard.looking import Answers, Showing

LIKE = "wip_by_stage"
MAX_CHANGES = 1000
"""Waiting changes that are listed at most; the API has the rest."""


class Behind:
    """Explains one card's figure.

    Args:
        to: has what answers.
        answers: the answers for this page.
    """

    def __init__(self, to: Showing, answers: Answers) -> None:
        self._to = to
        self._answers = answers
        self._view = answers.looking.view

    async def ageing(self) -> Explained:
        """Return the tickets with their ages."""
        found = await self._answers.ageing()
        unbegun = Reason(count=found.unbegun, meaning="Nobody has worked on it yet, so that it has no age.")
        return await self._explained(
            "ageing_work",
            asked=found.asked,
            figure=found.figure,
            items=[_aged(row) for row in found.tickets],
            left_out=(unbegun,) if found.unbegun else (),
        )

    async def cumulative_flow(self) -> Explained:
        """Return the tickets that are in progress at the end."""
        found = await self._answers.cumulative_flow()
        evidence = await self._to.explanations.explain(self._question(found.asked.window_days))
        return await self._explained(
            "cumulative_flow",
            asked=found.asked,
            figure=found.figure,
            items=[item for item in evidence.found.items if item.counted],
            window=_window(found.asked),
        )

    async def arrivals(self) -> Explained:
        """Return the tickets that came, with what became of them, and those that came earlier and left."""
        found, passages = await asyncio.gather(self._answers.arrivals(), self._answers.passages())
        earlier = sum(not row.has_arrived for row in passages)
        meaning = "It came into progress before the window, and left it in the window: it is among the departures."
        return await self._explained(
            "arrivals",
            asked=found.asked,
            figure=found.arrived,
            items=[_came(row, zone=self._answers.looking.zone) for row in passages],
            window=_window(found.asked),
            left_out=(Reason(count=earlier, meaning=meaning),) if earlier else (),
        )

    async def blocked(self) -> Explained:
        """Return the tickets that stood blocked in the window, by what, and for how many days of it."""
        found, shares = await asyncio.gather(self._answers.blocked(), self._answers.blocked_tickets())
        return await self._explained(
            "blocked_time",
            asked=found.asked,
            figure=found.figure,
            items=[_held(row) for row in shares],
            window=_window(found.asked),
        )

    async def changes(self) -> Explained:
        """Return the changes that wait."""
        found = await self._answers.trends()
        page = await self._to.ledger.page(
            self._view, state=ChangeState.UNDEPLOYED, window_days=found.asked.window_days, limit=MAX_CHANGES
        )
        return await self._explained(
            "changes",
            asked=page.asked,
            figure=found.waiting.count,
            items=[_waiting(row, now=self._view.as_of) for row in page.changes],
            noun="pull request",
        )

    async def impact(self) -> Explained:
        """Return the tickets that the chosen technology blocks."""
        chosen = self._view.tech_stream_id
        if chosen is None:
            raise InvalidInput("Choose a technology stream to see whom it holds up", field="tech_stream")
        found = await self._answers.impact(chosen)
        return await self._explained(
            "technology_impact",
            asked=found.asked,
            figure=found.figure,
            items=[_blocked(row) for row in found.tickets],
            window=_window(found.asked),
        )

    def _question(self, window_days: int) -> Question:
        return Question(
            metric=METRICS[LIKE],
            view=self._view,
            window_days=window_days,
            configuration=self._answers.configuration,
        )

    async def _explained(
        self,
        name: str,
        *,
        asked: Asked,
        figure: Figure,
        items: Sequence[Item],
        window: Window | None = None,
        left_out: tuple[Reason, ...] = (),
        noun: str = "ticket",
    ) -> Explained:
        card = CARDS[name]
        return Explained(
            name=name,
            text=Text(
                title=card.title,
                question=card.question,
                action=card.action,
                definition=card.definition,
                formula=card.formula,
                counts=card.counts,
            ),
            asked=asked,
            figure=figure,
            window=window,
            noun=noun,
            items=items,
            left_out=left_out,
            doubtful=(),
            sources=await self._to.explanations.sources(),
        )


#: How the figure of each card of ``beyond`` is explained.
EXPLAIN: Mapping[str, Callable[[Behind], Awaitable[Explained]]] = MappingProxyType(
    {
        "ageing_work": Behind.ageing,
        "cumulative_flow": Behind.cumulative_flow,
        "arrivals": Behind.arrivals,
        "blocked_time": Behind.blocked,
        "changes": Behind.changes,
        "technology_impact": Behind.impact,
    }
)


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


def _blocked(row: BlockedTicket) -> Item:
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.since,
        value=row.days,
        unit=Unit.DAYS,
        detail=_stage(row.stage, active=row.active),
        place=Place(ticket_id=row.ticket_id),
    )


def _came(row: Passage, *, zone: ZoneInfo) -> Item:
    how = "Finished" if row.is_finished else "Left"
    return Item(
        kind=Input.TICKET,
        name=row.ticket_id,
        at=row.began_at,
        detail="In progress" if row.ended_at is None else f"{how} {words.day(row.ended_at, zone=zone)}",
        place=Place(ticket_id=row.ticket_id),
        counted=row.has_arrived,
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
    return stage if active else f"{stage}_queue"
