"""The pulse as the API answers it and as the simulation knows it, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from dpp.adapters.simulation.true_pulse import QUESTIONS, PulseMonth


def shown_pulse(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the months of an answer of the API, the figure of the latest closed one beside them."""
    pulse = data["team_pulse"]
    return [*pulse["periods"], {"value": pulse["value"], "sample_size": pulse["sample_size"]}]


def true_pulse(months: Iterable[PulseMonth]) -> list[dict[str, Any]]:
    """Return what the simulation knows."""
    months = list(months)
    latest = next((month for month in reversed(months) if not month.is_open), None)
    is_shown = latest is not None and latest.overall is not None
    figure = {
        "value": near(latest.overall if latest else None),
        "sample_size": latest.responses if latest and is_shown else 0,
    }
    return [*map(_month, months), figure]


def near(value: float | None) -> Any:
    """Return what equals a number to within rounding; a missing one equals a missing one only."""
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)


def _month(month: PulseMonth) -> dict[str, Any]:
    scores = {f"{question}_avg": near(month.averages.get(question)) for question in QUESTIONS}
    trends = {f"{question}_trend": near(month.trends.get(question)) for question in QUESTIONS}
    return {
        **scores,
        **trends,
        "survey_period": month.month,
        "response_count": month.responses,
        "team_size": month.team_size,
        "response_rate_pct": near(month.response_rate_pct),
        "overall_avg": near(month.overall),
        "suppressed": not month.averages,
        "is_open": month.is_open,
        "withheld_teams": month.withheld_teams,
    }
