"""Alarms and incidents that monitoring systems push (§5.4.2)."""

from __future__ import annotations

from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, items_of
from dpp.adapters.push.fields import free_text, missing, moment, needed_text, word
from dpp.adapters.push.payloads import IncidentPush
from dpp.domain.events import Facts, IncidentEvent, IncidentEventType, Normalised, Outcome, Severity

_PUSH = Decoder(IncidentPush)
_TYPES = tuple(kind.value for kind in IncidentEventType)
_SEVERITIES = tuple(severity.value for severity in Severity)


def read_incident(body: bytes) -> Normalised:
    """
    Return the start or the end of the pushed alarms or incidents; never ignored and never unknown.

    The same id may come again after its end. Whether that is a new episode is told by its history, and so not here.

    Args:
        body: a JSON object, or a list of them.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: a field is missing or wrong; nothing of the body is accepted.
    """
    events = tuple(_event(item) for item in items_of(body))
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(incidents=events))


def _event(item: Item) -> IncidentEvent:
    push = decode(item, decoder=_PUSH)
    field = item.field
    kind = word(push.event_type, field=field("event_type"), among=_TYPES)
    if kind is None:
        raise missing(field("event_type"), give=" or ".join(_TYPES))
    happened_at = moment(push.occurred_at, field=field("occurred_at"))
    if happened_at is None:
        raise missing(field("occurred_at"), give="an ISO 8601 time with its zone, such as 2026-03-01T12:00:00Z")
    severity = word(push.severity, field=field("severity"), among=_SEVERITIES)
    return IncidentEvent(
        event_type=IncidentEventType(kind),
        event_timestamp=happened_at,
        incident_id=needed_text(push.incident_id, field=field("incident_id"), give="the id in the monitoring system"),
        service_name=needed_text(push.service_name, field=field("service_name"), give="a repository's deploy_target"),
        severity=Severity(severity) if severity else None,
        description=free_text(push.description),
    )
