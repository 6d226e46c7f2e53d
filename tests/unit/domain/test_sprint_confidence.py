"""Sprint confidence against the exact chance, worked out by convolution, and its edges (§6.2.2)."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.domain.resampling import as_sample
from dpp.domain.sprint_confidence import sprint_confidence, sprint_cut

#: Items done on each of ten working days.
DAYS = (0, 1, 2, 0, 1, 0, 3, 1, 0, 1)


def confidence(remaining: int, days_left: int, sample: Sequence[int] = DAYS, *, runs: int = 1_000) -> float | None:
    """Return the confidence for that team."""
    return sprint_confidence(remaining=remaining, days_left=days_left, sample=as_sample(sample), seed=3, runs=runs)


def cut(remaining: int, days_left: int, target: float, sample: Sequence[int] = DAYS) -> int | None:
    """Return the smallest cut for that team."""
    return sprint_cut(remaining=remaining, days_left=days_left, sample=as_sample(sample), confidence_pct=target, seed=3)


def exact(remaining: int, days: int) -> float:
    """Return the chance that the sum of so many draws reaches what remains."""
    sums = {0: Fraction(1)}
    for _ in range(days):
        after: dict[int, Fraction] = {}
        for total, chance in sums.items():
            for items in DAYS:
                after[total + items] = after.get(total + items, Fraction(0)) + chance / len(DAYS)
        sums = after
    return float(sum((chance for total, chance in sums.items() if total >= remaining), Fraction(0)))


@pytest.mark.parametrize(("remaining", "days_left"), [(1, 1), (4, 5), (8, 7), (12, 9)])
def test_confidence_follows_the_exact_chance(remaining: int, days_left: int) -> None:
    """Within four standard errors of 40,000 runs."""
    chance = exact(remaining, days_left)
    found = confidence(remaining, days_left, runs=40_000)
    assert found is not None
    assert abs(100 * chance - found) <= 400 * (chance * (1 - chance) / 40_000) ** 0.5


def test_a_steady_team_is_certain() -> None:
    """Two a day do eight items in four days and never nine."""
    assert [100.0, 0.0] == [confidence(8, 4, [2, 2]), confidence(9, 4, [2, 2])]


def test_edges_come_before_the_history() -> None:
    """Nothing left is 100, something left and no day is 0, whether or not there is a history."""
    for sample in ((), DAYS):
        assert [100.0, 100.0, 0.0] == [confidence(0, 5, sample), confidence(0, 0, sample), confidence(1, 0, sample)]


def test_without_history_there_is_no_confidence() -> None:
    """That is not the same as a history in which nothing was done."""
    assert [None, 0.0] == [confidence(3, 5, []), confidence(3, 5, [0, 0, 0])]


def test_no_number_may_be_negative() -> None:
    """Neither what remains nor the days."""
    for numbers in ((-1, 1), (1, -1)):
        with pytest.raises(InvalidInput):
            confidence(*numbers)
        with pytest.raises(InvalidInput):
            cut(*numbers, target=50)


@given(remaining=st.integers(0, 20), days_left=st.integers(0, 8), target=st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_the_smallest_cut_brings_the_sprint_there(remaining: int, days_left: int, target: int) -> None:
    """What is left then reaches the confidence; with one item more it does not."""
    found = cut(remaining, days_left, target)
    assert found is not None
    reached = confidence(remaining - found, days_left)
    assert reached is not None
    assert reached >= target
    if found:
        short = confidence(remaining - found + 1, days_left)
        assert short is not None
        assert short < target


def test_a_cut_without_history() -> None:
    """Nothing can be told while there are days; without days everything must go; without items nothing."""
    assert [None, 4, 0] == [cut(4, 3, 80, []), cut(4, 0, 80, []), cut(0, 3, 80, [])]
