"""What figures were on past days, and which of them were changed later and why (§4.4.1, decision 0025).

Stored figures are of whole streams, so they are told to whoever may see the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dpp.application.answers import Asked
from dpp.application.change_ledger import DEFAULT_LIMIT, MAX_LIMIT
from dpp.application.daily_figures import MEASURED
from dpp.application.measures import (
    FigurePlace,
    MeasureStore,
    Restatement,
    RestatementPlace,
    StreamFigure,
    StreamKey,
    Wanted,
    place_of,
    restatement_place_of,
)
from dpp.application.views import View
from dpp.domain.catalogue import metric as catalogued
from dpp.domain.errors import InvalidInput
from dpp.domain.metric import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class FigurePage:
    """Some figures of a list, by day, stream and metric; ``following`` is behind which place the next page begins."""

    asked: Asked
    figures: Sequence[StreamFigure]
    following: FigurePlace | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestatementPage:
    """Some restatements, the latest first; ``following`` is below which place the next page begins."""

    asked: Asked
    restatements: Sequence[Restatement]
    following: RestatementPlace | None
    limit: int


class FigureHistory:
    """Answers what is asked of past days; what is there now is told, so nothing of it is kept.

    Args:
        store: has the figures.
    """

    def __init__(self, *, store: MeasureStore) -> None:
        self._store = store

    async def figures(
        self,
        view: View,
        *,
        metric: str | None = None,
        first: date | None = None,
        last: date | None = None,
        after: FigurePlace | None = None,
        limit: int | None = None,
    ) -> FigurePage:
        """Return a page of the figures of some days.

        Args:
            view: which streams; its moment plays no part.
            metric: this one alone.
            first: the first day; None for the beginning.
            last: the last day, inclusive; None for the latest.
            after: the place of the last figure of the page before; None for the first page.
            limit: figures at most, 1 to ``MAX_LIMIT``; None for ``DEFAULT_LIMIT``.

        Raises:
            InvalidInput: a limit or a span of days that cannot be, a metric that has no number a day, or two streams.
            UnknownMetric: there is no such metric.
        """
        size, wanted = _size(limit), _wanted(view, metric=metric, first=first, last=last)
        # One more than is shown tells whether another page follows.
        found = await self._store.figures(wanted, after=after, limit=size + 1)
        following = place_of(found[size - 1]) if len(found) > size else None
        return FigurePage(asked=Asked.of(view), figures=found[:size], following=following, limit=size)

    async def restatements(
        self,
        view: View,
        *,
        metric: str | None = None,
        first: date | None = None,
        last: date | None = None,
        before: RestatementPlace | None = None,
        limit: int | None = None,
    ) -> RestatementPage:
        """Return a page of the changes to figures of some days; arguments and errors as for ``figures``.

        Args:
            before: the place of the last restatement of the page before; None for the first page.
        """
        size, wanted = _size(limit), _wanted(view, metric=metric, first=first, last=last)
        found = await self._store.restatements(wanted, before=before, limit=size + 1)
        following = restatement_place_of(found[size - 1]) if len(found) > size else None
        return RestatementPage(asked=Asked.of(view), restatements=found[:size], following=following, limit=size)


def _size(limit: int | None) -> int:
    size = DEFAULT_LIMIT if limit is None else limit
    if not 1 <= size <= MAX_LIMIT:
        raise InvalidInput(f"limit must be between 1 and {MAX_LIMIT}, not {size}", field="limit")
    return size


def _wanted(view: View, *, metric: str | None, first: date | None, last: date | None) -> Wanted:
    if metric is not None and catalogued(metric).name not in MEASURED:
        raise InvalidInput(
            f"{metric} has no number for each day; those that have: {', '.join(MEASURED)}", field="metric"
        )
    if first is not None and last is not None and last < first:
        raise InvalidInput(f"to must not be before from, {last} before {first}", field="to")
    return Wanted(
        streams=_streams(view), metrics=None if metric is None else frozenset({metric}), first=first, last=last
    )


def _streams(view: View) -> frozenset[StreamKey] | None:
    """Return the streams whose figures a view shows; None for all."""
    if view.delivery_stream_id is not None and view.tech_stream_id is not None:
        raise InvalidInput("figures of past days are of one stream: give stream or tech_stream", field="tech_stream")
    if view.delivery_stream_id is not None:
        return frozenset({StreamKey(Dimension.DELIVERY, view.delivery_stream_id)})
    if view.tech_stream_id is not None:
        return frozenset({StreamKey(Dimension.TECH, view.tech_stream_id)})
    if view.scope.is_all:
        return None
    return frozenset(
        {
            *(StreamKey(Dimension.DELIVERY, stream) for stream in view.scope.delivery_streams),
            *(StreamKey(Dimension.TECH, stream) for stream in view.scope.tech_streams),
        }
    )
