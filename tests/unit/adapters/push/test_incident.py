"""Pushed alarms and incidents, by §5.4.2."""

from __future__ import annotations

from typing import Any

import pytest

from dpp.adapters.push.readers import DeploymentReader, IncidentReader
from dpp.application.reading import MalformedPayload, Verified
from dpp.domain.errors import InvalidInput
from dpp.domain.events import IncidentEvent, IncidentEventType, Severity, Source
from tests.unit.adapters.push.pushing import alarmed, at, incident


def test_alarm() -> None:
    """An alarm keeps everything but the people whom its description addresses."""
    expected = IncidentEvent(
        event_type=IncidentEventType.ALARM_TRIGGERED,
        event_timestamp=at("10:30"),
        incident_id="INC-1",
        service_name="payments-service",
        source=Source.MONITORING,
        severity=Severity.HIGH,
        description="latency, (removed) is looking; mail (removed)",
    )
    assert (expected,) == alarmed(incident())


@pytest.mark.parametrize("kind", ["alarm_triggered", "alarm_resolved", "incident_opened", "INCIDENT_RESOLVED"])
def test_types(kind: str) -> None:
    """There are four types of events, in any case."""
    (event,) = alarmed(incident(event_type=kind))
    assert kind.lower() == event.event_type


def test_little_is_enough() -> None:
    """Severity and description may be missing or blank."""
    (event,) = alarmed(incident(severity=None, description=" "))
    assert (None, None) == (event.severity, event.description)


def test_list() -> None:
    """A list holds several events, in their order."""
    kinds = [event.event_type.value for event in alarmed([incident(), incident(event_type="alarm_resolved")])]
    assert ["alarm_triggered", "alarm_resolved"] == kinds


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"incident_id": None}, "incident_id"),
        ({"incident_id": "\t"}, "incident_id"),
        ({"service_name": None}, "service_name"),
        ({"event_type": None}, "event_type"),
        ({"event_type": "alarm"}, "event_type"),
        ({"occurred_at": None}, "occurred_at"),
        ({"occurred_at": "2026-03-01T10:30:00"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, "occurred_at"),
        ({"severity": "P1"}, "severity"),
        ({"description": 5}, "description"),
    ],
)
def test_refused(changes: dict[str, Any], field: str) -> None:
    """An incident that cannot be used is refused, naming the field."""
    with pytest.raises(InvalidInput) as caught:
        alarmed(incident(**changes))
    assert field == caught.value.field
    assert str(caught.value).startswith(field)


def test_malformed() -> None:
    """A body that is not JSON is refused with the position."""
    with pytest.raises(MalformedPayload, match=r"at byte 1$"):
        alarmed(b"{")


def test_readers_name_what_they_read() -> None:
    """A push carries its source, its kind and its sender's key, whatever its body is."""
    expected = [
        Verified(source=Source.DEPLOYMENT, kind="deployment", body=b"x", delivery_id="k"),
        Verified(source=Source.MONITORING, kind="incident", body=b"x", delivery_id=None),
    ]
    assert expected == [
        DeploymentReader().verified(body=b"x", idempotency_key="k"),
        IncidentReader().verified(body=b"x", idempotency_key=None),
    ]
