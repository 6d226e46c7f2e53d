"""What a sprint holds at a moment, and what it came to (§4.3.7, §5.2.6).

Both follow from when each ticket's sprint field held the sprint and from where the ticket was: they can be worked out
for any moment, however late (decision 0037).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dpp.domain.positions import DELETED
from dpp.domain.stages import Stage

_OVER = frozenset({Stage.DONE.value, Stage.CANCELLED.value, DELETED})
_DEVELOPED = frozenset({Stage.DEV.value, Stage.CODE_REVIEW.value})


class Told(NamedTuple):
    """What a ticket's fields said from a moment (microseconds since 1970) on: was it in the sprint, and how large.

    ``points`` is None where it had none.
    """

    at: int
    is_in: bool
    points: float | None


class Stay(NamedTuple):
    """Where a ticket was from one moment until before another, microseconds since 1970."""

    entered_at: int
    left_at: int
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintMember:
    """
    A ticket that was in the sprint at some time.

    Attributes:
        told: in order of time.
        stays: in any order, without overlap.
    """

    told: Sequence[Told]
    stays: Sequence[Stay]

    def is_in(self, at: int) -> bool:
        """Whether the sprint held it at a moment."""
        last = self._told(at)
        return last is not None and last.is_in

    def was_in(self, start: int, end: int) -> bool:
        """Whether the sprint held it at some time from one moment to another."""
        return self.is_in(start) or any(start < one.at <= end and one.is_in for one in self.told)

    def points(self, at: int) -> float:
        """Return its story points at a moment; 0 where it had none."""
        last = self._told(at)
        return (last.points if last else None) or 0.0

    def stage(self, at: int) -> str | None:
        """Return where it was at a moment; None before it existed."""
        return next((stay.stage for stay in self.stays if stay.entered_at <= at < stay.left_at), None)

    def _told(self, at: int) -> Told | None:
        return next((one for one in reversed(self.told) if one.at <= at), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintCounts:
    """
    What a sprint holds at a moment, in tickets.

    Attributes:
        committed: in it when the commitment was made; until then, in it now.
        completed: in it and done.
        remaining: in it and neither done nor cancelled nor deleted.
        added_after_start: in it, and not when the commitment was made.
        removed_after_start: in it at some time since the commitment, and not now.
        wip_ba: being analysed or waiting for it; likewise ``wip_dev``, which has code review too, ``wip_qa`` and
            ``wip_uat``.
    """

    committed: int
    completed: int
    remaining: int
    added_after_start: int
    removed_after_start: int
    wip_ba: int
    wip_dev: int
    wip_qa: int
    wip_uat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintResult:
    """
    What a sprint came to.

    Attributes:
        committed: tickets in it when the commitment was made.
        completed: tickets in it and done when it closed: its velocity in tickets.
        completed_of_committed: those of them that were committed to.
        velocity_points: story points of the completed ones.
        added_after_start: tickets that came in after the commitment, whether they stayed or not.
    """

    committed: int
    completed: int
    completed_of_committed: int
    velocity_points: float
    added_after_start: int

    @property
    def commitment_accuracy_pct(self) -> float | None:
        """Share of the commitment that was done, 0 to 100; None where nothing was committed to."""
        return 100.0 * self.completed_of_committed / self.committed if self.committed else None


def sprint_counts(members: Iterable[SprintMember], *, committed_at: int, at: int) -> SprintCounts:
    """
    Count a sprint's tickets as of a moment.

    Args:
        members: every ticket that was ever in it; one that never was counts nowhere.
        committed_at: when the commitment counts as made, microseconds since 1970.
        at: the moment, likewise.
    """
    border = min(committed_at, at)
    committed = held = added = removed = 0
    stages: list[str | None] = []
    for member in members:
        was_committed, is_in = member.is_in(border), member.is_in(at)
        committed += was_committed
        added += is_in and not was_committed
        removed += not is_in and member.was_in(border, at)
        if is_in:
            held += 1
            stages.append(member.stage(at))
    return SprintCounts(
        committed=committed,
        completed=stages.count(Stage.DONE.value),
        remaining=held - sum(stage in _OVER for stage in stages),
        added_after_start=added,
        removed_after_start=removed,
        wip_ba=stages.count(Stage.BA.value),
        wip_dev=sum(stage in _DEVELOPED for stage in stages),
        wip_qa=stages.count(Stage.QA.value),
        wip_uat=stages.count(Stage.UAT.value),
    )


def sprint_result(members: Iterable[SprintMember], *, committed_at: int, closed_at: int) -> SprintResult:
    """Return what a sprint came to; the arguments are those of ``sprint_counts``, the moment that of its closing."""
    committed = completed = of_committed = added = 0
    points = 0.0
    for member in members:
        was_committed = member.is_in(min(committed_at, closed_at))
        is_done = member.is_in(closed_at) and member.stage(closed_at) == Stage.DONE.value
        committed += was_committed
        completed += is_done
        of_committed += is_done and was_committed
        added += not was_committed and member.was_in(committed_at, closed_at)
        points += member.points(closed_at) if is_done else 0.0
    return SprintResult(
        committed=committed,
        completed=completed,
        completed_of_committed=of_committed,
        velocity_points=points,
        added_after_start=added,
    )
