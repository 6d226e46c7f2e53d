"""Where defects are made and where they are found (§6.3.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dpp.domain.errors import NotEnoughData
from dpp.domain.events import DefectEvent, DefectEventType
from dpp.domain.figures import Figure

ESCAPED_TO = frozenset({"uat", "production"})
"""A defect that is found in one of these stages has passed every check before it (§6.3.2)."""

UNKNOWN_STAGE = "unknown"
"""Where a defect was found of which neither its own ticket nor its parent says it."""

LAST_WORD = (DefectEventType.LOGGED, DefectEventType.ATTRIBUTED, DefectEventType.RECLASSIFIED)
"""Of two events of one instant the later one of these counts."""


class FoundDefect(NamedTuple):
    """A defect by its latest attribution: the stage it was found in, and the one it was made in, None when unknown."""

    found_in_stage: str
    introduced_in_stage: str | None


class StagePair(NamedTuple):
    """How many defects went from the stage that they were made in to the one that they were found in."""

    introduced_in_stage: str
    found_in_stage: str
    defects: int


class Bounds(NamedTuple):
    """The least and the most that a figure can be, whatever the missing inputs turn out to be, in its unit."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectEscape:
    """
    What became of a window's defects.

    Attributes:
        rate: percent found in ``ESCAPED_TO``, over all of them.
        bounds: the rate with none, and with all, of those found in an unknown stage counted as escaped; None without a
            defect.
        unknown_found: how many were found in an unknown stage: they are in the total and not among the escaped.
        matrix: pairs of stages with at least one defect, in order; defects of unknown origin are in none.
        unattributed_pct: percent of unknown origin; None without a defect.
    """

    rate: Figure
    bounds: Bounds | None
    unknown_found: int
    matrix: tuple[StagePair, ...]
    unattributed_pct: float | None


def latest_attribution(events: Iterable[DefectEvent]) -> DefectEvent:
    """
    Return the event that tells a defect's current attribution; neither order nor repetition changes it.

    Args:
        events: of one defect, at least one: the latest counts, of several in one instant the one with the last word.

    Raises:
        NotEnoughData: there are no events.
    """
    latest = max(events, key=_order, default=None)
    if latest is None:
        raise NotEnoughData("a defect without events is unknown")
    return latest


def _order(event: DefectEvent) -> tuple[object, ...]:
    return (event.event_timestamp, LAST_WORD.index(event.event_type), event.event_id)


def defect_escape(defects: Iterable[FoundDefect]) -> DefectEscape:
    """Return the escape rate of a window's defects, each given once, with everything beside it (§6.3.2)."""
    known = list(defects)
    total = len(known)
    found = Counter(defect.found_in_stage for defect in known)
    escaped = sum(found[stage] for stage in ESCAPED_TO)
    return DefectEscape(
        rate=Figure(value=_share(escaped, total), unit="percent", sample_size=total),
        bounds=_bounds(escaped, found[UNKNOWN_STAGE], total),
        unknown_found=found[UNKNOWN_STAGE],
        matrix=_matrix(known),
        unattributed_pct=_share(sum(defect.introduced_in_stage is None for defect in known), total),
    )


def _share(count: int, total: int) -> float | None:
    return 100 * count / total if total else None


def _bounds(escaped: int, unknown: int, total: int) -> Bounds | None:
    if not total:
        return None
    return Bounds(lowest=100 * escaped / total, highest=100 * (escaped + unknown) / total)


def _matrix(defects: Iterable[FoundDefect]) -> tuple[StagePair, ...]:
    pairs = Counter(
        (defect.introduced_in_stage, defect.found_in_stage)
        for defect in defects
        if defect.introduced_in_stage is not None
    )
    return tuple(StagePair(introduced, found, count) for (introduced, found), count in sorted(pairs.items()))
