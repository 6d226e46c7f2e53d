"""What a forecast of 10,000 runs costs, beside bare numpy sampling of the same shape in the same process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from dpp.domain.forecast import FORECAST_RUNS, Forecast, forecast

SAMPLE = (3, 5, 0, 7, 4, 6, 2, 5, 8, 1, 4, 5)
#: Two months, most of a year, and as far as a forecast looks.
SCOPES = {"short": 40, "long": 200, "longest": 1_900}
ROUNDS = 25
AIM = 2.0
SEED = 7


def run() -> dict[str, Any]:
    """Measure both in turns for three scopes; the ratio is of medians."""
    figures: dict[str, Any] = {}
    for name, scope in SCOPES.items():
        weeks = _weeks(_forecast(scope))
        ours, bare = _in_turns(partial(_forecast, scope), partial(_sampled, weeks))
        figures |= {
            f"{name}_weeks": weeks,
            f"{name}_forecast_ms": ours * 1e3,
            f"{name}_bare_sampling_ms": bare * 1e3,
            f"{name}_ratio": ours / bare,
        }
    return figures | {"aim": AIM, "within_aim": all(figures[f"{name}_ratio"] <= AIM for name in SCOPES)}


def _forecast(scope: int) -> Forecast:
    return forecast(scope=scope, sample=SAMPLE, made_on=date(2026, 3, 2), seed=SEED, runs=FORECAST_RUNS)


def _weeks(found: Forecast) -> int:
    """Return how many weeks were drawn for every run."""
    assert not found.cut_runs
    return len(found.finished)


def _sampled(weeks: int) -> int:
    """Draw as many past weeks in the plainest way, without looking at them."""
    draws = np.random.default_rng(SEED).choice(np.array(SAMPLE), size=(FORECAST_RUNS, weeks))
    return int(draws.size)


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for task, taken in zip((first, second), times, strict=True):
            begun = perf_counter()
            task()
            taken.append(perf_counter() - begun)
    return median(times[0]), median(times[1])
