"""Deployments and rollbacks that pipelines push (§5.4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, items_of
from dpp.adapters.push.fields import free_text, missing, moment, needed_text, repository_ref, text, word
from dpp.adapters.push.payloads import DeploymentPush
from dpp.domain.errors import InvalidInput
from dpp.domain.events import CicdEvent, CicdEventType, Facts, Normalised, Outcome, RepositoryRef, Source

IDEMPOTENCY_HEADER = "X-Idempotency-Key"

STATUSES = ("success", "failure", "cancelled")
ROLLBACKS = (CicdEventType.ROLLBACK_INITIATED.value, CicdEventType.ROLLBACK_COMPLETED.value)
#: The status of an event that tells of a beginning.
IN_PROGRESS = "in_progress"

_PUSH = Decoder(DeploymentPush)
_A_TIME = "an ISO 8601 time with its zone, such as 2026-03-01T12:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """When it began and ended; at least one of the two is told."""

    started_at: datetime | None
    completed_at: datetime | None
    began_at: datetime
    ended_at: datetime

    @property
    def seconds(self) -> int | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return int((self.completed_at - self.started_at).total_seconds())


def read_deployment(body: bytes, *, idempotency_key: str | None) -> Normalised:
    """
    Return the steps that pushed deployments and rollbacks tell of; never ignored and never unknown.

    A deployment that succeeded or failed gives its closing event and, where ``started_at`` is told, ``deploy_started``.
    A cancelled one gives ``deploy_started`` alone, with the status ``cancelled``: whoever counts closing events meets
    neither a success nor a failure. A rollback gives ``rollback_initiated`` and ``rollback_completed``, as far as it
    got.

    Args:
        body: a JSON object, or a list of them.
        idempotency_key: stands in for a missing ``pipeline_run_id``; without it the payload's hash does.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: a field is missing or wrong; nothing of the body is accepted.
    """
    key = text(idempotency_key, field=IDEMPOTENCY_HEADER)
    events = tuple(event for item in items_of(body) for event in _events(item, key=key))
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(cicd=events))


def _events(item: Item, *, key: str | None) -> Iterator[CicdEvent]:
    push = decode(item, decoder=_PUSH)
    kind = word(push.event_type, field=item.field("event_type"), among=ROLLBACKS)
    status = word(push.status, field=item.field("status"), among=STATUSES)
    if kind is None and push.rollback_of:
        what = "rollback_initiated or rollback_completed, since rollback_of is there"
        raise missing(item.field("event_type"), give=what)
    if kind is None and status is None:
        raise missing(item.field("status"), give=" or ".join(STATUSES))
    span = _span(push, item=item)
    if kind is None and status != "cancelled" and span.completed_at is None:
        raise missing(item.field("completed_at"), give=f"{_A_TIME}, when the deployment ended")
    start = _start(push, item=item, key=key, span=span)
    if kind is not None:
        return _rollback(start, kind=kind, status=status, span=span)
    return _deployment(start, status=status or "", span=span, reason=free_text(push.failure_reason))


def _span(push: DeploymentPush, *, item: Item) -> _Span:
    started_at = moment(push.started_at, field=item.field("started_at"))
    completed_at = moment(push.completed_at, field=item.field("completed_at"))
    began_at, ended_at = started_at or completed_at, completed_at or started_at
    field = item.field("completed_at")
    if began_at is None or ended_at is None:
        raise missing(field, give=_A_TIME)
    if ended_at < began_at:
        raise InvalidInput(f"{field} is before started_at: swap them, or mend the clock they come from", field=field)
    return _Span(started_at=started_at, completed_at=completed_at, began_at=began_at, ended_at=ended_at)


def _start(push: DeploymentPush, *, item: Item, key: str | None, span: _Span) -> CicdEvent:
    """Return the event of the beginning, which all others are made from."""

    def name(value: str | None, field: str) -> str | None:
        return text(value, field=item.field(field))

    trigger, commit = name(push.trigger_type, "trigger_type"), name(push.commit_sha, "commit_sha")
    return CicdEvent(
        event_type=CicdEventType.DEPLOY_STARTED,
        event_timestamp=span.began_at,
        pipeline_id=needed_text(push.pipeline_id, field=item.field("pipeline_id"), give="the pipeline's name or id"),
        pipeline_run_id=name(push.pipeline_run_id, "pipeline_run_id") or _substitute_run_id(item, key=key),
        environment=needed_text(push.environment, field=item.field("environment"), give="dev, staging or production"),
        status=IN_PROGRESS,
        source=Source.DEPLOYMENT,
        repository=_repository(push.repo_full_name, field=item.field("repo_full_name")),
        started_at=span.started_at,
        commit_sha=commit.lower() if commit else None,
        linked_pr_number=push.pr_number,
        trigger_type=trigger.lower() if trigger else None,
        artefact_version=name(push.artefact_version, "artefact_version"),
        rollback_of=name(push.rollback_of, "rollback_of"),
        is_config_only=bool(push.is_config_only),
    )


def _substitute_run_id(item: Item, *, key: str | None) -> str:
    """The sender's key, or the hash of what was sent: both are the same when the same push is sent again."""
    if key is None:
        return sha256(item.raw).hexdigest()
    return key if item.index is None else f"{key}#{item.index}"


def _repository(full_name: str | None, *, field: str) -> RepositoryRef:
    return repository_ref(needed_text(full_name, field=field, give="organisation/repository"), field=field)


def _deployment(start: CicdEvent, *, status: str, span: _Span, reason: str | None) -> Iterator[CicdEvent]:
    if status == "cancelled":
        yield replace(start, status=status, duration_seconds=span.seconds)
        return
    if span.started_at is not None:
        yield start
    failed = status == "failure"
    yield replace(
        start,
        event_type=CicdEventType.DEPLOY_FAILED if failed else CicdEventType.DEPLOY_COMPLETED,
        event_timestamp=span.ended_at,
        status=status,
        duration_seconds=span.seconds,
        failure_reason=reason if failed else None,
    )


def _rollback(start: CicdEvent, *, kind: str, status: str | None, span: _Span) -> Iterator[CicdEvent]:
    """A rollback that failed or was cancelled has not undone anything, so its end is no ``rollback_completed``."""
    ended = kind == CicdEventType.ROLLBACK_COMPLETED and status in (None, "success")
    if span.started_at is not None or not ended:
        yield replace(
            start, event_type=CicdEventType.ROLLBACK_INITIATED, status=IN_PROGRESS if ended else status or IN_PROGRESS
        )
    if ended:
        yield replace(
            start,
            event_type=CicdEventType.ROLLBACK_COMPLETED,
            event_timestamp=span.ended_at,
            status="success",
            duration_seconds=span.seconds,
        )
