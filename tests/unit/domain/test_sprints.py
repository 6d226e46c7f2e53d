"""What a sprint holds and came to, counted by hand."""

from __future__ import annotations

from dpp.domain.sprints import SprintCounts, SprintMember, Stay, Told, sprint_counts, sprint_result

FOREVER = 2**62


def member(*told: tuple[int, bool], stays: tuple[tuple[int, str], ...], points: float | None = None) -> SprintMember:
    """Return a ticket that is told to be in the sprint or not, and that went through stages, from moments on."""
    ends = [*(at for at, _ in stays[1:]), FOREVER]
    return SprintMember(
        told=[Told(at, is_in, points) for at, is_in in told],
        stays=[Stay(at, end, stage) for (at, stage), end in zip(stays, ends, strict=True)],
    )


#: The commitment is made at 10, and the sprint closes at 100.
MEMBERS = [
    member((0, True), stays=((0, "backlog"), (20, "dev"), (50, "done")), points=3),  # committed and done
    member((0, True), stays=((0, "ba"), (40, "code_review")), points=5),  # committed and being reviewed
    member((0, True), (30, False), stays=((0, "qa"),)),  # committed and taken out
    member((5, False), (60, True), stays=((5, "qa"), (90, "done")), points=2),  # added and done
    member((0, False), (20, True), (25, False), stays=((0, "uat"),)),  # added and taken out again
    member((0, True), stays=((0, "uat"), (70, "cancelled"))),  # committed and cancelled
    member((0, True), stays=((0, "uat"), (80, "deleted"))),  # committed and deleted
    member((0, False), stays=((0, "dev"),)),  # never in it
    member((0, True), stays=((0, "uat"),)),  # committed and being accepted
]


def test_a_sprint_is_counted_as_of_a_moment() -> None:
    """At 99: 6 were committed to, of which one was taken out; one of two that were added stayed."""
    expected = SprintCounts(
        committed=6,
        completed=2,
        remaining=2,
        added_after_start=1,
        removed_after_start=2,
        wip_ba=0,
        wip_dev=1,
        wip_qa=0,
        wip_uat=1,
    )
    assert expected == sprint_counts(MEMBERS, committed_at=10, at=99)


def test_before_the_commitment_is_made_all_that_is_in_is_committed() -> None:
    """At 5 nothing is added or removed yet."""
    found = sprint_counts(MEMBERS, committed_at=10, at=5)
    assert (6, 0, 0) == (found.committed, found.added_after_start, found.removed_after_start)
    assert (1, 0, 1, 3) == (found.wip_ba, found.wip_dev, found.wip_qa, found.wip_uat)


def test_a_sprint_comes_to_what_was_done_in_it() -> None:
    """Two done of five points; of the six that were committed to, one: a sixth."""
    found = sprint_result(MEMBERS, committed_at=10, closed_at=100)
    assert (6, 2, 1, 5.0, 2) == (
        found.committed,
        found.completed,
        found.completed_of_committed,
        found.velocity_points,
        found.added_after_start,
    )
    assert 100 / 6 == found.commitment_accuracy_pct


def test_without_a_commitment_there_is_no_accuracy() -> None:
    """An empty sprint has a velocity of nothing, and no accuracy at all."""
    found = sprint_result([], committed_at=10, closed_at=100)
    assert (0, 0.0) == (found.completed, found.velocity_points)
    assert None is found.commitment_accuracy_pct


def test_what_is_left_over_and_moves_on_changes_no_result() -> None:
    """A ticket that was not done counts as committed, whether it leaves with the closing or just before."""
    before = member((0, True), (99, False), stays=((0, "dev"),))
    after = member((0, True), (101, False), stays=((0, "dev"),))
    assert sprint_result([before], committed_at=10, closed_at=100) == sprint_result(
        [after], committed_at=10, closed_at=100
    )
