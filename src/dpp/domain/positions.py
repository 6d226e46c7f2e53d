"""Where a ticket can be, and what time there is called (decisions 0001, 0008).

A position is a code into ``LABELS``, so that a million of them are one small array. ``resolve`` finds the positions of
a history under the current configuration; no stored stage decides where the configuration knows better.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.configuration import Configuration, folded
from dpp.domain.histories import Kind, OrderedColumns, ResolutionKey, StatusKey
from dpp.domain.stages import UNMAPPED, WIP_STAGES, Stage, label

Codes: TypeAlias = NDArray[np.int8]

DELETED = "deleted"
"""Label of time after a ticket was deleted; such a ticket is nowhere."""

_PAIRS: tuple[tuple[str, bool], ...] = (
    (Stage.BACKLOG.value, False),
    *((stage.value, active) for stage in WIP_STAGES for active in (True, False)),
    (Stage.DONE.value, False),
    (Stage.CANCELLED.value, False),
    (UNMAPPED, False),
    (DELETED, False),
)

STAGES: tuple[str, ...] = tuple(dict.fromkeys(stage for stage, _ in _PAIRS))
"""What a stage code stands for: the stages in the order of the flow, then ``unmapped`` and ``deleted``."""

LABELS: tuple[str, ...] = tuple(
    label(Stage(stage), active=active) if stage in set(Stage) else stage for stage, active in _PAIRS
)
"""What a position stands for, which is the name under which time there is counted."""

IS_ACTIVE: BoolArray = np.array([active for _, active in _PAIRS])
"""Whether each position is worked in."""
STAGE_OF: Codes = np.array([STAGES.index(stage) for stage, _ in _PAIRS], dtype=np.int8)
"""The stage code of each position."""

NOWHERE = -1
"""In place of a position on rows that tell of none."""
DONE = LABELS.index(Stage.DONE.value)
CANCELLED = LABELS.index(Stage.CANCELLED.value)
_DELETED = LABELS.index(DELETED)
_UNMAPPED = LABELS.index(UNMAPPED)
_POSITIONS = {pair: position for position, pair in enumerate(_PAIRS)}

for _table in (IS_ACTIVE, STAGE_OF):
    _table.flags.writeable = False


def position(stage: Stage, *, active: bool) -> int:
    """Return the position of a stage; only the stages of work in progress are worked in, whatever a mapping says."""
    return _POSITIONS[stage.value, active and stage in WIP_STAGES]


def resolve(columns: OrderedColumns, *, configuration: Configuration) -> Codes:
    """
    Return where each row puts its ticket, under the current configuration.

    A status is read through the mapping of the row's project, else by the stage stored with it, else it is ``unmapped``
    (decision 0001). A set resolution is ``done``, unless it is one of the project's cancellations or the ticket stands
    in a cancelled status. A ``done`` status of a ticket that carries a cancelling resolution is ``cancelled`` as well.

    Args:
        columns: n rows in order.
        configuration: the mappings and cancelling resolutions.

    Returns:
        Shape (n,), codes into ``LABELS``; ``NOWHERE`` on rows that only raise or clear a flag.
    """
    # The entry at the end answers to the code -1: no status, no resolution told.
    meaning = np.array([*(_meaning(key, configuration) for key in columns.statuses), NOWHERE], dtype=np.int8)
    cancels = np.array([*(_cancels(key, configuration) for key in columns.resolutions), False])
    is_status, is_completed = columns.kind == Kind.STATUS, columns.kind == Kind.COMPLETED
    states: Codes = np.where(is_status, meaning[columns.status_code], np.int8(NOWHERE))
    resolved = cancels[columns.resolution_code] | _in_cancelled_status(columns, states, is_status, is_completed)
    states[is_completed] = np.where(resolved[is_completed], CANCELLED, DONE)
    states[columns.kind == Kind.GONE] = _DELETED
    if cancels.any():
        into_done = is_status & (states == DONE)
        states[into_done & _carries_cancellation(columns, cancels, into_done=into_done)] = CANCELLED
    return states


def last_before(marked: BoolArray, *, item: IntArray) -> IntArray:
    """
    Return for each row the last marked row of the same ticket up to and including it; -1 where there is none.

    Args:
        marked: shape (n,), rows in order.
        item: shape (n,), ascending.
    """
    rows = np.arange(len(marked))
    last = np.maximum.accumulate(np.where(marked, rows, -1)) if len(marked) else rows
    return np.where((last >= 0) & (item[last] == item), last, -1)


def _meaning(key: StatusKey, configuration: Configuration) -> int:
    if mapping := configuration.statuses.find(key.project, key.status):
        return position(mapping.stage, active=mapping.active)
    if key.stored_stage in set(Stage):
        return position(Stage(key.stored_stage), active=bool(key.stored_active))
    return _UNMAPPED


def _cancels(key: ResolutionKey, configuration: Configuration) -> bool:
    cancelling = configuration.project(key.project).cancelled_resolutions
    return key.resolution is not None and folded(key.resolution) in map(folded, cancelling)


def _in_cancelled_status(
    columns: OrderedColumns, states: Codes, is_status: BoolArray, is_completed: BoolArray
) -> BoolArray:
    """Tell of each row whether the status that its ticket stands in is a cancelled one."""
    if not is_completed.any() or not (states == CANCELLED).any():
        return np.zeros(len(states), dtype=np.bool_)
    last = last_before(is_status, item=columns.item)
    cancelled: BoolArray = (last >= 0) & (states[last] == CANCELLED)
    return cancelled


def _carries_cancellation(columns: OrderedColumns, cancels: BoolArray, *, into_done: BoolArray) -> BoolArray:
    """Tell of each row whether its ticket carries a cancelling resolution: told by the row, else remembered.

    It is remembered through further ``done`` statuses; a move to anywhere else re-opens the ticket and forgets it.
    """
    untold = into_done & (columns.resolution_code < 0)
    is_flag = (columns.kind == Kind.FLAG_ON) | (columns.kind == Kind.FLAG_OFF)
    last = last_before(~untold & ~is_flag, item=columns.item)
    carried: BoolArray = (last >= 0) & cancels[columns.resolution_code[last]]
    return carried
