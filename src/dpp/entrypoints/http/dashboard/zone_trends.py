"""How often, how fast and how safely changes reach users, and the changes behind that (§7.1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from dpp.application.delivery_reader import ChangeState
from dpp.application.trends import DeliveryTrends, Trend
from dpp.domain.catalogue import METRICS
from dpp.domain.change_lead_times import Part
from dpp.domain.dora import FREQUENCY_DAYS, TREND_DAYS
from dpp.domain.dora_bands import SOURCE, Band, band_of
from dpp.domain.figures import Figure
from dpp.domain.metric import Unit
from dpp.entrypoints.http.dashboard import flow_charts, words
from dpp.entrypoints.http.dashboard.cards import Mark, marks
from dpp.entrypoints.http.dashboard.charts import Chart
from dpp.entrypoints.http.dashboard.looking import Answers, Context
from dpp.entrypoints.http.dashboard.restated import NOTHING, Change, Restated

TEMPLATE = "zones/trends.html"

#: The cards, each by the metrics whose lines it has; the first one leads it.
CARDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "deployments": ("deployment_frequency",),
        "failures": ("change_failure_rate",),
        "restores": ("ttr_median", "ttr_mean"),
        "lead-times": ("lead_time_p50", "lead_time_p85"),
    }
)
_NAMES = {"ttr_median": "median", "ttr_mean": "mean", "lead_time_p50": "p50", "lead_time_p85": "p85"}
_NOUNS = {
    "deployment_frequency": "deployment",
    "change_failure_rate": "deployment",
    "ttr_median": "restored incident",
    "lead_time_p50": "deployment",
}
_PARTS = (Part.CODING, Part.PICKUP, Part.REVIEW, Part.DEPLOY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One day of the table behind a chart: a value for each line, and what was changed in it after it was over."""

    day: date
    values: tuple[str, ...]
    sample_size: int
    restated: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendCard:
    """
    One card.

    Attributes:
        name: in the page's markup.
        metric: name of the metric that leads it.
        metrics: names of all.
        value: of that, in words, with its unit.
        beside: name and value of the other metrics.
        band: the band of the value, as context.
        trailing: over how many days each point looks back.
        columns: what the values of a row are.
        restated: what was changed in its days after they were over, the latest day first.
    """

    name: str
    metric: str
    metrics: tuple[str, ...]
    value: str
    beside: tuple[tuple[str, str], ...]
    sample: str
    marks: tuple[Mark, ...]
    band: Band | None
    trailing: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    chart: Chart | None
    restated: tuple[Change, ...] = ()


async def context(answers: Answers) -> Context:
    """Return what the zone shows."""
    found, waiting, deployed, restated = await asyncio.gather(
        answers.trends(),
        answers.changes(ChangeState.UNDEPLOYED),
        answers.changes(ChangeState.DEPLOYED),
        answers.restated(),
    )
    return {
        "trends": found,
        "trend_cards": tuple(card(name, found, restated) for name in CARDS),
        "band_source": SOURCE,
        "parts": tuple((words.PARTS[part], found.lead_times[part]) for part in _PARTS),
        "undeployed": waiting,
        "deployed": deployed,
        "waiting_marks": marks(found.waiting.count),
    }


def card(name: str, found: DeliveryTrends, restated: Restated = NOTHING) -> TrendCard:
    """Return one of ``CARDS``, with what was restated of the days that it shows."""
    metrics = CARDS[name]
    lead, *others = ((metric, found.trends[metric]) for metric in metrics)
    figure = lead[1].figure
    columns = tuple(_NAMES.get(metric, METRICS[metric].title) for metric in metrics)
    return TrendCard(
        name=name,
        metric=lead[0],
        metrics=metrics,
        value=words.said(figure),
        beside=tuple((_NAMES[metric], words.said(trend.figure)) for metric, trend in others),
        sample=words.counted(figure.sample_size, _NOUNS[lead[0]]),
        marks=marks(figure),
        band=band_of(lead[0], figure.value),
        trailing=FREQUENCY_DAYS if lead[0] == "deployment_frequency" else TREND_DAYS,
        columns=columns,
        rows=_rows({metric: found.trends[metric] for metric in metrics}, restated),
        chart=series_chart({metric: found.trends[metric] for metric in metrics}, restated),
        restated=tuple(restated.of(metrics)),
    )


def _rows(trends: Mapping[str, Trend], restated: Restated) -> tuple[Row, ...]:
    """Return the days, the latest first."""
    unit = next(iter(trends.values())).figure.unit
    days = zip(*(trend.series for trend in trends.values()), strict=True)
    return tuple(
        Row(
            day=points[0].day,
            values=tuple(words.said(Figure(value=point.value, unit=unit, sample_size=1)) for point in points),
            sample_size=points[0].sample_size,
            restated=tuple(change for name in trends for change in restated.on(name, points[0].day)),
        )
        for points in reversed(list(days))
    )


def series_chart(trends: Mapping[str, Trend], restated: Restated = NOTHING) -> Chart | None:
    """
    Return the lines of some metrics of one unit, but of the mean, which the table has.

    Args:
        trends: by the names of the metrics, the leading one first.
        restated: what was changed in its days after they were over.

    Returns:
        The chart, in a unit in which its values are no large numbers; None when no day rests on anything.
    """
    lines = {name: trend.series for name, trend in trends.items() if name != "ttr_mean"}
    points = [point for series in lines.values() for point in series]
    if not any(point.sample_size for point in points):
        return None
    lead = METRICS[next(iter(trends))]
    unit, per = _axis(lead.unit, [point.value for point in points])
    return flow_charts.series(
        lead.title,
        {
            _NAMES.get(name, METRICS[name].title): [
                None if point.value is None else point.value / per for point in series
            ]
            for name, series in lines.items()
        },
        days=[point.day for point in next(iter(lines.values()))],
        unit=unit,
        marks={
            _NAMES.get(name, METRICS[name].title): [
                (at, change.said) for at, point in enumerate(series) for change in restated.on(name, point.day)
            ]
            for name, series in lines.items()
        },
    )


def _axis(unit: str, values: Sequence[float | None]) -> tuple[str, float]:
    """Return the unit of an axis, and how many of the figure's own are one of it."""
    highest = max((value for value in values if value is not None), default=0.0)
    if unit == Unit.MINUTES:
        return ("hours", 60.0) if highest >= 180 else ("minutes", 1.0)
    if unit == Unit.HOURS:
        return ("days", 24.0) if highest >= 72 else ("hours", 1.0)
    return {Unit.PERCENT.value: "percent", Unit.PER_WEEK.value: "a week"}.get(unit, unit), 1.0
