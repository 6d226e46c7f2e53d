"""Alerts of Opsgenie and of the operations part of Jira Service Management, by their outgoing webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, inner
from dpp.adapters.push.fields import FIRST_YEAR, free_text, missing, needed_text
from dpp.adapters.push.foreign import ignored, read_each, understood, unknown
from dpp.adapters.push.severities import severity_of
from dpp.domain.errors import InvalidInput
from dpp.domain.events import IncidentEvent, IncidentEventType, Normalised

NO_READER = "there is no reader for this action"

_START = "Create"
#: A deleted alert is over as far as anybody will ever know.
_ENDS = frozenset({"Close", "Delete"})

_WORK = "what is done about an alert neither begins nor ends it"
_TALK = "talk about an alert is not measured"
_FIRST = "an alert is measured by what it was when it began"

#: Actions that are ignored on purpose.
IGNORED_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "Acknowledge",
                "UnAcknowledge",
                "AddTeam",
                "AddRecipient",
                "AddResponder",
                "AssignOwnership",
                "TakeOwnership",
                "Escalate",
                "EscalateNext",
                "Snooze",
                "SnoozeEnded",
                "Seen",
            ),
            _WORK,
        ),
        "AddNote": _TALK,
        **dict.fromkeys(
            (
                "AddTags",
                "RemoveTags",
                "AddDetails",
                "RemoveDetails",
                "UpdatePriority",
                "UpdateMessage",
                "UpdateDescription",
            ),
            _FIRST,
        ),
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
#: Seconds of the year 5138; more than that is told in a finer unit.
_LATEST = 10**11
_UNITS = (1, 10**3, 10**6, 10**9)


class Alert(Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert as it is after the action; times count from 1970 in milliseconds or nanoseconds, by field."""

    alert_id: str | None = None
    message: str | None = None
    entity: str | None = None
    details: dict[str, str | None] | None = None
    priority: str | int | None = None
    created_at: int | None = None
    updated_at: int | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """A delivery; ``alert`` is read only when its action is."""

    action: str | None = None
    alert: Raw = Raw()


_WEBHOOK = Decoder(Webhook)
_ALERT = Decoder(Alert)


def read_opsgenie(body: bytes) -> Normalised:
    """
    Return the start or the end of an alert. One of an end tells its start as well, which may have been lost.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it holds something else than objects, or nothing.
    """
    return read_each(body, _webhook)


def _webhook(item: Item) -> Normalised:
    webhook = decode(item, decoder=_WEBHOOK)
    action = needed_text(webhook.action, field="action", give="what was done")
    if action != _START and action not in _ENDS:
        reason = IGNORED_ACTIONS.get(action)
        return unknown(NO_READER) if reason is None else ignored(reason)
    content = inner(webhook.alert)
    if content is None:
        raise missing("alert", give="the alert")
    alert = decode(content, decoder=_ALERT)
    events = [_event(alert, IncidentEventType.ALARM_TRIGGERED, at=_moment(alert.created_at, field="alert.createdAt"))]
    if action in _ENDS:
        ended_at = _moment(alert.updated_at, field="alert.updatedAt")
        events.append(_event(alert, IncidentEventType.ALARM_RESOLVED, at=ended_at))
    return understood(incidents=events)


def _event(alert: Alert, kind: IncidentEventType, *, at: datetime) -> IncidentEvent:
    service = ((alert.details or {}).get("service") or "").strip() or alert.entity
    priority = f"p{alert.priority}" if isinstance(alert.priority, int) else alert.priority
    return IncidentEvent(
        event_type=kind,
        event_timestamp=at,
        incident_id=needed_text(alert.alert_id, field="alert.alertId", give="the alert's id"),
        service_name=needed_text(service, field="alert.details.service or alert.entity", give="the service"),
        severity=severity_of(priority),
        description=free_text(alert.message),
    )


def _moment(count: int | None, *, field: str) -> datetime:
    """Return the time of so many units since 1970; the unit is told by how many there are."""
    for unit in _UNITS:
        if count is not None and _EARLIEST <= count // unit < _LATEST:
            return _EPOCH + timedelta(microseconds=count * 10**6 // unit)
    raise InvalidInput(f"{field} is no time: give milliseconds since 1970", field=field)
