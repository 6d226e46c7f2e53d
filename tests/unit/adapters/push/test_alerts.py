"""Alerts of Alertmanager and Grafana."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dpp.application.reading import PushFormat
from dpp.domain.events import IncidentEvent, IncidentEventType, Outcome, Severity, Source
from dpp.domain.incidents import episodes
from tests.support.foreign_payloads import alert, group
from tests.unit.adapters.push.foreign_reading import REAL, incidents, read, told
from tests.unit.adapters.push.pushing import at

BOTH = (PushFormat.ALERTMANAGER, PushFormat.GRAFANA)
AT_1030 = at("10:30") + timedelta(microseconds=123456)

pytestmark = pytest.mark.parametrize("form", BOTH)


def labels(**changes: Any) -> dict[str, str]:
    """Return an alert's labels; a change to None leaves one out."""
    whole = alert()["labels"] | changes
    return {name: value for name, value in whole.items() if value is not None}


def test_firing(form: PushFormat) -> None:
    """An alert that fires is an alarm since its own time, without the people whom its summary addresses."""
    expected = IncidentEvent(
        event_type=IncidentEventType.ALARM_TRIGGERED,
        event_timestamp=AT_1030,
        incident_id="a1b2",
        service_name="payments-service",
        source=Source.MONITORING,
        severity=Severity.CRITICAL,
        description="slow, (removed) is looking",
    )
    assert (expected,) == incidents(form, group(alert()))


def test_resolved(form: PushFormat) -> None:
    """An alert that is over tells its start and its end, at their own times."""
    ended = alert(status="resolved", endsAt="2026-03-01T10:42:00Z")
    assert [
        ("alarm_triggered", AT_1030, "a1b2", "payments-service", "critical"),
        ("alarm_resolved", at("10:42"), "a1b2", "payments-service", "critical"),
    ] == told(form, group(ended, status="resolved"))


def test_several(form: PushFormat) -> None:
    """A group holds alerts of several services, some of them over."""
    other = alert(fingerprint="c3", labels=labels(service="checkout", severity="warning"))
    ended = alert(status="resolved", endsAt="2026-03-01T10:42:00Z")
    assert [
        ("alarm_triggered", "checkout", "medium"),
        ("alarm_triggered", "payments-service", "critical"),
        ("alarm_resolved", "payments-service", "critical"),
    ] == [(row[0], row[3], row[4]) for row in told(form, group(other, ended))]


def test_repeated_and_fired_again(form: PushFormat) -> None:
    """A repeated notification tells nothing new; the same alert with a later start is another episode."""
    first = alert(status="resolved", endsAt="2026-03-01T10:42:00Z")
    again = alert(startsAt="2026-03-01T12:00:00Z")
    events = [event for one in (alert(), alert(), first, again) for event in incidents(form, group(one))]
    assert 3 == len({event.identity for event in events})
    found = episodes(events)
    assert [(AT_1030, 1), (at("12:00"), 0)] == [(one.started_at, len(one.restores)) for one in found]


@pytest.mark.parametrize(
    ("changes", "service"),
    [
        ({}, "payments-service"),
        ({"service": None}, "api"),
        ({"service": " ", "service_name": "otel"}, "otel"),
        ({"service_name": "otel"}, "payments-service"),
    ],
)
def test_the_label_that_names_the_service(form: PushFormat, changes: dict[str, Any], service: str) -> None:
    """The label service comes first, then service_name, then job; a blank one is as if it were absent."""
    (row,) = told(form, group(alert(labels=labels(**changes))))
    assert service == row[3]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"severity": "page"}, "critical"),
        ({"severity": "ERROR"}, "high"),
        ({"severity": "info"}, "low"),
        ({"severity": "purple"}, None),
        ({"severity": None}, None),
        ({"severity": None, "priority": "P3"}, "medium"),
    ],
)
def test_severity(form: PushFormat, changes: dict[str, Any], severity: str | None) -> None:
    """The label severity says how bad it is, else the label priority; other words say nothing."""
    (row,) = told(form, group(alert(labels=labels(**changes))))
    assert severity == row[4]


@pytest.mark.parametrize("name", ["Watchdog", "DeadMansSwitch", "InfoInhibitor"])
def test_alerts_that_are_no_alarms(form: PushFormat, name: str) -> None:
    """What only shows that alerts are sent is ignored, and keeps nothing else from being read."""
    silent = alert(labels=labels(alertname=name))
    alone = read(form, group(silent))
    assert (Outcome.IGNORED, False, True) == (alone.outcome, bool(alone.facts), bool(alone.reason))
    assert 1 == len(incidents(form, group(silent, alert())))


@pytest.mark.parametrize("name", ["TestAlert", "DatasourceError", "DatasourceNoData"])
def test_what_grafana_makes_up(form: PushFormat, name: str) -> None:
    """Grafana's own alerts are no alarms of a service; another system's alert of that name would be one."""
    expected = Outcome.IGNORED if form is PushFormat.GRAFANA else Outcome.UNDERSTOOD
    assert expected == read(form, group(alert(labels=labels(alertname=name)))).outcome


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"labels": {"alertname": "A"}},
            "label service or service_name or job is missing or cannot be used",
        ),
        ({"labels": None}, "label service or service_name or job is missing or cannot be used"),
        ({"labels": {"service": 5}}, "labels[...] is missing or cannot be used"),
        ({"fingerprint": None}, "fingerprint is missing or cannot be used"),
        ({"fingerprint": "x" * 513}, "fingerprint is missing or cannot be used"),
        ({"startsAt": None}, "startsAt is missing or cannot be used"),
        ({"startsAt": "2026-03-01T10:30:00"}, "startsAt is missing or cannot be used"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt is missing or cannot be used"),
        ({"status": "resolved"}, "endsAt is missing or cannot be used"),
        ({"status": None}, "status is missing or cannot be used"),
        ({"status": "pending"}, "status is missing or cannot be used"),
    ],
)
def test_unknown(form: PushFormat, changes: dict[str, Any], reason: str) -> None:
    """An alert that cannot be used makes the notification unknown, and the alerts beside it count all the same."""
    found = read(form, group(alert(**changes), alert(fingerprint="good")))
    assert (Outcome.UNKNOWN, reason) == (found.outcome, found.reason)
    assert ["good"] == [event.incident_id for event in found.facts.incidents]


def test_alerts_that_were_cut_off(form: PushFormat) -> None:
    """A notification that says that it lacks alerts is read as far as it goes, and shown to administrators."""
    found = read(form, group(alert(), truncatedAlerts=3))
    assert (Outcome.UNKNOWN, 1) == (found.outcome, len(found.facts.incidents))
    assert "alerts were cut off by the sender's limit of alerts in a notification" == found.reason


def test_nothing(form: PushFormat) -> None:
    """A notification without alerts is ignored; one without a list of them is unknown."""
    assert (Outcome.IGNORED, "there is nothing in it") == outcome(form, group())
    assert (Outcome.UNKNOWN, "alerts is missing or cannot be used") == outcome(form, {})


def outcome(form: PushFormat, payload: object) -> tuple[Outcome, str | None]:
    """Return the outcome of a payload, and why."""
    found = read(form, payload)
    return found.outcome, found.reason


def test_real_notifications(form: PushFormat) -> None:
    """A real notification names no service by a label that is read; an old Grafana's has no alerts at all."""
    path = REAL / "incidents" / "hackerkid+zulip" / "zerver" / "webhooks" / form.value / "fixtures" / "alert.json"
    if not path.is_file():
        pytest.skip(f"NOT TESTED: there is no real payload at {path}")
    reason = "label service or service_name or job" if form is PushFormat.ALERTMANAGER else "alerts"
    assert (Outcome.UNKNOWN, f"{reason} is missing or cannot be used") == outcome(form, path.read_bytes())
    if form is PushFormat.ALERTMANAGER:
        began = datetime(2020, 2, 6, 0, 17, 58, 432911, tzinfo=UTC)
        body = path.read_bytes().replace(b'"host"', b'"service"')
        assert [
            ("alarm_triggered", began, "a1bc48475b20e73d", "andromeda", "critical"),
            ("alarm_triggered", began, "c2ea85182f28cbd9", "andromeda", "critical"),
        ] == told(form, body)
