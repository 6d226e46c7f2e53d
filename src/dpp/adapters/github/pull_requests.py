"""Pull requests and their reviews (§5.3.2): opened, closed, merged, opened again, ready for review, reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from msgspec.json import Decoder

from dpp.adapters.github.decoding import NotUnderstood, decode, moment, required_moment
from dpp.adapters.github.payloads import Delivery, PullRequest, PullRequestDelivery, Review, ReviewDelivery
from dpp.adapters.github.references import branch_pattern, person, repository_ref
from dpp.application.reading import Reading
from dpp.domain.events import Facts, Normalised, Outcome, PullRequestEvent, PullRequestEventType
from dpp.domain.linking import body_candidates, title_candidates

_PULL_REQUEST = Decoder(PullRequestDelivery)
_REVIEW = Decoder(ReviewDelivery)

#: Actions that are read.
PULL_REQUEST_ACTIONS = frozenset({"opened", "closed", "reopened", "ready_for_review"})
REVIEW_ACTIONS = frozenset({"submitted"})

#: Reviews that decide something write an event of that name beside ``review_submitted`` (§4.3.3, §5.3.2).
_COMPANIONS = {
    "approved": PullRequestEventType.APPROVED,
    "changes_requested": PullRequestEventType.CHANGES_REQUESTED,
}
_STATES = frozenset({"approved", "changes_requested", "commented", "dismissed"})


def read_pull_request(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the one event of a ``pull_request`` delivery."""
    delivery = decode(body, decoder=_PULL_REQUEST)
    event = step_of(delivery, delivery.pull_request, action=action, reading=reading)
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pull_requests=(event,)))


def step_of(delivery: Delivery, pull_request: PullRequest, *, action: str | None, reading: Reading) -> PullRequestEvent:
    """Return the event of an action that is read, whichever way it is told."""
    kind, happened_at = _what_happened(pull_request, action=action)
    change_id = _change_id(pull_request, kind=kind)
    return _event(delivery, pull_request, kind=kind, happened_at=happened_at, change_id=change_id, reading=reading)


def _what_happened(pull_request: PullRequest, *, action: str | None) -> tuple[PullRequestEventType, datetime]:
    """Opening, merging and closing have times of their own; for the others it is when the pull request changed last."""
    if action == "opened":
        return PullRequestEventType.OPENED, required_moment(pull_request.created_at, field="pull_request.created_at")
    if action == "closed" and _is_merged(pull_request):
        times = (pull_request.merged_at, pull_request.closed_at)
        return PullRequestEventType.MERGED, required_moment(*times, field="pull_request.merged_at")
    if action == "closed":
        return PullRequestEventType.CLOSED, required_moment(pull_request.closed_at, field="pull_request.closed_at")
    kind = PullRequestEventType.REOPENED if action == "reopened" else PullRequestEventType.READY_FOR_REVIEW
    return kind, required_moment(pull_request.updated_at, field="pull_request.updated_at")


def _is_merged(pull_request: PullRequest) -> bool:
    return bool(pull_request.merged) or moment(pull_request.merged_at) is not None


def _change_id(pull_request: PullRequest, *, kind: PullRequestEventType) -> str | None:
    """What happens once in the life of a pull request is named by it; the rest is known by its time alone."""
    once = kind in (PullRequestEventType.OPENED, PullRequestEventType.MERGED)
    return str(pull_request.id) if once and pull_request.id is not None else None


def read_review(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return ``review_submitted`` and, where the review decides something, its companion with the same id and time."""
    delivery = decode(body, decoder=_REVIEW)
    events = review_of(delivery, delivery.pull_request, delivery.review, reading=reading)
    if not events:
        return Normalised(outcome=Outcome.IGNORED, reason="a pending review has not been submitted")
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pull_requests=events))


def review_of(
    delivery: Delivery, pull_request: PullRequest, review: Review, *, reading: Reading
) -> tuple[PullRequestEvent, ...]:
    """Return the events of a review, whichever way it is told; none while it has not been submitted."""
    state = review.state.lower()
    if state == "pending":
        return ()
    if state not in _STATES:
        raise NotUnderstood("a state that no review is known to have in `review.state`")
    submitted = _submitted(delivery, pull_request, review, state=state, reading=reading)
    companion = _COMPANIONS.get(state)
    return (submitted,) if companion is None else (submitted, replace(submitted, event_type=companion))


def _submitted(
    delivery: Delivery, pull_request: PullRequest, review: Review, *, state: str, reading: Reading
) -> PullRequestEvent:
    event = _event(
        delivery,
        pull_request,
        kind=PullRequestEventType.REVIEW_SUBMITTED,
        happened_at=required_moment(review.submitted_at, field="review.submitted_at"),
        change_id=str(review.id),
        reading=reading,
    )
    reviewer = person(review.user, reading=reading)
    return replace(event, reviewer_hash=reviewer.hash, reviewer_is_bot=reviewer.is_bot, review_state=state)


def _event(
    delivery: Delivery,
    pull_request: PullRequest,
    *,
    kind: PullRequestEventType,
    happened_at: datetime,
    change_id: str | None,
    reading: Reading,
) -> PullRequestEvent:
    repository = repository_ref(delivery.repository, installation=delivery.installation)
    pattern = branch_pattern(repository, organization=delivery.organization, reading=reading)
    author = person(pull_request.user, reading=reading)
    return PullRequestEvent(
        event_type=kind,
        event_timestamp=happened_at,
        repository=repository,
        pr_number=pull_request.number,
        author_hash=author.hash,
        author_is_bot=author.is_bot,
        branch_name=pull_request.head.ref,
        source_change_id=change_id,
        base_branch=pull_request.base.ref if pull_request.base else None,
        opened_at=moment(pull_request.created_at),
        is_draft=bool(pull_request.draft),
        title_keys=title_candidates(pull_request.title, pattern=pattern),
        body_keys=body_candidates(pull_request.body),
        lines_added=pull_request.additions,
        lines_removed=pull_request.deletions,
        files_changed=pull_request.changed_files,
        comments_count=_comments(pull_request),
        head_sha=pull_request.head.sha,
        # An unmerged pull request has a merge commit too: a trial of GitHub's own, on no branch.
        merge_sha=pull_request.merge_commit_sha if _is_merged(pull_request) else None,
    )


def _comments(pull_request: PullRequest) -> int | None:
    """Comments below the pull request and on its lines, together; None when the payload counts neither."""
    counts = [count for count in (pull_request.comments, pull_request.review_comments) if count is not None]
    return sum(counts) if counts else None
