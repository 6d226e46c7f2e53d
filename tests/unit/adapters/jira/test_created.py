"""New and deleted tickets, and what a ticket says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dpp.application.reading import Reading
from dpp.domain.configuration import Configuration
from dpp.domain.events import DefectEvent, DefectEventType, Severity, TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.scrubbing import REMOVED
from tests.unit.adapters.jira.deliveries import (
    AT,
    CREATED_AT,
    PSEUDONYMISER,
    TIMESTAMP,
    bug,
    creation,
    defects,
    issue,
    item,
    kinds,
    understood,
    work_items,
)


def snapshot(**fields: Any) -> TicketFields:
    """Return what a new ticket says of itself."""
    (event,) = work_items(creation(issue(**fields)))
    assert event.fields is not None
    return event.fields


def test_created() -> None:
    """A new ticket is one event at its own time of creation, with the status that it was born in."""
    expected = WorkItemEvent(
        event_type=WorkItemEventType.CREATED,
        event_timestamp=CREATED_AT,
        ticket_id="PAY-7",
        project_key="PAY",
        issue_id="20007",
        source_change_id="created:20007",
        to_status="In Progress",
        fields=TicketFields(ticket_type="story", created_at=CREATED_AT),
    )
    assert (expected,) == work_items(creation(issue()))


def test_status_item_of_a_creation() -> None:
    """The changelog that Cloud sends with a creation is no transition."""
    log = {"id": "1", "items": [item("Status", None, "To Do", field_id="status")]}
    assert ["created"] == kinds(creation(issue(), changelog=log))


def test_creation_without_its_own_time() -> None:
    """Without a time of creation the delivery's time counts; without either the payload is kept for repair."""
    (event,) = work_items(creation(issue(created=None)))
    assert AT == event.event_timestamp
    assert [] == kinds(creation(issue(created=None), timestamp=None))


def test_flagged_from_the_start() -> None:
    """A ticket that is created with its flag up is blocked from then on."""
    assert ["created", "blocked"] == kinds(creation(issue(customfield_10021=[{"value": "Impediment"}])))
    assert ["created"] == kinds(creation(issue(customfield_10021=[])))


def test_project_key() -> None:
    """The project's key counts, and without one the ticket's key tells it."""
    assert ["ABC"] == [event.project_key for event in work_items(creation(issue(project={"key": "ABC"})))]
    assert ["PAY"] == [event.project_key for event in work_items(creation(issue(project=None)))]


def test_every_field() -> None:
    """All kept fields are read, in the source's own names."""
    found = snapshot(
        issuetype={"name": "Spike"},
        priority={"name": "High", "id": "2"},
        labels=["team-a", "ask @ada", " "],
        components=[{"name": "Checkout"}, {"name": "Ledger"}],
        resolution={"name": "Done"},
        assignee={"accountId": "5c5f:88", "key": "ada", "name": "ada", "displayName": "Ada Lovelace"},
        parent={"key": "PAY-1"},
        customfield_10050={"value": "Payments", "id": "1"},
        customfield_10051=[{"value": "core-api"}, {"value": "web"}, {"value": "core-api"}],
        customfield_10016=5,
        customfield_10020=[{"id": 12, "name": "Twelve", "state": "active"}],
        customfield_10062={"name": "data"},
    )
    assert found == TicketFields(
        ticket_type="spike",
        priority="High",
        story_points=5.0,
        labels=("team-a", f"ask {REMOVED}"),
        components=("Checkout", "Ledger"),
        resolution="Done",
        assignee_hash=PSEUDONYMISER.hash("jira", "5c5f:88"),
        parent_ticket_id="PAY-1",
        delivery_stream="Payments",
        tech_streams=("core-api", "web"),
        jira_sprint_id="12",
        blocking_tech_stream="data",
        created_at=CREATED_AT,
    )


@pytest.mark.parametrize(
    ("assignee", "identity"),
    [
        ({"accountId": "a1", "key": "k1", "name": "n1"}, "a1"),
        ({"key": "k1", "name": "n1"}, "k1"),
        ({"name": "n1"}, "n1"),
        ({"accountId": " ", "name": "n1"}, "n1"),
    ],
)
def test_identity_of_a_person(assignee: dict[str, str], identity: str) -> None:
    """A person is hashed by account id, else key, else name (decision 0012)."""
    assert PSEUDONYMISER.hash("jira", identity) == snapshot(assignee=assignee).assignee_hash


def test_nobody() -> None:
    """An assignee without any id is nobody."""
    assert snapshot(assignee={"displayName": "Ada"}).assignee_hash is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"value": "core-api"}, {"name": "web"}, "data"], ("core-api", "web", "data")),
        ("core-api", ("core-api",)),
        ({"value": "Platform", "child": {"value": "core-api"}}, ("core-api",)),
        ([["core-api"]], ("core-api",)),
        (None, ()),
        (True, ()),
        ({"accountId": "1", "name": "ada"}, ()),
        (["", " "], ()),
    ],
)
def test_shapes_of_stream_fields(value: object, expected: tuple[str, ...]) -> None:
    """Options, names, texts, cascades and lists of these name streams; persons and blanks name none."""
    assert expected == snapshot(customfield_10051=value).tech_streams


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (0.5, 0.5),
        ("8", 8.0),
        ("2.5", 2.5),
        ({"value": "13"}, 13.0),
        ("XL", None),
        ("nan", None),
        (None, None),
    ],
)
def test_story_points(value: object, expected: float | None) -> None:
    """Story points are a number in any spelling, or absent."""
    assert expected == snapshot(customfield_10016=value).story_points


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-02T09:00:00.000+0000", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00.000-0800", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("2026-03-02T09:00:00-02:30", datetime(2026, 3, 2, 11, 30, tzinfo=UTC)),
        ("2026-03-02T09:00:00.250Z", datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-02T09:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
    ],
)
def test_spellings_of_times(written: str, expected: datetime | None) -> None:
    """Times keep their moment in every spelling of zones; without a zone, and as zero dates, they are absent."""
    assert expected == snapshot(created=written).created_at


def test_unconfigured_project() -> None:
    """A project that is not configured is read without custom fields."""
    reading = Reading(configuration=Configuration(), pseudonymiser=PSEUDONYMISER)
    (event,) = work_items(creation(issue(customfield_10016=5)), reading=reading)
    assert TicketFields(ticket_type="story", created_at=CREATED_AT) == event.fields


def test_deleted() -> None:
    """A deletion is an event at the delivery's time, once for an issue."""
    (event,) = work_items({"webhookEvent": "jira:issue_deleted", "timestamp": TIMESTAMP, "issue": issue()})
    assert ("deleted", AT, "deleted:20007") == (event.event_type, event.event_timestamp, event.source_change_id)


def test_ticket_without_fields() -> None:
    """A deletion that shows no more than the key still tells which ticket is gone."""
    payload = {"webhookEvent": "jira:issue_deleted", "timestamp": TIMESTAMP, "issue": {"key": "PAY-7"}}
    (event,) = work_items(payload)
    assert ("PAY-7", "PAY", None, None) == (event.ticket_id, event.project_key, event.issue_id, event.fields)


def test_logged() -> None:
    """A new bug is a ticket and a defect (§5.2.7)."""
    payload = creation(bug(priority={"name": "Blocker"}, customfield_10060={"value": "UAT"}, parent={"key": "PAY-3"}))
    assert ["created", "logged"] == kinds(payload)
    expected = DefectEvent(
        event_type=DefectEventType.LOGGED,
        event_timestamp=CREATED_AT,
        ticket_id="PAY-7",
        project_key="PAY",
        issue_id="20007",
        source_change_id="created:20007",
        severity=Severity.CRITICAL,
        found_in_stage="uat",
        linked_work_item_id="PAY-3",
    )
    assert (expected,) == defects(payload)


def test_attributed_at_birth() -> None:
    """A bug that is created with its origin is logged and attributed."""
    payload = creation(bug(customfield_10061={"value": "Dev"}, customfield_10063={"value": "logic"}))
    assert ["created", "logged", "attributed"] == kinds(payload)
    assert ("dev", "logic") == (defects(payload)[1].introduced_in_stage, defects(payload)[1].root_cause_category)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("QA", "qa"),
        ("Code Review", "code_review"),
        ("code-review", "code_review"),
        ("Production", "production"),
        ("Prod", "production"),
        ("User Acceptance Testing", "uat"),
        ("Development", "dev"),
        ("Pilot plant", "pilot_plant"),
        (None, None),
    ],
)
def test_stage_names(value: str | None, expected: str | None) -> None:
    """A stage is named in any case and spelling; what is no stage stays visible as it is."""
    (event,) = defects(creation(bug(customfield_10060=value)))
    assert expected == event.found_in_stage


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ({"name": "Highest"}, Severity.CRITICAL),
        ({"name": "Critical"}, Severity.CRITICAL),
        ({"name": "Major", "id": "3"}, Severity.HIGH),
        ({"name": "Medium"}, Severity.MEDIUM),
        ({"name": "Minor"}, Severity.LOW),
        ({"name": "Trivial"}, Severity.LOW),
        ({"name": "Hoch", "id": "2"}, Severity.HIGH),
        ({"name": "Someday", "id": "10400"}, None),
        (None, None),
    ],
)
def test_severity(priority: dict[str, str] | None, expected: Severity | None) -> None:
    """A bug is as severe as its priority's name says, or in other languages the id of Jira's own priority."""
    (event,) = defects(creation(bug(priority=priority)))
    assert expected == event.severity


def caused_by(key: str) -> dict[str, Any]:
    """Return the link "PAY-7 is caused by key"."""
    return {"type": {"name": "Problem", "inward": "is caused by", "outward": "causes"}, "inwardIssue": {"key": key}}


RELATES = {"type": {"inward": "relates to", "outward": "relates to"}, "outwardIssue": {"key": "PAY-9"}}
CAUSES = {"type": {"inward": "is caused by", "outward": "causes"}, "outwardIssue": {"key": "PAY-9"}}
EPIC = {"key": "PAY-2", "fields": {"issuetype": {"name": "Initiative", "hierarchyLevel": 1}}}
SERVER_EPIC = {"key": "PAY-2", "fields": {"issuetype": {"name": "Epic"}}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"parent": {"key": "PAY-3"}, "issuelinks": [caused_by("PAY-4")]}, "PAY-3"),
        ({"issuelinks": [RELATES, caused_by("PAY-4")]}, "PAY-4"),
        ({"issuelinks": [caused_by("PAY-4"), caused_by("PAY-4")]}, "PAY-4"),
        ({"issuelinks": [caused_by("PAY-4"), caused_by("PAY-5")]}, None),
        ({"issuelinks": [RELATES, CAUSES]}, None),
        ({"parent": EPIC, "issuelinks": [caused_by("PAY-4")]}, "PAY-4"),
        ({"parent": SERVER_EPIC}, None),
        ({"customfield_10014": "PAY-2"}, None),
        ({}, None),
    ],
)
def test_where_a_bug_comes_from(fields: dict[str, Any], expected: str | None) -> None:
    """A bug relates to its parent, else to the one ticket that a causing link names; epics are headings."""
    (event,) = defects(creation(bug(**fields)))
    assert expected == event.linked_work_item_id


def test_nothing_personal() -> None:
    """Neither names nor addresses nor the ticket's texts are in the facts."""
    person = {"accountId": "5c5f:88", "displayName": "Grace Hopper", "emailAddress": "grace@example.com"}
    found = understood(creation(bug(assignee=person, reporter=person, creator=person), user=person))
    for secret in ("Grace", "Hopper", "grace@example.com", "5c5f:88", "specimen"):
        assert secret not in repr(found)
