"""Deployments, blames and restores told one by one, as the columns that the calculators take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpp.domain.dora import STANDINGS, Blames, Deployments, Restores
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

HOUR = 3_600_000_000
DAY = 24 * HOUR


def hour(value: float | None) -> int:
    """Return the instant so many hours after the beginning; for ever without a number."""
    return FOREVER if value is None else round(value * HOUR)


@dataclass(frozen=True)
class Deployed:
    """A deployment; times are hours."""

    at: float
    ok: bool = True
    config: bool = False
    undone: float | None = None
    lead: float = math.nan
    repo: int = 0
    took: float = 0.25


@dataclass(frozen=True)
class Blamed:
    """A deployment's blame for an incident; times are hours."""

    deployment: int
    since: float
    until: float | None = None
    standing: Standing = Standing.BLAMED
    began: float = 0.0
    ended: float | None = None
    repo: int = 0


@dataclass(frozen=True)
class Restored:
    """What was known of an incident's length; times are hours."""

    resolved: float
    minutes: float
    since: float
    until: float | None = None


def deployments(*rows: Deployed) -> Deployments:
    """Return columns of deployments, which are told in the order of their end."""
    return Deployments(
        started_at=_instants([row.at - row.took for row in rows]),
        deployed_at=_instants([row.at for row in rows]),
        has_succeeded=np.array([row.ok for row in rows], dtype=np.bool_),
        is_config_only=np.array([row.config for row in rows], dtype=np.bool_),
        rolled_back_at=_instants([row.undone for row in rows]),
        lead_time_hrs=np.array([row.lead for row in rows], dtype=np.float64),
        repository=np.array([row.repo for row in rows], dtype=np.int64),
    )


def blames(*rows: Blamed) -> Blames:
    """Return columns of blames."""
    return Blames(
        deployment=np.array([row.deployment for row in rows], dtype=np.int64),
        repository=np.array([row.repo for row in rows], dtype=np.int64),
        standing=np.array([STANDINGS.index(row.standing) for row in rows], dtype=np.int64),
        valid_from=_instants([row.since for row in rows]),
        valid_to=_instants([row.until for row in rows]),
        began_at=_instants([row.began for row in rows]),
        ended_at=_instants([row.ended for row in rows]),
    )


def restores(*rows: Restored) -> Restores:
    """Return columns of restores, which are told in the order of the end."""
    return Restores(
        resolved_at=_instants([row.resolved for row in rows]),
        minutes=np.array([row.minutes for row in rows], dtype=np.float64),
        valid_from=_instants([row.since for row in rows]),
        valid_to=_instants([row.until for row in rows]),
    )


def moments(*hours: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return moments at so many hours."""
    return np.array([hour(value) for value in hours], dtype=np.int64)


def _instants(hours: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([hour(value) for value in hours], dtype=np.int64)
