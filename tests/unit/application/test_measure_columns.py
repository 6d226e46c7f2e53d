"""When pull requests ended and defects counted, as their events told it over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from dpp.application.measure_columns import (
    Belonging,
    DefectStep,
    PullRequestStep,
    ReviewSpan,
    defect_history,
    endings,
    review_spans,
)
from dpp.domain.calendar import to_micros
from dpp.domain.events import DefectEventType, PullRequestEvent, PullRequestEventType, RepositoryRef
from dpp.domain.histories import FOREVER
from dpp.domain.moments import MICROS_PER_DAY
from dpp.domain.reviews import pull_request_cycle

P, D = PullRequestEventType, DefectEventType
START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3_600_000_000
DAY = MICROS_PER_DAY
OURS = [Belonging(-FOREVER, FOREVER, is_ours=True)]


def step(at: int, kind: DefectEventType, *, escaped: bool = False, ours: bool = False) -> DefectStep:
    """Return an event of one defect."""
    return DefectStep("10001", at, kind, UUID(int=at), escaped, ours)


def spans(*steps: DefectStep, belonging: list[Belonging] | None = None, days: int = 30) -> list[tuple[int, int, bool]]:
    """Return the spans of moments at which a defect counts, and whether as escaped."""
    found = defect_history(steps, belonging={} if belonging is None else {"10001": belonging}, days=days)
    counted = found.counted
    return list(zip(counted.valid_from.tolist(), counted.valid_to.tolist(), found.escaped.tolist(), strict=True))


def test_a_defect_counts_for_the_window_after_its_event() -> None:
    """It counts right after its event, until the window of so many days has passed it."""
    assert [(DAY + 1, 31 * DAY + 1, False)] == spans(step(DAY, D.LOGGED), belonging=OURS)


def test_a_later_event_keeps_a_defect_in_the_window() -> None:
    """What a second event says counts from its instant on, since the first one is in the window by then."""
    both = (step(DAY, D.LOGGED), step(5 * DAY, D.ATTRIBUTED, escaped=True))
    assert [(DAY + 1, 5 * DAY, False), (5 * DAY, 35 * DAY + 1, True)] == spans(*both, belonging=OURS)
    apart = (step(DAY, D.LOGGED), step(5 * DAY, D.ATTRIBUTED, escaped=True))
    assert [(DAY + 1, 3 * DAY + 1, False), (5 * DAY + 1, 7 * DAY + 1, True)] == spans(*apart, belonging=OURS, days=2)


def test_of_one_instant_the_last_word_counts() -> None:
    """Logged and attributed at once, a defect is what the attribution says."""
    both = (step(DAY, D.ATTRIBUTED, escaped=True), step(DAY, D.LOGGED))
    assert [(DAY + 1, 31 * DAY + 1, True)] == spans(*both, belonging=OURS)


def test_a_defect_belongs_to_the_streams_of_its_ticket() -> None:
    """Before its ticket is known the event's own stream counts, then the ticket's, span by span."""
    belonging = [Belonging(3 * DAY, 5 * DAY, is_ours=False), Belonging(5 * DAY, FOREVER, is_ours=True)]
    ours, others = step(DAY, D.LOGGED, ours=True), step(DAY, D.LOGGED)
    assert [(DAY + 1, 3 * DAY, False), (5 * DAY, 31 * DAY + 1, False)] == spans(ours, belonging=belonging)
    assert [(5 * DAY, 31 * DAY + 1, False)] == spans(others, belonging=belonging)
    assert [(DAY + 1, 31 * DAY + 1, False)] == spans(ours)
    assert [] == spans(others)


def test_a_review_counts_from_when_it_is_known() -> None:
    """A review after the end counts from itself on; an end that a reopening took back counts until then."""
    steps = [PullRequestStep(0, P.OPENED), PullRequestStep(4 * HOUR, P.CLOSED)]
    assert [ReviewSpan(4 * HOUR, 2.0, 4 * HOUR, FOREVER)] == list(
        review_spans(steps, opened_at=0, reviewed_at=2 * HOUR, belonging=OURS)
    )
    assert [ReviewSpan(4 * HOUR, 5.0, 5 * HOUR, FOREVER)] == list(
        review_spans(steps, opened_at=0, reviewed_at=5 * HOUR, belonging=OURS)
    )
    again = [*steps, PullRequestStep(6 * HOUR, P.REOPENED), PullRequestStep(9 * HOUR, P.MERGED)]
    assert [ReviewSpan(4 * HOUR, 2.0, 4 * HOUR, 6 * HOUR), ReviewSpan(9 * HOUR, 2.0, 9 * HOUR, FOREVER)] == list(
        review_spans(again, opened_at=0, reviewed_at=2 * HOUR, belonging=OURS)
    )


def test_without_a_review_or_with_one_before_the_opening_there_is_no_wait() -> None:
    """Neither has a time to the first review."""
    steps = [PullRequestStep(4 * HOUR, P.MERGED)]
    for reviewed_at in (None, HOUR):
        assert [] == list(review_spans(steps, opened_at=2 * HOUR, reviewed_at=reviewed_at, belonging=OURS))


@given(
    life=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([P.OPENED, P.CLOSED, P.REOPENED, P.MERGED])),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_endings_are_what_the_events_up_to_each_moment_tell(life: list[tuple[int, PullRequestEventType]]) -> None:
    """At every moment a pull request ended when its events up to then say that it did."""
    begin = to_micros(START)
    found = list(endings(PullRequestStep(begin + hour * HOUR, kind) for hour, kind in life))
    for moment in range(8):
        events = [
            PullRequestEvent(
                event_type=kind,
                event_timestamp=START + timedelta(hours=hour),
                repository=RepositoryRef(org="acme", name="service", github_id=1),
                pr_number=1,
                author_hash="a",
                branch_name="main",
                source_change_id=f"{hour}{kind}",
            )
            for hour, kind in life
            if hour <= moment
        ]
        ended_at = pull_request_cycle(events).ended_at if events else None
        at = begin + moment * HOUR
        assert [ended_at and to_micros(ended_at)] == [end for end, first, last in found if first <= at < last] or (
            ended_at is None and not [end for end, first, last in found if first <= at < last]
        )
