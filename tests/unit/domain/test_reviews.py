"""Pull-request cycles, review turnaround and reviewer concentration."""

import math
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.events import PullRequestEvent, PullRequestEventType, RepositoryRef
from dpp.domain.reviews import (
    Concentration,
    ReviewerShare,
    SuppressedConcentration,
    pull_request_cycle,
    review_turnaround,
    reviewer_concentration,
    reviews_by_reviewer,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPOSITORY = RepositoryRef(org="acme", name="pay", github_id=7)


def event(kind: str, hour: float, **more: object) -> PullRequestEvent:
    """An event of pull request 5 by author ``aa``, some hours after the start."""
    values: dict[str, object] = {
        "event_type": PullRequestEventType(kind),
        "event_timestamp": START + HOUR * hour,
        "repository": REPOSITORY,
        "pr_number": 5,
        "author_hash": "aa",
        "branch_name": "feature/PAY-1",
    } | more
    return PullRequestEvent(**values)  # type: ignore[arg-type]


def review(hour: float, reviewer: str, **more: object) -> PullRequestEvent:
    """A submitted review."""
    return event("review_submitted", hour, reviewer_hash=reviewer, **more)


def test_a_reviewed_and_merged_pull_request() -> None:
    """The first review is the first by another person: neither the author's own nor a bot's."""
    state = pull_request_cycle(
        [
            event("opened", 0, lines_added=10, lines_removed=2, files_changed=3),
            review(1, "aa"),
            review(2, "b0", reviewer_is_bot=True),
            review(3, "cc", review_state="changes_requested", source_change_id="71"),
            event("changes_requested", 3, reviewer_hash="cc", source_change_id="71"),
            review(5, "bb", review_state="approved", source_change_id="72"),
            event("approved", 5, reviewer_hash="bb", source_change_id="72"),
            event("merged", 6, lines_added=20, lines_removed=5, files_changed=4, merge_sha="m"),
        ]
    )
    assert (3.0, 6.0) == (state.time_to_first_review_hrs, state.time_to_merge_hrs)
    assert (START + HOUR * 5, START + HOUR * 6) == (state.approved_at, state.ended_at)
    assert (4, ("bb", "cc"), 2) == (state.review_rounds, state.reviewer_hashes, state.reviewer_count)
    assert (25, 4, "m") == (state.lines_changed, state.files_changed, state.merge_sha)
    assert not state.is_open


def test_a_reopened_pull_request_is_open() -> None:
    """Opening again undoes closing; closing again ends it at the first closing after that."""
    opened, closed, reopened = event("opened", 0), event("closed", 1), event("reopened", 2)
    assert (False, START + HOUR) == ((ended := pull_request_cycle([opened, closed])).is_open, ended.ended_at)
    again = pull_request_cycle([opened, closed, reopened])
    assert (True, None) == (again.is_open, again.ended_at)
    last = pull_request_cycle([opened, closed, reopened, event("closed", 3), event("closed", 4)])
    assert START + HOUR * 3 == last.closed_at


def test_merging_is_the_last_word() -> None:
    """A merged pull request was not closed, whatever else was told of the same instant."""
    state = pull_request_cycle([event("merged", 2), event("closed", 2)])
    assert (START + HOUR * 2, None, False) == (state.merged_at, state.closed_at, state.is_open)


def test_the_told_opening_counts() -> None:
    """The source's own time of opening counts when the opening itself was not seen."""
    state = pull_request_cycle([event("merged", 4, opened_at=START + HOUR)])
    assert (START + HOUR, 3.0, None) == (state.opened_at, state.time_to_merge_hrs, state.time_to_first_review_hrs)


def test_the_latest_event_names_the_ticket() -> None:
    """Branch and key candidates are those of the latest event; sizes are those told last."""
    state = pull_request_cycle(
        [
            event("opened", 0, title_keys=("PAY-1",), body_keys=("PAY-8",), lines_added=1, lines_removed=1),
            review(1, "bb", branch_name="feature/PAY-2", title_keys=("PAY-2",)),
        ]
    )
    assert ("feature/PAY-2", ("PAY-2",), (), 2) == (
        state.branch_name,
        state.title_keys,
        state.body_keys,
        state.lines_changed,
    )


def test_what_is_no_pull_request_is_refused() -> None:
    """No events, and events of two pull requests, are refused."""
    with pytest.raises(NotEnoughData):
        pull_request_cycle([])
    with pytest.raises(InvalidInput):
        pull_request_cycle([event("opened", 0), event("opened", 0, pr_number=6)])


any_event = st.builds(
    event,
    st.sampled_from([kind.value for kind in PullRequestEventType]),
    st.integers(0, 6),
    reviewer_hash=st.sampled_from((None, "aa", "bb", "cc")),
    reviewer_is_bot=st.booleans(),
    source_change_id=st.one_of(st.none(), st.integers(1, 5).map(str)),
    lines_added=st.one_of(st.none(), st.integers(0, 9)),
    lines_removed=st.one_of(st.none(), st.integers(0, 9)),
    opened_at=st.one_of(st.none(), st.just(START - HOUR)),
)


@given(
    st.lists(any_event, min_size=1, max_size=10).flatmap(
        lambda events: st.tuples(st.just(events), st.permutations(events * 2))
    )
)
def test_order_and_repetition_change_nothing(events: tuple[list[PullRequestEvent], list[PullRequestEvent]]) -> None:
    """A pull request is a function of the set of its events."""
    plain, mixed = map(pull_request_cycle, events)
    for field in fields(plain):
        assert getattr(plain, field.name) == getattr(mixed, field.name)


def test_turnaround_leaves_out_the_unreviewed() -> None:
    """Percentiles of 2 and 4 hours are over two pull requests, the third has no review."""
    found = review_turnaround(np.array([4.0, math.nan, 2.0]))
    assert {"review_turnaround_p50": 3.0, "review_turnaround_p85": 3.7} == pytest.approx(
        {name: figure.value for name, figure in found.items()}
    )
    assert [(2, "hours"), (2, "hours")] == [(figure.sample_size, figure.unit) for figure in found.values()]
    assert [None, None] == [figure.value for figure in review_turnaround(np.array([])).values()]


def test_reviews_are_counted_once_by_reviewer() -> None:
    """Bots, self-reviews, companions and repeated reports do not add to the count."""
    once = review(1, "bb", source_change_id="71")
    events = [
        once,
        once,
        review(1.001, "bb", source_change_id="71"),
        event("approved", 1, reviewer_hash="bb", source_change_id="71"),
        review(2, "bb"),
        review(3, "aa"),
        review(4, "b0", reviewer_is_bot=True),
        review(5, "cc"),
    ]
    assert {"bb": 2, "cc": 1} == reviews_by_reviewer(events)


def test_concentration_ranks_reviewers() -> None:
    """Over half of the reviews with one person is uneven; exactly half is not."""
    found = reviewer_concentration({"cc": 1, "bb": 3, "dd": 0}, contributors=6, minimum=6)
    shares = (ReviewerShare(reviewer="bb", share_pct=75.0), ReviewerShare(reviewer="cc", share_pct=25.0))
    assert Concentration(review_count=4, uneven=True, reviewers=shares) == found
    even = reviewer_concentration({"cc": 2, "bb": 2}, contributors=6, minimum=6)
    assert isinstance(even, Concentration)
    assert (False, ["bb", "cc"]) == (even.uneven, [share.reviewer for share in even.reviewers])
    assert Concentration(review_count=0, uneven=False, reviewers=()) == reviewer_concentration(
        {}, contributors=9, minimum=6
    )


def test_a_small_team_gets_no_breakdown() -> None:
    """Below the minimum the answer has no place for reviewers, and its text names none."""
    found = reviewer_concentration({"bb": 3}, contributors=5, minimum=6)
    assert SuppressedConcentration(minimum=6, review_count=3, uneven=True) == found
    assert {"minimum", "review_count", "uneven"} == {field.name for field in fields(found)}
    assert "bb" not in repr(found)


def test_a_large_team_gets_none_either_when_it_is_withheld() -> None:
    """What a difference would give away is withheld however many contributed."""
    found = reviewer_concentration({"bb": 1, "cc": 1}, contributors=9, minimum=6, withheld=True)
    assert SuppressedConcentration(minimum=6, review_count=2, uneven=False) == found


def test_fewer_than_no_reviews_are_refused() -> None:
    """A negative number of reviews is refused."""
    with pytest.raises(InvalidInput):
        reviewer_concentration({"bb": -1}, contributors=9, minimum=6)
