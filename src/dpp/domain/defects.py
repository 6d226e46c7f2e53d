"""Where defects are made and where they are found (§6.3.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dpp.domain.bounds import NOTHING_MISSING, Missing, rate_bounds
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectEscape:
    """
    What became of a window's defects.

    Attributes:
        rate: percent found in ``ESCAPED_TO``, over all of them; its bounds say what those could make of it that were
            found in an unknown stage, and those that may be of the same stream.
        unknown_found: how many were found in an unknown stage: they are in the total and not among the escaped.
        matrix: pairs of stages with at least one defect, in order; defects of unknown origin are in none.
        unattributed_pct: percent of unknown origin; None without a defect.
    """

    rate: Figure
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


def defect_escape(defects: Iterable[FoundDefect], *, missing: Missing = NOTHING_MISSING) -> DefectEscape:
    """
    Return the escape rate of a window's defects with everything beside it (§6.3.2).

    Args:
        defects: each once.
        missing: others that may be of the same stream, of which nothing else is told.
    """
    known = list(defects)
    total = len(known)
    found = Counter(defect.found_in_stage for defect in known)
    escaped = sum(found[stage] for stage in ESCAPED_TO)
    rate = Figure(value=_share(escaped, total), unit="percent", sample_size=total)
    return DefectEscape(
        rate=rate.within(rate_bounds(hits=escaped, total=total, undecided=found[UNKNOWN_STAGE], missing=missing)),
        unknown_found=found[UNKNOWN_STAGE],
        matrix=_matrix(known),
        unattributed_pct=_share(sum(defect.introduced_in_stage is None for defect in known), total),
    )


def _share(count: int, total: int) -> float | None:
    return 100 * count / total if total else None


def missing_defects(found_in_stages: Iterable[str]) -> Missing:
    """Return what defects would do to a rate that they may belong to, by the stages that they were found in."""
    stages = list(found_in_stages)
    hits, unknown = sum(stage in ESCAPED_TO for stage in stages), stages.count(UNKNOWN_STAGE)
    return Missing(hits=hits, misses=len(stages) - hits - unknown, unknown=unknown)


def _matrix(defects: Iterable[FoundDefect]) -> tuple[StagePair, ...]:
    pairs = Counter(
        (defect.introduced_in_stage, defect.found_in_stage)
        for defect in defects
        if defect.introduced_in_stage is not None
    )
    return tuple(StagePair(introduced, found, count) for (introduced, found), count in sorted(pairs.items()))
