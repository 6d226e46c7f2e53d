"""What is answered about shared bottlenecks (§6.7, §7.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from dpp.application.answers import Asked
from dpp.domain.bottlenecks import Bottleneck
from dpp.domain.configuration import DeliveryStream, TechStream
from dpp.domain.figures import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBottleneck:
    """A technology stream with what it holds up; ``impacted`` in the order of the bottleneck's impacts."""

    tech_stream: TechStream
    impacted: tuple[DeliveryStream, ...]
    bottleneck: Bottleneck


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """
    A field of the heatmap of §7.1.2.

    Attributes:
        open_tickets: unfinished tickets of the delivery stream that touch the technology stream.
        block_count: how often the technology stream blocked one of its tickets in 14 days.
        blocked_tickets: its unfinished tickets that are blocked by it at the moment.
    """

    tech_stream: TechStream
    delivery_stream: DeliveryStream
    open_tickets: int
    block_count: int
    blocked_tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBottlenecks:
    """
    §6.7 for a view.

    Attributes:
        figure: the worst severity as a number, 0 for ``none`` to 4 for ``critical``, over the blocks counted; its value
            is None where no technology stream is shown.
        tech_streams: those that hold up most first.
        dependencies: which delivery streams depend on them, or are held up by them, in that order, then as configured.
        root_cause: the one with the highest cross-stream impact; None when nothing is held up.
        unnamed_block_count: blocks in the same days that are put down to nothing, or to what may not be named.
    """

    asked: Asked
    figure: Figure
    tech_streams: tuple[SharedBottleneck, ...]
    dependencies: tuple[Dependency, ...]
    root_cause: SharedBottleneck | None
    unnamed_block_count: int
