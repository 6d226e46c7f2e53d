"""Pushed deployments and rollbacks, by §5.4.2."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.push.deployment import read_deployment
from dpp.application.reading import MalformedPayload
from dpp.domain.errors import InvalidInput
from dpp.domain.events import CicdEvent, CicdEventType, RepositoryRef, Source
from tests.unit.adapters.push.pushing import at, deployed, deployment

STARTED = CicdEvent(
    event_type=CicdEventType.DEPLOY_STARTED,
    event_timestamp=at("10:00"),
    pipeline_id="deploy",
    pipeline_run_id="42",
    environment="Production",
    status="in_progress",
    source=Source.DEPLOYMENT,
    repository=RepositoryRef(org="acme", name="payments"),
    started_at=at("10:00"),
    commit_sha="abc",
    linked_pr_number=7,
    trigger_type="push",
    artefact_version="1.2.3",
)


def refused(payload: object, *, key: str | None = None) -> InvalidInput:
    """Return the error that a push is refused with."""
    with pytest.raises(InvalidInput) as caught:
        deployed(payload, key=key)
    return caught.value


def test_success() -> None:
    """A push with a start and an end writes both, in the sender's own name of the environment."""
    completed = replace(
        STARTED,
        event_type=CicdEventType.DEPLOY_COMPLETED,
        event_timestamp=at("10:05"),
        status="success",
        duration_seconds=300,
    )
    assert (STARTED, completed) == deployed(deployment())


def test_success_without_start() -> None:
    """A push with an end alone writes the end, and no duration."""
    (event,) = deployed(deployment(started_at=None))
    assert (CicdEventType.DEPLOY_COMPLETED, None, None) == (event.event_type, event.duration_seconds, event.started_at)


def test_failure() -> None:
    """A failed deployment keeps its reason, without the people in it."""
    reason = "health check failed, ask @bob or bob@acme.example\0"
    _, event = deployed(deployment(status="FAILURE", failure_reason=reason))
    assert (CicdEventType.DEPLOY_FAILED, "failure") == (event.event_type, event.status)
    assert "health check failed, ask (removed) or (removed)" == event.failure_reason


def test_reason_of_a_success() -> None:
    """A reason belongs to a failure; a success has none."""
    assert {None} == {event.failure_reason for event in deployed(deployment(failure_reason="flaky"))}


@pytest.mark.parametrize(
    ("changes", "time", "seconds"),
    [({}, at("10:00"), 300), ({"started_at": None}, at("10:05"), None), ({"completed_at": None}, at("10:00"), None)],
)
def test_cancelled(changes: dict[str, Any], time: object, seconds: int | None) -> None:
    """A cancelled deployment has begun and was neither completed nor failed."""
    (event,) = deployed(deployment(status="cancelled", **changes))
    assert (CicdEventType.DEPLOY_STARTED, "cancelled", time) == (event.event_type, event.status, event.event_timestamp)
    assert seconds == event.duration_seconds


def test_rollback() -> None:
    """A completed rollback writes its beginning and its end, and names the deployment that it undoes."""
    events = deployed(deployment(event_type="rollback_completed", rollback_of="41", status=None))
    assert [
        (CicdEventType.ROLLBACK_INITIATED, at("10:00"), "in_progress", "41"),
        (CicdEventType.ROLLBACK_COMPLETED, at("10:05"), "success", "41"),
    ] == [(event.event_type, event.event_timestamp, event.status, event.rollback_of) for event in events]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_type": "rollback_initiated"}, [("rollback_initiated", at("10:00"), "success")]),
        (
            {"event_type": "rollback_initiated", "status": None, "completed_at": None},
            [("rollback_initiated", at("10:00"), "in_progress")],
        ),
        ({"event_type": "rollback_completed", "status": "failure"}, [("rollback_initiated", at("10:00"), "failure")]),
        (
            {"event_type": "ROLLBACK_COMPLETED", "status": "cancelled", "started_at": None},
            [("rollback_initiated", at("10:05"), "cancelled")],
        ),
        ({"event_type": "rollback_completed", "started_at": None}, [("rollback_completed", at("10:05"), "success")]),
        (
            {"event_type": "rollback_completed", "completed_at": None},
            [("rollback_initiated", at("10:00"), "in_progress"), ("rollback_completed", at("10:00"), "success")],
        ),
    ],
)
def test_rollback_as_far_as_it_got(changes: dict[str, Any], expected: list[object]) -> None:
    """Only a rollback that succeeded has completed."""
    events = deployed(deployment(**changes))
    assert expected == [(event.event_type.value, event.event_timestamp, event.status) for event in events]


def test_run_id() -> None:
    """A push without a run id is known by its idempotency key, and without that by its hash."""
    anonymous = deployment(pipeline_run_id=None)
    assert {"42"} == {event.pipeline_run_id for event in deployed(deployment(), key="key-1")}
    assert {"key-1"} == {event.pipeline_run_id for event in deployed(anonymous, key=" key-1 ")}
    digest = hashlib.sha256(msgspec.json.encode(anonymous)).hexdigest()
    assert {digest} == {event.pipeline_run_id for event in deployed(anonymous, key="")}


def test_same_push_twice() -> None:
    """A push that is sent again gives the same facts."""
    assert deployed(deployment(pipeline_run_id=None)) == deployed(deployment(pipeline_run_id=None))


def test_list() -> None:
    """A list is as many pushes; those without a run id share the key and not the run."""
    several = [deployment(), deployment(pipeline_run_id=None), deployment(pipeline_run_id=None, status="failure")]
    runs = [event.pipeline_run_id for event in deployed(several, key="k")]
    assert ["42", "42", "k#1", "k#1", "k#2", "k#2"] == runs
    assert 6 == len({event.identity for event in deployed(several)})


def test_configuration_only() -> None:
    """A deployment that ships no code says so."""
    assert {True} == {event.is_config_only for event in deployed(deployment(is_config_only=True))}


def test_little_is_enough() -> None:
    """Commit, pull request, trigger and version may be missing, and fields that nobody knows are ignored."""
    names = ("commit_sha", "pr_number", "trigger_type", "artefact_version", "started_at", "pipeline_run_id")
    (event,) = deployed(deployment(**dict.fromkeys(names)) | {"colour": "blue", "commit_sha": " "})
    assert (None, None, None, None) == (
        event.commit_sha,
        event.linked_pr_number,
        event.trigger_type,
        event.artefact_version,
    )


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"pipeline_id": None}, "pipeline_id", "pipeline_id is missing: give the pipeline's name or id"),
        ({"pipeline_id": "  "}, "pipeline_id", "pipeline_id is missing: give the pipeline's name or id"),
        ({"environment": None}, "environment", "environment is missing: give dev, staging or production"),
        ({"status": None}, "status", "status is missing: give success or failure or cancelled"),
        (
            {"status": "exploded"},
            "status",
            "status is none of the words it can be: give success or failure or cancelled",
        ),
        (
            {"event_type": "deploy_completed"},
            "event_type",
            "event_type is none of the words it can be: give rollback_initiated or rollback_completed",
        ),
        (
            {"rollback_of": "41"},
            "event_type",
            "event_type is missing: give rollback_initiated or rollback_completed, since rollback_of is there",
        ),
        ({"repo_full_name": None}, "repo_full_name", "repo_full_name is missing: give organisation/repository"),
        (
            {"repo_full_name": "payments"},
            "repo_full_name",
            "repo_full_name does not name a repository: give organisation/repository",
        ),
        (
            {"repo_full_name": "a/b/c"},
            "repo_full_name",
            "repo_full_name does not name a repository: give organisation/repository",
        ),
        (
            {"completed_at": None},
            "completed_at",
            "completed_at is missing: give an ISO 8601 time with its zone, such as 2026-03-01T12:00:00Z, "
            "when the deployment ended",
        ),
        (
            {"completed_at": None, "started_at": "", "status": "cancelled"},
            "completed_at",
            "completed_at is missing: give an ISO 8601 time with its zone, such as 2026-03-01T12:00:00Z",
        ),
        (
            {"completed_at": "2026-03-01T10:05:00"},
            "completed_at",
            "completed_at has no time zone: end it with Z or an offset, such as 2026-03-01T12:00:00Z",
        ),
        (
            {"started_at": "2026-03-01"},
            "started_at",
            "started_at has no time zone: end it with Z or an offset, such as 2026-03-01T12:00:00Z",
        ),
        (
            {"started_at": "yesterday"},
            "started_at",
            "started_at is no ISO 8601 time: give one such as 2026-03-01T12:00:00Z",
        ),
        (
            {"started_at": "0001-01-01T00:00:00Z"},
            "started_at",
            "started_at has a year that cannot be meant: give a time such as 2026-03-01T12:00:00Z",
        ),
        (
            {"completed_at": "2026-03-01T09:59:59Z"},
            "completed_at",
            "completed_at is before started_at: swap them, or mend the clock they come from",
        ),
        ({"started_at": 1772359200}, "started_at", "started_at: expected `str | null`, got `int`"),
        ({"pr_number": "7"}, "pr_number", "pr_number: expected `int | null`, got `str`"),
        ({"pr_number": 0}, "pr_number", "pr_number: expected `int` >= 1"),
        (
            {"artefact_version": "1\n2"},
            "artefact_version",
            "artefact_version has line breaks or other control characters: leave them out",
        ),
        ({"environment": "x" * 513}, "environment", "environment has 513 characters: give at most 512"),
    ],
)
def test_refused(changes: dict[str, Any], field: str, message: str) -> None:
    """A push that cannot be used is refused with the field's name and a remedy."""
    error = refused(deployment(**changes))
    assert (field, message) == (error.field, str(error))


def test_refused_key() -> None:
    """An idempotency key with control characters is no key."""
    assert "X-Idempotency-Key" == refused(deployment(), key="a\0b").field


def test_list_is_refused_as_a_whole() -> None:
    """One wrong item refuses a list, and is named by its place."""
    error = refused([deployment(), deployment(status="exploded")])
    assert ("[1].status", True) == (error.field, str(error).startswith("[1].status is none of the words"))


@pytest.mark.parametrize("payload", ["text", 5, None, [5], []])
def test_no_object(payload: object) -> None:
    """A push is an object or a list of objects."""
    assert not isinstance(refused(payload), MalformedPayload)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON: it breaks off at byte 0"),
        (b'{"status": x}', "the body is not JSON: invalid character at byte 11"),
        (b'[{"status": x}]', "the body is not JSON: invalid character at byte 12"),
        (b"{} x", "the body is not JSON: trailing characters at byte 3"),
        (b'{"status": "\xff"}', "the body is not JSON: no UTF-8 at byte 12"),
        (b"[" * 100_000, "the body nests objects and arrays too deeply"),
    ],
)
def test_malformed(body: bytes, message: str) -> None:
    """A body that is not JSON is refused with the position."""
    error = refused(body)
    assert (MalformedPayload, message) == (type(error), str(error))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(deployment())), JSON, st.booleans())
def test_any_value_is_read_or_refused(field: str, value: object, listed: bool) -> None:
    """Whatever stands in a field, the push is read or refused as invalid input, and nothing else happens."""
    payload = deployment() | {field: value}
    body = msgspec.json.encode([payload] if listed else payload)
    assert _end(body) in {"refused", 1, 2}


def _end(body: bytes) -> object:
    """Return how many events a push gives; ``refused`` when it is refused with the field's name."""
    try:
        return len(read_deployment(body, idempotency_key=None).facts.cicd)
    except InvalidInput as error:
        return "refused" if error.field else "refused without a field"
