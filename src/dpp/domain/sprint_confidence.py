"""How likely a running sprint is to finish what is left in it (§6.2.2)."""

from __future__ import annotations

from dpp.domain.arrays import IntArray
from dpp.domain.errors import InvalidInput
from dpp.domain.resampling import outcomes

CONFIDENCE_RUNS = 1_000
"""§6.2.2."""

SAMPLE_SPRINTS = 6
"""§6.2.2: the trailing sprints whose working days are the sample."""


def sprint_confidence(
    *, remaining: int, days_left: int, sample: IntArray, seed: int, runs: int = CONFIDENCE_RUNS
) -> float | None:
    """
    Return the share of simulated sprints in which at least what remains is done.

    Args:
        remaining: items that the sprint still holds, >= 0.
        days_left: working days that it still has, >= 0; today counts while it is one.
        sample: shape (n,), items done on each working day of the past, the empty ones included.
        seed: the same one gives the same percentage.
        runs: how many sprints to simulate.

    Returns:
        Percent, 0 to 100: 100 when nothing remains, 0 when something does and no day is left. None when neither is so
        and there is no history.

    Raises:
        InvalidInput: a number is negative.
    """
    if remaining < 0 or days_left < 0:
        raise InvalidInput(f"a sprint cannot have {remaining} items and {days_left} days left", field="remaining")
    if not remaining:
        return 100.0
    if not days_left:
        return 0.0
    if not sample.size:
        return None
    return outcomes(sample=sample, periods=days_left, seed=seed, runs=runs).chance_pct(remaining)


def sprint_cut(
    *, remaining: int, days_left: int, sample: IntArray, confidence_pct: float, seed: int, runs: int = CONFIDENCE_RUNS
) -> int | None:
    """
    Return the smallest number of items to leave out so that the sprint reaches a confidence; arguments as above.

    Returns:
        Items, 0 to ``remaining``. None without history to tell from, while days and items are left.

    Raises:
        InvalidInput: a number is negative, or the confidence is not above 0 and at most 100.
    """
    if remaining < 0 or days_left < 0:
        raise InvalidInput(f"a sprint cannot have {remaining} items and {days_left} days left", field="remaining")
    if remaining and days_left and not sample.size:
        return None
    done = outcomes(sample=sample, periods=days_left if sample.size else 0, seed=seed, runs=runs)
    return done.cut_for(remaining, confidence_pct=confidence_pct)
