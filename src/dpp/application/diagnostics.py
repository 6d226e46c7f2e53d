"""Where quality escapes, how long changes wait for review, and whether reviewing rests on one person (§6.3.2, §6.3.3).

The one place that decides about breakdowns by person: what leaves it has no hash of anybody, and a small team is not
broken down at all (§4.6, decision 0022).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from uuid import UUID

from dpp.application.answers import Answers, Asked, Trust
from dpp.application.cache import Keeping
from dpp.application.derivation import TOPICS
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.gaps import Gaps
from dpp.application.readers import MetricsReader
from dpp.application.stale import StaleKind
from dpp.application.views import View, Window
from dpp.domain.configuration import Configuration
from dpp.domain.defects import DefectEscape, defect_escape
from dpp.domain.figures import Figure
from dpp.domain.reviews import (
    Concentration,
    ReviewerShare,
    SuppressedConcentration,
    review_turnaround,
    reviewer_concentration,
)
from dpp.domain.small_teams import (
    Breakdown,
    Contribution,
    contributors,
    minimum_contributors,
    told_breakdowns,
)

BREAKDOWN_DAYS = frozenset({30, 90})
"""Beside the configured one the only windows over which reviewers are broken down: two that nearly overlap would differ
by what one person did in a day."""

KEPT = Keeping(
    ttl=timedelta(minutes=15),
    unmoved_by=frozenset(TOPICS.values()) - {TOPICS[StaleKind.TICKET], TOPICS[StaleKind.PULL_REQUEST]},
)

#: Who decides what is broken down looks at all that a caller sees, whichever stream is asked about: once for a page.
CONTRIBUTIONS = Keeping(ttl=timedelta(seconds=30), unmoved_by=KEPT.unmoved_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """
    How reviewing spreads over reviewers.

    Attributes:
        figure: the largest share in percent, over the reviews of the window; its value is None without a review and
            when there is no breakdown.
        concentration: with labels in place of hashes, which mean nothing outside this answer; or that it is withheld.
    """

    figure: Figure
    concentration: Concentration | SuppressedConcentration


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """§6.3.2 and §6.3.3 over a window; ``review_turnaround`` by the names of its two metrics."""

    asked: Asked
    defects: DefectEscape
    review_turnaround: Mapping[str, Figure]
    reviewing: Reviewing


class Diagnostics:
    """Answers what is asked about defects and reviews.

    Args:
        reader: rows for these figures.
        metrics: rows for the rates of §5.6.
        answers: keeps answers, or not.
        gaps: knows what may belong to a view and does not say so.
    """

    def __init__(
        self,
        *,
        reader: DiagnosticsReader,
        metrics: MetricsReader,
        answers: Answers | None = None,
        gaps: Gaps | None = None,
    ) -> None:
        self._reader = reader
        self._gaps = gaps or Gaps()
        self._answers = answers or Answers()
        self._trust = Trust(reader=metrics, answers=self._answers)

    async def diagnose(self, view: View, *, window_days: int, configuration: Configuration) -> Diagnosis:
        """Return the figures of a view.

        Args:
            view: which things count.
            window_days: days to look back from the view's moment.
            configuration: has the minimums below which a team is not broken down.

        Raises:
            InvalidInput: the window is too short or too long.
        """
        return await self._answers.get(
            ("diagnosis", window_days, configuration.version),
            view=view,
            keeping=KEPT,
            compute=lambda: self._diagnose(view, window_days=window_days, configuration=configuration),
        )

    async def _diagnose(self, view: View, *, window_days: int, configuration: Configuration) -> Diagnosis:
        window = Window.back_from(view.as_of, days=window_days)
        defects = defect_escape(
            await self._reader.defects(view, window=window), missing=await self._gaps.defects(view, window=window)
        )
        turnaround = review_turnaround(
            await self._reader.review_hours(view, window=window),
            missing=await self._gaps.review_hours(view, window=window),
        )
        reviewing = await self._reviewing(view, window_days=window_days, configuration=configuration)
        marks = await self._trust.marks(view)
        return Diagnosis(
            asked=Asked.of(view, window_days=window_days),
            defects=replace(defects, rate=marks.on(defects.rate, "defect_escape_rate")),
            review_turnaround={name: marks.on(figure, name) for name, figure in turnaround.items()},
            reviewing=replace(reviewing, figure=marks.on(reviewing.figure, "reviewer_concentration")),
        )

    async def _reviewing(self, view: View, *, window_days: int, configuration: Configuration) -> Reviewing:
        presets = sorted(BREAKDOWN_DAYS | {configuration.platform.window_days})
        if view.is_live and window_days in presets and not (view.delivery_stream_id and view.tech_stream_id):
            days = presets[: presets.index(window_days) + 1]
            everything = replace(view, delivery_stream_id=None, tech_stream_id=None)
            spans, told = await self._answers.get(
                ("contributions", tuple(days), configuration.version),
                view=everything,
                keeping=CONTRIBUTIONS,
                compute=lambda: self._told(everything, days, configuration),
            )
            shown = [row for span in spans for row in _shown(span, view)]
            withheld = Breakdown(_stream_of(view), len(spans)) not in told
        else:
            window = Window.back_from(view.as_of, days=window_days)
            shown, withheld = list(await self._reader.contributions(view, window=window)), True
        minimum = _minimum(view, _stream_of(view), configuration)
        return _reviewing_of(shown, minimum=minimum, withheld=withheld)

    async def _told(
        self, view: View, days: Sequence[int], configuration: Configuration
    ) -> tuple[list[Sequence[Contribution]], frozenset[Breakdown]]:
        """Return the contributions of the shortest window and of what longer ones have more, and what may be told."""
        spans = await self._spans(view, days)
        return spans, told_breakdowns(spans, minimum_of=lambda stream: _minimum(view, stream, configuration))

    async def _spans(self, view: View, days: Sequence[int]) -> list[Sequence[Contribution]]:
        """Return the contributions of the shortest window, then those of what each longer one has more."""
        edges = [view.as_of, *(Window.back_from(view.as_of, days=some).start for some in days)]
        return [
            await self._reader.contributions(view, window=Window(start=start, end=end))
            for end, start in pairwise(edges)
        ]


def _stream_of(view: View) -> UUID | None:
    return view.delivery_stream_id or view.tech_stream_id


def _shown(rows: Sequence[Contribution], view: View) -> Iterator[Contribution]:
    """Yield those that a view shows; rows of the same streams mostly follow each other."""
    for (delivery, tech), same in groupby(rows, key=itemgetter(0, 1)):
        if view.shows(delivery_stream_id=delivery, tech_stream_ids=tech):
            yield from same


def _minimum(view: View, stream_id: UUID | None, configuration: Configuration) -> int:
    """Return the fewest people of what a caller sees of a stream, or of all.

    Who sees only the part of a stream that belongs to streams of their own sees these, whose minimums hold as well.
    """
    own = minimum_contributors(configuration, stream_id)
    scope = view.scope
    opened = scope.delivery_streams | scope.tech_streams
    if scope.is_all or stream_id in opened:
        return own
    return max([own, *(minimum_contributors(configuration, stream) for stream in opened)])


def _reviewing_of(rows: Sequence[Contribution], *, minimum: int, withheld: bool) -> Reviewing:
    reviews: Counter[str] = Counter()
    for row in rows:
        reviews[row.person] += row.reviews
    found = reviewer_concentration(reviews, contributors=contributors(rows), minimum=minimum, withheld=withheld)
    largest = None
    if isinstance(found, Concentration):
        found = replace(found, reviewers=_labelled(found.reviewers))
        largest = found.reviewers[0].share_pct if found.reviewers else None
    return Reviewing(figure=Figure(value=largest, unit="percent", sample_size=found.review_count), concentration=found)


def _labelled(shares: Sequence[ReviewerShare]) -> tuple[ReviewerShare, ...]:
    """Put labels in the place of hashes; the same person has another one in the next answer."""
    return tuple(
        ReviewerShare(reviewer=f"reviewer {place}", share_pct=share.share_pct)
        for place, share in enumerate(shares, start=1)
    )
