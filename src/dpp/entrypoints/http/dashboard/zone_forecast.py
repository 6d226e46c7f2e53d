"""When the remaining work will be done, how sure that is, and what would change it (§7.1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dpp.application.forecast_answers import MAX_SCOPE_CHANGE, DeliveryForecast
from dpp.domain.calibration import Calibration
from dpp.domain.forecast import PERCENTS, Bar, Forecast, Method
from dpp.entrypoints.http.dashboard import flow_charts, words
from dpp.entrypoints.http.dashboard.cards import marks
from dpp.entrypoints.http.dashboard.charts import Chart
from dpp.entrypoints.http.dashboard.filters import WHAT_IF
from dpp.entrypoints.http.dashboard.looking import Answers, Context

TEMPLATE = "zones/forecast.html"
MAX_BARS = 40
"""More bars than this are put together, so that each can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """By which date the work is done with a chance, and how often that held so far."""

    percent: int
    day: str
    is_beyond: bool
    record: Calibration | None


async def context(answers: Answers) -> Context:
    """Return what the zone shows."""
    found = await answers.forecast()
    made = found.forecast
    return {
        "forecast": found,
        "made": made,
        "Method": Method,
        "forecast_marks": marks(found.figure),
        "chances": chances(found),
        "histogram": histogram(made) if made and made.method is Method.MONTE_CARLO else None,
        "hidden_filters": answers.looking.filters.pairs(but=WHAT_IF),
        "max_scope_change": MAX_SCOPE_CHANGE,
        "what_if_lines": what_if(found),
    }


def chances(found: DeliveryForecast) -> tuple[Chance, ...]:
    """Return the dates of the chances of §6.5.1; none where nothing was drawn."""
    made = found.forecast
    if made is None or made.method is not Method.MONTE_CARLO:
        return ()
    return tuple(
        Chance(
            percent=percent,
            day=words.calendar_day(made.completion_date(percent)),
            is_beyond=made.is_beyond_horizon(percent),
            record=found.calibration.get(percent),
        )
        for percent in PERCENTS
    )


def histogram(made: Forecast) -> Chart:
    """Bars of the runs that are done on a date, with the dates of the chances as lines."""
    bars = gathered(made.distribution)
    dates = {percent: made.completion_date(percent) for percent in PERCENTS if not made.is_beyond_horizon(percent)}
    said = ", ".join(f"p{percent} on {words.calendar_day(day)}" for percent, day in dates.items())
    return {
        "kind": "histogram",
        "description": f"Histogram of {words.number(made.runs)} simulated completions; {said}.",
        "rows": [{"day": flow_charts.day_ms(bar.completion_date), "share": round(bar.share_pct, 2)} for bar in bars],
        "lines": _lines(dates, bars),
    }


def _lines(dates: Mapping[int, date | None], bars: Sequence[Bar]) -> list[Chart]:
    """Return a line for each bar that a chance ends in; it is drawn as the highest of its chances."""
    chances: dict[int, list[str]] = {}
    for percent, day in dates.items():
        if day is not None:
            chances.setdefault(_bar_of(day, bars), []).append(f"p{percent}")
    return [{"bar": bar, "names": names, "ink": names[-1]} for bar, names in chances.items()]


def gathered(bars: Sequence[Bar], *, most: int = MAX_BARS) -> tuple[Bar, ...]:
    """Return neighbouring bars put together until there are few enough; each stands for the last date it has."""
    per = -(-len(bars) // most) or 1
    groups = [bars[start : start + per] for start in range(0, len(bars), per)]
    return tuple(
        group[-1]._replace(runs=sum(bar.runs for bar in group), share_pct=sum(bar.share_pct for bar in group))
        for group in groups
    )


def _bar_of(day: date, bars: Sequence[Bar]) -> int:
    return next((place for place, bar in enumerate(bars) if bar.completion_date >= day), len(bars) - 1)


def what_if(found: DeliveryForecast) -> tuple[str, ...]:
    """Return what would be, in sentences; none when nothing was wondered about."""
    imagined = found.imagined
    if imagined is None:
        return ()
    made, asked = imagined.forecast, imagined.asked
    lines = [_changed(made, asked.scope_change)]
    if asked.confidence_pct is not None and imagined.confident_date is not None:
        not_before = "not before " if made.is_beyond_horizon(asked.confidence_pct) else "by "
        lines.append(
            f"With a chance of {asked.confidence_pct:g}{words.FIXED_SPACE}% all of it is done "
            f"{not_before}{words.calendar_day(imagined.confident_date)}."
        )
    by_date = imagined.by_date
    if by_date is not None:
        day = words.calendar_day(by_date.day)
        lines.append(
            f"By {day} the chance of all {made.scope} is {words.percent(by_date.chance_pct)}{words.FIXED_SPACE}%."
        )
        surely = [f"{by_date.items[percent]} at {percent}{words.FIXED_SPACE}%" for percent in PERCENTS]
        lines.append(f"Done by {day} are at least so many, by how sure that is: {', '.join(surely)}.")
        if by_date.scope_cut:
            lines.append(
                f"Take out {by_date.scope_cut} of {made.scope} to be {asked.confidence_pct:g}{words.FIXED_SPACE}% sure "
                "of the rest by then."
            )
    elif asked.by_date is not None:
        lines.append("There are too few weeks of history to tell the chance of a date.")
    if imagined.sprint is not None and imagined.sprint.scope_cut:
        cut = imagined.sprint
        lines.append(
            f"The sprint {cut.sprint.name} needs {cut.scope_cut} of {cut.remaining} items fewer to be that sure."
        )
    return tuple(lines)


def _changed(made: Forecast, change: int) -> str:
    scope = f"{words.tickets(made.scope)} ({words.signed(change)})" if change else words.tickets(made.scope)
    match made.method:
        case Method.MONTE_CARLO:
            dates = [f"p{percent} {words.calendar_day(made.completion_date(percent))}" for percent in PERCENTS]
            return f"{scope}: " + ", ".join(dates) + "."
        case Method.LINEAR if made.estimated_date is not None:
            return (
                f"{scope}: about {words.calendar_day(made.estimated_date)}, by a straight line and with little trust."
            )
        case Method.DONE:
            return "Nothing would be left to do."
        case _:
            return f"{scope}: no week with a finished item tells when."
