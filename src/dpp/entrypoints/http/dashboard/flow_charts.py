"""Data of the charts of flow and of series over days; how they look is decided in the browser."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Mapping, Sequence
from datetime import date

from dpp.application.flow_answers import CumulativeFlow
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.charts import Chart

#: How the lines of a chart are told apart: colour, dash and sign together.
INKS = ("active", "queue", "p50")
DASHES = ("solid", "dashed", "dotted")


def day_ms(day: date) -> int:
    """Return the milliseconds of a day's midnight: charts read time as if the platform's clock were UTC."""
    return timegm(day.timetuple()) * 1000


def series(
    title: str,
    lines: Mapping[str, Sequence[float | None]],
    *,
    days: Sequence[date],
    unit: str,
    scale: tuple[float, float] | None = None,
    has_signs: bool = False,
    marks: Mapping[str, Sequence[tuple[int, str]]] | None = None,
) -> Chart:
    """
    Lines over days.

    Args:
        title: what they are about.
        lines: values of each by its name, three at most; as many as there are days, None for a gap.
        days: what the values belong to.
        unit: of their values, for the axis.
        scale: ends of the axis; by default from 0 to where the values end.
        has_signs: whether each point has a sign of its own.
        marks: by the name of a line, places among the days that something is to be said of.
    """
    drawn: list[Chart] = [
        {
            "name": name,
            "ink": ink,
            "dash": dash,
            "values": [None if value is None else round(value, 4) for value in values],
            "marks": [list(mark) for mark in (marks or {}).get(name, ())],
        }
        for (name, values), ink, dash in zip(lines.items(), INKS, DASHES, strict=False)
    ]
    return {
        "kind": "series",
        "description": f"Line chart of {title}, {unit}. The table below has its values.",
        "unit": unit,
        "scale": list(scale) if scale else None,
        "signs": has_signs,
        "days": [day_ms(day) for day in days],
        "lines": drawn,
    }


def cumulative(answer: CumulativeFlow) -> Chart:
    """Bands of tickets by stage over days, what is done at the bottom."""
    days = answer.days
    stages = [(words.stage(stage), [day.wip.stages[stage].total for day in days]) for stage in reversed(WIP_STAGES)]
    bands = [(words.stage("done"), [day.done for day in days]), *stages]
    return {
        "kind": "cumulative",
        "description": f"Stacked area chart of tickets by stage over {words.days(len(days))}. "
        "The table below has its values.",
        "days": [day_ms(day.day) for day in days],
        "bands": [{"name": name, "counts": counts} for name, counts in bands],
    }
