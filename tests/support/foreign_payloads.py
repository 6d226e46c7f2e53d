"""Small payloads in the formats of other systems: what Alertmanager, PagerDuty, Opsgenie and CDEvents look like."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def alert(**changes: Any) -> Json:
    """Return an alert that fires since 10:30; a change to None leaves the field out."""
    whole = {
        "status": "firing",
        "labels": {"alertname": "HighLatency", "service": "payments-service", "job": "api", "severity": "critical"},
        "annotations": {"summary": "slow, @alice is looking", "description": "p99 over 2 s"},
        "startsAt": "2026-03-01T10:30:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://prometheus.example/graph",
        "fingerprint": "a1b2",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def group(*alerts: Json, **changes: Any) -> Json:
    """Return a notification of alerts."""
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "dpp",
        "alerts": [*alerts],
    } | changes


def pagerduty(kind: str = "incident.triggered", **changes: Any) -> Json:
    """Return a webhook of PagerDuty about an incident; changes are those of the incident."""
    incident = {
        "id": "PGR0VU2",
        "type": "incident",
        "number": 2,
        "status": "triggered",
        "created_at": "2026-03-01T10:29:59Z",
        "title": "Payments are slow, ask ops@acme.example",
        "service": {"id": "PF9KMXH", "summary": "payments-service", "type": "service_reference"},
        "assignees": [{"id": "PTUXL6G", "summary": "A Person"}],
        "priority": {"id": "PSO75BM", "summary": "P2", "type": "priority_reference"},
        "urgency": "low",
    } | changes
    event = {
        "id": "01BWZ1",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2026-03-01T10:30:00.500Z",
        "agent": {"id": "PLH1HKV", "summary": "A Person"},
        "data": incident,
    }
    return {"event": event}


def opsgenie(action: str = "Create", **changes: Any) -> Json:
    """Return a webhook of Opsgenie; changes are those of the alert."""
    alert = {
        "alertId": "052652ac",
        "message": "Payments are slow",
        "entity": "checkout",
        "details": {"service": "payments-service", "region": None},
        "priority": "P1",
        "createdAt": 1772361000123,  # 2026-03-01T10:30:00.123Z
        "updatedAt": 1772361600456000001,  # 2026-03-01T10:40:00.456Z
        "username": "alice@acme.example",
    } | changes
    return {"action": action, "alert": alert, "integrationName": "dpp", "source": {"type": "web"}}


def cdevent(kind: str, *, subject: Json | None = None, custom: object = None, content: Json | None = None) -> Json:
    """Return a CDEvent of 10:30, of version 0.4 of the specification."""
    event = {
        "context": {
            "version": "0.4.1",
            "id": "ev-1",
            "source": "/ci",
            "type": f"dev.cdevents.{kind}.0.2.0",
            "timestamp": "2026-03-01T11:30:00+01:00",
        },
        "subject": {"id": "payments-service", "source": "/ci", "type": "x", "content": content or {}} | (subject or {}),
    }
    return event if custom is None else event | {"customData": custom}


def enveloped(event: Json) -> Json:
    """Return an event in the envelope of structured mode."""
    return {
        "specversion": "1.0",
        "id": event["context"]["id"],
        "source": event["context"]["source"],
        "type": event["context"]["type"],
        "datacontenttype": "application/json",
        "data": event,
    }
