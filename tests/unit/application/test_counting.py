"""What an append counts and remembers of its deliveries, beside their facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dpp.application.counting import DEAD_LETTERS_KEPT, MAX_KIND, dead_letter_of, tally
from dpp.application.deliveries import Appended
from dpp.domain.events import Outcome
from tests.support.access import START
from tests.support.intake import delivery


def test_deliveries_are_counted_by_hour_door_outcome_kind_and_reason() -> None:
    """Deliveries that agree in all five are one count, with the sums of their facts and the time of the latest."""
    first = delivery(1, "push")
    later = replace(first, received_at=START + timedelta(minutes=59))
    others = (
        replace(first, received_at=START + timedelta(hours=1)),
        replace(first, channel="jira"),
        replace(first, outcome=Outcome.IGNORED),
        replace(first, kind="star"),
        replace(first, reason="because"),
    )
    rows = (later, first, *others)
    counts = tally(rows, [Appended(accepted=2, duplicates=1), Appended(accepted=3)] + [Appended()] * len(others))
    assert (1 + len(others), 7) == (len(counts), sum(row.deliveries for row in counts))
    (both,) = (row for row in counts if row.deliveries == 2)
    assert (START, "github", "understood", "push", "") == (
        both.hour,
        both.channel,
        both.outcome,
        both.kind,
        both.reason,
    )
    assert (5, 1, START + timedelta(minutes=59)) == (both.accepted, both.duplicates, both.last_at)


def test_nothing_is_no_count() -> None:
    """A batch without deliveries has no counts."""
    assert [] == tally([], [])


@pytest.mark.parametrize(
    ("kind", "counted", "shown"),
    [(None, "", None), ("push", "push", "push"), ("a\0b", "ab", "ab"), ("ü" * 5000, "ü" * MAX_KIND, "ü" * MAX_KIND)],
)
def test_a_kind_can_be_stored_whatever_the_sender_calls_it(kind: str | None, counted: str, shown: str | None) -> None:
    """A kind is counted and shown without NUL and no longer than a database takes in a key."""
    odd = replace(delivery(1), kind=kind)
    (count,) = tally([odd], [Appended()])
    assert (counted, shown) == (count.kind, dead_letter_of(odd).kind)


def test_an_unread_payload_expires() -> None:
    """What is kept of a payload that nobody could read ends 30 days after it came."""
    assert START + DEAD_LETTERS_KEPT == dead_letter_of(delivery(1)).expires_at
    assert timedelta(days=30) == DEAD_LETTERS_KEPT
