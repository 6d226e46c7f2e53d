"""How the time of a window is divided into parts that are counted already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.postgres.contributions import Part, parts

FIRST = datetime(2023, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
START, END = datetime(2024, 1, 15, 22, tzinfo=UTC), datetime(2024, 4, 12, 3, tzinfo=UTC)
hours = st.integers(min_value=0, max_value=24 * 500).map(lambda count: FIRST + count * HOUR)


def _is_whole(part: Part) -> bool:
    """Tell whether both ends are where such parts begin."""
    days = {"hour": range(1, 32), "day": range(1, 32), "third": (1, 11, 21), "month": (1,)}[part.part]
    return all(at.day in days and (at.hour == 0 or part.part == "hour") for at in (part.start, part.end))


@given(one=hours, other=hours)
def test_parts_cover_the_time_once(one: datetime, other: datetime) -> None:
    """Whatever two hours it is between, the parts adjoin, begin and end where such parts do, and leave nothing out."""
    start, end = min(one, other), max(one, other)
    found = sorted(parts(start, end), key=lambda part: part.start)
    assert all(_is_whole(part) for part in found)
    edges = [start, *(part.end for part in found)]
    assert edges[:-1] == [part.start for part in found]
    assert end == edges[-1]
    assert len(found) <= 7


def test_a_quarter_is_two_months_and_what_lies_beside_them() -> None:
    """From 15 January 22:00 to 12 April 03:00: hours to midnight, days to the 21st, a third, two months, and back."""
    assert [
        Part("hour", datetime(2024, 1, 15, 22, tzinfo=UTC), datetime(2024, 1, 16, tzinfo=UTC)),
        Part("day", datetime(2024, 1, 16, tzinfo=UTC), datetime(2024, 1, 21, tzinfo=UTC)),
        Part("third", datetime(2024, 1, 21, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)),
        Part("month", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)),
        Part("third", datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 4, 11, tzinfo=UTC)),
        Part("day", datetime(2024, 4, 11, tzinfo=UTC), datetime(2024, 4, 12, tzinfo=UTC)),
        Part("hour", datetime(2024, 4, 12, tzinfo=UTC), datetime(2024, 4, 12, 3, tzinfo=UTC)),
    ] == sorted(parts(START, END), key=lambda part: part.start)
