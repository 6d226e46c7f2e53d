"""CDEvents of the specification's versions 0.3 and later: deployed services, pipeline runs, incidents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec.json import Decoder

from dpp.adapters.push.cdevents_ignored import IGNORED_EVENTS, IGNORED_EXTENSION, IGNORED_SUBJECTS, PART_OF_A_RUN
from dpp.adapters.push.cdevents_payloads import Custom, Event, Head, Reference
from dpp.adapters.push.cloudevents import opened
from dpp.adapters.push.decoding import Item, decode, inner
from dpp.adapters.push.fields import free_text, missing, moment, needed_text, repository_ref, text
from dpp.adapters.push.foreign import ignored, read_each, understood, unknown
from dpp.adapters.push.purl import Purl
from dpp.application.reading import Reading
from dpp.domain.configuration import folded
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    IncidentEvent,
    IncidentEventType,
    Normalised,
    RepositoryRef,
    Source,
)

NO_READER = "there is no reader for this type of event"
#: The environment of events that deploy nothing.
BUILD = "build"
IN_PROGRESS = "in_progress"
#: The status of a run that ended without saying how.
NO_OUTCOME = "unknown"

_TYPE = re.compile(r"dev\.cdevents\.(?P<subject>[a-z]+)\.(?P<predicate>[a-z]+)\.\d.*", re.ASCII)
_EXTENSION = "dev.cdeventsx."
#: The words of pipelines that push, for those of the specification.
_OUTCOMES = {
    "success": "success",
    "failure": "failure",
    "error": "failure",
    "cancel": "cancelled",
    "cancelled": "cancelled",
}


_HEAD = Decoder(Head)
_EVENT = Decoder(Event)
_CUSTOM = Decoder(Custom)


def read_cdevents(body: bytes, *, reading: Reading) -> Normalised:
    """
    Return what CDEvents tell of, each in an envelope of CloudEvents or without one; one of them, or a list.

    Args:
        body: the body of the request, in whichever mode.
        reading: tells which repository deploys to a service that is named without one.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it holds something else than objects, or nothing.
    """
    return read_each(body, lambda item: _read(opened(item), reading=reading))


def _read(item: Item, *, reading: Reading) -> Normalised:
    name = needed_text(decode(item, decoder=_HEAD).context.type, field="context.type", give="the type of the event")
    if name.startswith(_EXTENSION):
        return ignored(IGNORED_EXTENSION)
    found = _TYPE.fullmatch(name)
    if found is None:
        return unknown(NO_READER)
    kind = f"{found['subject']}.{found['predicate']}"
    read = _READERS.get(kind)
    if read is None:
        reason = IGNORED_EVENTS.get(kind) or IGNORED_SUBJECTS.get(found["subject"])
        return unknown(NO_READER) if reason is None else ignored(reason)
    return read(decode(item, decoder=_EVENT), reading)


def _deployed(event: Event, reading: Reading) -> Normalised:
    return understood(cicd=[_deployment(event, CicdEventType.DEPLOY_COMPLETED, reading=reading)])


def _rolled_back(event: Event, reading: Reading) -> Normalised:
    return understood(cicd=[_deployment(event, CicdEventType.ROLLBACK_COMPLETED, reading=reading)])


def _deployment(event: Event, kind: CicdEventType, *, reading: Reading) -> CicdEvent:
    content, purl = event.subject.content, Purl.parse(event.subject.content.artifact_id)
    service, custom = _subject_id(event), _custom(event)
    commit = text(custom.commit_sha, field="customData.commit_sha") or (purl.commit if purl else None)
    return CicdEvent(
        event_type=kind,
        event_timestamp=_moment(event),
        pipeline_id=service,
        pipeline_run_id=needed_text(event.context.id, field="context.id", give="the event's id"),
        environment=_environment(content.environment),
        status="success",
        source=Source.DEPLOYMENT,
        repository=_named_repository(custom, purl) or _repository_of(service, reading=reading),
        commit_sha=commit.lower() if commit else None,
        artefact_version=text(purl.version if purl else None, field="subject.content.artifactId"),
    )


def _pipeline_run(event: Event, reading: Reading) -> Normalised:
    return understood(cicd=[_build(event, name=event.subject.content.pipeline_name)])


def _task_run(event: Event, reading: Reading) -> Normalised:
    run = event.subject.content.pipeline_run
    if run is not None and run.id:
        return ignored(PART_OF_A_RUN)
    return understood(cicd=[_build(event, name=event.subject.content.task_name)])


def _build(event: Event, *, name: str | None) -> CicdEvent:
    content, custom = event.subject.content, _custom(event)
    has_ended = ".finished." in (event.context.type or "")
    outcome = (content.outcome or "").strip().lower()
    commit = text(custom.commit_sha, field="customData.commit_sha")
    status = _OUTCOMES.get(outcome, NO_OUTCOME) if has_ended else IN_PROGRESS
    return CicdEvent(
        event_type=CicdEventType.BUILD_COMPLETED if has_ended else CicdEventType.BUILD_STARTED,
        event_timestamp=_moment(event),
        pipeline_id=text(name, field="the name of the pipeline or task") or _subject_id(event),
        pipeline_run_id=_subject_id(event),
        environment=BUILD,
        status=status,
        source=Source.DEPLOYMENT,
        repository=_named_repository(custom, None),
        commit_sha=commit.lower() if commit else None,
        failure_reason=free_text(content.errors) if status == "failure" else None,
    )


def _incident_began(event: Event, reading: Reading) -> Normalised:
    return understood(incidents=[_incident(event, IncidentEventType.INCIDENT_OPENED)])


def _incident_ended(event: Event, reading: Reading) -> Normalised:
    return understood(incidents=[_incident(event, IncidentEventType.INCIDENT_RESOLVED)])


def _incident(event: Event, kind: IncidentEventType) -> IncidentEvent:
    content = event.subject.content
    return IncidentEvent(
        event_type=kind,
        event_timestamp=_moment(event),
        incident_id=_subject_id(event),
        service_name=_id(content.service, field="subject.content.service.id"),
        description=free_text(content.description),
    )


def _moment(event: Event) -> datetime:
    found = moment(event.context.timestamp, field="context.timestamp")
    if found is None:
        raise missing("context.timestamp", give="when it happened")
    return found


def _subject_id(event: Event) -> str:
    return needed_text(event.subject.id, field="subject.id", give="the id of what the event is about")


def _id(reference: Reference | None, *, field: str) -> str:
    return needed_text(reference.id if reference else None, field=field, give="an id")


def _environment(reference: Reference | None) -> str:
    name = text(reference.name if reference else None, field="subject.content.environment.name")
    return name or _id(reference, field="subject.content.environment.id")


def _custom(event: Event) -> Custom:
    """Return the sender's own members; what has another shape is none of ours."""
    found = inner(event.custom_data)
    return decode(found, decoder=_CUSTOM) if found is not None and found.raw.startswith(b"{") else Custom()


def _named_repository(custom: Custom, purl: Purl | None) -> RepositoryRef | None:
    field = "customData.repo_full_name"
    name = text(custom.repo_full_name, field=field) or (purl.repository if purl else None)
    return repository_ref(name, field=field) if name else None


def _repository_of(service: str, *, reading: Reading) -> RepositoryRef | None:
    """Return the only repository that is configured to deploy to a service, by its target or what follows the colon."""
    wanted = folded(service)
    found = {
        row.full_name
        for row in reading.configuration.repositories
        if row.deploy_target and wanted in (folded(row.deploy_target), folded(row.deploy_target.rpartition(":")[2]))
    }
    return repository_ref(found.pop(), field="repositories") if len(found) == 1 else None


_READERS: Mapping[str, Callable[[Event, Reading], Normalised]] = MappingProxyType(
    {
        "service.deployed": _deployed,
        "service.upgraded": _deployed,
        "service.rolledback": _rolled_back,
        "pipelinerun.started": _pipeline_run,
        "pipelinerun.finished": _pipeline_run,
        "taskrun.started": _task_run,
        "taskrun.finished": _task_run,
        "incident.detected": _incident_began,
        "incident.reported": _incident_began,
        "incident.resolved": _incident_ended,
    }
)
