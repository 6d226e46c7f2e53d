"""The life of a pull request, how long it waits for review, and on whom reviewing rests (§4.4.3, §6.3.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from dpp.domain.arrays import FloatArray
from dpp.domain.errors import InvalidInput, NotEnoughData
from dpp.domain.events import Identity, PullRequestEvent, PullRequestEventType, RepositoryRef
from dpp.domain.figures import NO_VALUES, Figure, percentile_figures
from dpp.domain.histories import change_number
from dpp.domain.privacy import suppressed

T = TypeVar("T")

TURNAROUND_PERCENTILES = (50, 85)
UNEVEN_ABOVE_PCT = 50.0
"""Share of the reviews above which a single reviewer is a risk (§6.3.3)."""

_HOUR = timedelta(hours=1)

# What one delivery tells at once, in the order in which it is to be understood; merging is the last word.
_RANK = {
    PullRequestEventType.OPENED: 0,
    PullRequestEventType.READY_FOR_REVIEW: 1,
    PullRequestEventType.REVIEW_SUBMITTED: 2,
    PullRequestEventType.CHANGES_REQUESTED: 3,
    PullRequestEventType.APPROVED: 4,
    PullRequestEventType.CLOSED: 5,
    PullRequestEventType.REOPENED: 6,
    PullRequestEventType.MERGED: 7,
}
_OPENS = frozenset({PullRequestEventType.OPENED, PullRequestEventType.REOPENED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestState:
    """
    A pull request as its events tell it.

    Attributes:
        repository: as the latest event names it.
        author_is_bot: whether the author is no person.
        branch_name: with ``title_keys`` and ``body_keys`` what the latest event has to find the ticket by.
        opened_at: when it was opened; the first event where the source does not say.
        is_open: neither merged nor closed, or opened again since.
        first_review_at: first review submitted by a person other than the author, None without one.
        approved_at: first approval.
        merged_at: None unless merged.
        closed_at: when it was closed without being merged; None while open and when merged.
        time_to_first_review_hrs: hours by the clock from ``opened_at``; None without a review or when it came before.
        time_to_merge_hrs: likewise to ``merged_at``.
        review_rounds: reviews submitted by whomever.
        reviewer_hashes: people other than the author who have submitted reviews, each once, in order.
        lines_changed: added and removed, as told last; None when never told.
        files_changed: as told last.
    """

    repository: RepositoryRef
    pr_number: int
    author_hash: str
    author_is_bot: bool
    branch_name: str
    base_branch: str | None
    title_keys: tuple[str, ...]
    body_keys: tuple[str, ...]
    opened_at: datetime
    is_open: bool
    is_draft: bool
    first_review_at: datetime | None
    approved_at: datetime | None
    merged_at: datetime | None
    closed_at: datetime | None
    time_to_first_review_hrs: float | None
    time_to_merge_hrs: float | None
    review_rounds: int
    reviewer_hashes: tuple[str, ...]
    lines_changed: int | None
    files_changed: int | None
    head_sha: str | None
    merge_sha: str | None

    @property
    def ended_at(self) -> datetime | None:
        """When it was merged or closed: the window that it counts in (decision 0017); None while open."""
        return self.merged_at or self.closed_at

    @property
    def reviewer_count(self) -> int:
        """How many people have reviewed it."""
        return len(self.reviewer_hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerShare:
    """One reviewer's part of the reviews of a window, in percent."""

    reviewer: str
    share_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """How the reviews of a window spread over reviewers, largest share first; ``uneven`` when one has over half."""

    review_count: int
    uneven: bool
    reviewers: tuple[ReviewerShare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedConcentration:
    """
    In place of a breakdown that would point at people: it has no place to carry one (§4.6, decision 0022).

    ``uneven`` says that somebody has over half of the reviews, as §4.6 allows, and not who or how much.
    """

    minimum: int
    review_count: int
    uneven: bool


def pull_request_cycle(events: Iterable[PullRequestEvent]) -> PullRequestState:
    """
    Return what the events of one pull request tell; it depends on the set of them alone (decision 0003).

    Args:
        events: of one pull request, at least one, in any order; repeated ones change nothing.

    Raises:
        NotEnoughData: there are no events.
        InvalidInput: they are of more than one pull request.
    """
    ordered = _in_order(events)
    latest = ordered[-1]
    opened_at = _opened_at(ordered)
    merged_at = _first_time(ordered, lambda event: event.event_type is PullRequestEventType.MERGED)
    closed_at = None if merged_at else _closed_at(ordered)
    first_review_at = _first_time(ordered, is_peer_review)
    return PullRequestState(
        repository=latest.repository,
        pr_number=latest.pr_number,
        author_hash=latest.author_hash,
        author_is_bot=latest.author_is_bot,
        branch_name=latest.branch_name,
        base_branch=_last_told(ordered, lambda event: event.base_branch),
        title_keys=latest.title_keys,
        body_keys=latest.body_keys,
        opened_at=opened_at,
        is_open=merged_at is None and closed_at is None,
        is_draft=latest.is_draft,
        first_review_at=first_review_at,
        approved_at=_first_time(ordered, lambda event: event.event_type is PullRequestEventType.APPROVED),
        merged_at=merged_at,
        closed_at=closed_at,
        time_to_first_review_hrs=_hours(opened_at, first_review_at),
        time_to_merge_hrs=_hours(opened_at, merged_at),
        review_rounds=sum(event.event_type is PullRequestEventType.REVIEW_SUBMITTED for event in ordered),
        reviewer_hashes=tuple(sorted({str(event.reviewer_hash) for event in ordered if is_peer_review(event)})),
        lines_changed=_last_told(ordered, _lines),
        files_changed=_last_told(ordered, lambda event: event.files_changed),
        head_sha=_last_told(ordered, lambda event: event.head_sha),
        merge_sha=_last_told(ordered, lambda event: event.merge_sha),
    )


def is_peer_review(event: PullRequestEvent) -> bool:
    """Tell whether an event is a review submitted by a person other than the author (decision 0017)."""
    return (
        event.event_type is PullRequestEventType.REVIEW_SUBMITTED
        and event.reviewer_hash is not None
        and event.reviewer_hash != event.author_hash
        and not event.reviewer_is_bot
    )


def review_turnaround(hours: FloatArray, *, missing: FloatArray = NO_VALUES) -> dict[str, Figure]:
    """
    Return the percentiles of the time to the first review by the names of §6.3.3.

    Args:
        hours: shape (n,), >= 0, of the pull requests merged or closed in the window; nan for those without a review.
        missing: shape (m,), the same of reviewed ones that may be of the same stream.
    """
    known = hours[~np.isnan(hours)]
    figures = percentile_figures(known, ps=TURNAROUND_PERCENTILES, unit="hours", missing=missing)
    return {f"review_turnaround_p{p}": figure for p, figure in figures.items()}


def reviewer_concentration(
    reviews: Mapping[str, int], *, contributors: int, minimum: int, withheld: bool = False
) -> Concentration | SuppressedConcentration:
    """
    Return how reviews spread over reviewers, or that it must not be told.

    Args:
        reviews: peer reviews (``is_peer_review``) that each reviewer submitted in the window, by hash, >= 0; empty
            gives no reviewers and is not uneven.
        contributors: distinct people of the stream in the window: authors, reviewers and assignees.
        minimum: fewest people among whom nobody is recognised.
        withheld: not to be told however many contributed, since a difference to something else would tell too much.

    Raises:
        InvalidInput: a number of reviews is negative.
    """
    if any(count < 0 for count in reviews.values()):
        raise InvalidInput("a reviewer cannot have submitted fewer than 0 reviews", field="reviews")
    total = sum(reviews.values())
    uneven = any(count / total * 100 > UNEVEN_ABOVE_PCT for count in reviews.values() if count)
    if withheld or suppressed(contributors=contributors, minimum=minimum):
        return SuppressedConcentration(minimum=minimum, review_count=total, uneven=uneven)
    ranked = sorted(((-count, reviewer) for reviewer, count in reviews.items() if count), key=lambda pair: pair)
    shares = tuple(ReviewerShare(reviewer=reviewer, share_pct=-count / total * 100) for count, reviewer in ranked)
    return Concentration(review_count=total, uneven=uneven, reviewers=shares)


def reviews_by_reviewer(events: Iterable[PullRequestEvent]) -> dict[str, int]:
    """Return how many peer reviews each reviewer has submitted, by hash; repeated events count once."""
    once = {event.change_identity or event.identity: event for event in events if is_peer_review(event)}
    return dict(Counter(str(event.reviewer_hash) for event in once.values()))


def _in_order(events: Iterable[PullRequestEvent]) -> Sequence[PullRequestEvent]:
    once = _once(_once(events, lambda event: event.identity), lambda event: event.change_identity or event.identity)
    if not once:
        raise NotEnoughData("a pull request without events is unknown")
    # Repositories are not compared: a renamed one has two names, and not every report brings its id.
    numbers = {event.pr_number for event in once}
    if len(numbers) > 1:
        raise InvalidInput(f"the events are of pull requests {sorted(numbers)}; give those of one", field="events")
    return sorted(once, key=_order)


def _once(events: Iterable[PullRequestEvent], key: Callable[[PullRequestEvent], Identity]) -> list[PullRequestEvent]:
    """Keep one report of each fact, the earliest; which one that is depends on the set of events alone."""
    kept: dict[Identity, PullRequestEvent] = {}
    for event in events:
        known = kept.setdefault(key(event), event)
        if known != event:
            kept[key(event)] = min(known, event, key=_order)
    return list(kept.values())


def _order(event: PullRequestEvent) -> tuple[object, ...]:
    return (event.event_timestamp, _RANK[event.event_type], change_number(event.source_change_id), repr(event))


def _opened_at(ordered: Sequence[PullRequestEvent]) -> datetime:
    told = [event.opened_at for event in ordered if event.opened_at is not None]
    opened = [event.event_timestamp for event in ordered if event.event_type is PullRequestEventType.OPENED]
    return min(told + opened, default=ordered[0].event_timestamp)


def _closed_at(ordered: Sequence[PullRequestEvent]) -> datetime | None:
    """Return when the last run of closings began, None when the pull request was opened after it or never closed."""
    closed_at: datetime | None = None
    for event in ordered:
        if event.event_type in _OPENS:
            closed_at = None
        elif event.event_type is PullRequestEventType.CLOSED:
            closed_at = closed_at or event.event_timestamp
    return closed_at


def _first_time(ordered: Sequence[PullRequestEvent], wanted: Callable[[PullRequestEvent], bool]) -> datetime | None:
    return next((event.event_timestamp for event in ordered if wanted(event)), None)


def _last_told(ordered: Sequence[PullRequestEvent], tell: Callable[[PullRequestEvent], T | None]) -> T | None:
    return next((told for event in reversed(ordered) if (told := tell(event)) is not None), None)


def _lines(event: PullRequestEvent) -> int | None:
    if event.lines_added is None or event.lines_removed is None:
        return None
    return event.lines_added + event.lines_removed


def _hours(start: datetime, end: datetime | None) -> float | None:
    return None if end is None or end < start else (end - start) / _HOUR
