"""Spells of being blocked, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.blocked import Flag, Spell, blocked_parts, blocked_spells, blocked_time
from dpp.domain.errors import InvalidInput
from dpp.domain.folded import Stays
from dpp.domain.histories import FOREVER

CORE, WEB = UUID(int=11), UUID(int=12)


def up(at: int, blocking: UUID | None = None, *, item: str = "1", change: int = 0) -> Flag:
    """Return a raised flag."""
    return Flag(item, at, change, True, blocking)


def down(at: int, *, item: str = "1", change: int = 0) -> Flag:
    """Return a lowered flag."""
    return Flag(item, at, change, False)


@pytest.mark.parametrize(
    ("flags", "spells"),
    [
        ([], []),
        ([down(3)], []),
        ([up(3, CORE), down(5)], [Spell("1", 3, 5, CORE)]),
        ([up(3, CORE)], [Spell("1", 3, FOREVER, CORE)]),
        ([up(3), down(5), down(6), up(8, WEB), down(9)], [Spell("1", 3, 5, None), Spell("1", 8, 9, WEB)]),
        ([up(3, CORE), up(4, WEB), down(9)], [Spell("1", 3, 4, CORE), Spell("1", 4, 9, WEB)]),
        ([up(3, CORE), up(4), up(5, CORE), down(9)], [Spell("1", 3, 9, CORE)]),
        ([up(3), up(3, CORE), down(9)], [Spell("1", 3, 9, CORE)]),
        ([up(3, CORE), down(3)], []),
        ([down(3, change=1), up(3, CORE, change=2), down(5)], [Spell("1", 3, 5, CORE)]),
        ([up(3, item="2"), down(4), down(5, item="2")], [Spell("2", 3, 5, None)]),
    ],
)
def test_a_ticket_is_blocked_while_its_flag_is_up(flags: list[Flag], spells: list[Spell]) -> None:
    """A later cause takes over, no cause changes nothing, and what lasts no time is no spell."""
    assert spells == blocked_spells(flags) == blocked_spells(reversed(flags))


flags = st.lists(
    st.builds(
        Flag,
        item=st.sampled_from(["1", "2"]),
        at=st.integers(0, 12),
        change=st.integers(0, 2),
        is_raised=st.booleans(),
        blocking=st.sampled_from([None, CORE, WEB]),
    ),
    max_size=10,
)


@given(flags=flags, data=st.data())
def test_spells_say_what_the_last_flag_before_each_moment_says(flags: list[Flag], data: st.DataObject) -> None:
    """At every moment the last flag up to it tells whether the ticket is blocked, whatever order they come in."""
    spells = blocked_spells(data.draw(st.permutations(flags)))
    starts = [(spell.item, spell.start) for spell in spells]
    assert sorted(starts) == starts
    for item in ("1", "2"):
        for moment in range(14):
            story = sorted(
                (flag.at, flag.change, not flag.is_raised) for flag in flags if flag.item == item and flag.at <= moment
            )
            is_up = bool(story) and not story[-1][2]
            held = [spell for spell in spells if spell.item == item and spell.start <= moment < spell.end]
            assert int(is_up) == len(held)


def stays(*rows: tuple[int, int, int]) -> Stays:
    """Return stays of items from one moment to another."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Stays(
        item=columns[:, 0],
        entered=columns[:, 1],
        left=columns[:, 2],
        position=np.zeros(len(rows), dtype=np.int8),
        status_code=np.full(len(rows), -1, dtype=np.int32),
    )


def told(spells: Sequence[Spell], held: Stays, *, start: int = 0, end: int = 100) -> list[tuple[int, int, int, int]]:
    """Return the parts one by one."""
    parts = blocked_parts(spells, stays=held, items=["1", "2"], start=start, end=end)
    columns = (parts.stay, parts.spell, parts.start, parts.end)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_parts_are_what_spells_and_stays_have_in_common() -> None:
    """A spell from 3 to 9 meets stays up to 4 and from 6 on; the other ticket's stay is none of its business."""
    found = told([Spell("1", 3, 9, CORE)], stays((0, 0, 4), (0, 6, FOREVER), (1, 0, 100)))
    assert [(0, 0, 3, 4), (1, 0, 6, 9)] == found


def test_parts_end_with_the_window() -> None:
    """What is blocked and in progress for ever is cut at both ends, and what lies outside is left out."""
    held = stays((0, 0, FOREVER))
    assert [(0, 0, 5, 8)] == told([Spell("1", 0, FOREVER, CORE)], held, start=5, end=8)
    assert [] == told([Spell("1", 0, 5, CORE), Spell("1", 8, 9, CORE)], held, start=5, end=8)
    assert [] == told([], held) == told([Spell("1", 0, 9, CORE)], stays())


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    """It cannot be meant."""
    with pytest.raises(InvalidInput, match="ends before it starts"):
        told([], stays(), start=5, end=4)


@given(
    flags=flags,
    bounds=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(1, 6)), max_size=6),
    start=st.integers(0, 6),
    length=st.integers(0, 8),
)
def test_parts_cover_exactly_the_moments_at_which_all_three_hold(
    flags: list[Flag], bounds: list[tuple[int, int, int]], start: int, length: int
) -> None:
    """Counting moments one by one: blocked, within a stay, and in the window."""
    spells = blocked_spells(flags)
    held = stays(*((item, begin, begin + lasts) for item, begin, lasts in bounds))
    parts = blocked_parts(spells, stays=held, items=["1", "2"], start=start, end=start + length)
    expected = sum(
        spell.item == str(item + 1) and spell.start <= moment < spell.end
        for item, begin, lasts in bounds
        for moment in range(max(begin, start), min(begin + lasts, start + length))
        for spell in spells
    )
    assert expected == int((parts.end - parts.start).sum())


def test_costs_add_up_by_cause_and_tickets_count_once() -> None:
    """Core costs 2 + 1 days of two tickets, web 4 of one: 7 of 28 days in progress are 25 percent."""
    whole, by_cause = blocked_time(
        np.array([2.0, 4.0, 1.0]), causes=[CORE, WEB, CORE], tickets=["1", "1", "2"], total_days=28.0
    )
    assert (7.0, 2, 25.0) == (whole.days, whole.tickets, whole.share_pct)
    assert [WEB, CORE] == list(by_cause)
    assert (3.0, 2) == (by_cause[CORE].days, by_cause[CORE].tickets)


def test_without_time_in_progress_there_is_no_share() -> None:
    """Nothing in progress: no share, and no cause."""
    whole, by_cause = blocked_time(np.array([]), causes=[], tickets=[], total_days=0.0)
    assert ((0.0, 0, None), {}) == ((whole.days, whole.tickets, whole.share_pct), dict(by_cause))
