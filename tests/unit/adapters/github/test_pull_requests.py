"""Pull requests and reviews, by the rules of §5.3.2 to §5.3.4."""

from __future__ import annotations

from typing import Any

import pytest

from dpp.domain.events import Outcome, PullRequestEvent, PullRequestEventType, RepositoryRef
from tests.unit.adapters.github.deliveries import (
    ALICE,
    BOB,
    RENOVATE,
    REPOSITORY,
    at,
    delivery,
    person,
    pull_request,
    pull_requests,
    read,
)


def one(action: str, **changes: Any) -> PullRequestEvent:
    """Read a delivery that must give one event."""
    (event,) = pull_requests("pull_request", delivery(action=action, pull_request=pull_request(**changes)))
    return event


def review(state: str, **changes: Any) -> dict[str, Any]:
    """Return Bob's review of 10:00."""
    given = {"id": 55, "user": BOB, "state": state, "submitted_at": "2026-03-01T10:00:00Z", "body": "fine"} | changes
    return delivery(action="submitted", review=given, pull_request=pull_request())


def test_opened() -> None:
    """An opened pull request becomes one event that keeps everything but the title, the body and the author's name."""
    expected = PullRequestEvent(
        event_type=PullRequestEventType.OPENED,
        event_timestamp=at("09:00"),
        repository=RepositoryRef(
            org="acme", name="payments", github_id=77, installation_id="1001", default_branch="main"
        ),
        pr_number=7,
        author_hash=person("11"),
        branch_name="feature/PAY-456-retry",
        source_change_id="900",
        base_branch="main",
        opened_at=at("09:00"),
        title_keys=("PAY-456",),
        body_keys=("AUTH-78",),
        lines_added=10,
        lines_removed=4,
        files_changed=2,
        comments_count=4,
        head_sha="abc",
    )
    assert expected == one("opened")


def test_merged() -> None:
    """A pull request that was closed by merging is merged at its own time, with the commit that the merge made."""
    event = one(
        "closed",
        merged=True,
        merged_at="2026-03-01T12:00:00Z",
        closed_at="2026-03-01T12:00:01Z",
        merge_commit_sha="fed",
    )
    assert (PullRequestEventType.MERGED, at("12:00")) == (event.event_type, event.event_timestamp)
    assert ("fed", "900") == (event.merge_sha, event.source_change_id)


def test_merged_without_time() -> None:
    """A merged pull request without a time of merging was merged when it was closed."""
    event = one("closed", merged=True, merged_at=None, closed_at="2026-03-01T12:01:00Z")
    assert (PullRequestEventType.MERGED, at("12:01")) == (event.event_type, event.event_timestamp)


def test_merged_without_mark() -> None:
    """A time of merging makes a closed pull request a merged one, though ``merged`` is missing."""
    assert PullRequestEventType.MERGED is one("closed", merged=None, merged_at="2026-03-01T12:00:00Z").event_type


def test_closed() -> None:
    """A pull request closed without merging has no merge commit, whatever trial commit GitHub made for it."""
    event = one("closed", closed_at="2026-03-01T12:00:00Z")
    assert (PullRequestEventType.CLOSED, at("12:00")) == (event.event_type, event.event_timestamp)
    assert (None, None) == (event.merge_sha, event.source_change_id)


def test_zero_date_is_no_merge() -> None:
    """The first of January of the year 1 stands for "not yet"."""
    event = one("closed", merged_at="0001-01-01T00:00:00Z", closed_at="2026-03-01T12:00:00Z")
    assert PullRequestEventType.CLOSED is event.event_type


@pytest.mark.parametrize("action", ["reopened", "ready_for_review"])
def test_facts_beside_the_list(action: str) -> None:
    """Opening again and leaving the draft state are known by the time of the latest change alone."""
    event = one(action)
    assert (action, at("09:30"), None) == (event.event_type, event.event_timestamp, event.source_change_id)


@pytest.mark.parametrize(
    ("action", "field"), [("closed", "pull_request.closed_at"), ("reopened", "pull_request.updated_at")]
)
def test_no_time_no_event(action: str, field: str) -> None:
    """A payload without a readable time of its own gives no event, and the reason names the field."""
    normalised = read("pull_request", delivery(action=action, pull_request=pull_request(updated_at=None)))
    assert (Outcome.UNKNOWN, False) == (normalised.outcome, bool(normalised.facts))
    assert f"no readable time of its own in `{field}`" == normalised.reason


def test_time_without_zone() -> None:
    """A time without a zone could be any of many hours, and gives no event."""
    payload = delivery(action="opened", pull_request=pull_request(created_at="2026-03-01T09:00:00"))
    normalised = read("pull_request", payload)
    assert Outcome.UNKNOWN is normalised.outcome
    assert "Expected `datetime` with a timezone component - at `$.pull_request.created_at`" == normalised.reason


def test_times_are_utc() -> None:
    """A time with an offset is the same instant in UTC, down to the id of the event."""
    event = one("opened", created_at="2026-03-01T11:00:00+02:00")
    assert at("09:00").isoformat() == event.event_timestamp.isoformat()
    assert one("opened").event_id == event.event_id


def test_deleted_fork() -> None:
    """The head of a deleted fork has no repository, and its branch is known all the same."""
    assert "patch-1" == one("opened", head={"ref": "patch-1", "sha": "abc", "repo": None, "user": None}).branch_name


def test_ghost() -> None:
    """A deleted account, null or by its name at GitHub, is one and the same ghost."""
    assert person("10137") == one("opened", user=None).author_hash
    assert person("10137") == one("opened", user={"login": "ghost", "id": 10137, "type": "User"}).author_hash


def test_identity_without_number() -> None:
    """An account without a number is known by its login, in any case."""
    assert one("opened", user={"login": "Alice"}).author_hash == one("opened", user={"login": "alice"}).author_hash
    assert person("11") != one("opened", user={"login": "alice"}).author_hash


@pytest.mark.parametrize(
    ("user", "expected"),
    [(RENOVATE, True), (ALICE, False), ({"login": "dependabot[bot]", "id": 9}, True), (None, False)],
)
def test_bots(user: object, expected: bool) -> None:
    """A bot is known by the type of its account or by the end of its login."""
    assert expected is one("opened", user=user).author_is_bot


def test_little_is_enough() -> None:
    """A pull request of nothing but number, branch and time is an event of what is known."""
    bare = {"number": 7, "head": {"ref": "x"}, "created_at": "2026-03-01T09:00:00Z"}
    (event,) = pull_requests(
        "pull_request", {"action": "opened", "pull_request": bare, "repository": {"full_name": "acme/payments"}}
    )
    assert (None, None, None, None) == (event.lines_added, event.comments_count, event.base_branch, event.head_sha)
    assert ((), (), False, None) == (event.title_keys, event.body_keys, event.is_draft, event.source_change_id)
    assert RepositoryRef(org="acme", name="payments") == event.repository


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"installation": {"id": 2002}}, ("MOB-9",)),
        ({"installation": None, "organization": {"login": "Acme-Mobile"}}, ("MOB-9",)),
        ({"installation": None, "repository": REPOSITORY | {"full_name": "acme-mobile/app"}}, ("MOB-9",)),
        ({"installation": {"id": 1001}}, ("PAY-1",)),
        ({"installation": {"id": 3}, "organization": {"login": "nobody"}}, ("PAY-1",)),
    ],
)
def test_pattern_of_the_stream(parts: dict[str, Any], expected: tuple[str, ...]) -> None:
    """A title is read by the pattern of its stream, found by installation, else organisation, else owner."""
    payload = delivery(action="opened", pull_request=pull_request(title="PAY-1 #MOB-9"), **parts)
    (event,) = pull_requests("pull_request", payload)
    assert expected == event.title_keys


def test_bracketed_title_and_null_body() -> None:
    """A title may wrap its key in brackets, and a body may be null."""
    event = one("opened", title="[PAY-12] retry", body=None)
    assert (("PAY-12",), ()) == (event.title_keys, event.body_keys)


@pytest.mark.parametrize("state", ["commented", "COMMENTED"])
def test_comment_is_one_event(state: str) -> None:
    """A review that decides nothing is one event, its state in lower case."""
    (event,) = pull_requests("pull_request_review", review(state))
    assert (PullRequestEventType.REVIEW_SUBMITTED, at("10:00")) == (event.event_type, event.event_timestamp)
    assert ("commented", "55", person("12")) == (event.review_state, event.source_change_id, event.reviewer_hash)
    assert (person("11"), False, at("09:00")) == (event.author_hash, event.reviewer_is_bot, event.opened_at)


@pytest.mark.parametrize("state", ["approved", "changes_requested", "APPROVED"])
def test_decision_has_a_companion(state: str) -> None:
    """A review that decides writes its companion too, with the same time and id and everything else."""
    submitted, companion = pull_requests("pull_request_review", review(state))
    assert ("review_submitted", state.lower()) == (submitted.event_type, companion.event_type)
    assert ("55", "55") == (submitted.source_change_id, companion.source_change_id)
    assert submitted.event_timestamp == companion.event_timestamp
    assert (state.lower(), submitted.reviewer_hash) == (companion.review_state, companion.reviewer_hash)
    assert submitted.event_id != companion.event_id


def test_later_dismissed() -> None:
    """A review that is told of after its dismissal was submitted all the same, and decides nothing."""
    (event,) = pull_requests("pull_request_review", review("dismissed"))
    assert (PullRequestEventType.REVIEW_SUBMITTED, "dismissed") == (event.event_type, event.review_state)


def test_bot_and_ghost_review() -> None:
    """A reviewer may be a bot, or be gone."""
    (event,) = pull_requests("pull_request_review", review("commented", user=RENOVATE))
    assert (True, person("13")) == (event.reviewer_is_bot, event.reviewer_hash)
    (event,) = pull_requests("pull_request_review", review("commented", user=None))
    assert (False, person("10137")) == (event.reviewer_is_bot, event.reviewer_hash)


def test_pending_review() -> None:
    """A pending review has not been submitted and is ignored on purpose."""
    normalised = read("pull_request_review", review("PENDING", submitted_at=None))
    assert (Outcome.IGNORED, False) == (normalised.outcome, bool(normalised.facts))


@pytest.mark.parametrize("submitted_at", [None, "0001-01-01T00:00:00Z"])
def test_review_without_time(submitted_at: str | None) -> None:
    """A submitted review without a time is kept for repair."""
    normalised = read("pull_request_review", review("approved", submitted_at=submitted_at))
    assert (Outcome.UNKNOWN, "no readable time of its own in `review.submitted_at`") == (
        normalised.outcome,
        normalised.reason,
    )


def test_unheard_of_state() -> None:
    """A state that no review is known to have is not quoted."""
    normalised = read("pull_request_review", review("sneezed"))
    assert (Outcome.UNKNOWN, "a state that no review is known to have in `review.state`") == (
        normalised.outcome,
        normalised.reason,
    )


def test_same_delivery_twice() -> None:
    """What is sent twice gives equal facts: nothing in them depends on the delivery."""
    assert pull_requests("pull_request_review", review("approved")) == pull_requests(
        "pull_request_review", review("approved")
    )
