"""Pushes (§6.4.4) and the registry of repositories (§4.2.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dpp.domain.events import Outcome, PushEvent, RepositoryFact, RepositoryRef
from tests.unit.adapters.github.deliveries import (
    REPOSITORY,
    at,
    delivery,
    person,
    push,
    read,
    repositories,
)

PUSHED_AT = int(at("09:10").timestamp())
COMMITS = [
    {"id": "c1", "timestamp": "2026-02-20T08:00:00+01:00", "author": None, "distinct": True},
    {"id": "c2", "timestamp": "2026-02-20T09:00:00+01:00", "author": {"email": "alice@acme.example"}},
]


def pushed(**changes: Any) -> dict[str, Any]:
    """Return Alice's push of two commits at 09:10."""
    return (
        delivery(
            ref="refs/heads/feature/PAY-1",
            before="c0",
            after="c2",
            deleted=False,
            commits=COMMITS,
            head_commit=COMMITS[1],
            repository=REPOSITORY | {"pushed_at": PUSHED_AT, "created_at": 1},
        )
        | changes
    )


def test_push() -> None:
    """A push is dated by its receipt and not by its commits, and names the first and the last of them."""
    expected = PushEvent(
        event_timestamp=at("09:10"),
        repository=RepositoryRef(
            org="acme", name="payments", github_id=77, installation_id="1001", default_branch="main"
        ),
        branch_name="feature/PAY-1",
        first_commit_sha="c1",
        last_commit_sha="c2",
        commit_count=2,
        author_hash=person("11"),
    )
    assert expected == push(pushed())


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/tags/v1"},
        {"deleted": True, "after": "0" * 40},
        {"deleted": None, "after": "0" * 40},
        {"commits": [], "head_commit": None},
        {"commits": None},
    ],
)
def test_pushes_that_bring_nothing(changes: dict[str, Any]) -> None:
    """Tags, removed branches and pushes without commits are ignored on purpose."""
    assert Outcome.IGNORED is read("push", pushed(**changes)).outcome


def test_push_without_time_of_receipt() -> None:
    """The head commit's time stands in for a missing time of receipt, and without both there is no event."""
    assert datetime(2026, 2, 20, 8, tzinfo=UTC) == push(pushed(repository=REPOSITORY)).event_timestamp
    untimed = [{"id": "c1"}]
    payload = pushed(repository=REPOSITORY, commits=untimed, head_commit=None)
    assert "no readable time of its own in `repository.pushed_at`" == read("push", payload).reason


def test_push_with_little() -> None:
    """Without sender and head the last commit is the head, and nobody is the author."""
    event = push(pushed(sender=None, after=None, head_commit=None))
    assert ("c2", None, False) == (event.last_commit_sha, event.author_hash, event.author_is_bot)


def account(**parts: Any) -> dict[str, Any]:
    """Return an installation, its two times written in the two ways there are."""
    return {
        "id": 1001,
        "account": {"login": "acme"},
        "created_at": PUSHED_AT,
        "updated_at": "2026-03-01T11:10:00+01:00",
    } | parts


def test_installation() -> None:
    """A new installation brings the repositories that it lists, at the time of its creation."""
    listed = [{"id": 77, "name": "payments", "full_name": "acme/payments"}, {"id": 78, "full_name": "acme/web"}]
    expected = tuple(
        RepositoryFact(
            event_timestamp=at("09:10"),
            repository=RepositoryRef(org="acme", name=name, github_id=number, installation_id="1001"),
        )
        for number, name in ((77, "payments"), (78, "web"))
    )
    payload = {"action": "created", "installation": account(), "repositories": listed}
    assert expected == repositories("installation", payload)


@pytest.mark.parametrize("listed", [None, []])
def test_installation_that_lists_nothing(listed: object) -> None:
    """An installation that lists no repositories is ignored; they are found on sight."""
    payload = {"action": "created", "installation": account(), "repositories": listed}
    assert Outcome.IGNORED is read("installation", payload).outcome


def test_installation_gains_and_loses() -> None:
    """Repositories that an installation loses are not active any more."""
    payload = {
        "action": "removed",
        "installation": account(),
        "repositories_added": [{"full_name": "acme/web"}],
        "repositories_removed": [{"full_name": "acme/payments"}],
    }
    facts = repositories("installation_repositories", payload)
    assert [("web", True), ("payments", False)] == [(fact.repository.name, fact.is_active) for fact in facts]
    assert {at("10:10")} == {fact.event_timestamp for fact in facts}


def changed(action: str, *, changes: object = None, **repository: Any) -> dict[str, Any]:
    """Return a report of a repository of 08:00 that changed at 09:00."""
    times = {"created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T09:00:00Z", "pushed_at": None}
    return delivery(action=action, changes=changes, repository=REPOSITORY | times | repository)


@pytest.mark.parametrize(
    ("action", "archived", "expected"),
    [
        ("created", False, True),
        ("archived", True, False),
        ("unarchived", False, True),
        ("unarchived", True, True),
        ("deleted", False, False),
        ("renamed", True, False),
        ("renamed", None, True),
    ],
)
def test_repository_is_active(action: str, archived: bool | None, expected: bool) -> None:
    """A repository that is archived or deleted is not active."""
    (fact,) = repositories("repository", changed(action, archived=archived))
    assert (expected, at("09:00")) == (fact.is_active, fact.event_timestamp)


def test_renamed_repository() -> None:
    """A renamed repository keeps its number and tells its former name."""
    changes = {"repository": {"name": {"from": "billing"}}}
    (fact,) = repositories("repository", changed("renamed", changes=changes))
    assert ("acme/billing", "acme/payments", 77) == (
        fact.previous_full_name,
        fact.repository.full_name,
        fact.repository.github_id,
    )


@pytest.mark.parametrize("former", [{"user": {"login": "old"}}, {"organization": {"login": "old"}}])
def test_transferred_repository(former: object) -> None:
    """A transferred repository tells its former owner, a person or an organisation."""
    changes = {"owner": {"from": former}}
    (fact,) = repositories("repository", changed("transferred", changes=changes))
    assert "old/payments" == fact.previous_full_name


def test_edited_repository() -> None:
    """Of the settings of a repository only the default branch is read."""
    (fact,) = repositories("repository", changed("edited", changes={"default_branch": {"from": "master"}}))
    assert ("main", None) == (fact.repository.default_branch, fact.previous_full_name)
    assert Outcome.IGNORED is read("repository", changed("edited", changes={"description": {"from": "x"}})).outcome


def test_rename_dated_before_the_creation() -> None:
    """A report is dated by the latest time that it knows of, since GitHub leaves ``updated_at`` behind."""
    (fact,) = repositories("repository", changed("renamed", created_at="2026-03-01T09:01:00Z"))
    assert at("09:01") == fact.event_timestamp
    (fact,) = repositories("repository", changed("renamed", pushed_at=PUSHED_AT))
    assert at("09:10") == fact.event_timestamp


def test_repository_without_times() -> None:
    """A report without any time is kept for repair."""
    assert Outcome.UNKNOWN is read("repository", changed("created", created_at=None, updated_at=0)).outcome


def test_repository_by_owner_and_name() -> None:
    """A repository without a full name is known by its owner and name, and without these it is not known."""
    named = {"id": 77, "name": "payments", "owner": {"name": "acme"}, "updated_at": "2026-03-01T09:00:00Z"}
    (fact,) = repositories("repository", {"action": "created", "repository": named})
    assert RepositoryRef(org="acme", name="payments", github_id=77) == fact.repository
    nameless = read("repository", {"action": "created", "repository": named | {"owner": None}})
    assert "Object missing required field `repository.full_name`" == nameless.reason
