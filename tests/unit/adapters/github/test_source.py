"""What GitHub complains of, and things that cannot be read: neither is taken for an empty history."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from dpp.adapters.github.api import Installed, PermissionMissing
from dpp.adapters.github.parts import Part
from dpp.adapters.github.payloads import TimedRepository
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from tests.support.told_github import Told, source, whole
from tests.unit.adapters.github.deliveries import at

ACME = Installed(org="acme", installation="1001")
PAYMENTS = TimedRepository(id=77, full_name="acme/payments", default_branch="main")
LAST = {"hasNextPage": False, "endCursor": None}
ALICE = {"__typename": "User", "login": "alice", "databaseId": 11}


def node(number: int, *reviews: dict[str, Any]) -> dict[str, Any]:
    """Return an open pull request that Alice opened at 09:00."""
    return {
        "fullDatabaseId": str(900 + number), "number": number, "title": "PAY-456 retry", "body": "", "isDraft": False,
        "merged": False, "createdAt": "2026-03-01T09:00:00Z", "updatedAt": "2026-03-01T09:30:00Z", "closedAt": None,
        "mergedAt": None, "additions": 1, "deletions": 2, "changedFiles": 1, "totalCommentsCount": 0,
        "headRefName": "feature/PAY-456", "headRefOid": "a" * 40, "baseRefName": "main", "mergeCommit": None,
        "author": ALICE, "reviews": {"pageInfo": LAST, "nodes": list(reviews)}, "timelineItems": {"nodes": []},
    }  # fmt: skip


def review(number: int, state: str) -> dict[str, Any]:
    """Return a review of 10:00."""
    told = {"fullDatabaseId": str(number), "state": state, "submittedAt": "2026-03-01T10:00:00Z"}
    return told | {"commit": {"oid": "a" * 40}, "author": {"__typename": "User", "login": "bob", "databaseId": 12}}


def page(answer: object) -> Part:
    """Return what an answer tells of pull requests."""
    http = Told({"/graphql": whole(answer)})
    return asyncio.run(source(http).pull_requests(ACME, PAYMENTS, at=None))


def listed(*nodes: object) -> dict[str, Any]:
    """Return a page of pull requests, the last one."""
    return {"repository": {"pullRequests": {"pageInfo": LAST, "nodes": list(nodes)}}}


NOWHERE = {"repository": None}
FORBIDDEN = {"type": "FORBIDDEN", "path": ["repository", "pullRequests"], "locations": [{"line": 3, "column": 5}]}


def test_a_missing_permission_is_no_empty_history() -> None:
    """GitHub answers with status 200 and null beside its complaint: that is for a person to mend."""
    with pytest.raises(PermissionMissing, match="pull requests"):
        page({"data": NOWHERE, "errors": [FORBIDDEN]})


@pytest.mark.parametrize(
    "answer",
    [
        {"data": NOWHERE, "errors": [{"message": "Something went wrong while executing your query"}]},
        {"data": None, "errors": [{"message": "Something went wrong while executing your query"}]},
        {"data": NOWHERE, "errors": [{"type": "SERVICE_UNAVAILABLE", "path": ["repository"]}]},
        {"data": None},
        {},
    ],
)
def test_what_passes_is_no_empty_history(answer: object) -> None:
    """A failure inside an answer, and an answer without anything, are left for later and blamed on nobody."""
    with pytest.raises(SourceUnavailable) as away:
        page(answer)
    assert not isinstance(away.value, SourceRefused)


def test_a_field_that_the_server_does_not_know_is_for_a_person() -> None:
    """An Enterprise Server that is too old says where in the query it was lost."""
    unknown = {"message": "Field 'fullDatabaseId' doesn't exist", "locations": [{"line": 6, "column": 9}]}
    with pytest.raises(SourceRefused, match="too old"):
        page({"errors": [unknown | {"extensions": {"code": "undefinedField"}}]})


def test_a_repository_that_is_gone_has_nothing_to_tell() -> None:
    """What was deleted since the register was read is passed over."""
    assert Part() == page({"data": NOWHERE, "errors": [{"type": "NOT_FOUND", "path": ["repository"]}]})


def test_one_pull_request_that_fails_spoils_no_other() -> None:
    """GitHub puts null in the place of one that it cannot show; that one is counted, and the other is read."""
    complaint = {"message": "Something went wrong", "path": ["repository", "pullRequests", "nodes", 0]}
    told = page({"data": listed(None, node(2)), "errors": [complaint]})
    assert [2] == [event.pr_number for event in told.facts.pull_requests]
    assert (2, 1) == (told.things, len(told.unreadable))


def test_one_review_that_cannot_be_read_spoils_nothing_else() -> None:
    """Of a pull request with a review of a new kind its opening is read, and its other review."""
    told = page({"data": listed(node(7, review(1, "PONDERED"), review(2, "COMMENTED")))})
    kinds = [(event.event_type.value, event.source_change_id) for event in told.facts.pull_requests]
    assert ["opened", "review_submitted"] == [kind for kind, _ in kinds]
    assert "2" == kinds[1][1]
    assert ["a review of acme/payments"] == [reason.partition(":")[0] for reason in told.unreadable]


def run(number: int, made_at: str) -> dict[str, Any]:
    """Return a run that has ended."""
    return {
        "id": number, "workflow_id": 5, "run_attempt": 1, "status": "completed", "conclusion": "success",
        "created_at": made_at, "run_started_at": made_at, "updated_at": made_at, "event": "push",
    }  # fmt: skip


def test_runs_since_a_moment_are_not_asked_for_by_a_filter() -> None:
    """With a filter GitHub lists a thousand and no more; without one the list is left at the first that is older."""
    made = [run(3, "2026-03-01T12:00:00Z"), run(2, "2026-03-01T11:00:00Z"), run(1, "2026-03-01T08:00:00Z")]
    http = Told({"/actions/runs": whole({"total_count": 3, "workflow_runs": made})})
    told = asyncio.run(source(http).runs(ACME, PAYMENTS, at=None, since=at("09:00")))
    assert ["3.1", "3.1", "2.1", "2.1"] == [event.pipeline_run_id for event in told.facts.cicd]
    assert {"per_page": "100", "page": "1"} == dict(http.asked[-1].query)


def test_a_run_that_was_run_again_is_found_by_its_last_change() -> None:
    """A run of three weeks ago that ran again is read with both attempts; one that did not, or is older, is not."""
    again = run(3, "2026-02-08T12:00:00Z") | {
        "run_attempt": 2, "run_started_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:05:00Z"
    }  # fmt: skip
    made = [again, run(2, "2026-02-07T12:00:00Z"), run(1, "2026-01-29T08:00:00Z") | {"updated_at": again["updated_at"]}]
    first = run(3, "2026-02-08T12:00:00Z") | {"conclusion": "failure"}
    http = Told({"/attempts/1": whole(first), "/actions/runs": whole({"total_count": 3, "workflow_runs": made})})
    told = asyncio.run(source(http).runs(ACME, PAYMENTS, at=None, since=at("09:00")))
    expected = [("3.2", "in_progress"), ("3.2", "success"), ("3.1", "in_progress"), ("3.1", "failure")]
    assert expected == [(event.pipeline_run_id, event.status) for event in told.facts.cicd]
    assert told.following is None


def test_a_late_status_of_an_old_deployment_is_found_by_its_last_change() -> None:
    """Of three old deployments only the one that a status was added to is asked about, and only that one's are read."""

    def deployment(number: int, made_at: str, changed_at: str) -> dict[str, Any]:
        return {
            "id": number, "sha": "a" * 40, "ref": "main", "environment": "production", "created_at": made_at,
            "updated_at": changed_at,
        }  # fmt: skip

    made = [
        deployment(9, "2026-02-10T12:00:00Z", "2026-02-10T12:05:00Z"),
        deployment(8, "2026-02-08T12:00:00Z", "2026-03-01T10:00:00Z"),
        deployment(7, "2026-01-29T12:00:00Z", "2026-03-01T10:00:00Z"),
    ]
    late = {"id": 82, "state": "failure", "environment": "production", "created_at": "2026-03-01T10:00:00Z"}
    done = late | {"id": 81, "state": "success", "created_at": "2026-02-08T12:05:00Z"}
    http = Told({"/deployments/8/statuses": whole([late, done]), "/deployments": whole(made)})
    told = asyncio.run(source(http).deployments(ACME, PAYMENTS, at=None, since=at("09:00")))
    expected = [("8", "82", at("10:00")), ("8", "81", datetime(2026, 2, 8, 12, 5, tzinfo=UTC))]
    found = [(event.pipeline_run_id, event.source_change_id, event.event_timestamp) for event in told.facts.cicd]
    assert expected == found
    assert told.following is None
