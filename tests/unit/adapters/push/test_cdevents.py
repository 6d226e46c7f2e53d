"""CDEvents, in the envelopes of CloudEvents and without them."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import msgspec
import pytest

from dpp.adapters.push.cdevents_ignored import IGNORED_EVENTS, IGNORED_SUBJECTS
from dpp.adapters.push.purl import Purl
from dpp.application.reading import PushFormat
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    IncidentEvent,
    IncidentEventType,
    Normalised,
    Outcome,
    RepositoryRef,
    Source,
)
from tests.support.foreign_payloads import Json, cdevent, enveloped
from tests.unit.adapters.push.foreign_reading import REAL, read
from tests.unit.adapters.push.pushing import at

SHA = "4f2c" + "0" * 36
IMAGE = "pkg:oci/payments@sha256%3Aabc?repository_url=registry.example"
DEPLOYED = cdevent("service.deployed", content={"environment": {"id": "prod-eu"}, "artifactId": IMAGE})


def read_one(payload: object) -> Normalised:
    """Read CDEvents."""
    return read(PushFormat.CDEVENTS, payload)


def steps(payload: object) -> tuple[CicdEvent, ...]:
    """Read CDEvents that are understood and tell of builds and deployments alone."""
    found = read_one(payload)
    assert (Outcome.UNDERSTOOD, None, ()) == (found.outcome, found.reason, found.facts.incidents)
    return found.facts.cicd


def end(payload: object) -> tuple[Outcome, str | None, bool]:
    """Return the outcome of a payload, why, and whether there are any facts."""
    found = read_one(payload)
    return found.outcome, found.reason, bool(found.facts)


def test_deployed() -> None:
    """A deployed service is a deployment of the repository whose target it is, known by the event's id."""
    expected = CicdEvent(
        event_type=CicdEventType.DEPLOY_COMPLETED,
        event_timestamp=at("10:30"),
        pipeline_id="payments-service",
        pipeline_run_id="ev-1",
        environment="prod-eu",
        status="success",
        source=Source.DEPLOYMENT,
        repository=RepositoryRef(org="acme", name="payments"),
        artefact_version="sha256:abc",
    )
    assert (expected,) == steps(DEPLOYED)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("service.upgraded", "deploy_completed"), ("service.rolledback", "rollback_completed")],
)
def test_upgraded_and_rolled_back(kind: str, expected: str) -> None:
    """An upgrade is a deployment, and a rollback its completion."""
    (event,) = steps(cdevent(kind, content={"environment": {"id": "production"}, "artifactId": IMAGE}))
    assert (expected, "production", "success") == (event.event_type, event.environment, event.status)


@pytest.mark.parametrize(
    ("environment", "expected"), [({"id": "1234", "name": "staging"}, "staging"), ({"id": "1234", "name": ""}, "1234")]
)
def test_environment(environment: Json, expected: str) -> None:
    """An environment goes by its name, and by its id when it has none."""
    assert [expected] == [
        row.environment for row in steps(cdevent("service.deployed", content={"environment": environment}))
    ]


@pytest.mark.parametrize(
    ("service", "artefact", "custom", "repository"),
    [
        ("payments-service", IMAGE, {"repo_full_name": "acme/told"}, "acme/told"),
        ("payments-service", "pkg:github/acme/packed@1.2", None, "acme/packed"),
        ("payments-service", "pkg:golang/github.com/acme/packed/v2@1.2", {}, "acme/packed"),
        ("PAYMENTS-SERVICE", None, "a text", "acme/payments"),
        ("ecs:payments-service", None, None, "acme/payments"),
        ("shared", None, None, None),
        ("k8s:shared", None, None, "acme/right"),
        ("nobody", IMAGE, None, None),
    ],
)
def test_repository(service: str, artefact: str | None, custom: object, repository: str | None) -> None:
    """The sender's word comes first, then the artefact, then the one repository that deploys to the service."""
    content = {"environment": {"id": "production"}, "artifactId": artefact}
    (event,) = steps(cdevent("service.deployed", subject={"id": service}, content=content, custom=custom))
    assert repository == (event.repository.full_name if event.repository else None)


@pytest.mark.parametrize(
    ("artefact", "custom", "commit"),
    [
        (f"pkg:github/acme/packed@{SHA.upper()}", None, SHA),
        (f"pkg:github/acme/packed@{SHA}", {"commit_sha": "ABC"}, "abc"),
        ("pkg:github/acme/packed@1.2", None, None),
        (f"pkg:oci/acme/packed@{SHA}", None, None),
    ],
)
def test_commit(artefact: str, custom: object, commit: str | None) -> None:
    """The sender's word comes first, then the version of a package on the code host, if it is a commit."""
    content = {"environment": {"id": "production"}, "artifactId": artefact}
    (event,) = steps(cdevent("service.deployed", content=content, custom=custom))
    assert commit == event.commit_sha


def run(kind: str, **content: object) -> Json:
    """Return an event of a run."""
    return cdevent(kind, subject={"id": "run-7"}, content=dict(content))


def test_pipeline_run_that_starts() -> None:
    """A run that starts is a build that has begun."""
    expected = CicdEvent(
        event_type=CicdEventType.BUILD_STARTED,
        event_timestamp=at("10:30"),
        pipeline_id="release",
        pipeline_run_id="run-7",
        environment="build",
        status="in_progress",
        source=Source.DEPLOYMENT,
    )
    assert (expected,) == steps(run("pipelinerun.started", pipelineName="release"))


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("success", "success", None),
        ("Failure", "failure", "ask (removed)"),
        ("error", "failure", "ask (removed)"),
        ("cancel", "cancelled", None),
        ("purple", "unknown", None),
        (None, "unknown", None),
    ],
)
@pytest.mark.parametrize("kind", ["pipelinerun", "taskrun"])
def test_run_that_ends(kind: str, outcome: str | None, status: str, reason: str | None) -> None:
    """A run that ends is a build that has ended, in the words of the other sources."""
    (event,) = steps(run(f"{kind}.finished", outcome=outcome, errors="ask @bob"))
    assert (CicdEventType.BUILD_COMPLETED, status, reason) == (event.event_type, event.status, event.failure_reason)
    assert ("run-7", "run-7") == (event.pipeline_id, event.pipeline_run_id)


def test_task_of_a_run() -> None:
    """A task counts as a build only if it belongs to no run, which counts already."""
    (alone,) = steps(run("taskrun.started", taskName="lint"))
    assert ("lint", CicdEventType.BUILD_STARTED) == (alone.pipeline_id, alone.event_type)
    part = run("taskrun.started", taskName="lint", pipelineRun={"id": "run-6"})
    assert (Outcome.IGNORED, "the pipeline run that it belongs to is read", False) == end(part)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("incident.detected", IncidentEventType.INCIDENT_OPENED),
        ("incident.reported", IncidentEventType.INCIDENT_OPENED),
        ("incident.resolved", IncidentEventType.INCIDENT_RESOLVED),
    ],
)
def test_incidents(kind: str, expected: IncidentEventType) -> None:
    """An incident begins when it is detected or reported, and ends when it is resolved."""
    content = {"service": {"id": "payments-service"}, "description": "slow, ask @alice"}
    found = read_one(cdevent(kind, subject={"id": "inc-1"}, content=content))
    event = IncidentEvent(
        event_type=expected,
        event_timestamp=at("10:30"),
        incident_id="inc-1",
        service_name="payments-service",
        source=Source.MONITORING,
        description="slow, ask (removed)",
    )
    assert (Outcome.UNDERSTOOD, (event,), ()) == (found.outcome, found.facts.incidents, found.facts.cicd)


def test_modes() -> None:
    """Structured, batched and binary mode say the same, and so does data in base 64."""
    encoded = enveloped(DEPLOYED) | {"data_base64": b64encode(msgspec.json.encode(DEPLOYED)).decode()}
    del encoded["data"]
    for payload in (enveloped(DEPLOYED), [enveloped(DEPLOYED)], [DEPLOYED], encoded):
        assert steps(DEPLOYED) == steps(payload)


def test_batch() -> None:
    """A batch with something ignored and something unknown is unknown, and what is understood counts."""
    removed, strange = cdevent("service.removed"), cdevent("service.sung")
    assert (Outcome.UNDERSTOOD, None, True) == end([enveloped(removed), enveloped(DEPLOYED)])
    assert (Outcome.UNKNOWN, "there is no reader for this type of event", True) == end([removed, DEPLOYED, strange])


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0-draft", "0.3.0", "1.0.0"])
def test_versions(version: str) -> None:
    """The version of an event's type does not matter, as long as what is read of it is there."""
    event = msgspec.json.decode(msgspec.json.encode(DEPLOYED))
    event["context"]["type"] = f"dev.cdevents.service.deployed.{version}"
    assert steps(DEPLOYED) == steps(event)


@pytest.mark.parametrize("kind", [*sorted(IGNORED_EVENTS), *(f"{name}.created" for name in sorted(IGNORED_SUBJECTS))])
def test_ignored(kind: str) -> None:
    """What is measured nowhere, or told by another source, is ignored for a written reason."""
    reason = IGNORED_EVENTS.get(kind) or IGNORED_SUBJECTS[kind.partition(".")[0]]
    assert (Outcome.IGNORED, reason, False) == end(cdevent(kind))


def test_extension() -> None:
    """Events that a tool has invented for itself are ignored."""
    event = {"context": {"type": "dev.cdeventsx.gitlab-pipeline.started.0.1.0"}}
    assert (Outcome.IGNORED, "events of one tool's own are not measured", False) == end(event)


def without(name: str) -> Json:
    """Return a deployment without a member of its context."""
    event = cdevent("service.deployed", content={"environment": {"id": "production"}})
    del event["context"][name]
    return event


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"context": {"type": "com.example.deployed"}}, "there is no reader for this type of event"),
        (without("type"), "context.type is missing or cannot be used"),
        (without("id"), "context.id is missing or cannot be used"),
        (without("timestamp"), "context.timestamp is missing or cannot be used"),
        (cdevent("service.deployed"), "subject.content.environment.id is missing or cannot be used"),
        (cdevent("service.deployed", subject={"id": ""}), "subject.id is missing or cannot be used"),
        (
            cdevent("service.deployed", content={"environment": {"id": "p"}}, custom={"repo_full_name": "payments"}),
            "customData.repo_full_name is missing or cannot be used",
        ),
        (cdevent("incident.detected"), "subject.content.service.id is missing or cannot be used"),
        ({"context": {"type": "dev.cdevents.service.deployed.0.1.0"}}, "it is no object of this format"),
        ({"specversion": "1.0"}, "data is missing or cannot be used"),
        ({"specversion": "1.0", "data_base64": "*"}, "data_base64 is missing or cannot be used"),
        ({}, "context is missing or cannot be used"),
    ],
)
def test_unknown(payload: object, reason: str) -> None:
    """What cannot be used is unknown, and the reason says which member."""
    assert (Outcome.UNKNOWN, reason, False) == end(payload)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:oci/myapp@sha256%3Aab?tag=1#x", Purl(kind="oci", path="myapp", version="sha256:ab")),
        ("pkg://npm/%40acme/api", Purl(kind="npm", path="@acme/api", version=None)),
        ("pkg:github/acme", Purl(kind="github", path="acme", version=None)),
        ("https://example.org", None),
        ("", None),
        (None, None),
    ],
)
def test_package_urls(text: str | None, expected: Purl | None) -> None:
    """A package URL has a type, a path and perhaps a version; another text is none."""
    assert expected == Purl.parse(text)
    assert expected is None or expected.repository is None


# Outcome, type, time in UTC, pipeline or incident, run or service, status or description.
FILES: dict[str, tuple[str, ...]] = {
    "service_deployed.json": ("deploy_completed", "2023-03-20T14:27:05.315384", "mySubject123", "test123", "success"),
    "pipelinerun_started.json": ("build_started", "2023-03-20T14:27:05.315384", "myPipeline", "build", "in_progress"),
    "pipelinerun_finished.json": ("build_completed", "2023-03-20T14:27:05.315384", "myPipeline", "build", "failure"),
    "incident_detected.json": (
        "incident_opened",
        "2022-11-11T13:52:20.079",
        "incident-123",
        "myApp",
        "Response time above threshold of 100ms",
    ),
    "artifact_published.json": (),
    "build_finished.json": (),
    "build_queued.json": (),
    "build_started.json": (),
    "change_created.json": (),
    "environment_created.json": (),
    "pipelinerun_queued.json": (),
    "service_published.json": (),
}


@pytest.mark.parametrize("name", FILES)
def test_real_events(name: str) -> None:
    """The examples of the specification become what a person read off them; an empty row is ignored on purpose."""
    path = REAL / "cdevents" / "cdevents+spec" / "conformance" / name
    if not path.is_file():
        pytest.skip(f"NOT TESTED: there is no real payload at {path}")
    found = read_one(path.read_bytes())
    rows = [
        (event.event_type.value, event.event_timestamp, event.pipeline_id, event.environment, event.status)
        for event in found.facts.cicd
    ] + [
        (event.event_type.value, event.event_timestamp, event.incident_id, event.service_name, event.description or "")
        for event in found.facts.incidents
    ]
    kind, time, *rest = FILES[name] or ("", "2023-01-01")
    expected = [(kind, datetime.fromisoformat(time).replace(tzinfo=UTC), *rest)] if FILES[name] else []
    assert (Outcome.UNDERSTOOD if expected else Outcome.IGNORED, expected) == (found.outcome, rows)


def test_no_real_event_is_left_out() -> None:
    """Every example of the specification that is there has a row above."""
    folder = REAL / "cdevents"
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: there are no real payloads at {folder}")
    assert FILES.keys() == {path.name for path in folder.rglob("*.json")}
