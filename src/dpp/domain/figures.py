"""A figure is never a bare number: it says its unit, how much it rests on, and how far it can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from dpp.domain.arrays import FloatArray
from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.percentiles import percentiles
from dpp.domain.quality import Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    One number of the platform.

    Attributes:
        value: None when there is no sample to take it from; a count of nothing is 0 all the same (decision 0015).
        unit: as the catalogue names it.
        sample_size: how many things it was taken from, >= 0.
        confidence: full, or reduced with the reasons.

    Raises:
        InvalidInput: the value is no finite number, or the sample size is negative.
    """

    value: float | None
    unit: str
    sample_size: int
    confidence: Confidence = field(default_factory=Confidence)

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise InvalidInput(f"the figure {self.value} is no finite number; a missing one is None", field="value")
        if self.sample_size < 0:
            raise InvalidInput(f"a sample of {self.sample_size} cannot be", field="sample_size")


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


def mean_figure(values: FloatArray, *, unit: str) -> Figure:
    """Return the mean of a sample of any size, shape (n,), as a figure; its value is None when n is 0."""
    return Figure(value=mean(values) if values.size else None, unit=unit, sample_size=int(values.size))


def percentile_figures(values: FloatArray, *, ps: tuple[int, ...], unit: str) -> dict[int, Figure]:
    """Return each wanted percentile of a sample, shape (n,), by the percent; their values are None when n is 0."""
    size = int(values.size)
    found = percentiles(values, ps).tolist() if size else [None] * len(ps)
    return {p: Figure(value=value, unit=unit, sample_size=size) for p, value in zip(ps, found, strict=True)}
