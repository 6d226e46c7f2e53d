"""From columns as a store has them, with ids and in any order, to those that the calculators take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpp.application.delivery_reader import DeploymentHistory
from dpp.domain.arrays import IntArray
from dpp.domain.dora import Blames, Deployments, Restores

Columns = Mapping[str, NDArray[Any]]

#: How numpy holds an id: its sixteen bytes, without those at the end that are 0.
ID = np.dtype("S16")


def history(deployments: Columns, blames: Columns) -> DeploymentHistory:
    """
    Put deployments in order, and find the one that each blame is about.

    Args:
        deployments: ``record_id`` and ``repo_id`` (of type ``ID``, empty for none), ``started_at``, ``deployed_at``,
            ``has_succeeded``, ``is_config_only``, ``rollback_at``, ``lead_time_hrs``.
        blames: ``record_id`` and ``repo_id``, ``standing``, ``valid_from``, ``valid_to``, ``began_at``, ``ended_at``.
    """
    order = np.argsort(deployments["deployed_at"], kind="stable")
    ordered = {name: column[order] for name, column in deployments.items()}
    repositories = np.unique(np.concatenate((ordered["repo_id"], blames["repo_id"])))
    return DeploymentHistory(
        deployments=Deployments(
            started_at=ordered["started_at"],
            deployed_at=ordered["deployed_at"],
            has_succeeded=ordered["has_succeeded"],
            is_config_only=ordered["is_config_only"],
            rolled_back_at=ordered["rollback_at"],
            lead_time_hrs=ordered["lead_time_hrs"],
            repository=_codes(ordered["repo_id"], repositories),
        ),
        blames=Blames(
            deployment=_places(blames["record_id"], ordered["record_id"]),
            repository=_codes(blames["repo_id"], repositories),
            standing=blames["standing"],
            valid_from=blames["valid_from"],
            valid_to=blames["valid_to"],
            began_at=blames["began_at"],
            ended_at=blames["ended_at"],
        ),
    )


def restores_of(columns: Columns) -> Restores:
    """Put restores (``resolved_at``, ``minutes``, ``valid_from``, ``valid_to``) in the order of the end."""
    order = np.argsort(columns["resolved_at"], kind="stable")
    return Restores(**{name: column[order] for name, column in columns.items()})


def _codes(ids: NDArray[np.bytes_], known: NDArray[np.bytes_]) -> IntArray:
    return np.where(ids == b"", -1, np.searchsorted(known, ids))


def _places(wanted: NDArray[np.bytes_], ids: NDArray[np.bytes_]) -> IntArray:
    """Return the position of each wanted id among distinct ids, -1 for one that is not there."""
    if not wanted.size:
        return np.zeros(0, dtype=np.int64)
    # The wanted are few: looking the many up among them needs no sorting of the many.
    few = np.unique(wanted)
    found = np.searchsorted(few, ids)
    there = np.flatnonzero(few[np.minimum(found, few.size - 1)] == ids)
    places = np.full(few.size, -1, dtype=np.int64)
    places[found[there]] = there
    result: IntArray = places[np.searchsorted(few, wanted)]
    return result
