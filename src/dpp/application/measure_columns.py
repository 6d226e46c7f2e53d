"""From rows of events, with the streams of their tickets over time, to the columns of ``measure_reader``.

Both families of readers share this: what a defect or a pull request was at a moment takes the events up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import numpy as np

from dpp.application.measure_reader import DefectHistory
from dpp.domain.by_day import Known, Lasting
from dpp.domain.defects import LAST_WORD
from dpp.domain.events import DefectEventType, PullRequestEventType
from dpp.domain.histories import FOREVER
from dpp.domain.moments import MICROS_PER_DAY

_RANK = {kind: place for place, kind in enumerate(LAST_WORD)}
_CLOSED, _REOPENED = PullRequestEventType.CLOSED, PullRequestEventType.REOPENED
_MERGED, _OPENED = PullRequestEventType.MERGED, PullRequestEventType.OPENED
_MICROS_PER_HOUR = 3_600_000_000


class Belonging(NamedTuple):
    """A span of a ticket's life, and whether it was the stream's in it; a ticket's spans leave no gap."""

    valid_from: int
    valid_to: int
    is_ours: bool


class DefectStep(NamedTuple):
    """
    An event of a defect, and what it made known.

    Attributes:
        has_escaped: whether the defect counts as escaped from this event on, until the next one.
        is_ours: whether the event itself names the stream; this counts while the ticket is not known.
    """

    issue_id: str
    at: int
    kind: DefectEventType
    event_id: UUID
    has_escaped: bool
    is_ours: bool


class PullRequestStep(NamedTuple):
    """An opening, closing, reopening or merging."""

    at: int
    kind: PullRequestEventType


class ReviewSpan(NamedTuple):
    """A pull request that ended with a review: when, the hours to the review, and from when to when that held."""

    ended_at: int
    hours: float
    valid_from: int
    valid_to: int


def defect_history(
    steps: Iterable[DefectStep], *, belonging: Mapping[str, Sequence[Belonging]], days: int
) -> DefectHistory:
    """
    Return when defects count.

    Args:
        steps: the events of some defects, all up to the end of the time asked about, in any order.
        belonging: the spans of each ticket that is known, in order.
        days: an event keeps a defect in the window for so long.
    """
    spans: list[tuple[int, int, bool]] = []
    ordered = sorted(steps, key=lambda step: (step.issue_id, step.at, _RANK[step.kind], step.event_id))
    for issue_id, of_one in groupby(ordered, key=attrgetter("issue_id")):
        held = belonging.get(issue_id, ())
        for step, first, last in _states(list(of_one), days * MICROS_PER_DAY):
            spans += [(*part, step.has_escaped) for part in _ours(step, first, last, held)]
    columns = np.array([span[:2] for span in spans], dtype=np.int64).reshape(-1, 2)
    return DefectHistory(
        counted=Lasting(valid_from=columns[:, 0], valid_to=columns[:, 1]),
        escaped=np.array([span[2] for span in spans], dtype=np.bool_),
    )


def _states(steps: Sequence[DefectStep], width: int) -> Iterator[tuple[DefectStep, int, int]]:
    """Return the last event of each instant with the moments, from first to before last, at which it is the latest and
    some event is in the window. A window ends before its moment, so an event is not in that of its own instant.
    """
    latest = {step.at: step for step in steps}
    times = sorted(latest)
    for place, at in enumerate(times):
        is_in_window_already = place > 0 and times[place - 1] + width >= at
        following = times[place + 1] if place + 1 < len(times) else FOREVER
        yield latest[at], at if is_in_window_already else at + 1, min(following, at + width + 1)


def _ours(step: DefectStep, first: int, last: int, held: Sequence[Belonging]) -> Iterator[tuple[int, int]]:
    """Return the parts of a span in which the defect was the stream's."""
    known_from = held[0].valid_from if held else FOREVER
    spans = [Belonging(-FOREVER, known_from, step.is_ours), *held]
    for span in spans:
        begin, end = max(first, span.valid_from), min(last, span.valid_to)
        if span.is_ours and begin < end:
            yield begin, end


def endings(steps: Iterable[PullRequestStep]) -> Iterator[tuple[int, int, int]]:
    """Return when a pull request ended as its events told it, and the moments, from first to before last, at which they
    did so; the same as ``pull_request_cycle`` of the events up to each moment.
    """
    ordered = sorted(steps, key=lambda step: (step.at, _ORDER[step.kind]))
    times = sorted({step.at for step in ordered})
    for at, following in pairwise([*times, FOREVER]):
        ended_at = _ended_at([step for step in ordered if step.at <= at])
        if ended_at is not None:
            yield ended_at, at, following


#: As ``domain.reviews`` understands what is told at once.
_ORDER = {_OPENED: 0, _CLOSED: 1, _REOPENED: 2, _MERGED: 3}


def _ended_at(ordered: Sequence[PullRequestStep]) -> int | None:
    closed_at: int | None = None
    for step in ordered:
        if step.kind is _MERGED:
            return step.at
        is_first_closing = step.kind is _CLOSED and closed_at is None
        closed_at = step.at if is_first_closing else closed_at if step.kind is _CLOSED else None
    return closed_at


def review_spans(
    steps: Iterable[PullRequestStep],
    *,
    opened_at: int,
    reviewed_at: int | None,
    belonging: Sequence[Belonging],
) -> Iterator[ReviewSpan]:
    """
    Return when a pull request counted for the stream, and with which time to review; nothing without a review.

    Args:
        steps: its life.
        opened_at: from when the wait is counted.
        reviewed_at: the first peer review.
        belonging: the spans of its time in streams, in order.
    """
    if reviewed_at is None or reviewed_at < opened_at:
        return
    hours = (reviewed_at - opened_at) / _MICROS_PER_HOUR
    for ended_at, first, last in endings(steps):
        for span in belonging:
            begin, end = max(first, reviewed_at, span.valid_from), min(last, span.valid_to)
            if span.is_ours and begin < end:
                yield ReviewSpan(ended_at, hours, begin, end)


def known_reviews(spans: Iterable[ReviewSpan]) -> Known:
    """Return spans as columns."""
    rows = list(spans)
    return Known.in_order(
        ended_at=np.array([row.ended_at for row in rows], dtype=np.int64),
        values=np.array([row.hours for row in rows], dtype=np.float64),
        valid_from=np.array([row.valid_from for row in rows], dtype=np.int64),
        valid_to=np.array([row.valid_to for row in rows], dtype=np.int64),
    )
