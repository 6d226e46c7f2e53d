"""The simulated payloads against recorded ones: whatever a real payload has and a reader might want, these have too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dpp.adapters.simulation import Delivery, SimulatedOrganisation, Size

RECORDED = Path(__file__).parents[5] / "shared" / "payloads"
_OCTOKIT = "github/octokit+webhooks/payload-examples/api.github.com"
_MATTERMOST = "jira/mattermost+mattermost-plugin-jira/server/testdata"

Json = dict[str, Any]

# Deployments come from a script rather than a workflow; closed pull requests wait for nobody's review and new ones have
# no label; the App has other permissions, and a webhook of an App is known by the App.
_ABSENT: dict[str, tuple[str, ...]] = {
    "deployment": (".workflow.", ".workflow_run."),
    "pull_request": (".pull_request.requested_reviewers[].", ".pull_request.labels[]."),
    "pull_request_review": (".pull_request.requested_reviewers[].",),
    "installation": (".installation.account.", ".installation.permissions."),
    "ping": (".organization", ".sender", ".hook.url", ".hook.ping_url", ".hook.deliveries_url"),
}


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    """Eight small weeks."""
    return list(SimulatedOrganisation(4, start=datetime(2026, 1, 5, tzinfo=UTC), weeks=8, size=Size.SMALL).deliveries())


def github(deliveries: list[Delivery], event: str, action: str | None = None) -> Iterator[Json]:
    """Payloads of a GitHub event."""
    for delivery in deliveries:
        if delivery.headers.get("X-GitHub-Event") == event:
            payload = json.loads(delivery.body)
            if action is None or payload["action"] == action:
                yield payload


def jira(deliveries: list[Delivery], event: str, project: str) -> Iterator[Json]:
    """Payloads of a Jira event in a project."""
    for delivery in deliveries:
        if delivery.source == "jira":
            payload = json.loads(delivery.body)
            if payload["webhookEvent"] == event and payload["issue"]["fields"]["project"]["key"] == project:
                yield payload


def recorded(name: str) -> Json:
    """A recorded payload; skips loudly where the recordings are absent."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"recorded payloads are not beside the repository: {path} is missing")
    payload: Json = json.loads(path.read_text())
    return payload


def paths(value: object, prefix: str = "") -> set[str]:
    """Every path of keys in a payload; list items share one."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= {f"{prefix}.{key}"} | paths(inner, f"{prefix}.{key}")
    elif isinstance(value, list):
        for inner in value:
            found |= paths(inner, f"{prefix}[]")
    return found


@pytest.mark.parametrize(
    ("event", "action", "name"),
    [
        ("pull_request", "opened", "pull_request/opened.with-organization.payload"),
        ("pull_request", "reopened", "pull_request/reopened.payload"),
        ("pull_request", "closed", "pull_request/closed.payload"),
        ("pull_request", "synchronize", "pull_request/synchronize.payload"),
        ("pull_request_review", "submitted", "pull_request_review/submitted.payload"),
        ("pull_request_review", "dismissed", "pull_request_review/dismissed.payload"),
        ("workflow_run", "requested", "workflow_run/requested.payload"),
        ("workflow_run", "completed", "workflow_run/completed.with-pull-requests.payload"),
        ("deployment_status", "created", "deployment_status/with-installation.payload"),
        ("deployment", "created", "deployment/payload"),
        ("push", None, "push/with-new-branch.payload"),
        ("installation", "created", "installation/created.payload"),
        ("repository", "created", "repository/created.with-installation.payload"),
        ("ping", None, "ping/with-organization.payload"),
    ],
)
def test_github_payloads_have_all_real_keys(
    deliveries: list[Delivery], event: str, action: str | None, name: str
) -> None:
    """A simulated GitHub payload has every key of the recorded one, but for what its case does not have."""
    simulated = set().union(*(paths(payload) for payload in github(deliveries, event, action)))
    missing = paths(recorded(f"{_OCTOKIT}/{name}.json")) - simulated
    assert set() == {path for path in missing if not path.startswith(_ABSENT.get(event, ())) and "license." not in path}


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("jira:issue_created", "webhook-issue-created"),
        ("jira:issue_updated", "webhook-issue-updated-resolved"),
        ("jira:issue_updated", "webhook-issue-updated-sprint"),
        ("comment_created", "webhook-cloud-comment-created"),
    ],
)
def test_cloud_payloads_have_all_real_keys(deliveries: list[Delivery], event: str, name: str) -> None:
    """A simulated Jira Cloud payload has every key of the recorded one that is not another site's custom field."""
    simulated = set().union(*(paths(payload) for payload in jira(deliveries, event, "PAY")))
    simulated |= set().union(*(paths(payload) for payload in jira(deliveries, event, "PLT")))
    # Cloud has dropped name and key of people; components here have no description.
    gone = (".name", ".key", "components[].description", "eventType")
    real = {path for path in paths(recorded(f"{_MATTERMOST}/{name}.json")) if "customfield" not in path}
    missing = {path for path in real - simulated if not path.endswith(gone)}
    assert set() == missing


def test_server_payloads_are_in_the_old_dialect(deliveries: list[Delivery]) -> None:
    """Server names people by name and key, leaves fieldId out and sends no changelog with a creation."""
    created = next(jira(deliveries, "jira:issue_created", "INS2"))
    assert "changelog" not in created
    assert {"name", "key", "emailAddress"} <= set(created["user"])
    assert "accountId" not in created["user"]
    items = [
        item
        for payload in jira(deliveries, "jira:issue_updated", "INS2")
        for item in payload.get("changelog", {}).get("items", [])
    ]
    assert items
    assert all({"field", "fieldtype", "from", "fromString", "to", "toString"} == set(item) for item in items)
    real = recorded(f"{_MATTERMOST}/webhook-server-issue-updated-resolved.json")
    assert set(real["changelog"]["items"][0]) == set(items[0])
    assert set(real) == {"timestamp", "webhookEvent", "issue_event_type_name", "user", "issue", "changelog"}


def test_one_instant_in_every_spelling(deliveries: list[Delivery]) -> None:
    """The timestamp in milliseconds and the written times of a change are one instant, whatever the offset."""
    offsets = set()
    for project in ("PAY", "ONB", "INS2"):
        payload = next(jira(deliveries, "jira:issue_created", project))
        written = payload["issue"]["fields"]["created"]
        assert payload["timestamp"] == round(datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)
        assert written == payload["issue"]["fields"]["updated"]
        offsets.add(written[-5:])
    assert {"+0000", "+0100", "-0330"} == offsets


def test_sprint_field_in_both_dialects(deliveries: list[Delivery]) -> None:
    """Cloud writes sprints as objects, Server as the text of a Java object."""
    cloud = next(
        value for payload in jira(deliveries, "jira:issue_updated", "PAY")
        if (value := payload["issue"]["fields"]["customfield_10020"])
    )  # fmt: skip
    assert {"id", "name", "state", "boardId", "goal", "startDate", "endDate"} <= set(cloud[0])
    server = next(
        value for payload in jira(deliveries, "jira:issue_updated", "INS2")
        if (value := payload["issue"]["fields"]["customfield_11104"])
    )  # fmt: skip
    assert server[0].startswith("com.atlassian.greenhopper.service.sprint.Sprint@")
    assert "[id=3" in server[0]


def test_flag_field(deliveries: list[Delivery]) -> None:
    """A raised flag is the option Impediment in the field and in the changelog; a cleared one is an empty string."""
    texts = {}
    for project in ("PAY", "ONB", "PLT"):
        for payload in jira(deliveries, "jira:issue_updated", project):
            for item in payload.get("changelog", {}).get("items", []):
                if item["field"] == "Flagged":
                    texts[item["toString"]] = (item["to"], payload["issue"]["fields"]["customfield_10021"])
    assert "[10019]" == texts["Impediment"][0]
    assert "Impediment" == texts["Impediment"][1][0]["value"]
    assert ("", None) == texts[""]


def test_organisation_webhooks_name_no_installation(deliveries: list[Delivery]) -> None:
    """One organisation is connected by a webhook of its own: its payloads have an organisation but no installation."""
    for payload in github(deliveries, "pull_request"):
        assert ("installation" in payload) == (payload["organization"]["login"] != "acme-data-layer")
        assert payload["repository"]["owner"]["login"] == payload["organization"]["login"]


def test_deployment_and_incident_pushes(deliveries: list[Delivery]) -> None:
    """Pushes have the fields that the ingestion API asks for, with times that carry an offset."""
    pushes = [json.loads(delivery.body) for delivery in deliveries if delivery.source == "deployment"]
    for push in pushes:
        assert {
            "pipeline_id",
            "environment",
            "status",
            "repo_full_name",
            "commit_sha",
            "started_at",
            "trigger_type",
        } <= set(push)
        assert datetime.fromisoformat(push["started_at"]).tzinfo is not None
    assert {"rollback_initiated", "rollback_completed"} <= {push.get("event_type") for push in pushes}
    assert any("pr_number" in push for push in pushes)
    keys = [one.headers.get("X-Idempotency-Key") for one in deliveries if one.source == "deployment"]
    assert None in keys
    assert len(set(keys) - {None}) > len(keys) // 3
    incidents = [json.loads(delivery.body) for delivery in deliveries if delivery.source == "incident"]
    assert {"incident_id", "event_type", "service_name", "severity", "description", "occurred_at"} == set(incidents[0])
    assert {"alarm_triggered", "alarm_resolved"} <= {incident["event_type"] for incident in incidents}


def test_reruns_keep_their_id(deliveries: list[Delivery]) -> None:
    """A second attempt of a workflow run has the id of the first."""
    attempts: dict[int, set[int]] = {}
    for payload in github(deliveries, "workflow_run", "completed"):
        run = payload["workflow_run"]
        attempts.setdefault(run["id"], set()).add(run["run_attempt"])
    assert {1, 2} in attempts.values()
    assert {1} in attempts.values()


def test_a_push_tells_when_it_came(deliveries: list[Delivery]) -> None:
    """The repository of a push was pushed to in the second of its latest commit, and not when it was created."""
    pushes = list(github(deliveries, "push"))
    assert len(pushes) > 10
    for push in pushes:
        committed_at = datetime.fromisoformat(push["head_commit"]["timestamp"])
        assert int(committed_at.timestamp()) == push["repository"]["pushed_at"]
