"""What every answer has in common: what it is about, whether it is kept, and how far its figures can be trusted.

Scope is part of a view and of what an answer is kept under; marks of confidence are given here, once, for the API, the
pages, exports and the cache alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from dpp.application.cache import Keeping
from dpp.application.readers import MetricsReader, Share
from dpp.application.views import View
from dpp.domain.catalogue import METRICS
from dpp.domain.figures import Figure
from dpp.domain.quality import MeasuredRate, QualityRate, confidence, measure_rate

T = TypeVar("T")

#: Every figure of a page rests on the rates, and they cost more than most of them: kept while a page loads.
RATES = Keeping(ttl=timedelta(seconds=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answer is about, for its envelope (§7.3.3).

    ``is_live`` says that ``as_of`` was the present, so that it is also when the answer was worked out.
    """

    delivery_stream_id: UUID | None
    tech_stream_id: UUID | None
    window_days: int
    as_of: datetime
    is_live: bool = False

    @classmethod
    def of(cls, view: View, *, window_days: int = 0) -> Asked:
        """Describe a question; 0 days for what has no window."""
        return cls(
            delivery_stream_id=view.delivery_stream_id,
            tech_stream_id=view.tech_stream_id,
            window_days=window_days,
            as_of=view.as_of,
            is_live=view.is_live,
        )


class Answers:
    """Gives answers: works out each anew. ``KeptAnswers`` keeps them."""

    async def get(self, question: Hashable, *, view: View, keeping: Keeping, compute: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question about a view.

        Args:
            question: what is asked beside the view's streams and scope; equal questions have one answer.
            view: which things count.
            keeping: how long the answer may be kept.
            compute: works it out.
        """
        return await compute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How complete the data of a view is, and what that does to its figures (§5.6)."""

    rates: Mapping[QualityRate, MeasuredRate]

    def on(self, figure: Figure, metric: str) -> Figure:
        """Mark a figure with how far it can be trusted, as the catalogue says what its metric rests on."""
        return replace(figure, confidence=confidence(METRICS[metric].affected_by, measured=self.rates))


class Trust:
    """Finds out how far the figures of a view can be trusted."""

    def __init__(self, *, reader: MetricsReader, answers: Answers) -> None:
        self._reader = reader
        self._answers = answers

    async def marks(self, view: View) -> Marks:
        """Return the rates of a view."""
        return await self._answers.get("rates", view=view, keeping=RATES, compute=lambda: self._measure(view))

    async def _measure(self, view: View) -> Marks:
        shares = await self._reader.quality(view)
        rates = {
            rate: measure_rate(rate, complete=share.complete, total=share.total)
            for rate in QualityRate
            for share in (shares.get(rate, Share(0, 0)),)
        }
        return Marks(rates=rates)
