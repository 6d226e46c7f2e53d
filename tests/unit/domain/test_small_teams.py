"""Breakdowns by person never show a small team, alone or by subtraction."""

from collections.abc import Callable, Sequence
from itertools import combinations
from uuid import UUID

from hypothesis import event, given, settings
from hypothesis import strategies as st

from dpp.domain.configuration import Configuration, DeliveryStream, PlatformSettings, TechStream
from dpp.domain.small_teams import (
    Breakdown,
    Contribution,
    contributors,
    minimum_contributors,
    told_breakdowns,
)

PAYMENTS, LENDING = UUID(int=1), UUID(int=2)
CORE, WEB = UUID(int=11), UUID(int=12)
MONTH, QUARTER = 1, 2


def team(size: int, *, name: str = "p", delivery: UUID | None = PAYMENTS, tech: UUID = CORE) -> list[Contribution]:
    """Return so many people who have reviewed once each."""
    return [Contribution(delivery, (tech,), f"{name}{number}", 1) for number in range(size)]


def told(*spans: Sequence[Contribution], minimum: int = 3) -> set[tuple[UUID | None, int]]:
    """Return the breakdowns that are told with one minimum for every stream."""
    return set(told_breakdowns(spans, minimum_of=lambda _: minimum))


def test_a_team_of_the_minimum_is_told_under_every_name() -> None:
    """Where one technology stream is all of a delivery stream and of everything, nothing is left beside it."""
    assert {(CORE, 1), (PAYMENTS, 1), (None, 1)} == told(team(3))
    assert set() == told(team(2))
    assert set() == told([])


def test_people_count_once_however_often_they_contribute() -> None:
    """Two people with two roles and several streams are two."""
    rows = [*team(2), *team(2, delivery=LENDING), *team(2, tech=WEB)]
    assert 2 == contributors(rows)
    assert set() == told(rows)


def test_who_has_not_reviewed_is_one_to_hide_among() -> None:
    """Authors and assignees count as contributors."""
    assert (CORE, 1) in told([*team(2), Contribution(PAYMENTS, (CORE,), "author", 0)])


def test_all_is_withheld_when_all_but_a_large_team_is_a_small_one() -> None:
    """Three of core and two of web: subtracting core from all would leave the two."""
    rows = [*team(3), *team(2, name="w", delivery=LENDING, tech=WEB)]
    assert {(CORE, 1), (PAYMENTS, 1)} == told(rows)
    assert (None, 1) in told([*rows, *team(1, name="x", delivery=LENDING, tech=WEB)])


def test_a_longer_window_is_withheld_when_it_has_little_more_than_a_shorter_one() -> None:
    """Subtracting the month from the quarter would leave one person; without them there is nothing to find."""
    assert {(CORE, MONTH), (PAYMENTS, MONTH), (None, MONTH)} == told(team(3), team(1, name="q"))
    assert (CORE, QUARTER) in told(team(3), [])
    assert (CORE, QUARTER) in told(team(3), team(3))
    assert {(CORE, QUARTER), (PAYMENTS, QUARTER), (None, QUARTER)} == told([], team(3))


def test_a_part_is_withheld_when_the_rest_of_the_whole_is_small() -> None:
    """Payments is three of the five of core; the other two have no ticket and would be left."""
    rows = [*team(3), *team(2, name="n", delivery=None)]
    assert {(CORE, 1), (None, 1)} == told(rows)


def test_parts_are_withheld_when_together_they_leave_a_small_rest() -> None:
    """Two delivery streams of three leave one of core without a ticket; the second of them is withheld."""
    rows = [*team(3), *team(3, name="l", delivery=LENDING), *team(1, name="n", delivery=None)]
    assert {(CORE, 1), (PAYMENTS, 1), (None, 1)} == told(rows)


def test_the_larger_of_two_minimums_holds_for_a_difference() -> None:
    """A rest of three is enough for a stream of three and not for one that wants four."""
    rows = [*team(4), *team(3, name="w", delivery=None, tech=WEB)]
    minimums: dict[UUID | None, int] = {CORE: 3, WEB: 3, PAYMENTS: 3, None: 4}
    found = told_breakdowns([rows], minimum_of=minimums.__getitem__)
    assert {Breakdown(CORE, 1), Breakdown(WEB, 1), Breakdown(PAYMENTS, 1)} == found


def test_a_stream_has_its_own_minimum_or_the_platforms() -> None:
    """A stream's number goes before that of the platform, lower or higher."""
    configuration = Configuration(
        platform=PlatformSettings(minimum_contributors=5),
        delivery_streams=(DeliveryStream(stream_id=PAYMENTS, name="p", display_name="p", minimum_contributors=9),),
        tech_streams=(
            TechStream(
                stream_id=CORE,
                name="c",
                display_name="c",
                github_org="c",
                github_install_id="1",
                minimum_contributors=2,
            ),
            TechStream(stream_id=WEB, name="w", display_name="w", github_org="w", github_install_id="2"),
        ),
    )
    asked = (PAYMENTS, CORE, WEB, None, UUID(int=99))
    assert [9, 2, 5, 5, 5] == [minimum_contributors(configuration, stream) for stream in asked]


# --- by brute force ---------------------------------------------------------------------------------------------------

people = st.sampled_from("abcdefg")
deliveries = st.sampled_from((None, PAYMENTS, LENDING))
changes = st.builds(
    Contribution, deliveries, st.sampled_from(((), (CORE,), (WEB,))), people, st.sampled_from((0, 1, 1, 1, 4))
)
tickets = st.builds(Contribution, deliveries, st.sampled_from(((), (CORE,), (CORE, WEB))), people, st.just(0))
spans = st.lists(st.lists(changes, max_size=12) | st.lists(changes | tickets, max_size=16), min_size=1, max_size=3)

Rows = frozenset[tuple[int, Contribution]]


def rows_of(asked: Breakdown, among: Sequence[Sequence[Contribution]]) -> Rows:
    """Return what a breakdown is made of, each contribution with its place."""
    numbered = [row for span in among[: asked.spans] for row in span]
    return frozenset(
        (place, row)
        for place, row in enumerate(numbered)
        if asked.stream_id in (None, row.delivery_stream_id, *row.tech_stream_ids)
    )


def reviews_of(rows: Rows) -> Rows:
    """Return the part that a breakdown shows."""
    return frozenset(row for row in rows if row[1].reviews)


def names(rows: Rows) -> set[str]:
    """Return the people."""
    return {row.person for _, row in rows}


def is_small(outer: Rows, inner: Rows, minimum: int) -> bool:
    """Whether subtracting one breakdown from another shows reviews of a small team."""
    if not reviews_of(inner) or not reviews_of(inner) < reviews_of(outer):
        return False
    return len(names(outer - inner)) < minimum


@settings(max_examples=200)
@given(among=spans, minimums=st.tuples(*(st.integers(1, 4) for _ in range(5))))
def test_no_difference_shows_a_small_team(
    among: list[list[Contribution]], minimums: tuple[int, int, int, int, int]
) -> None:
    """The rest of a breakdown that is told, beside another or beside all of its parts of a kind, is no small team."""
    streams = (PAYMENTS, LENDING, CORE, WEB, None)
    minimum_of: Callable[[UUID | None], int] = dict(zip(streams, minimums, strict=True)).__getitem__
    found = sorted(told_breakdowns(among, minimum_of=minimum_of), key=str)
    event(f"{len(found)} told")
    groups = {asked: rows_of(asked, among) for asked in found}
    for asked, rows in groups.items():
        assert len(names(rows)) >= minimum_of(asked.stream_id)
    for outer, inner in ((a, b) for pair in combinations(found, 2) for a, b in (pair, pair[::-1])):
        minimum = max(minimum_of(outer.stream_id), minimum_of(inner.stream_id))
        assert not is_small(groups[outer], groups[inner], minimum), (outer, inner)
    for outer in found:
        for kind in ((PAYMENTS, LENDING), (CORE, WEB)):
            for spans_ in {asked.spans for asked in found}:
                parts = [
                    asked
                    for asked in found
                    if asked.stream_id in kind
                    and asked.spans == spans_
                    and asked != outer
                    and frozenset() < reviews_of(groups[asked]) <= reviews_of(groups[outer])
                ]
                union = frozenset[tuple[int, Contribution]]().union(*(groups[part] for part in parts))
                minimum = max(map(minimum_of, [asked.stream_id for asked in (outer, *parts)]))
                assert not is_small(groups[outer], union, minimum), (outer, parts)
