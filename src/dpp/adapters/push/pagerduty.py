"""Incidents of PagerDuty, version 3 of its webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, inner
from dpp.adapters.push.fields import free_text, missing, moment, needed_text
from dpp.adapters.push.foreign import ignored, read_each, understood, unknown
from dpp.adapters.push.severities import severity_of
from dpp.domain.events import IncidentEvent, IncidentEventType, Normalised

NO_READER = "there is no reader for this type of event"
OLD_VERSION = "it is a webhook of version 1 or 2: subscribe with version 3"

_READ: Mapping[str, IncidentEventType] = MappingProxyType(
    {
        "incident.triggered": IncidentEventType.INCIDENT_OPENED,
        "incident.reopened": IncidentEventType.INCIDENT_OPENED,
        "incident.resolved": IncidentEventType.INCIDENT_RESOLVED,
    }
)
_WORK = "what is done about an incident neither begins nor ends it"
_TALK = "talk about an incident is not measured"
_FIRST = "an incident is measured by what it was when it began"
_SETTINGS = "settings of services are not measured"

#: Types of events that are ignored on purpose.
IGNORED_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "pagey.ping": "PagerDuty only asks whether anybody answers",
        **dict.fromkeys(
            (
                "incident.acknowledged",
                "incident.unacknowledged",
                "incident.delegated",
                "incident.escalated",
                "incident.reassigned",
                "incident.responder.added",
                "incident.responder.replied",
                "incident.role.assigned",
                "incident.task.created",
                "incident.task.updated",
                "incident.action_invocation.created",
                "incident.action_invocation.updated",
                "incident.action_invocation.terminated",
                "incident.workflow.started",
                "incident.workflow.completed",
            ),
            _WORK,
        ),
        **dict.fromkeys(
            ("incident.annotated", "incident.status_update_published", "incident.conference_bridge.updated"), _TALK
        ),
        **dict.fromkeys(
            (
                "incident.priority_updated",
                "incident.service_updated",
                "incident.incident_type.changed",
                "incident.custom_field_values.updated",
            ),
            _FIRST,
        ),
        **dict.fromkeys(
            ("service.created", "service.updated", "service.deleted", "service.custom_field_values.updated"), _SETTINGS
        ),
    }
)


class Named(Struct, frozen=True, kw_only=True):
    """Something that another thing refers to."""

    summary: str | None = None


class Incident(Struct, frozen=True, kw_only=True):
    """An incident as it is after the event."""

    id: str | None = None
    title: str | None = None
    urgency: str | None = None
    service: Named | None = None
    priority: Named | None = None


class Event(Struct, frozen=True, kw_only=True):
    """What happened; ``data`` is read only when it is an incident."""

    event_type: str | None = None
    occurred_at: str | None = None
    data: Raw = Raw()


class Webhook(Struct, frozen=True, kw_only=True):
    """A delivery; ``messages`` is what former versions had."""

    event: Event | None = None
    messages: Raw = Raw()


_WEBHOOK = Decoder(Webhook)
_INCIDENT = Decoder(Incident)


def read_pagerduty(body: bytes) -> Normalised:
    """
    Return the start or the end of an incident. One that is reopened begins again.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it holds something else than objects, or nothing.
    """
    return read_each(body, _webhook)


def _webhook(item: Item) -> Normalised:
    webhook = decode(item, decoder=_WEBHOOK)
    event = webhook.event
    if event is None:
        if inner(webhook.messages) is not None:
            return unknown(OLD_VERSION)
        raise missing("event", give="what happened")
    name = needed_text(event.event_type, field="event.event_type", give="the type of the event")
    kind = _READ.get(name)
    if kind is None:
        reason = IGNORED_TYPES.get(name)
        return unknown(NO_READER) if reason is None else ignored(reason)
    return understood(incidents=[_incident(event, kind)])


def _incident(event: Event, kind: IncidentEventType) -> IncidentEvent:
    data = inner(event.data)
    if data is None:
        raise missing("event.data", give="the incident")
    incident = decode(data, decoder=_INCIDENT)
    happened_at = moment(event.occurred_at, field="event.occurred_at")
    if happened_at is None:
        raise missing("event.occurred_at", give="a time")
    service = incident.service.summary if incident.service else None
    return IncidentEvent(
        event_type=kind,
        event_timestamp=happened_at,
        incident_id=needed_text(incident.id, field="event.data.id", give="the incident's id"),
        service_name=needed_text(service, field="event.data.service.summary", give="the service"),
        severity=severity_of(incident.priority.summary if incident.priority else None) or severity_of(incident.urgency),
        description=free_text(incident.title),
    )
