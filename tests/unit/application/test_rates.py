"""How often something may be done by one name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application import rates
from dpp.application.rates import Allowance, TooManyRequests

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """Return a moment later than the start."""
    return START + timedelta(seconds=seconds)


def test_who_uses_everything_up_waits_for_one_more() -> None:
    """Three at once, one every two seconds: the fourth waits two seconds, and others are not concerned."""
    allowance = Allowance(burst=3, per_second=0.5)
    for _ in range(3):
        allowance.take("a", START)
    with pytest.raises(TooManyRequests, match="2 seconds") as caught:
        allowance.take("a", START)
    assert 2 == caught.value.retry_after
    allowance.take("b", START)
    allowance.take("a", after(2))
    with pytest.raises(TooManyRequests):
        allowance.take("a", after(2))


def test_what_is_left_over_does_not_pile_up() -> None:
    """After an hour there are as many at once as at the beginning."""
    allowance = Allowance(burst=2, per_second=1)
    allowance.take("a", START)
    for _ in range(2):
        allowance.take("a", after(3600))
    with pytest.raises(TooManyRequests):
        allowance.take("a", after(3600))


def test_refused_attempts_do_not_make_the_wait_longer() -> None:
    """Whoever goes on asking waits as long as whoever does not."""
    allowance = Allowance(burst=1, per_second=1)
    allowance.take("a", START)
    for tenth in range(9):
        with pytest.raises(TooManyRequests):
            allowance.take("a", after(tenth / 10))
    allowance.take("a", after(1))


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    """Time that runs backwards brings none back, and takes none away."""
    allowance = Allowance(burst=1, per_second=1)
    allowance.take("a", START)
    with pytest.raises(TooManyRequests):
        allowance.take("a", after(-100))


def test_only_so_many_names_are_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names come, memory does not grow; the one that was quiet for longest is forgotten."""
    monkeypatch.setattr(rates, "MAX_NAMES", 3)
    allowance = Allowance(burst=1, per_second=1e-6)
    for name in "abcd":
        allowance.use(name, START)
    assert [0.0] == [wait for name in "a" if not (wait := allowance.wait(name, START))]
    assert all(allowance.wait(name, START) > 0 for name in "bcd")


@given(st.lists(st.floats(0, 10), max_size=60), st.integers(1, 5), st.floats(0.1, 5))
def test_never_more_than_the_burst_and_what_came_back(gaps: list[float], burst: int, per_second: float) -> None:
    """However requests are spread, those that pass are at most the burst and what the time since has brought."""
    allowance, passed, at = Allowance(burst=burst, per_second=per_second), 0, 0.0
    for gap in gaps:
        at += gap
        try:
            allowance.take("a", after(at))
        except TooManyRequests:
            continue
        passed += 1
    assert passed <= burst + per_second * at + 1e-3
