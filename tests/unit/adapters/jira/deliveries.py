"""Small deliveries in Jira's shapes, for the tests beside this file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from dpp.adapters.jira.webhook import JiraReader
from dpp.application.reading import Reading, Verified
from dpp.domain.configuration import Configuration, JiraFields, JiraProject
from dpp.domain.events import DefectEvent, Normalised, Outcome, Source, WorkItemEvent
from dpp.domain.privacy import Pseudonymiser

FIELDS = JiraFields(
    delivery_stream="customfield_10050",
    tech_streams="customfield_10051",
    story_points="customfield_10016",
    sprint="customfield_10020",
    flagged="customfield_10021",
    found_in_stage="customfield_10060",
    introduced_in_stage="customfield_10061",
    blocking_tech_stream="customfield_10062",
    root_cause_category="customfield_10063",
)
PSEUDONYMISER = Pseudonymiser(b"0123456789abcdef0123456789abcdef")
READING = Reading(
    configuration=Configuration(jira_projects=(JiraProject(key="PAY", fields=FIELDS),)), pseudonymiser=PSEUDONYMISER
)
CREATED = "2026-03-02T09:00:00.000+0000"
CREATED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TIMESTAMP = 1_772_532_000_000
AT = datetime(2026, 3, 3, 10, tzinfo=UTC)  # TIMESTAMP in words


def issue(**fields: Any) -> dict[str, Any]:
    """Return the story PAY-7; ``fields`` replace or join its own."""
    own = {
        "issuetype": {"id": "10001", "name": "Story"},
        "project": {"id": "10000", "key": "PAY", "name": "Payments"},
        "status": {"id": "3", "name": "In Progress"},
        "created": CREATED,
        "summary": "Ask Grace Hopper for the specimen",
        "description": "grace@example.com knows",
    }
    return {"id": "20007", "key": "PAY-7", "fields": own | fields}


def bug(**fields: Any) -> dict[str, Any]:
    """Return PAY-7 as a bug."""
    return issue(**({"issuetype": {"id": "10004", "name": "Bug"}} | fields))


def item(
    field: str, old: str | None, new: str | None, *, field_id: str | None = None, kind: str = "jira", **ids: Any
) -> dict[str, Any]:
    """Return one changed field, with the texts that people see; Cloud's with ``field_id``, Server's without."""
    named = {"field": field, "fieldtype": kind, "from": ids.get("from_"), "fromString": old}
    named |= {"to": ids.get("to"), "toString": new}
    return named | ({"fieldId": field_id} if field_id else {})


def update(*items: dict[str, Any], of: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    """Return an update of PAY-7 by the change 31000."""
    return {
        "timestamp": TIMESTAMP,
        "webhookEvent": "jira:issue_updated",
        "issue": issue() if of is None else of,
        "changelog": {"id": "31000", "items": list(items)},
    } | envelope


def creation(of: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    """Return the delivery of a new ticket."""
    return {"timestamp": TIMESTAMP, "webhookEvent": "jira:issue_created", "issue": of} | envelope


def normalise(payload: object, *, reading: Reading = READING) -> Normalised:
    """Read a payload, given as bytes or as what JSON is made of."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return JiraReader().normalise(Verified(source=Source.JIRA, kind=None, body=body), reading=reading)


def understood(payload: object, *, reading: Reading = READING) -> Normalised:
    """Read a payload that must be understood."""
    found = normalise(payload, reading=reading)
    assert found.outcome == Outcome.UNDERSTOOD, found.reason
    return found


def work_items(payload: object, *, reading: Reading = READING) -> tuple[WorkItemEvent, ...]:
    """Return the work-item events of a payload that must be understood."""
    return understood(payload, reading=reading).facts.work_items


def defects(payload: object) -> tuple[DefectEvent, ...]:
    """Return the defect events of a payload that must be understood."""
    return understood(payload).facts.defects


def kinds(payload: object) -> list[str]:
    """Return the types of all events of a payload, in order; empty when it was not understood."""
    facts = normalise(payload).facts
    return [event.event_type.value for event in facts.work_items] + [event.event_type.value for event in facts.defects]
