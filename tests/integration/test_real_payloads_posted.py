"""Payloads that other people's systems sent, posted to a running platform."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.running import RunningPlatform, platform

PAYLOADS = Path(__file__).resolve().parents[2].parent / "shared" / "payloads"
CONFIGURATION = """
[[delivery_streams]]
name = "testing"
display_name = "Testing"

[[tech_streams]]
name = "octo"
display_name = "Octo"
github_org = "Codertocat"
github_install_id = "1"

[[jira_projects]]
key = "TES"
delivery_stream = "testing"

[[status_mappings]]
project = "TES"
status = "To Do"
stage = "backlog"
active = false
order = 1

[[status_mappings]]
project = "TES"
status = "In Progress"
stage = "dev"
active = true
order = 2
"""


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[RunningPlatform]:
    """A platform, if the payloads are there."""
    if not PAYLOADS.is_dir():
        pytest.skip("NOT TESTED: the collection of real payloads is not beside the repository")
    with platform(tmp_path, database_url, configuration=CONFIGURATION) as started:
        yield started


def github_kind(path: Path) -> str:
    """Return the event that a file of the collection is an example of, by its folder or its name."""
    folder = path.parent.name
    known = ("pull_request", "deployment_status", "deployment", "push", "workflow_run")
    return folder if "payload-examples" in str(path) else next((k for k in known if path.name.startswith(k)), "ping")


def post(running: RunningPlatform, path: Path) -> httpx.Response:
    """Post a file with its source's signature."""
    body = path.read_bytes()
    is_github = PAYLOADS / "github" in path.parents
    secret = running.secret("github_webhook_secret" if is_github else "jira_webhook_secret")
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = (
        {"X-Hub-Signature-256": signature, "X-GitHub-Event": github_kind(path)}
        if is_github
        else {"X-Hub-Signature": signature}
    )
    address = f"{running.address()}/api/v1/webhooks/{'github' if is_github else 'jira'}"
    return httpx.post(address, content=body, headers=headers, trust_env=False)


def is_json(path: Path) -> bool:
    """Whether a file holds JSON."""
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def test_every_payload_twice(running: RunningPlatform) -> None:
    """Every file is acknowledged (or refused with 400 when it is no JSON), and the second time nothing is added."""
    files = sorted(path for kind in ("github", "jira") for path in (PAYLOADS / kind).rglob("*") if path.is_file())
    assert len(files) > 80
    expected = {path: 202 if is_json(path) else 400 for path in files}
    assert expected == {path: post(running, path).status_code for path in files}
    running.wait_until_settled()
    before = running.ask("/api/v1/admin/integration-health")["facts"]
    again = {path: post(running, path) for path in files if expected[path] == 202}
    assert {path: 0 for path in again} == {path: answer.json()["data"]["accepted"] for path, answer in again.items()}
    running.wait_until_settled()
    assert before == running.ask("/api/v1/admin/integration-health")["facts"]


def test_what_known_files_become(running: RunningPlatform) -> None:
    """Files that were read by a person become the events that the person expected."""
    tests = PAYLOADS / "jira" / "mattermost+mattermost-plugin-jira" / "server" / "testdata"
    examples = PAYLOADS / "github" / "octokit+webhooks" / "payload-examples" / "api.github.com"
    stated = {
        tests / "webhook-issue-created.json": 1,  # created
        tests / "webhook-issue-updated-started-working.json": 1,  # To Do → In Progress
        tests / "webhook-issue-updated-edited.json": 0,  # a description
        tests / "webhook-cloud-comment-created.json": 0,
        examples / "pull_request" / "opened.payload.json": 1,
        examples / "pull_request" / "closed.payload.json": 1,  # closed, not merged
        examples / "pull_request" / "labeled.payload.json": 0,
        examples / "ping" / "payload.json": 0,
    }
    assert stated == {path: post(running, path).json()["data"]["accepted"] for path in stated}
    running.wait_until_settled()
    wip = running.ask("/api/v1/metrics/realtime", stream="testing")["wip_by_stage"]
    assert (1, {"active": 1, "queue": 0}) == (wip["value"], wip["stages"]["dev"])


def test_an_unknown_event_ends_in_triage(running: RunningPlatform) -> None:
    """A signed event that nobody has heard of is acknowledged, kept for repair, and shown to administrators."""
    body = b'{"action": "sung", "choir": {"name": "nobody"}}'
    signature = "sha256=" + hmac.new(running.secret("github_webhook_secret"), body, hashlib.sha256).hexdigest()
    answer = httpx.post(
        f"{running.address()}/api/v1/webhooks/github",
        content=body,
        headers={"X-Hub-Signature-256": signature, "X-GitHub-Event": "choir"},
        trust_env=False,
    )
    assert 202 == answer.status_code
    running.wait_until_settled()
    unread = running.ask("/api/v1/admin/integration-health")["unread_payloads"]
    assert [("github", "choir")] == [(row["channel"], row["kind"]) for row in unread]
