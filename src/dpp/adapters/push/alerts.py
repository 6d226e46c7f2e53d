"""Groups of alerts as Alertmanager writes them, and Grafana after it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode
from dpp.adapters.push.fields import free_text, missing, moment, needed_text, word
from dpp.adapters.push.foreign import ignored, part, read_each, together, understood, unknown
from dpp.adapters.push.severities import severity_of
from dpp.domain.events import IncidentEvent, IncidentEventType, Normalised

#: Labels that name the service, the first that is there counts.
SERVICE_LABELS = ("service", "service_name", "job")

_ENDED = "resolved"
_STATUSES = ("firing", _ENDED)
_CUT_OFF = "alerts were cut off by the sender's limit of alerts in a notification"


class Alert(Struct, frozen=True, kw_only=True, rename="camel"):
    """One alert; ``fingerprint`` stands for its labels, and ``starts_at`` tells one time that it fired from another."""

    status: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    fingerprint: str | None = None


class AlertGroup(Struct, frozen=True, kw_only=True, rename="camel"):
    """One notification. Alerts are decoded one by one, so that a strange one spoils no other."""

    alerts: list[Raw] | None = None
    truncated_alerts: int | None = None


_GROUP = Decoder(AlertGroup)
_ALERT = Decoder(Alert)


def read_alerts(body: bytes, *, ignored_names: Mapping[str, str]) -> Normalised:
    """
    Return the starts and the ends of the alerts of a notification.

    A notification that is repeated tells the same facts again. One of an end tells its start as well: the notification
    of the start may have been lost.

    Args:
        body: a group of alerts.
        ignored_names: why alerts of some names are no alarms of a service.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it holds something else than objects, or nothing.
    """
    return read_each(body, partial(_group, ignored_names=ignored_names))


def _group(item: Item, *, ignored_names: Mapping[str, str]) -> Normalised:
    group = decode(item, decoder=_GROUP)
    if group.alerts is None:
        raise missing("alerts", give="a list of alerts")
    read = partial(_alert, ignored_names=ignored_names)
    parts = [part(read, Item(raw=bytes(raw))) for raw in group.alerts]
    return together([*parts, unknown(_CUT_OFF)] if group.truncated_alerts else parts)


def _alert(item: Item, *, ignored_names: Mapping[str, str]) -> Normalised:
    alert = decode(item, decoder=_ALERT)
    reason = ignored_names.get((alert.labels or {}).get("alertname", ""))
    if reason is not None:
        return ignored(reason)
    status = word(alert.status, field="status", among=_STATUSES)
    if status is None:
        raise missing("status", give=" or ".join(_STATUSES))
    kinds = [(IncidentEventType.ALARM_TRIGGERED, alert.starts_at, "startsAt")]
    if status == _ENDED:
        kinds.append((IncidentEventType.ALARM_RESOLVED, alert.ends_at, "endsAt"))
    return understood(incidents=[_event(alert, kind, at=at, field=field) for kind, at, field in kinds])


def _event(alert: Alert, kind: IncidentEventType, *, at: str | None, field: str) -> IncidentEvent:
    labels, annotations = alert.labels or {}, alert.annotations or {}
    happened_at = moment(at, field=field)
    if happened_at is None:
        raise missing(field, give="a time")
    return IncidentEvent(
        event_type=kind,
        event_timestamp=happened_at,
        incident_id=needed_text(alert.fingerprint, field="fingerprint", give="what tells the alert from others"),
        service_name=_service(labels),
        severity=severity_of(labels.get("severity") or labels.get("priority")),
        description=free_text(annotations.get("summary") or labels.get("alertname")),
    )


def _service(labels: Mapping[str, str]) -> str:
    found = next((labels[name] for name in SERVICE_LABELS if labels.get(name, "").strip()), None)
    return needed_text(found, field=f"label {' or '.join(SERVICE_LABELS)}", give="the service")
