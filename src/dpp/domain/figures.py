"""A figure is never a bare number: it says its unit, how much it rests on, and how far it can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from dpp.domain.arrays import FloatArray
from dpp.domain.bounds import Bounds, mean_bounds, percentile_bounds
from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.percentiles import percentiles
from dpp.domain.quality import Confidence

NO_VALUES: FloatArray = np.array([], dtype=np.float64)
NO_VALUES.flags.writeable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    One number of the platform.

    Attributes:
        value: None when there is no sample to take it from; a count of nothing is 0 all the same (decision 0015).
        unit: as the catalogue names it.
        sample_size: how many things it was taken from, >= 0.
        confidence: full, or reduced with the reasons.
        bounds: how far what is missing could move the value; None where nothing is known to be missing.

    Raises:
        InvalidInput: the value is no finite number, or the sample size is negative.
    """

    value: float | None
    unit: str
    sample_size: int
    confidence: Confidence = field(default_factory=Confidence)
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise InvalidInput(f"the figure {self.value} is no finite number; a missing one is None", field="value")
        if self.sample_size < 0:
            raise InvalidInput(f"a sample of {self.sample_size} cannot be", field="sample_size")

    def within(self, bounds: Bounds | None) -> Figure:
        """Return the figure with bounds, which the last digits of its own value do not leave."""
        if bounds is not None and self.value is not None:
            low, high = min(bounds.low, self.value), max(bounds.high, self.value)
            bounds = Bounds(low=low, high=high, missing=bounds.missing)
        return replace(self, bounds=bounds)


def mean(values: FloatArray) -> float:
    """
    Return the mean of a sample; the order of the values does not change the last digit (decision 0003).

    Args:
        values: shape (n,), finite numbers.

    Raises:
        NotEnoughData: n is 0.
    """
    if not values.size:
        raise NotEnoughData("there is no mean of an empty sample")
    return math.fsum(values.tolist()) / values.size


def mean_figure(values: FloatArray, *, unit: str, missing: FloatArray = NO_VALUES) -> Figure:
    """
    Return the mean of a sample as a figure.

    Args:
        values: shape (n,), finite numbers; the mean of none is None.
        unit: of the values.
        missing: shape (m,), those that may belong to the sample; they give the bounds.
    """
    figure = Figure(value=mean(values) if values.size else None, unit=unit, sample_size=int(values.size))
    return figure.within(mean_bounds(values, missing))


def percentile_figures(
    values: FloatArray, *, ps: tuple[int, ...], unit: str, missing: FloatArray = NO_VALUES
) -> dict[int, Figure]:
    """
    Return each wanted percentile of a sample, by the percent.

    Args:
        values: shape (n,), finite numbers; the percentiles of none are None.
        ps: percent, 0 to 100.
        unit: of the values.
        missing: shape (m,), those that may belong to the sample; they give the bounds.
    """
    size = int(values.size)
    found = percentiles(values, ps).tolist() if size else [None] * len(ps)
    figures = {p: Figure(value=value, unit=unit, sample_size=size) for p, value in zip(ps, found, strict=True)}
    return {p: figure.within(percentile_bounds(values, missing, p=p)) for p, figure in figures.items()}
