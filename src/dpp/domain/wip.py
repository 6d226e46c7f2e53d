"""Work in progress: where the tickets are that somebody has begun (§6.2.1, decision 0015)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dpp.domain.errors import InvalidInput
from dpp.domain.folded import Stays
from dpp.domain.positions import IS_ACTIVE, LABELS, STAGE_OF, STAGES
from dpp.domain.stages import UNMAPPED, WIP_STAGES, Stage

#: The stages that are reported, in the order of the flow.
REPORTED_STAGES: tuple[Stage, ...] = (Stage.BACKLOG, *WIP_STAGES)


_ACTIVE_AND_QUEUE = [(stage, (stage.value, True), (stage.value, False)) for stage in REPORTED_STAGES]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCount:
    """Tickets in one stage: worked on, and waiting."""

    active: int = 0
    queue: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.active + self.queue


@dataclass(frozen=True, slots=True, kw_only=True)
class WipByStage:
    """
    Where tickets are at one moment.

    Attributes:
        stages: a count for each of ``REPORTED_STAGES``, in order, zeros included.
        unmapped: tickets in a status that nobody has mapped; they are no work in progress.
    """

    stages: Mapping[Stage, StageCount]
    unmapped: int

    @property
    def total(self) -> int:
        """Work in progress: everything but the backlog and the unmapped."""
        return sum(self.stages[stage].total for stage in WIP_STAGES)

    @property
    def unfinished(self) -> int:
        """Everything that is neither done nor cancelled nor deleted: what a forecast has to get through."""
        return self.total + self.stages[Stage.BACKLOG].total + self.unmapped


def wip_by_stage(rows: Iterable[tuple[str, bool, int]]) -> WipByStage:
    """
    Return where tickets are, from counts.

    Args:
        rows: name of the stage (``unmapped`` for none), whether the position is active, and how many tickets are there,
            >= 0; rows of one stage add up. Tickets in any other place, such as ``done``, are not counted. No row gives
            zeros everywhere.

    Raises:
        InvalidInput: a count is negative.
    """
    counts: dict[tuple[str, bool], int] = {}
    for stage, active, count in rows:
        if count < 0:
            raise InvalidInput(f"{count} tickets in {stage} cannot be", field="count")
        counts[stage, active] = counts.get((stage, active), 0) + count
    stages = {
        stage: StageCount(active=counts.get(active, 0), queue=counts.get(queue, 0))
        for stage, active, queue in _ACTIVE_AND_QUEUE
    }
    unmapped = counts.get((UNMAPPED, True), 0) + counts.get((UNMAPPED, False), 0)
    return WipByStage(stages=MappingProxyType(stages), unmapped=unmapped)


def wip_as_of(stays: Stays, *, moment: int) -> WipByStage:
    """Return where the tickets of ``stays`` were at a moment, in microseconds since 1970-01-01T00:00Z."""
    counts = np.bincount(stays.position[stays.held_at(moment)], minlength=len(LABELS)).tolist()
    places = zip(STAGE_OF.tolist(), IS_ACTIVE.tolist(), counts, strict=True)
    return wip_by_stage((STAGES[stage], active, count) for stage, active, count in places)
