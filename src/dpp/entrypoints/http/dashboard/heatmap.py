"""The technology dependency heatmap (§7.1.2): which delivery streams depend on which technology, and how that hurts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from dpp.application.cross_stream_answers import Dependency, SharedBottlenecks
from dpp.domain.configuration import DeliveryStream, TechStream

STEPS = (1, 2, 4, 8)
"""From how many blocks in 14 days on a field has the next darker colour: fixed, so that two days can be compared."""


class Shade(NamedTuple):
    """A step of the scale, and the blocks that it stands for."""

    level: int
    blocks: str


class Cell(NamedTuple):
    """A field; ``level`` is its step on the scale, 0 without blocks, and all is 0 where nothing depends."""

    delivery_stream: DeliveryStream
    open_tickets: int
    block_count: int
    blocked_tickets: int
    level: int

    @property
    def is_empty(self) -> bool:
        """Whether the delivery stream has nothing to do with the technology."""
        return not (self.open_tickets or self.block_count or self.blocked_tickets)


class Row(NamedTuple):
    """A technology stream with a field for each delivery stream."""

    tech_stream: TechStream
    cells: tuple[Cell, ...]
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap:
    """The fields, those technologies first that hold up most."""

    delivery_streams: tuple[DeliveryStream, ...]
    rows: tuple[Row, ...]

    @property
    def has_dependencies(self) -> bool:
        """Whether anything depends on anything."""
        return any(not cell.is_empty for row in self.rows for cell in row.cells)


def shades() -> tuple[Shade, ...]:
    """Return the scale from no block up."""
    ends = [first - 1 for first in STEPS[1:]]
    spans = [f"{first}" if first == last else f"{first}–{last}" for first, last in zip(STEPS, ends, strict=False)]
    return tuple(Shade(level, blocks) for level, blocks in enumerate(["none", *spans, f"{STEPS[-1]} or more"]))


def level(block_count: int) -> int:
    """Return the step of a number of blocks >= 0."""
    return bisect_right(STEPS, block_count)


def heatmap(found: SharedBottlenecks, *, streams: Sequence[DeliveryStream], chosen: UUID | None = None) -> Heatmap:
    """
    Return the heatmap.

    Args:
        found: what is known.
        streams: delivery streams that may be shown; retired ones are left out unless something depends on them.
        chosen: the technology stream that is looked at.
    """
    fields = {(row.tech_stream.stream_id, row.delivery_stream.stream_id): row for row in found.dependencies}
    depending = {stream_id for _, stream_id in fields}
    columns = tuple(row for row in streams if row.is_active or row.stream_id in depending)
    return Heatmap(
        delivery_streams=columns,
        rows=tuple(
            Row(
                tech,
                tuple(_cell(stream, fields.get((tech.stream_id, stream.stream_id))) for stream in columns),
                tech.stream_id == chosen,
            )
            for tech in (row.tech_stream for row in found.tech_streams)
        ),
    )


def _cell(stream: DeliveryStream, field: Dependency | None) -> Cell:
    if field is None:
        return Cell(stream, 0, 0, 0, 0)
    return Cell(stream, field.open_tickets, field.block_count, field.blocked_tickets, level(field.block_count))
