"""Disorder and pace."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.simulation import Delivery, disordered, paced, shuffled

START = datetime(2026, 1, 5, tzinfo=UTC)


def row(count: int) -> list[Delivery]:
    """Deliveries a minute apart."""
    return [
        Delivery(at=START + timedelta(minutes=number), path="/", headers={}, body=b"%d" % number, source="jira")
        for number in range(count)
    ]


@given(st.integers(), st.integers(0, 30), st.floats(0, 1), st.floats(0, 1))
def test_nothing_is_lost(seed: int, count: int, late: float, twice: float) -> None:
    """Whatever the disorder, every delivery arrives once or twice and nothing else does."""
    for change in (disordered, shuffled):
        arrived = change(row(count), random.Random(seed), late_share=late, duplicate_share=twice)
        counts = Counter(delivery.body for delivery in arrived)
        assert {delivery.body for delivery in row(count)} == set(counts)
        assert set(counts.values()) <= {1, 2}


def test_no_disorder_changes_nothing() -> None:
    """With both shares at zero the row stays as it is."""
    for change in (disordered, shuffled):
        assert row(20) == change(row(20), random.Random(1), late_share=0, duplicate_share=0)


def test_full_disorder() -> None:
    """With both shares at one everything comes twice and not in order."""
    for change in (disordered, shuffled):
        arrived = change(row(50), random.Random(1), late_share=1, duplicate_share=1)
        assert 100 == len(arrived)
        assert arrived != sorted(arrived, key=lambda delivery: delivery.at)


def test_pace() -> None:
    """At sixty times the speed a minute takes a second."""
    assert [0.0, 1.0, 1.0] == [wait for wait, _ in paced(row(3), speed=60)]


def test_impossible_pace() -> None:
    """Time does not stand still."""
    with pytest.raises(ValueError, match="speed"):
        next(paced(row(1), speed=0))
