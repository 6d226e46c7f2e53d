"""Where defects were made and where they were found, as geometry of a flow between two columns (§6.3.2).

Drawn on the server, so that it is there without JavaScript. The height of a node and of a ribbon is its share of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dpp.domain.defects import ESCAPED_TO, UNKNOWN_STAGE, StagePair
from dpp.domain.positions import STAGES

WIDTH = 356.0
NODE_WIDTH = 10.0
LEFT, RIGHT = 114.0, 230.0
"""Where the columns' nodes begin; beside them stand their names."""
GAP = 16.0
"""Between nodes, so that the names of small ones do not touch."""
BODY = 150.0
"""Height of all defects together."""

ORDER = (*STAGES, "production", UNKNOWN_STAGE)


class Node(NamedTuple):
    """A stage in a column; the names of those found late are marked as such."""

    stage: str
    defects: int
    y: float
    height: float
    is_escape: bool

    @property
    def middle(self) -> float:
        """Where its name stands."""
        return round(self.y + self.height / 2, 2)


class Ribbon(NamedTuple):
    """Defects that were made in one stage and found in another."""

    introduced: str
    found: str
    defects: int
    path: str
    is_escape: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sankey:
    """What there is to draw, within ``width`` and ``height``; the columns' nodes begin at ``left`` and ``right``."""

    made: tuple[Node, ...]
    found: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    height: float
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT


def sankey(pairs: Iterable[StagePair]) -> Sankey | None:
    """Return the flow of at least one defect; None without any. Pairs of the same two stages add up."""
    counts: Counter[tuple[str, str]] = Counter()
    for made, found, defects in pairs:
        counts[made, found] += defects
    total = sum(counts.values())
    if not total:
        return None
    left = _column(_sums(counts, side=0), total, escapes=frozenset())
    right = _column(_sums(counts, side=1), total, escapes=ESCAPED_TO)
    return Sankey(
        made=left,
        found=right,
        ribbons=tuple(_ribbons(counts, left, right, total)),
        height=round(max(column[-1].y + column[-1].height for column in (left, right)) + GAP / 2, 2),
    )


def _sums(counts: Mapping[tuple[str, str], int], *, side: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for pair, defects in counts.items():
        sums[pair[side]] += defects
    return {stage: sums[stage] for stage in sorted(sums, key=_place)}


def _place(stage: str) -> tuple[int, str]:
    """Return where a stage stands in the flow; one that nobody knows comes last."""
    return (ORDER.index(stage) if stage in ORDER else len(ORDER), stage)


def _column(sums: Mapping[str, int], total: int, *, escapes: frozenset[str]) -> tuple[Node, ...]:
    nodes, y = [], GAP / 2
    for stage, defects in sums.items():
        height = BODY * defects / total
        nodes.append(Node(stage, defects, round(y, 2), round(height, 2), stage in escapes))
        y += height + GAP
    return tuple(nodes)


def _ribbons(
    counts: Mapping[tuple[str, str], int], left: Sequence[Node], right: Sequence[Node], total: int
) -> Iterable[Ribbon]:
    starts, ends = ({node.stage: node.y for node in column} for column in (left, right))
    for pair in sorted(counts, key=lambda pair: (_place(pair[0]), _place(pair[1]))):
        made, found = pair
        height = BODY * counts[pair] / total
        yield Ribbon(made, found, counts[pair], _path(starts[made], ends[found], height), found in ESCAPED_TO)
        starts[made] += height
        ends[found] += height


def _path(start: float, end: float, height: float) -> str:
    x1, x2 = LEFT + NODE_WIDTH, RIGHT
    middle = (x1 + x2) / 2
    top, bottom = (start, end), (start + height, end + height)
    return (
        f"M{x1:g} {top[0]:.2f}C{middle:g} {top[0]:.2f} {middle:g} {top[1]:.2f} {x2:g} {top[1]:.2f}"
        f"V{bottom[1]:.2f}C{middle:g} {bottom[1]:.2f} {middle:g} {bottom[0]:.2f} {x1:g} {bottom[0]:.2f}Z"
    )
