"""Webhooks of PagerDuty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dpp.adapters.push.pagerduty import IGNORED_TYPES
from dpp.application.reading import PushFormat
from dpp.domain.events import IncidentEvent, IncidentEventType, Outcome, Severity, Source
from dpp.domain.incidents import episodes
from tests.support.foreign_payloads import Json, pagerduty
from tests.unit.adapters.push.foreign_reading import REAL, incidents, read, told
from tests.unit.adapters.push.pushing import at

FORM = PushFormat.PAGERDUTY
OCCURRED = at("10:30") + timedelta(milliseconds=500)


def test_triggered() -> None:
    """An incident begins when the event occurred, and names nobody."""
    expected = IncidentEvent(
        event_type=IncidentEventType.INCIDENT_OPENED,
        event_timestamp=OCCURRED,
        incident_id="PGR0VU2",
        service_name="payments-service",
        source=Source.MONITORING,
        severity=Severity.HIGH,
        description="Payments are slow, ask (removed)",
    )
    assert (expected,) == incidents(FORM, pagerduty())


def test_resolved() -> None:
    """A resolved incident ends when the event occurred."""
    assert [("incident_resolved", OCCURRED, "PGR0VU2", "payments-service", "high")] == told(
        FORM, pagerduty("incident.resolved")
    )


def test_reopened() -> None:
    """An incident that is reopened after its end has a second episode."""
    kinds = {"incident.triggered": "10:30", "incident.resolved": "10:40", "incident.reopened": "11:00"}
    events: list[IncidentEvent] = []
    for kind, time in kinds.items():
        payload = pagerduty(kind)
        payload["event"]["occurred_at"] = f"2026-03-01T{time}:00Z"
        events += incidents(FORM, payload)
    assert [(at("10:30"), 1), (at("11:00"), 0)] == [(one.started_at, len(one.restores)) for one in episodes(events)]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"priority": {"summary": "P1"}}, "critical"),
        ({"priority": {"summary": "SEV-ish"}}, "low"),
        ({"priority": None}, "low"),
        ({"priority": None, "urgency": "high"}, "high"),
        ({"priority": None, "urgency": None}, None),
    ],
)
def test_severity(changes: Json, severity: str | None) -> None:
    """The priority says how bad it is, where the account has some; else the urgency."""
    assert [severity] == [row[4] for row in told(FORM, pagerduty(**changes))]


@pytest.mark.parametrize("kind", sorted(IGNORED_TYPES))
def test_ignored(kind: str) -> None:
    """What neither begins nor ends an incident is ignored for a written reason, whatever else it says."""
    found = read(FORM, {"event": {"event_type": kind, "data": 5}})
    assert (Outcome.IGNORED, IGNORED_TYPES[kind], False) == (found.outcome, found.reason, bool(found.facts))


def changed(**changes: Any) -> Json:
    """Return a webhook with other members of the event."""
    return {"event": pagerduty()["event"] | changes}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (changed(event_type="incident.sung"), "there is no reader for this type of event"),
        (changed(event_type=None), "event.event_type is missing or cannot be used"),
        (changed(occurred_at=None), "event.occurred_at is missing or cannot be used"),
        (changed(occurred_at="yesterday"), "event.occurred_at is missing or cannot be used"),
        (changed(data=None), "event.data is missing or cannot be used"),
        (changed(data=[]), "it is no object of this format"),
        (pagerduty(id=None), "event.data.id is missing or cannot be used"),
        (pagerduty(service=None), "event.data.service.summary is missing or cannot be used"),
        (pagerduty(service={"summary": " "}), "event.data.service.summary is missing or cannot be used"),
        (pagerduty(title=5), "title is missing or cannot be used"),
        ({"messages": []}, "it is a webhook of version 1 or 2: subscribe with version 3"),
        ({}, "event is missing or cannot be used"),
    ],
)
def test_unknown(payload: Json, reason: str) -> None:
    """What cannot be used is unknown, and the reason says which member."""
    found = read(FORM, payload)
    assert (Outcome.UNKNOWN, reason, False) == (found.outcome, found.reason, bool(found.facts))


@pytest.mark.parametrize("name", ["trigger_v2", "acknowledge_v2", "resolve_v2"])
def test_real_webhooks_of_the_former_version(name: str) -> None:
    """Webhooks of version 2, which PagerDuty no longer sends, say so in the reason."""
    path = REAL / "incidents" / "hackerkid+zulip" / "zerver" / "webhooks" / "pagerduty" / "fixtures" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"NOT TESTED: there is no real payload at {path}")
    found = read(FORM, path.read_bytes())
    assert (Outcome.UNKNOWN, "it is a webhook of version 1 or 2: subscribe with version 3") == (
        found.outcome,
        found.reason,
    )
