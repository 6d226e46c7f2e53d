"""The team pulse: aggregated and shown (§5.5, §6.6.1, decision 0023).

The one place that decides which averages are shown. What is withheld leaves it as a count and nothing else, so that it
is in no answer, page, table or cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dpp.application.answers import Answers, Asked
from dpp.application.cache import Keeping
from dpp.application.derivation import TOPICS
from dpp.application.ports import Change, ChangeFeed
from dpp.application.pulse_ports import (
    TOPIC,
    PulseAggregateRow,
    PulseAggregates,
    PulseReader,
    PulseRow,
)
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import Figure
from dpp.domain.pulse import Dimension, Period, PulsePeriod, Team, pulse_series
from dpp.domain.quality import MeasuredRate, QualityRate, confidence, measure_rate
from dpp.domain.small_teams import minimum_contributors

METRIC = "team_pulse"
MAX_PERIODS = 36
"""As many months as answers are kept at least (§8.3)."""
DEFAULT_PERIODS = 12

FIRST = Period(1970, 1)

KEPT = Keeping(ttl=timedelta(hours=24), unmoved_by=frozenset(TOPICS.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPulse:
    """
    The pulse of the teams of a view.

    Attributes:
        figure: the overall average of the latest closed survey; its value is None while that is withheld.
        periods: the periods asked for that somebody answered in, in order.
    """

    asked: Asked
    figure: Figure
    periods: tuple[PulsePeriod, ...]


class Pulse:
    """Answers what is asked about the pulse.

    Args:
        reader: sums of answers.
        answers: keeps answers, or not.
    """

    def __init__(self, *, reader: PulseReader, answers: Answers | None = None) -> None:
        self._reader = reader
        self._answers = answers or Answers()

    async def pulse(self, view: View, *, configuration: Configuration, periods: int = DEFAULT_PERIODS) -> TeamPulse:
        """Return the pulse of a view.

        Args:
            view: which delivery streams count; without one, all that it shows together.
            configuration: has the sizes of teams, and how few answers are withheld.
            periods: how many months to look back, the present one included.

        Raises:
            InvalidInput: ``periods`` is below 1 or above ``MAX_PERIODS``.
        """
        if not 1 <= periods <= MAX_PERIODS:
            raise InvalidInput(f"periods must be between 1 and {MAX_PERIODS}, not {periods}", field="periods")
        today = local_date(view.as_of, configuration)
        return await self._answers.get(
            ("pulse", periods, configuration.version, today),
            view=view,
            keeping=KEPT,
            compute=lambda: self._pulse(view, configuration=configuration, periods=periods, today=today),
        )

    async def _pulse(self, view: View, *, configuration: Configuration, periods: int, today: date) -> TeamPulse:
        last = Period.of(today)
        first = last
        for _ in range(periods - 1):
            first = first.before
        # One month more, so that the earliest one asked for has a trend.
        found = await self._series(view, configuration=configuration, first=first.before, today=today)
        shown = tuple(row for row in found if row.period >= first)
        return TeamPulse(asked=Asked.of(view), figure=_figure(shown), periods=shown)

    async def response_rate(self, view: View, *, configuration: Configuration) -> MeasuredRate:
        """Return how many of the teams answered the latest closed survey (§5.6)."""
        return _latest_rate((await self.pulse(view, configuration=configuration)).periods)

    async def _series(
        self, view: View, *, configuration: Configuration, first: Period, today: date
    ) -> tuple[PulsePeriod, ...]:
        last = Period.of(today)
        is_open = today < last.closes_on(last_day=configuration.platform.survey_last_day)
        rows = await self._reader.answers(view, first=first, last=last, closed=last.before if is_open else last)
        return pulse_series(_teams(rows, configuration).values(), open_periods=[last] if is_open else [])


class PulseAggregation:
    """Writes the table of aggregates (§4.4.7), and tells of what changed in it.

    Args:
        reader: sums of answers.
        aggregates: the table.
        feed: tells of changes.
    """

    def __init__(self, *, reader: PulseReader, aggregates: PulseAggregates, feed: ChangeFeed) -> None:
        self._reader = reader
        self._aggregates = aggregates
        self._feed = feed

    async def aggregate(self, *, now: datetime, configuration: Configuration) -> int:
        """Aggregate every closed survey anew; a withheld aggregate has no row. Doing it again changes nothing.

        Returns:
            The number of delivery streams of which something changed.
        """
        today = local_date(now, configuration)
        closed = Period.of(today)
        if today < closed.closes_on(last_day=configuration.platform.survey_last_day):
            closed = closed.before
        everything = View(scope=StreamScope.everything(), as_of=now)
        found = await self._reader.answers(everything, first=FIRST, last=closed, closed=closed)
        rows = [
            _aggregate(stream, row)
            for stream, team in _teams(found, configuration).items()
            for row in pulse_series([team])
            if not row.is_withheld
        ]
        changed = await self._aggregates.replace(rows, periods={row.period for row in found}, at=now)
        if changed:
            await self._feed.publish(Change(topic=TOPIC, delivery_streams=changed))
        return len(changed)


def local_date(moment: datetime, configuration: Configuration) -> date:
    """Return the day that it is then by the platform's clock, which all surveys go by."""
    return moment.astimezone(ZoneInfo(configuration.platform.calendar.time_zone)).date()


def _teams(rows: Iterable[PulseRow], configuration: Configuration) -> dict[UUID, Team]:
    sizes = {stream.stream_id: stream.team_size for stream in configuration.delivery_streams}
    by_stream: dict[UUID, list[PulseRow]] = {}
    for row in rows:
        by_stream.setdefault(row.delivery_stream_id, []).append(row)
    return {
        stream: Team(
            answers={row.period: row.sums for row in of_stream},
            team_size=sizes.get(stream),
            minimum=minimum_contributors(configuration, stream),
        )
        for stream, of_stream in by_stream.items()
    }


def _figure(periods: Iterable[PulsePeriod]) -> Figure:
    closed = [row for row in periods if not row.is_open]
    overall = closed[-1].overall if closed else None
    rate = _latest_rate(closed)
    return Figure(
        value=overall,
        unit=METRICS[METRIC].unit,
        sample_size=closed[-1].response_count if overall is not None else 0,
        confidence=confidence(METRICS[METRIC].affected_by, measured={rate.rate: rate}),
    )


def _latest_rate(periods: Iterable[PulsePeriod]) -> MeasuredRate:
    closed = [row for row in periods if not row.is_open]
    return closed[-1].response_rate if closed else measure_rate(QualityRate.PULSE_RESPONSE, complete=0, total=0)


def _aggregate(stream: UUID, row: PulsePeriod) -> PulseAggregateRow:
    assert row.overall is not None
    return PulseAggregateRow(
        delivery_stream_id=stream,
        survey_period=row.period,
        response_count=row.response_count,
        team_size=row.team_size,
        response_rate_pct=row.response_rate.value,
        pace_avg=row.averages[Dimension.PACE],
        pace_trend=row.trends.get(Dimension.PACE),
        tooling_avg=row.averages[Dimension.TOOLING],
        tooling_trend=row.trends.get(Dimension.TOOLING),
        clarity_avg=row.averages[Dimension.CLARITY],
        clarity_trend=row.trends.get(Dimension.CLARITY),
        overall_avg=row.overall,
    )
