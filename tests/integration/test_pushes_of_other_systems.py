"""What other systems send, posted to a running platform as they send it."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest

from tests.support.documented import THEIRS, bash, commands, workflow_steps
from tests.support.foreign_payloads import alert, cdevent, enveloped, group, opsgenie, pagerduty
from tests.support.postgres import TestServer
from tests.support.running import RunningPlatform, platform

pytestmark = pytest.mark.xdist_group("pushes")

CONFIGURATION = """
[[delivery_streams]]
name = "payments"
display_name = "Payments"

[[tech_streams]]
name = "core"
display_name = "Core"
github_org = "acme"
github_install_id = "1"

[[repositories]]
full_name = "acme/payments"
deploy_target = "ecs:payments-service"
"""
DEPLOYED = cdevent("service.deployed", content={"environment": {"id": "production"}})
ENDED = alert(status="resolved", endsAt="2026-03-01T10:42:00Z", fingerprint="grafana-1")

# Address, content type, body, what is accepted of it.
PUSHES = {
    "binary": ("cdevents", "application/json", DEPLOYED, 1),
    "structured": ("cdevents", "application/cloudevents+json; charset=utf-8", enveloped(DEPLOYED), 0),
    "batched": (
        "cdevents",
        "application/cloudevents-batch+json",
        [enveloped(DEPLOYED), enveloped(cdevent("pipelinerun.started")), enveloped(cdevent("service.removed"))],
        1,
    ),
    "alertmanager": ("alertmanager", "application/json", group(alert()), 1),
    "grafana": ("grafana", "application/json", group(ENDED), 2),
    "pagerduty": ("pagerduty", "application/json; charset=utf-8", pagerduty(), 1),
    "opsgenie": ("opsgenie", "application/json", opsgenie("Close"), 2),
    "unknown": ("pagerduty", "application/json", {"event": {"event_type": "incident.sung"}}, 0),
    "ignored": ("opsgenie", "application/json", {"action": "AddNote"}, 0),
}
# What the configuration made of it: facts of the stream that the service or the repository belongs to.
FOUND = """
SELECT (SELECT count(*) FROM incident_events WHERE tech_stream_id IS NOT NULL),
       (SELECT count(*) FROM cicd_events JOIN repositories USING (repo_id)
         WHERE full_name = 'acme/payments' AND cicd_events.environment = 'production')
"""
DOORS = sorted({door for door, *_ in PUSHES.values()})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer) -> Iterator[RunningPlatform]:
    """A platform that nothing has been sent to."""
    with (
        postgres_server.database(template=postgres_server.template) as url,
        platform(tmp_path_factory.mktemp("pushes"), url, configuration=CONFIGURATION) as started,
    ):
        yield started


def post(running: RunningPlatform, door: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Post a body as it is."""
    address = f"{running.address()}/api/v1/events/{door}"
    return httpx.post(address, content=body, headers=dict(headers), trust_env=False, timeout=30)


def test_each_is_taken_once(running: RunningPlatform) -> None:
    """Each payload is acknowledged with what was new in it; the second time everything that is read is known."""
    known = {"binary": 1, "structured": 1, "batched": 2, "alertmanager": 1, "grafana": 2, "pagerduty": 1, "opsgenie": 2}
    answers = {}
    for attempt in (1, 2):
        for name, (door, content_type, payload, _) in PUSHES.items():
            headers = {"authorization": f"Bearer {running.key}", "content-type": content_type}
            answer = post(running, door, msgspec.json.encode(payload), headers)
            assert 202 == answer.status_code, answer.text
            answers[attempt, name] = answer.json()["data"]
    first = {name: accepted for name, (*_, accepted) in PUSHES.items()}
    assert first == {name: answers[1, name]["accepted"] for name in PUSHES}
    second = {name: {"accepted": 0, "duplicates": known.get(name, 0)} for name in PUSHES}
    assert second == {name: answers[2, name] for name in PUSHES}
    running.wait_until_settled()
    health = running.ask("/api/v1/admin/integration-health")
    assert (2, 6) == (health["facts"]["cicd_events"], health["facts"]["incident_events"])
    assert {"pagerduty"} == {row["channel"] for row in health["unread_payloads"]}
    with psycopg.connect(running.database_url) as connection:
        (incidents, deployments) = connection.execute(FOUND).fetchone() or (0, 0)
    assert (6, 1) == (incidents, deployments)
    ignored = [row["reason"] for row in health["deliveries"] if row["outcome"] == "ignored"]
    assert ["talk about an alert is not measured"] == ignored


@pytest.mark.parametrize("door", DOORS)
def test_without_a_key(running: RunningPlatform, door: str) -> None:
    """Without a key nothing is taken."""
    answer = post(running, door, b"{}", {"content-type": "application/json"})
    assert (401, "error") == (answer.status_code, answer.json()["status"])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 202),
        (b"[" * 5000 + b"]" * 5000, 400),
        (b" " * 2**21, 413),
    ],
)
def test_what_nobody_can_read(running: RunningPlatform, door: str, body: bytes, status: int) -> None:
    """What is no JSON object or too large is the sender's fault, other objects are kept, and no fault is ours."""
    answer = post(running, door, body, {"authorization": f"Bearer {running.key}"})
    assert status == answer.status_code, answer.text


def test_the_commands_of_the_documentation_work_as_they_stand(running: RunningPlatform, tmp_path: Path) -> None:
    """Each curl of the page about sources is taken as it stands: start and end, an end, a service, an answer."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, "commit", "-q", "--allow-empty", "-m", "one"], cwd=tmp_path, check=True)
    environment = {"DPP": running.address(), "DPP_KEY": running.key, "RUN_ID": "4711"}
    found = commands("docs/sources.md")
    told = [
        bash(command.replace(THEIRS, running.address()), where=tmp_path, environment=environment) for command in found
    ]
    assert [2, 1, 1, 1] == [msgspec.json.decode(answer)["data"]["accepted"] for answer in told]


@pytest.mark.parametrize(
    ("run", "outcome", "facts"),
    [
        ("9001", "success", ["deploy_completed", "deploy_started"]),
        ("9002", "failure", ["deploy_failed", "deploy_started"]),
        ("9003", "cancelled", ["deploy_started"]),
    ],
)
def test_the_workflow_of_the_documentation_tells_of_its_deployment(
    running: RunningPlatform, tmp_path: Path, run: str, outcome: str, facts: list[str]
) -> None:
    """Run with the variables that GitHub gives a job, the example's steps push one deployment with how it ended."""
    begins, _, tells = workflow_steps("docs/sources.md")
    given = {
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_WORKFLOW": "Deploy",
        "GITHUB_RUN_ID": run,
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_REPOSITORY": "acme/payments",
        "GITHUB_SHA": "4f" * 20,
        "GITHUB_EVENT_NAME": "push",
    }
    bash(begins, where=tmp_path, environment=given)
    started = dict([line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines()])
    environment = {**given, **started, "DPP": running.address(), "DPP_KEY": running.key, "STATUS": outcome}
    told = msgspec.json.decode(bash(tells, where=tmp_path, environment=environment))["data"]
    with psycopg.connect(running.database_url) as connection:
        rows = connection.execute(
            "SELECT event_type, pipeline_id, full_name, cicd_events.environment FROM cicd_events "
            "JOIN repositories USING (repo_id) WHERE pipeline_run_id = %s ORDER BY event_type",
            [f"{run}.2"],
        ).fetchall()
    assert (len(facts), facts) == (told["accepted"], [row[0] for row in rows])
    assert {("Deploy", "acme/payments", "production")} == {row[1:] for row in rows}
