"""Webhooks of Opsgenie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dpp.adapters.push.opsgenie import IGNORED_ACTIONS
from dpp.application.reading import PushFormat
from dpp.domain.events import IncidentEvent, IncidentEventType, Outcome, Severity, Source
from tests.support.foreign_payloads import Json, opsgenie
from tests.unit.adapters.push.foreign_reading import REAL, incidents, read, told
from tests.unit.adapters.push.pushing import at

FORM = PushFormat.OPSGENIE
CREATED = at("10:30") + timedelta(milliseconds=123)
UPDATED = at("10:40") + timedelta(milliseconds=456)
FIXTURES = REAL / "incidents" / "hackerkid+zulip" / "zerver" / "webhooks" / "opsgenie" / "fixtures"


def test_create() -> None:
    """An alert begins when it was created, and names nobody."""
    expected = IncidentEvent(
        event_type=IncidentEventType.ALARM_TRIGGERED,
        event_timestamp=CREATED,
        incident_id="052652ac",
        service_name="payments-service",
        source=Source.MONITORING,
        severity=Severity.CRITICAL,
        description="Payments are slow",
    )
    assert (expected,) == incidents(FORM, opsgenie())


@pytest.mark.parametrize("action", ["Close", "Delete"])
def test_close(action: str) -> None:
    """An alert that is closed or deleted tells its start again, and its end."""
    assert [
        ("alarm_triggered", CREATED, "052652ac", "payments-service", "critical"),
        ("alarm_resolved", UPDATED, "052652ac", "payments-service", "critical"),
    ] == told(FORM, opsgenie(action))
    assert incidents(FORM, opsgenie()) == incidents(FORM, opsgenie(action))[:1]


@pytest.mark.parametrize(
    ("changes", "service"),
    [({"details": {}}, "checkout"), ({"details": {"service": " "}}, "checkout"), ({"details": None}, "checkout")],
)
def test_service(changes: Json, service: str) -> None:
    """The detail ``service`` names the service, else the entity does."""
    assert [service] == [row[3] for row in told(FORM, opsgenie(**changes))]


@pytest.mark.parametrize(("priority", "severity"), [("P2", "high"), (3, "medium"), ("P5", "low"), (None, None)])
def test_priority(priority: object, severity: str | None) -> None:
    """The five priorities, by name or number, say how bad it is."""
    assert [severity] == [row[4] for row in told(FORM, opsgenie(priority=priority))]


@pytest.mark.parametrize(
    "count", [1772361000, 1772361000000, 1772361000000000, 1772361000000000000], ids=["s", "ms", "us", "ns"]
)
def test_units_of_time(count: int) -> None:
    """Times are told apart by their size: seconds, and thousandths, millionths, billionths of one."""
    assert [at("10:30")] == [row[1] for row in told(FORM, opsgenie(createdAt=count))]


@pytest.mark.parametrize("action", sorted(IGNORED_ACTIONS))
def test_ignored(action: str) -> None:
    """What neither begins nor ends an alert is ignored for a written reason, whatever else it says."""
    found = read(FORM, {"action": action, "alert": 5})
    assert (Outcome.IGNORED, IGNORED_ACTIONS[action], False) == (found.outcome, found.reason, bool(found.facts))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (opsgenie("Sing"), "there is no reader for this action"),
        ({}, "action is missing or cannot be used"),
        ({"action": "Create"}, "alert is missing or cannot be used"),
        (opsgenie(alertId=None), "alert.alertId is missing or cannot be used"),
        (opsgenie(details={}, entity=""), "alert.details.service or alert.entity is missing or cannot be used"),
        (opsgenie(createdAt=None), "alert.createdAt is missing or cannot be used"),
        (opsgenie(createdAt=-5), "alert.createdAt is missing or cannot be used"),
        (opsgenie(createdAt=10**40), "alert.createdAt is missing or cannot be used"),
        (opsgenie("Close", updatedAt=7), "alert.updatedAt is missing or cannot be used"),
        (opsgenie(message=5), "message is missing or cannot be used"),
    ],
)
def test_unknown(payload: Json, reason: str) -> None:
    """What cannot be used is unknown, and the reason says which member."""
    found = read(FORM, payload)
    assert (Outcome.UNKNOWN, reason, False) == (found.outcome, found.reason, bool(found.facts))


def real(name: str) -> bytes:
    """Return a payload that was really sent."""
    path: Path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"NOT TESTED: there is no real payload at {path}")
    return path.read_bytes()


def test_real_creation() -> None:
    """A real alert of 2017, whose entity names what failed and whose priority is a number."""
    created = datetime(2017, 8, 14, 11, 25, 56, 288000, tzinfo=UTC)
    assert [("alarm_triggered", created, "ec03dad6-62c8-4c94-b38b-d88f398e900f", "Server", "medium")] == told(
        FORM, real("create.json")
    )


def test_real_end() -> None:
    """A real end of 2015 of an alert without an entity: nobody knows whose it was."""
    body = real("close.json")
    found = read(FORM, body)
    assert (Outcome.UNKNOWN, "alert.details.service or alert.entity is missing or cannot be used") == (
        found.outcome,
        found.reason,
    )
    began = datetime(2015, 1, 5, 10, 3, 11, 104000, tzinfo=UTC)
    ended = datetime(2015, 1, 5, 10, 6, 14, 669001, tzinfo=UTC)
    rows = told(FORM, body.replace(b'"entity":""', b'"entity":"mail"'))
    assert [("alarm_triggered", began), ("alarm_resolved", ended)] == [row[:2] for row in rows]
