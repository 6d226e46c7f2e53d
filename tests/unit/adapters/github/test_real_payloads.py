"""Real deliveries of GitHub, read by hand and by the reader; they lie beside the repository and not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from dpp.application.reading import MalformedPayload, Reading
from dpp.domain.configuration import Configuration, TechStream
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    Facts,
    Outcome,
    PullRequestEvent,
    PullRequestEventType,
    PushEvent,
    RepositoryFact,
    RepositoryRef,
    Source,
)
from dpp.domain.privacy import Pseudonymiser
from tests.unit.adapters.github.deliveries import KEY, person, read

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "github"
HUB = "octokit+webhooks/payload-examples/api.github.com"
ENTERPRISE = "octokit+webhooks/payload-examples/ghes-35"
READING = Reading(
    configuration=Configuration(
        tech_streams=(
            TechStream(
                stream_id=UUID(int=1), name="hub", display_name="Hub", github_org="octo-org", github_install_id="1"
            ),
        )
    ),
    pseudonymiser=Pseudonymiser(KEY),
)

HELLO = RepositoryRef(
    org="Codertocat", name="Hello-World", github_id=186853002, installation_id="1", default_branch="master"
)
HELLO_UNINSTALLED = RepositoryRef(org="Codertocat", name="Hello-World", github_id=186853002, default_branch="master")
HELLO_ENTERPRISE = RepositoryRef(
    org="Codertocat", name="Hello-World", github_id=118, installation_id="5", default_branch="master"
)
OCTO = RepositoryRef(org="octo-org", name="octo-repo", github_id=300029405, default_branch="master")
FORK = RepositoryRef(
    org="Octocoders", name="Hello-World", github_id=186853261, installation_id="1", default_branch="master"
)
FORK_UNINSTALLED = RepositoryRef(org="Octocoders", name="Hello-World", github_id=186853261, default_branch="master")
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
DEPLOYED = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"


def kind_of(path: Path) -> str:
    """Return the event of a file: its folder's name, or in the older collections its own."""
    if "octokit+webhooks" in str(path):
        return path.parent.name
    return "pull_request" if path.name.startswith("webhook-pr") else path.name.partition(".")[0]


def files() -> list[Path]:
    """Return every file of the collection; empty when it is absent."""
    return sorted(path for path in FOLDER.rglob("*") if path.is_file())


def contents(name: str) -> bytes:
    """Return a file of the collection, or skip the test, saying so."""
    if not FOLDER.is_dir():
        pytest.skip(f"NOT TESTED: the real payloads are not at {FOLDER}")
    return (FOLDER / name).read_bytes()


def time(text: str) -> datetime:
    """Return a time in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


def hello_pull_request(kind: PullRequestEventType, at: str, **other: object) -> Facts:
    """Return what is expected of the pull request that most of the files are about."""
    expected: dict[str, object] = {
        "event_type": kind,
        "event_timestamp": time(at),
        "repository": HELLO,
        "pr_number": 2,
        "author_hash": person("21031067"),
        "branch_name": "changes",
        "base_branch": "master",
        "opened_at": time("2019-05-15T15:20:33"),
        "lines_added": 1,
        "lines_removed": 1,
        "files_changed": 1,
        "comments_count": 0,
        "head_sha": HEAD,
    }
    return Facts(pull_requests=(PullRequestEvent(**(expected | other)),))  # type: ignore[arg-type]


def hello_deployment(kind: CicdEventType, at: str, **other: object) -> Facts:
    """Return what is expected of the deployment that most of the files are about."""
    expected: dict[str, object] = {
        "event_type": kind,
        "event_timestamp": time(at),
        "pipeline_id": "github-deployments/186853002",
        "pipeline_run_id": "145988746",
        "environment": "production",
        "status": "success",
        "source": Source.GITHUB,
        "repository": HELLO,
        "source_change_id": "209916254",
        "started_at": time("2019-05-15T15:20:53"),
        "duration_seconds": 2,
        "branch": "master",
        "commit_sha": DEPLOYED,
    }
    return Facts(cicd=(CicdEvent(**(expected | other)),))  # type: ignore[arg-type]


def octo_run() -> Facts:
    """Return what is expected of the one workflow run that has ended."""
    return Facts(
        cicd=(
            CicdEvent(
                event_type=CicdEventType.BUILD_COMPLETED,
                event_timestamp=time("2020-10-05T16:33:49"),
                pipeline_id="github-workflow/2823525",
                pipeline_run_id="289782451.1",
                environment="build",
                status="success",
                source=Source.GITHUB,
                repository=OCTO,
                source_change_id="289782451.1",
                started_at=time("2020-10-05T16:33:49"),
                duration_seconds=0,
                branch="master",
                commit_sha="3484a3fb816e0859fd6e1cea078d76385ff50625",
                trigger_type="manual",
            ),
        )
    )


def first_push() -> Facts:
    """Return what is expected of the push that made a branch; it is dated 92 seconds after its only commit."""
    return Facts(
        pushes=(
            PushEvent(
                event_timestamp=time("2019-05-15T15:20:57"),
                repository=HELLO,
                branch_name="master",
                first_commit_sha="6113728f27ae82c7b1a177c8d03f9e96e0adf246",
                last_commit_sha="6113728f27ae82c7b1a177c8d03f9e96e0adf246",
                commit_count=1,
                author_hash=person("21031067"),
            ),
        )
    )


def repository(ref: RepositoryRef, at: str, **other: object) -> Facts:
    """Return what is expected of a report about a repository."""
    fact = RepositoryFact(event_timestamp=time(at), repository=ref, **other)  # type: ignore[arg-type]
    return Facts(repositories=(fact,))


def patch_pull_request(kind: PullRequestEventType, at: str, **other: object) -> Facts:
    """Return what is expected of the pull request that was merged."""
    return hello_pull_request(
        kind,
        at,
        repository=RepositoryRef(
            org="ailisp", name="gcbapp-buildconfig-example", github_id=219188321, default_branch="master"
        ),
        pr_number=3,
        author_hash=person("55861365"),
        branch_name="byao1276-patch-1",
        source_change_id="340192383",
        opened_at=time("2019-11-13T01:28:51"),
        lines_added=6,
        lines_removed=0,
        head_sha="7b5a809ab03679215c55926f7d111156ec98b865",
        **other,
    )


def enterprise_pull_request(kind: PullRequestEventType, at: str, **other: object) -> Facts:
    """Return what is expected of the pull request on an enterprise server."""
    expected: dict[str, object] = {
        "repository": HELLO_ENTERPRISE,
        "author_hash": person("4"),
        "opened_at": time("2019-05-15T19:38:02"),
        "head_sha": "14977a7b5485400124827221a04bfb474bcd72d1",
    }
    return hello_pull_request(kind, at, **(expected | other))


UNCOUNTED = dict.fromkeys(("lines_added", "lines_removed", "files_changed", "comments_count"))

#: What each file says, read by a person. Titles and bodies of these hold no keys, and none of the authors is a bot.
UNDERSTOOD = {
    f"{HUB}/pull_request/opened.payload.json": hello_pull_request(
        PullRequestEventType.OPENED, "2019-05-15T15:20:33", source_change_id="279147437"
    ),
    f"{HUB}/pull_request/opened.with-null-body.json": hello_pull_request(
        PullRequestEventType.OPENED, "2019-05-15T15:20:33", source_change_id="279147437"
    ),
    f"{HUB}/pull_request/opened.with-organization.payload.json": hello_pull_request(
        PullRequestEventType.OPENED, "2019-05-15T15:20:33", source_change_id="279147437"
    ),
    # It names a merge commit, although it was closed without merging.
    f"{HUB}/pull_request/closed.payload.json": hello_pull_request(
        PullRequestEventType.CLOSED, "2019-05-15T15:21:18", comments_count=1
    ),
    f"{HUB}/pull_request/reopened.payload.json": hello_pull_request(
        PullRequestEventType.REOPENED, "2019-05-15T15:20:33"
    ),
    f"{HUB}/pull_request/ready_for_review.payload.json": hello_pull_request(
        PullRequestEventType.READY_FOR_REVIEW, "2019-05-15T15:21:18", comments_count=1, repository=HELLO_UNINSTALLED
    ),
    f"{HUB}/pull_request_review/submitted.payload.json": hello_pull_request(
        PullRequestEventType.REVIEW_SUBMITTED,
        "2019-05-15T15:20:38",
        source_change_id="237895671",
        reviewer_hash=person("21031067"),
        review_state="commented",
        **UNCOUNTED,
    ),
    f"{ENTERPRISE}/pull_request/opened.json": enterprise_pull_request(
        PullRequestEventType.OPENED, "2019-05-15T19:38:02", source_change_id="2"
    ),
    f"{ENTERPRISE}/pull_request/closed.json": enterprise_pull_request(
        PullRequestEventType.CLOSED, "2019-05-15T19:39:14", comments_count=1
    ),
    f"{ENTERPRISE}/pull_request_review/submitted.json": enterprise_pull_request(
        PullRequestEventType.REVIEW_SUBMITTED,
        "2019-05-15T19:38:08",
        source_change_id="2",
        reviewer_hash=person("4"),
        review_state="commented",
        **UNCOUNTED,
    ),
    "ailisp+reallyfastci/test/data/webhook/webhook-pr-open.json": patch_pull_request(
        PullRequestEventType.OPENED, "2019-11-13T01:28:51"
    ),
    "ailisp+reallyfastci/test/data/webhook/webhook-pr-close.json": patch_pull_request(
        PullRequestEventType.MERGED,
        "2019-11-26T07:01:13",
        merge_sha="a21683865c088b5fe1906cf6552d15a285a4986d",
    ),
    f"{HUB}/workflow_run/completed.payload.json": octo_run(),
    # Its pull request leads into another repository.
    f"{HUB}/workflow_run/completed.with-pull-requests.payload.json": octo_run(),
    f"{HUB}/deployment_status/with-installation.payload.json": hello_deployment(
        CicdEventType.DEPLOY_COMPLETED, "2019-05-15T15:20:55"
    ),
    f"{HUB}/deployment_status/payload.json": hello_deployment(
        CicdEventType.DEPLOY_COMPLETED, "2019-05-15T15:20:55", repository=HELLO_UNINSTALLED
    ),
    f"{HUB}/deployment_status/gh-pages.payload.json": hello_deployment(
        CicdEventType.DEPLOY_STARTED,
        "2022-01-03T01:28:40",
        environment="github-pages",
        status="in_progress",
        started_at=time("2022-01-03T01:28:30"),
        duration_seconds=None,
        trigger_type="dynamic",
    ),
    # An old server's, without an action.
    f"{ENTERPRISE}/deployment_status/payload.json": hello_deployment(
        CicdEventType.DEPLOY_COMPLETED,
        "2019-05-15T19:38:21",
        pipeline_id="github-deployments/118",
        pipeline_run_id="2",
        repository=HELLO_ENTERPRISE,
        source_change_id="2",
        started_at=time("2019-05-15T19:38:20"),
        duration_seconds=1,
        commit_sha="78a96099c3f442d7f6e8d1a7d07090091993e65a",
    ),
    f"{HUB}/push/with-new-branch.payload.json": first_push(),
    f"{HUB}/push/with-no-username-committer.payload.json": first_push(),
    f"{HUB}/installation/created.payload.json": repository(
        RepositoryRef(org="Codertocat", name="Hello-World", github_id=186853002, installation_id="957387"),
        "2019-05-15T15:19:51",
    ),
    f"{HUB}/installation_repositories/added.payload.json": repository(
        RepositoryRef(org="Codertocat", name="Space", github_id=186853007, installation_id="957387"),
        "2019-05-15T15:19:51",
    ),
    f"{HUB}/repository/created.with-installation.payload.json": repository(FORK, "2019-05-15T15:20:42"),
    f"{HUB}/repository/renamed.payload.json": repository(
        FORK, "2019-05-15T15:20:42", previous_full_name="Octocoders/Hello-World"
    ),
    f"{HUB}/repository/transferred.with-installation.payload.json": repository(
        FORK, "2019-05-15T15:20:42", previous_full_name="octocat/Hello-World"
    ),
    f"{HUB}/repository/edited.with-default_branch-edit.payload.json": repository(
        FORK_UNINSTALLED, "2019-05-15T15:20:42"
    ),
}

IGNORED = (
    f"{HUB}/check_run/completed.payload.json",
    f"{HUB}/check_suite/completed.payload.json",
    f"{HUB}/deployment/gh-pages.payload.json",
    f"{HUB}/deployment/payload.json",
    f"{HUB}/installation/deleted.payload.json",
    f"{HUB}/installation/suspend.payload.json",
    f"{HUB}/meta/deleted.payload.json",
    f"{HUB}/ping/payload.json",
    f"{HUB}/ping/with-organization.payload.json",
    f"{HUB}/pull_request/converted_to_draft.with-installation.payload.json",
    f"{HUB}/pull_request/labeled.payload.json",
    f"{HUB}/pull_request/synchronize.payload.json",
    f"{HUB}/pull_request_review/dismissed.payload.json",
    f"{HUB}/pull_request_review_comment/created.payload.json",
    f"{HUB}/push/payload.json",
    f"{HUB}/push/with-organization.payload.json",
    f"{HUB}/status/with-author-committer-null.payload.json",
    f"{HUB}/workflow_job/completed.failure.with-organization.payload.json",
    f"{HUB}/workflow_job/queued.with-deployment.payload.json",
    f"{HUB}/workflow_run/requested.payload.json",
    f"{HUB}/workflow_run/requested.with-conclusion.payload.json",
    "github+developer.github.com/lib/webhooks/deployment.payload.json",
)


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
def test_understood(name: str) -> None:
    """A real delivery says what a person reads in it."""
    normalised = read(kind_of(FOLDER / name), contents(name), reading=READING)
    assert (Outcome.UNDERSTOOD, None) == (normalised.outcome, normalised.reason)
    assert UNDERSTOOD[name] == normalised.facts


@pytest.mark.parametrize("name", IGNORED)
def test_ignored(name: str) -> None:
    """A real delivery that changes no figure is ignored on purpose, and the reason is said."""
    normalised = read(kind_of(FOLDER / name), contents(name), reading=READING)
    assert (Outcome.IGNORED, False, True) == (normalised.outcome, bool(normalised.facts), bool(normalised.reason))


def test_every_webhook_has_its_place() -> None:
    """Every delivery of the large collection is understood or ignored on purpose, and stated above."""
    contents(next(iter(IGNORED)))
    collected = {str(path.relative_to(FOLDER)) for path in files() if "octokit+webhooks" in str(path)}
    assert set() == collected - UNDERSTOOD.keys() - set(IGNORED)


KINDS = ("pull_request", "pull_request_review", "workflow_run", "deployment_status", "push", "installation", "new")


def outcomes(body: bytes) -> Iterator[Outcome]:
    """Read a body as whatever kind of event; a body that is not JSON may be refused, and nothing else may happen."""
    for kind in (*KINDS, "repository", "installation_repositories"):
        try:
            yield read(kind, body, reading=READING).outcome
        except MalformedPayload:
            with pytest.raises(ValueError, match=r"."):
                json.loads(body)


@pytest.mark.parametrize("path", files() or [FOLDER], ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_file_comes_to_an_end(path: Path) -> None:
    """Whatever a file is, and as whatever it is sent, reading it comes to one of the three ends."""
    body = contents(str(path.relative_to(FOLDER)))
    normalised = () if path.suffix == ".csv" else (read(kind_of(path), body, reading=READING),)
    assert set(outcomes(body)) | {part.outcome for part in normalised} <= set(Outcome)
    # Addresses are in commits, pushers and installations; none of them is in a fact.
    assert "@" not in repr([part.facts for part in normalised])
