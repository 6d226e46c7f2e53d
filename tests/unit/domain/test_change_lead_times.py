"""The parts of a change's way, and changes that wait."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from dpp.domain.change_lead_times import Part, part_percentiles, waiting
from dpp.domain.errors import InvalidInput
from tests.support.delivery_columns import hour, moments

#: Two pull requests of DevLake's published case: created, first comment of another person, merged, deployed; and the
#: minutes of pickup, review and deployment that it publishes, begun ones counted in full.
PUBLISHED = (
    (("04-11 04:51:47", "04-11 04:56:47", "04-11 05:51:47", "04-13 07:29:14"), (5, 55, 2978)),
    (("04-12 04:51:47", "04-12 04:51:49", "04-12 05:51:47", "04-13 07:29:14"), (1, 60, 1538)),
)


def test_parts_of_a_published_case() -> None:
    """Pickup, review and deploy take the minutes that another tool publishes for the same pull requests."""
    moments_of = [
        [datetime.strptime(f"2023-{at}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for at in times]
        for times, _ in PUBLISHED
    ]
    for place, part in enumerate((Part.PICKUP, Part.REVIEW, Part.DEPLOY)):
        hours = np.array([(times[place + 1] - times[place]).total_seconds() / 3600 for times in moments_of])
        expected = [minutes[place] for _, minutes in PUBLISHED]
        assert expected == [math.ceil(round(value * 60, 6)) for value in hours]
        found = part_percentiles({part: hours})[part].p50
        assert pytest.approx(sum(expected) / 2, abs=1) == (found.value or 0) * 60
        assert (2, "hours") == (found.sample_size, found.unit)


def test_a_part_leaves_out_the_changes_without_it() -> None:
    """A change that nobody reviewed has no pickup and takes part in the rest."""
    found = part_percentiles({Part.PICKUP: np.array([np.nan, 3.0]), Part.DEPLOY: np.array([1.0, 3.0])})
    assert (3.0, 1) == (found[Part.PICKUP].p50.value, found[Part.PICKUP].p50.sample_size)
    assert (2.0, 2) == (found[Part.DEPLOY].p50.value, found[Part.DEPLOY].p50.sample_size)
    assert pytest.approx(2.7) == found[Part.DEPLOY].p85.value


def test_nothing_deployed_has_no_percentiles() -> None:
    """Without a change each percentile is none."""
    found = part_percentiles({Part.LEAD_TIME: np.array([])})[Part.LEAD_TIME]
    assert (None, 0, None) == (found.p50.value, found.p50.sample_size, found.p85.value)


def test_waiting_changes_are_counted_and_aged() -> None:
    """Merged 1, 2 and 9 hours ago: three wait, 2 hours in the middle and 9 at the longest."""
    found = waiting(moments(9, 8, 1), moment=hour(10))
    assert (3.0, 3, "count") == (found.count.value, found.count.sample_size, found.count.unit)
    assert (2.0, "hours", 9.0) == (found.age.p50.value, found.age.p50.unit, found.oldest_hrs)


def test_nothing_waits() -> None:
    """None waiting is truly 0, with no age."""
    found = waiting(moments(), moment=hour(10))
    assert (0.0, None, None) == (found.count.value, found.age.p50.value, found.oldest_hrs)


def test_what_is_merged_later_does_not_wait_yet() -> None:
    """A merge after the moment is refused."""
    with pytest.raises(InvalidInput):
        waiting(moments(11), moment=hour(10))
