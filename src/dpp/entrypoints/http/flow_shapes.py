"""Flow over time as the JSON that scripts rely on (decision 0023)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from dpp.application import flow_answers
from dpp.domain.ageing import AgeBand
from dpp.domain.blocked import BlockedTime
from dpp.entrypoints.http.kept_bodies import remembered
from dpp.entrypoints.http.shapes import Figure, Meta, StageCount, figure, stages, trust


class AgeingTicket(Struct, frozen=True, kw_only=True):
    """An unfinished ticket: working days since somebody first worked on it, and where that lies among cycle times."""

    ticket_id: str
    delivery_stream_id: UUID | None
    stage: str
    active: bool
    began_at: datetime
    age_days: float
    band: AgeBand | None
    is_blocked: bool


class AgeingWork(Figure, frozen=True, kw_only=True):
    """
    Unfinished tickets that somebody has begun, the oldest first; ``unbegun`` are those that nobody has.

    ``cycle_times`` are what ages are compared with; ``bands`` say how many tickets are in each band.
    """

    cycle_times: dict[str, Figure]
    bands: dict[AgeBand, int]
    tickets: list[AgeingTicket]
    unbegun: int


class AgeingData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/ageing``."""

    ageing_work: AgeingWork


class AgeingAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of ageing work."""

    status: Literal["ok"]
    data: AgeingData
    meta: Meta


class FlowDay(Struct, frozen=True, kw_only=True):
    """
    Where tickets were at the end of a local day, today as of now.

    ``in_progress`` are those in the stages of work, without backlog and unmapped; ``done`` have been finished since the
    first day began.
    """

    date: date
    in_progress: int
    done: int
    unmapped: int
    stages: dict[str, StageCount]


class CumulativeFlow(Figure, frozen=True, kw_only=True):
    """Work in progress now, and where tickets were day by day."""

    days: list[FlowDay]


class CumulativeFlowData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/cumulative-flow``."""

    cumulative_flow: CumulativeFlow


class CumulativeFlowAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the cumulative flow."""

    status: Literal["ok"]
    data: CumulativeFlowData
    meta: Meta


class FlowSpan(Struct, frozen=True, kw_only=True):
    """What came into progress and left it in a local day, or in the ISO week of that Monday; the last one is running.

    ``in_progress`` at its end is that of the span before, plus ``arrived``, minus ``departed``. What was ``finished``
    is done; the rest of the departed was cancelled, put back or given to others.
    """

    date: date
    arrived: int
    departed: int
    finished: int
    in_progress: int


class Arrivals(Figure, frozen=True, kw_only=True):
    """Tickets that came into progress in the days asked for; ``opening`` were in progress before."""

    opening: int
    days: list[FlowSpan]
    weeks: list[FlowSpan]


class ArrivalsData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/arrivals``."""

    arrivals: Arrivals
    departures: Figure
    finished: Figure


class ArrivalsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of arrivals and departures."""

    status: Literal["ok"]
    data: ArrivalsData
    meta: Meta


class BlockedBy(Struct, frozen=True, kw_only=True):
    """What one technology stream costs; null for what nobody has told and for what the caller may not see."""

    tech_stream: str | None
    tech_stream_id: UUID | None
    blocked_days: float
    tickets: int
    share_pct: float | None


class BlockedWork(Figure, frozen=True, kw_only=True):
    """
    Working days that tickets in progress were blocked, over so many tickets, and by what.

    ``share_pct`` is that of all time in progress, which is ``in_progress_days``; null when there was none.
    """

    share_pct: float | None
    in_progress_days: float
    tech_streams: list[BlockedBy]


class BlockedData(Struct, frozen=True, kw_only=True):
    """The figures of ``GET /metrics/blocked``."""

    blocked_time: BlockedWork


class BlockedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of blocked time."""

    status: Literal["ok"]
    data: BlockedData
    meta: Meta


@remembered
def ageing(answer: flow_answers.Ageing) -> AgeingData:
    """Return the figures of ``GET /metrics/ageing``."""
    found = answer.figure
    return AgeingData(
        ageing_work=AgeingWork(
            value=found.value,
            unit=found.unit,
            sample_size=found.sample_size,
            confidence=trust(found.confidence),
            cycle_times={name: figure(row) for name, row in answer.cycle_times.items()},
            bands=dict(answer.bands),
            tickets=[_ticket(row) for row in answer.tickets],
            unbegun=answer.unbegun,
        )
    )


def _ticket(row: flow_answers.AgeingTicket) -> AgeingTicket:
    return AgeingTicket(
        ticket_id=row.ticket_id,
        delivery_stream_id=row.delivery_stream_id,
        stage=row.stage,
        active=row.active,
        began_at=row.began_at,
        age_days=row.age_days,
        band=row.band,
        is_blocked=row.is_blocked,
    )


@remembered
def cumulative_flow(answer: flow_answers.CumulativeFlow) -> CumulativeFlowData:
    """Return the figures of ``GET /metrics/cumulative-flow``."""
    found = answer.figure
    return CumulativeFlowData(
        cumulative_flow=CumulativeFlow(
            value=found.value,
            unit=found.unit,
            sample_size=found.sample_size,
            confidence=trust(found.confidence),
            days=[
                FlowDay(
                    date=row.day,
                    in_progress=row.wip.total,
                    done=row.done,
                    unmapped=row.wip.unmapped,
                    stages=stages(row.wip),
                )
                for row in answer.days
            ],
        )
    )


@remembered
def arrivals(answer: flow_answers.ArrivalsAndDepartures) -> ArrivalsData:
    """Return the figures of ``GET /metrics/arrivals``."""
    found = answer.arrived
    return ArrivalsData(
        arrivals=Arrivals(
            value=found.value,
            unit=found.unit,
            sample_size=found.sample_size,
            confidence=trust(found.confidence),
            opening=answer.opening,
            days=_spans(answer.days),
            weeks=_spans(answer.weeks),
        ),
        departures=figure(answer.departed),
        finished=figure(answer.finished),
    )


def _spans(rows: Iterable[flow_answers.FlowSpan]) -> list[FlowSpan]:
    return [
        FlowSpan(
            date=row.begins,
            arrived=row.arrived,
            departed=row.departed,
            finished=row.finished,
            in_progress=row.in_progress,
        )
        for row in rows
    ]


@remembered
def blocked(answer: flow_answers.Blocked) -> BlockedData:
    """Return the figures of ``GET /metrics/blocked``."""
    found = answer.figure
    return BlockedData(
        blocked_time=BlockedWork(
            value=found.value,
            unit=found.unit,
            sample_size=found.sample_size,
            confidence=trust(found.confidence),
            share_pct=answer.whole.share_pct,
            in_progress_days=answer.in_progress_days,
            tech_streams=[_cause(row, row.time) for row in answer.causes],
        )
    )


def _cause(row: flow_answers.BlockedBy, time: BlockedTime) -> BlockedBy:
    return BlockedBy(
        tech_stream=row.tech_stream.name if row.tech_stream else None,
        tech_stream_id=row.tech_stream.stream_id if row.tech_stream else None,
        blocked_days=time.days,
        tickets=time.tickets,
        share_pct=time.share_pct,
    )
