"""What is answered about flow over time (decision 0023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dpp.application.answers import Asked
from dpp.domain.ageing import AgeBand
from dpp.domain.blocked import BlockedTime
from dpp.domain.configuration import DeliveryStream, TechStream
from dpp.domain.figures import Figure
from dpp.domain.wip import WipByStage


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingTicket:
    """An unfinished ticket that somebody has begun: working days since then, and where that lies among cycle times."""

    ticket_id: str
    delivery_stream_id: UUID | None
    stage: str
    active: bool
    began_at: datetime
    age_days: float
    band: AgeBand | None
    is_blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """
    Unfinished work against finished work.

    Attributes:
        figure: how many unfinished tickets somebody has begun, those put back into the backlog included.
        cycle_times: the percentiles that ages are compared with, by the names of §6.2.3.
        bands: how many tickets are in each band; zeros are in it, and all are zero where no cycle time is known.
        tickets: the oldest first.
        unbegun: unfinished tickets that nobody has worked on; they have no age.
    """

    asked: Asked
    figure: Figure
    cycle_times: Mapping[str, Figure]
    bands: Mapping[AgeBand, int]
    tickets: tuple[AgeingTicket, ...]
    unbegun: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDay:
    """Where tickets were at the end of a local day; ``done`` are those that were finished since the first day began."""

    day: date
    wip: WipByStage
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeFlow:
    """Positions by day; the figure is work in progress at the end of the last day, which is now."""

    asked: Asked
    figure: Figure
    days: tuple[FlowDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpan:
    """What came and went in a local day or in an ISO week, which its Monday stands for; the last one is running."""

    begins: date
    arrived: int
    departed: int
    finished: int
    in_progress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalsAndDepartures:
    """
    What came and went.

    Attributes:
        arrived: over all days, as are the next two.
        opening: work in progress right before the first day.
        days: the last one is today, as far as it has run.
        weeks: those that the days are in, each as a whole; the last one is running.
    """

    asked: Asked
    arrived: Figure
    departed: Figure
    finished: Figure
    opening: int
    days: tuple[FlowSpan, ...]
    weeks: tuple[FlowSpan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedBy:
    """What one technology stream costs; None stands for what nobody has told, and for what may not be named."""

    tech_stream: TechStream | None
    time: BlockedTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """
    Blocked time of tickets in progress.

    Attributes:
        figure: working days, over so many tickets.
        whole: the same with its share of all time in progress.
        in_progress_days: that time, working days.
        causes: the dearest first.
    """

    asked: Asked
    figure: Figure
    whole: BlockedTime
    in_progress_days: float
    causes: tuple[BlockedBy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """What one technology stream costs a delivery stream; None stands for none, and for what may not be named."""

    delivery_stream: DeliveryStream | None
    time: BlockedTime


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedTicket:
    """An unfinished ticket that is blocked at the moment: since when, and for how many working days."""

    ticket_id: str
    delivery_stream: DeliveryStream | None
    stage: str
    active: bool
    since: datetime
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """
    A time that a ticket spent in progress without a break, and that began or ended in the window.

    Attributes:
        began_at: when it came into progress; ``has_arrived`` says whether that was in the window.
        ended_at: when it left it; None while it has not by the view's moment.
        is_finished: whether it was done then.
    """

    ticket_id: str
    began_at: datetime
    ended_at: datetime | None
    has_arrived: bool
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedShare:
    """
    What blocked time one ticket has of one cause in the window.

    Attributes:
        tech_stream: what blocked it; None when that is not told, or may not be named.
        since: when it was first blocked so, be it before the window.
        is_blocked: whether it still is at the view's moment.
        days: working days in the window during which it was in progress and blocked.
    """

    ticket_id: str
    tech_stream: TechStream | None
    since: datetime
    is_blocked: bool
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedByOne:
    """
    What one technology stream holds up (§7.1.2).

    Attributes:
        figure: working days in the window that tickets in progress were blocked by it, over so many tickets.
        whole: the same with its share of all time in progress.
        streams: whose tickets they were, the dearest first; their days add up to those of the whole.
        tickets: those that it blocks at the moment, in progress or not, the longest first.
    """

    asked: Asked
    figure: Figure
    whole: BlockedTime
    streams: tuple[HeldUp, ...]
    tickets: tuple[BlockedTicket, ...]
