"""What the histories of tickets come to: stays, completions and current positions, as columns (§4.4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpp.domain.arrays import BoolArray, FloatArray, IntArray
from dpp.domain.calendar import TICKS_PER_DAY
from dpp.domain.histories import NEVER
from dpp.domain.positions import IS_ACTIVE, STAGE_OF, Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """
    Every position that tickets have held for some time, by ticket and time; arrays of one shape (n,).

    Attributes:
        item: position in the columns' ``items``.
        entered: microseconds.
        left: microseconds, after ``entered``; ``FOREVER`` where the ticket still is.
        position: code into ``LABELS``.
        status_code: position in the columns' ``statuses``; ``UNTOLD`` when no status is known.
    """

    item: IntArray
    entered: IntArray
    left: IntArray
    position: Codes
    status_code: NDArray[np.int32]

    @property
    def stage(self) -> Codes:
        """Codes into ``STAGES``."""
        return STAGE_OF[self.position]

    @property
    def active(self) -> BoolArray:
        """Whether the position is one of work."""
        return np.take(IS_ACTIVE, self.position)

    def held_at(self, moment: int) -> BoolArray:
        """Tell which stays a moment, in microseconds, falls into; at most one of each ticket."""
        held: BoolArray = (self.entered <= moment) & (moment < self.left)
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """
    Every time that a ticket was done for some time, by ticket and time; arrays of n rows.

    As of any moment each ticket has at most one that counts: the one with ``completed_at <= moment < reopened_at``
    (decision 0008).

    Attributes:
        item: position in the columns' ``items``.
        created_at: microseconds.
        first_in_progress: microseconds; ``NEVER`` when nobody is known to have worked on it before (decision 0008).
        completed_at: microseconds.
        reopened_at: microseconds at which the ticket left ``done`` again, be it by deletion; ``FOREVER`` if it did not.
        lead_ticks: from creation.
        cycle_ticks: from ``first_in_progress``; -1 without one, as are the next three.
        active_ticks: part of the cycle in active statuses.
        wait_ticks: the rest of it.
        blocked_ticks: part of the cycle during which the flag was up, beside the other two.
        label_ticks: shape (n, len(LABELS)), how the cycle divides; rows add up to it exactly (decision 0008).
        visited: the same shape; whether the ticket has been there during the cycle, if only on free days.
    """

    item: IntArray
    created_at: IntArray
    first_in_progress: IntArray
    completed_at: IntArray
    reopened_at: IntArray
    lead_ticks: IntArray
    cycle_ticks: IntArray
    active_ticks: IntArray
    wait_ticks: IntArray
    blocked_ticks: IntArray
    label_ticks: IntArray
    visited: BoolArray

    @property
    def measured(self) -> BoolArray:
        """Which of them have a cycle time at all."""
        measured: BoolArray = self.first_in_progress != NEVER
        return measured

    @property
    def cycle_days(self) -> FloatArray:
        """Working days; nan where it is not measured."""
        return np.where(self.measured, self.cycle_ticks / TICKS_PER_DAY, np.nan)

    @property
    def flow_efficiency_pct(self) -> FloatArray:
        """Active share of the cycle, 0 to 100; nan without a cycle or without working time in it (decision 0008)."""
        has_share = self.cycle_ticks > 0
        cycle = np.where(has_share, self.cycle_ticks, 1)
        return np.where(has_share, self.active_ticks / cycle * 100, np.nan)

    def counted_at(self, moment: int) -> BoolArray:
        """Tell which completions count as of a moment in microseconds."""
        counted: BoolArray = (self.completed_at <= moment) & (moment < self.reopened_at)
        return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPositions:
    """
    Where each ticket is now, by ticket; arrays of one shape. Tickets of which no position is known are not among them.

    Attributes:
        item: position in the columns' ``items``.
        position: code into ``LABELS``.
        status_code: position in the columns' ``statuses``; ``UNTOLD`` when no status is known.
        since: microseconds at which it came there.
        created_at: microseconds.
        first_in_progress: microseconds, ``NEVER`` if nobody has worked on it.
        blocked_since: microseconds at which the flag went up, ``NEVER`` while it is down.
    """

    item: IntArray
    position: Codes
    status_code: NDArray[np.int32]
    since: IntArray
    created_at: IntArray
    first_in_progress: IntArray
    blocked_since: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the histories of tickets come to."""

    stays: Stays
    completions: Completions
    current: CurrentPositions
