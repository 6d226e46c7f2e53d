"""Figures by day and restatements as JSON (decision 0025)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct

from dpp.application.measures import Cause, Restatement, StreamFigure, StreamKey, restatement_place_of
from dpp.domain.configuration import Configuration
from dpp.domain.metric import Dimension
from dpp.entrypoints.http.ledger_shapes import ListMeta

_NAMESPACE = UUID("5e0a63a5-7d38-5a3c-9c5f-0f0f6b6a1c54")


class DailyFigure(Struct, frozen=True, kw_only=True):
    """
    A figure of one local day of a stream, as of the day's end; today's is as of ``computed_at``.

    ``stream`` is the stream's name, null when it is not configured any more. ``percentile`` is which one it is of its
    distribution, null if it is none.
    """

    day: date
    stream_type: Dimension
    stream_id: UUID
    stream: str | None
    metric: str
    percentile: int | None
    value: float
    unit: str
    sample_size: int
    computed_at: datetime


class DailyAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of figures by day, stream and metric."""

    status: Literal["ok"]
    data: list[DailyFigure]
    meta: ListMeta


class RestatedFigure(Struct, frozen=True, kw_only=True):
    """
    A change to a figure of a day that was over, and its cause.

    A value is null where the day had, or has, nothing to take it from. ``cause`` is why it changed, ``cause_detail``
    what changed, and ``cause_since`` the earliest time that this is about, null when it may be about any. The id is
    the same for ever, and says nothing of how many others there are.
    """

    restatement_id: UUID
    day: date
    stream_type: Dimension
    stream_id: UUID
    stream: str | None
    metric: str
    percentile: int | None
    unit: str
    old_value: float | None
    new_value: float | None
    old_sample_size: int
    new_sample_size: int
    cause: Cause
    cause_detail: str | None
    cause_since: datetime | None
    restated_at: datetime


class RestatementsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of restatements, the latest first."""

    status: Literal["ok"]
    data: list[RestatedFigure]
    meta: ListMeta


def names_of(configuration: Configuration) -> dict[StreamKey, str]:
    """Return the names of the configured streams."""
    return {
        **{StreamKey(Dimension.DELIVERY, row.stream_id): row.name for row in configuration.delivery_streams},
        **{StreamKey(Dimension.TECH, row.stream_id): row.name for row in configuration.tech_streams},
    }


def daily(row: StreamFigure, *, names: dict[StreamKey, str]) -> DailyFigure:
    """Shape a figure of a day."""
    figure = row.figure
    return DailyFigure(
        day=figure.day,
        stream_type=row.stream.dimension,
        stream_id=row.stream.stream_id,
        stream=names.get(row.stream),
        metric=figure.metric,
        percentile=figure.percentile,
        value=figure.value,
        unit=figure.unit,
        sample_size=figure.sample_size,
        computed_at=row.computed_at,
    )


def restated(row: Restatement, *, names: dict[StreamKey, str]) -> RestatedFigure:
    """Shape a restatement."""
    return RestatedFigure(
        restatement_id=uuid5(_NAMESPACE, "/".join(map(str, restatement_place_of(row)))),
        day=row.day,
        stream_type=row.stream.dimension,
        stream_id=row.stream.stream_id,
        stream=names.get(row.stream),
        metric=row.metric,
        percentile=row.percentile,
        unit=row.unit,
        old_value=row.old_value,
        new_value=row.new_value,
        old_sample_size=row.old_sample,
        new_sample_size=row.new_sample,
        cause=row.cause,
        cause_detail=row.detail,
        cause_since=row.since,
        restated_at=row.restated_at,
    )
