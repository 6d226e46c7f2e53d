"""When schedules are due, and when a job that failed is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application.jobs import Retry, Schedule


async def _nothing() -> int:
    return 0


def schedule(every: timedelta, offset: timedelta = timedelta(0)) -> Schedule:
    """Return a schedule that does nothing."""
    return Schedule(name="nothing", every=every, offset=offset, task=_nothing)


@pytest.mark.parametrize(
    ("every", "offset", "expected"),
    [
        (timedelta(minutes=5), timedelta(0), datetime(2026, 3, 4, 9, 30, tzinfo=UTC)),
        (timedelta(hours=1), timedelta(0), datetime(2026, 3, 4, 9, 0, tzinfo=UTC)),
        (timedelta(hours=1), timedelta(minutes=40), datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
        (timedelta(days=1), timedelta(hours=2), datetime(2026, 3, 4, 2, 0, tzinfo=UTC)),
        (timedelta(days=1), timedelta(hours=12), datetime(2026, 3, 3, 12, 0, tzinfo=UTC)),
        (timedelta(weeks=1), timedelta(hours=8), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        (timedelta(weeks=1), timedelta(days=4), datetime(2026, 2, 27, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_latest_due_time(every: timedelta, offset: timedelta, expected: datetime) -> None:
    """On Wednesday, 4 March 2026, 9:34:59 UTC, what is due when by hand."""
    assert expected == schedule(every, offset).due(now=datetime(2026, 3, 4, 9, 34, 59, tzinfo=UTC))


@given(
    st.integers(1, 10**7),
    st.integers(0, 10**7),
    st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_a_due_time_holds_until_the_next(every: int, offset: int, now: datetime) -> None:
    """It is not after now and less than one period before; it is its own; a period later there is the next."""
    tested = schedule(timedelta(seconds=every), timedelta(seconds=offset))
    due = tested.due(now=now)
    assert due <= now < due + tested.every
    assert due == tested.due(now=due)
    assert due + tested.every == tested.due(now=due + tested.every)
    assert 0 == due.microsecond


def test_pauses_double_up_to_the_longest() -> None:
    """From 10 s on each pause is twice the one before, none is over 60 s, and after the last attempt there is none."""
    retry = Retry(attempts=6, first_pause=timedelta(seconds=10), longest_pause=timedelta(seconds=60))
    pauses = [retry.pause(failures=failures) for failures in range(1, 8)]
    assert [10, 20, 40, 60, 60, None, None] == [pause and pause.total_seconds() for pause in pauses]


def test_one_attempt_is_never_repeated() -> None:
    """With one attempt the first failure is the last."""
    assert None is Retry(attempts=1).pause(failures=1)


def test_very_many_failures_do_not_overflow() -> None:
    """After a million failures the pause is the longest."""
    retry = Retry(attempts=10**9, first_pause=timedelta(days=1), longest_pause=timedelta(days=2))
    assert timedelta(days=2) == retry.pause(failures=10**6)
