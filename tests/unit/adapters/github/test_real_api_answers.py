"""Answers that a real GitHub gave over its APIs; what is expected was read off each file by hand."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dpp.adapters.github.api import Installed
from dpp.adapters.github.parts import Part
from dpp.adapters.github.payloads import Delivery, PullRequest, Review, TimedRepository
from dpp.adapters.github.pull_requests import review_of, step_of
from dpp.application.outgoing import Answer
from dpp.application.source_errors import SourceRefused
from dpp.domain.events import CicdEvent, PullRequestEvent
from tests.support.told_github import Told, source, whole
from tests.unit.adapters.github.deliveries import READING, person, read

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "github"
DANGER = "danger+danger-js/source/platforms/_tests/fixtures"
GIDGETHUB = "gidgethub+gidgethub/tests/samples/GraphQL"
DEVLAKE = "apache+incubator-devlake/backend/plugins/github/e2e/raw_tables"
HOOKS = "octokit+webhooks/payload-examples/api.github.com"
EMISSION = TimedRepository(id=52437732, full_name="artsy/emission", default_branch="master")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"NOT TESTED: there are no real answers in {FOLDER}")


def contents(name: str) -> bytes:
    """Return a file of the collection."""
    return (FOLDER / name).read_bytes()


def moment(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def page(repository: TimedRepository, answer: Answer) -> Part:
    """Return what a page of pull requests tells."""
    where = Installed(org=str(repository.full_name).partition("/")[0], installation="")
    return asyncio.run(source(Told({"/graphql": answer})).pull_requests(where, repository, at=None))


def test_a_query_that_cannot_be_read_is_for_a_person() -> None:
    """A parse error with status 200 is no failure that passes: the server is too old for the query."""
    with pytest.raises(SourceRefused, match="Enterprise Server may be too old"):
        page(EMISSION, whole(contents(f"{GIDGETHUB}/malformed-query-200.json")))


def test_bad_credentials_are_for_a_person() -> None:
    """Two tokens are refused, and then it is said where to look."""
    http = Told({"/graphql": Answer(status=401, body=contents(f"{GIDGETHUB}/bad-credentials-401.json"))})
    where = Installed(org="artsy", installation="1")
    with pytest.raises(SourceRefused, match="may be suspended"):
        asyncio.run(source(http).pull_requests(where, EMISSION, at=None))
    assert 4 == len(http.asked)


def test_an_answer_to_another_question_holds_no_pull_requests() -> None:
    """Data about somebody else's repositories is no page, and no reason to fail."""
    assert Part() == page(EMISSION, whole(contents(f"{GIDGETHUB}/success-200.json")))


def test_pull_requests_that_lack_their_number_spoil_no_other() -> None:
    """Of a real page that lacks what is needed each of three is named, and none invented; it is the last page."""
    hello = TimedRepository(id=1, full_name="monalisa/hello")
    told = page(hello, whole(contents("cli+cli/pkg/cmd/pr/list/fixtures/prList.json")))
    assert (3, 3, None, ()) == (told.things, len(told.unreadable), told.following, told.facts.pull_requests)
    assert {"a pull request of monalisa/hello"} == {reason.partition(":")[0] for reason in told.unreadable}


def pull_request_by_rest() -> PullRequest:
    """Return the pull request as REST shows it."""
    return msgspec.json.decode(contents(f"{DANGER}/github_pr.json"), type=PullRequest)


def reviews_by_rest() -> list[dict[str, Any]]:
    """Return its reviews as REST shows them."""
    found: list[dict[str, Any]] = msgspec.json.decode(contents(f"{DANGER}/reviews.json"))
    return found


#: The same pull request as GraphQL shows it: names of its schema, upper-case states, ids as texts.
EMISSION_327 = {
    "fullDatabaseId": "87500681", "number": 327, "isDraft": False, "merged": True,
    "createdAt": "2016-09-30T14:10:30Z", "updatedAt": "2016-12-09T08:36:38Z",
    "closedAt": "2016-10-03T09:39:23Z", "mergedAt": "2016-10-03T09:39:23Z",
    "additions": 743, "deletions": 17, "changedFiles": 16, "totalCommentsCount": 10,
    "headRefName": "genevc", "headRefOid": "cfa8fb80d2b65f4c4fa0b54d25352a3a0ff58f75", "baseRefName": "master",
    "mergeCommit": {"oid": "70640811c69995d9f1d847dfab6d415fbf475820"},
    "author": {"__typename": "User", "login": "orta", "databaseId": 49038},
    "timelineItems": {"nodes": [{"__typename": "ClosedEvent", "createdAt": "2016-10-03T09:39:23Z"}]},
}  # fmt: skip


def pull_request_by_graphql() -> tuple[PullRequestEvent, ...]:
    """Return what the page with that one tells."""
    reviews = [
        {
            "fullDatabaseId": str(review["id"]), "state": review["state"], "submittedAt": review["submitted_at"],
            "commit": {"oid": review["commit_id"]},
            "author": {"__typename": "User", "login": review["user"]["login"], "databaseId": review["user"]["id"]},
        }
        for review in reviews_by_rest()
    ]  # fmt: skip
    by_rest = pull_request_by_rest()
    node = EMISSION_327 | {
        "title": by_rest.title,
        "body": by_rest.body,
        "reviews": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": reviews},
    }
    listed = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node]}
    told = page(EMISSION, whole({"data": {"repository": {"pullRequests": listed}}}))
    assert () == told.unreadable
    return told.facts.pull_requests


def test_a_merged_pull_request_with_four_reviews() -> None:
    """Its opening, its merging and its reviews, each at its own time and with GitHub's number where there is one."""
    expected = {
        ("opened", moment("2016-09-30 14:10:30")),
        ("review_submitted", moment("2016-09-30 14:14:11")),
        ("review_submitted", moment("2016-09-30 15:08:12")),
        ("review_submitted", moment("2016-09-30 15:09:27")),
        ("review_submitted", moment("2016-09-30 15:09:47")),
        ("merged", moment("2016-10-03 09:39:23")),
    }
    found = pull_request_by_graphql()
    assert expected == {(event.event_type.value, event.event_timestamp) for event in found}
    assert 6 == len(found)
    ids = {event.source_change_id for event in found if event.event_type.value == "review_submitted"}
    assert {"2332973", "2343835", "2344085", "2344137"} == ids
    assert {person("49038")} == {event.author_hash for event in found}
    merged = next(event for event in found if event.event_type.value == "merged")
    assert (743, 17, 16, 10) == (merged.lines_added, merged.lines_removed, merged.files_changed, merged.comments_count)
    assert "70640811c69995d9f1d847dfab6d415fbf475820" == merged.merge_sha


def test_rest_and_graphql_tell_the_same_merge_and_reviews() -> None:
    """The merge is the same to the last field; each review is one event about one commit by one person."""
    about = Delivery(repository=EMISSION)
    by_graphql = {event.identity: event for event in pull_request_by_graphql()}
    merge = step_of(about, pull_request_by_rest(), action="closed", reading=READING)
    assert merge == by_graphql[merge.identity]
    for raw in reviews_by_rest():
        review = msgspec.convert(raw, type=Review, strict=False)
        (event,) = review_of(about, pull_request_by_rest(), review, reading=READING)
        same = by_graphql[event.identity]
        assert (event.event_timestamp, event.reviewer_hash) == (same.event_timestamp, same.reviewer_hash)
        assert ("commented", raw["commit_id"]) == (same.review_state, same.head_sha)


def collected(name: str) -> list[bytes]:
    """Return the answers that somebody collected in a table."""
    table = [row for row in csv.reader(contents(f"{DEVLAKE}/{name}").decode("utf-8-sig").splitlines()) if row]
    place = table[0].index("data")
    return [row[place].encode() for row in table[1:]]


def test_pull_requests_that_somebody_collected() -> None:
    """One of a bot's, merged a day after its opening, and one of a person's that is open."""
    about = Delivery(repository=TimedRepository(id=123, full_name="test/repo"))
    pulls = [
        msgspec.json.decode(body, type=PullRequest)
        for body in collected("_raw_github_api_pull_requests_bot_filter.csv")
    ]
    events = [
        step_of(about, pull, action=action, reading=READING)
        for pull, action in ((pulls[0], "closed"), (pulls[1], "opened"))
    ]
    assert [
        ("merged", moment("2024-01-02 00:00:00"), 999, True, "abc123"),
        ("opened", moment("2024-01-03 00:00:00"), 1000, False, None),
    ] == [
        (one.event_type.value, one.event_timestamp, one.pr_number, one.author_is_bot, one.merge_sha) for one in events
    ]


def test_reviews_that_somebody_collected() -> None:
    """An approval by a bot and one by a person; each is a review and an approval."""
    about = Delivery(repository=TimedRepository(id=123, full_name="test/repo"))
    pull = msgspec.json.decode(collected("_raw_github_api_pull_requests_bot_filter.csv")[0], type=PullRequest)
    events = [
        event
        for body in collected("_raw_github_api_pr_reviews_bot_filter.csv")
        for event in review_of(about, pull, msgspec.json.decode(body, type=Review), reading=READING)
    ]
    assert [
        ("review_submitted", "5001", moment("2024-01-01 00:00:00"), True),
        ("approved", "5001", moment("2024-01-01 00:00:00"), True),
        ("review_submitted", "5002", moment("2024-01-02 00:00:00"), False),
        ("approved", "5002", moment("2024-01-02 00:00:00"), False),
    ] == [(one.event_type.value, one.source_change_id, one.event_timestamp, one.reviewer_is_bot) for one in events]


def hook(name: str) -> dict[str, Any]:
    """Return a delivery."""
    found: dict[str, Any] = msgspec.json.decode(contents(f"{HOOKS}/{name}"))
    return found


def of(delivery: dict[str, Any]) -> tuple[Installed, TimedRepository]:
    """Return the repository that a delivery is about, and its installation as far as it names one."""
    repository = msgspec.convert(delivery["repository"], type=TimedRepository)
    number = delivery.get("installation", {}).get("id", "")
    return Installed(org=str(repository.full_name).partition("/")[0], installation=str(number)), repository


@pytest.mark.parametrize("name", ["completed.payload.json", "completed.with-pull-requests.payload.json"])
def test_a_run_is_the_same_by_webhook_and_in_the_list(name: str) -> None:
    """The end of run 289782451 is one event to the last field; the list tells its start as well."""
    delivery = hook(f"workflow_run/{name}")
    where, repository = of(delivery)
    listed = {"total_count": 1, "workflow_runs": [delivery["workflow_run"]]}
    told = asyncio.run(source(Told({"/actions/runs": whole(listed)})).runs(where, repository, at=None))
    assert [
        ("build_started", "289782451.1", moment("2020-10-05 16:33:49")),
        ("build_completed", "289782451.1", moment("2020-10-05 16:33:49")),
    ] == [(event.event_type.value, event.source_change_id, event.event_timestamp) for event in told.facts.cicd]
    assert read("workflow_run", delivery).facts.cicd == told.facts.cicd[1:]


def test_a_run_that_waits_has_not_begun() -> None:
    """A run that is queued is in the list, and tells nothing yet."""
    delivery = hook("workflow_run/requested.payload.json")
    where, repository = of(delivery)
    listed = whole({"total_count": 1, "workflow_runs": [delivery["workflow_run"]]})
    told = asyncio.run(source(Told({"/actions/runs": listed})).runs(where, repository, at=None))
    assert (1, (), ()) == (told.things, told.facts.cicd, told.unreadable)


@pytest.mark.parametrize(
    ("name", "kind", "at"),
    [
        ("payload.json", "deploy_completed", "2019-05-15 15:20:55"),
        ("with-installation.payload.json", "deploy_completed", "2019-05-15 15:20:55"),
        ("gh-pages.payload.json", "deploy_started", "2022-01-03 01:28:40"),
    ],
)
def test_a_deployment_is_the_same_by_webhook_and_in_the_list(name: str, kind: str, at: str) -> None:
    """Status 209916254 of deployment 145988746 is one event, but for what set it off, which only webhooks tell."""
    delivery = hook(f"deployment_status/{name}")
    where, repository = of(delivery)
    http = Told(
        {
            "/deployments": whole([delivery["deployment"]]),
            "/deployments/145988746/statuses": whole([delivery["deployment_status"]]),
        }
    )
    told = asyncio.run(source(http).deployments(where, repository, at=None))
    (by_list,), (by_webhook,) = told.facts.cicd, read("deployment_status", delivery).facts.cicd
    assert (kind, "209916254", moment(at)) == (
        by_list.event_type.value,
        by_list.source_change_id,
        by_list.event_timestamp,
    )
    assert _untriggered(by_webhook) == _untriggered(by_list)


def _untriggered(event: CicdEvent) -> dict[str, object]:
    told = {name: getattr(event, name) for name in event.__dataclass_fields__}
    return {name: value for name, value in told.items() if name != "trigger_type"}
