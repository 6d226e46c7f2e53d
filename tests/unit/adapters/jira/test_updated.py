"""Each thing that a change does to a ticket is an event of its own (decision 0019)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dpp.application.reading import Reading
from dpp.domain.configuration import Configuration
from dpp.domain.events import DefectEvent, Outcome, TicketFields, WorkItemEvent, WorkItemEventType
from dpp.domain.scrubbing import REMOVED
from tests.unit.adapters.jira.deliveries import (
    AT,
    CREATED_AT,
    PSEUDONYMISER,
    bug,
    defects,
    issue,
    item,
    kinds,
    normalise,
    understood,
    update,
    work_items,
)

STATUS = item("status", "To Do", "In Progress", field_id="status", from_="1", to="3")
RESOLVED = item("resolution", None, "Done", field_id="resolution", to="10000")
FLAG_UP = item("Flagged", "", "Impediment", field_id="customfield_10021", kind="custom", to="[10019]")
FLAG_DOWN = item("Flagged", "Impediment", "", field_id="customfield_10021", kind="custom", from_="[10019]", to="")
LABELS = item("labels", "a", "a b", field_id="labels")
SUMMARY = item("summary", "old", "new", field_id="summary")
UNCONFIGURED = Reading(configuration=Configuration(), pseudonymiser=PSEUDONYMISER)


def test_transition() -> None:
    """A change of status is a transition with both names, the change's id and the ticket as it is."""
    expected = WorkItemEvent(
        event_type=WorkItemEventType.TRANSITIONED,
        event_timestamp=AT,
        ticket_id="PAY-7",
        project_key="PAY",
        issue_id="20007",
        source_change_id="31000",
        from_status="To Do",
        to_status="In Progress",
        fields=TicketFields(ticket_type="story", created_at=CREATED_AT),
    )
    assert (expected,) == work_items(update(STATUS))


@pytest.mark.parametrize(
    "same",
    [item("status", "In Progress", "In Progress"), item("status", "In Progress", " in progress", from_="3", to="4")],
)
def test_same_status(same: dict[str, Any]) -> None:
    """A transition to the same status is ignored (decision 0019)."""
    assert Outcome.IGNORED == normalise(update(same)).outcome


def test_status_without_a_name() -> None:
    """A status that the change does not name is the ticket's; one that nothing names is kept for repair."""
    nameless = item("status", "To Do", None, to="3")
    assert "In Progress" == work_items(update(nameless))[0].to_status
    found = normalise(update(nameless, of=issue(status=None)))
    assert Outcome.UNKNOWN == found.outcome
    assert "issue.fields.status" in (found.reason or "")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (RESOLVED, ["completed"]),
        (item("resolution", "Unresolved", "Done", from_="-1", to="10000"), ["completed"]),
        (item("resolution", "Done", None, from_="10000"), ["updated"]),
        (item("resolution", "Done", "Duplicate", from_="10000", to="3"), ["updated"]),
        (item("resolution", "Done", "Unresolved", from_="10000", to="-1"), ["updated"]),
        (item("resolution", "Done", "Done", from_="10000", to="10000"), []),
    ],
)
def test_resolution(change: dict[str, Any], expected: list[str]) -> None:
    """Only a resolution that goes from empty to a value completes; others show in the ticket alone (decision 0008)."""
    assert expected == kinds(update(change))


def test_what_resolution() -> None:
    """A completion says which resolution was set."""
    assert "Done" == work_items(update(RESOLVED))[0].resolution


def test_flag() -> None:
    """A raised flag blocks and a cleared one, an empty text, unblocks (decision 0019)."""
    assert ["blocked"] == kinds(update(FLAG_UP))
    assert ["unblocked"] == kinds(update(FLAG_DOWN))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(flag) Flag added\n\nwaits for [~ada] (ada@example.com)", f"waits for {REMOVED} ({REMOVED})"),
        (":flag_on: Flag added\n\nno test data", "no test data"),
        ("(flag) Flag added", None),
        (
            {
                "type": "doc",
                "content": [
                    {
                        "type": "paragraph",
                        "content": [
                            {"type": "text", "text": "waits for"},
                            {"type": "mention", "attrs": {"text": "@Ada Lovelace"}},
                        ],
                    }
                ],
            },
            "waits for",
        ),
        (7, None),
    ],
)
def test_blocked_reason(body: object, expected: str | None) -> None:
    """The comment beside a flag is the reason, without the people that it names by address or mention."""
    (event,) = work_items(update(FLAG_UP, comment={"id": "1", "body": body}))
    assert expected == event.blocked_reason


def test_reason_of_another_shape() -> None:
    """A comment in a shape of its own does not cost the flag."""
    (event,) = work_items(update(FLAG_UP, comment="why"))
    assert event.blocked_reason is None


@pytest.mark.parametrize(
    "change",
    [
        item("customfield_10021", "", "Impediment", kind="custom"),
        item("Flagged", "", "Impediment", kind="custom"),
        item("IMPEDIMENT", "", "Blockiert", kind="custom"),
        item("Markiert", "", "Hindernis", field_id="customfield_10021", kind="custom"),
    ],
)
def test_ways_to_name_the_flag(change: dict[str, Any]) -> None:
    """A custom field is known by its id under any name, and without an id by the id as name or by its usual name."""
    assert ["blocked"] == kinds(update(change))


def test_another_field_of_the_same_name() -> None:
    """A field that has the flag's name under another id is not the flag, and a custom "Status" no status."""
    other = item("Flagged", "", "yes", field_id="customfield_99999", kind="custom")
    assert [] == kinds(update(other))
    assert [] == kinds(update(item("Status", "red", "green", kind="custom")))
    assert [] == kinds(update(item("status", "red", "green", field_id="customfield_99998", kind="custom")))


def test_flag_of_an_unconfigured_project() -> None:
    """Where no flag is configured, its usual name is enough."""
    other = item("Flagged", "", "yes", field_id="customfield_99999", kind="custom")
    (event,) = work_items(update(other), reading=UNCONFIGURED)
    assert WorkItemEventType.BLOCKED == event.event_type


@pytest.mark.parametrize(
    "change",
    [
        LABELS,
        item("Component", None, "Checkout", field_id="components"),
        item("priority", "High", "Low"),
        item("assignee", None, "Ada Lovelace", to="ada"),
        item("issuetype", "Story", "Task"),
        item("IssueParentAssociation", None, None, from_="1", to="2"),
        item("Parent", None, "PAY-1"),
        item("Sprint", "One", "One, Two", field_id="customfield_10020", kind="custom"),
        item("Sprint", "One", "Two", kind="custom"),
        item("Story Points", "3", "5", kind="custom"),
        item("Wertstrom", "A", "B", field_id="customfield_10050", kind="custom"),
        item("Technology Streams", "A", "B", kind="custom"),
        item("Blocking Technology", None, "B", kind="custom"),
        item("project", "Payments", "Ledger", from_="1", to="2"),
    ],
)
def test_kept_fields(change: dict[str, Any]) -> None:
    """A change to anything that a ticket's snapshot holds is one update."""
    assert ["updated"] == kinds(update(change))
    assert ["updated"] == kinds(update(change, LABELS))


@pytest.mark.parametrize(
    "change",
    [
        SUMMARY,
        item("description", "a", "b"),
        item("Rank", "", "Ranked higher", field_id="customfield_10019", kind="custom"),
        item("Link", None, "This issue relates to PAY-9"),
        item("Epic Link", None, "PAY-2", kind="custom"),
        item("timespent", None, "60"),
        item("Introduced In Stage", None, "Dev", kind="custom"),
        {"field": None},
        {},
    ],
)
def test_other_fields(change: dict[str, Any]) -> None:
    """A change to nothing that is kept is ignored; so is a bug's field on a ticket that is none."""
    found = normalise(update(change))
    assert (Outcome.IGNORED, True) == (found.outcome, bool(found.reason))


def test_move() -> None:
    """A move is one event with the former key; status and type that change with it have theirs (decision 0005)."""
    moved = issue(project={"key": "LED"}, status={"name": "Open"}) | {"key": "LED-3"}
    payload = update(
        item("Key", "PAY-7", "LED-3"),
        item("project", "Payments", "Ledger", from_="1", to="2"),
        item("status", "In Progress", "Open"),
        of=moved,
    )
    assert ["moved", "transitioned"] == kinds(payload)
    event = work_items(payload)[0]
    assert ("PAY-7", "LED-3", "LED", "20007") == (
        event.from_ticket_id,
        event.ticket_id,
        event.project_key,
        event.issue_id,
    )


def test_nine_items() -> None:
    """One delivery with nine changed fields gives each fact once, all at one time and under one change."""
    items = [
        STATUS,
        RESOLVED,
        FLAG_UP,
        LABELS,
        SUMMARY,
        item("priority", "High", "Low"),
        item("assignee", "Ada", None),
        item("Sprint", "One", "Two", field_id="customfield_10020"),
        item("description", "a", "b"),
    ]
    events = work_items(update(*items))
    assert ["transitioned", "completed", "blocked", "updated"] == [event.event_type for event in events]
    assert {(AT, "31000")} == {(event.event_timestamp, event.source_change_id) for event in events}


def test_status_twice() -> None:
    """Two steps of the status in one change are one transition from the first to the last."""
    (event,) = work_items(update(item("status", "A", "B"), item("status", "B", "C")))
    assert ("A", "C") == (event.from_status, event.to_status)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1_772_532_000_000, AT),
        ("1772532000000", AT),
        (1_772_532_000, AT),
        (1_772_532_000_000_000, AT),
        (1_772_532_000_000_000_000, AT),
        (1_772_532_000_250, datetime(2026, 3, 3, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-03T11:00:00+0100", AT),
    ],
)
def test_units_of_the_timestamp(written: object, expected: datetime) -> None:
    """The timestamp may be in any unit, as number or text."""
    assert expected == work_items(update(STATUS, timestamp=written))[0].event_timestamp


@pytest.mark.parametrize("written", [None, 0, "0", "", -1, "0001-01-01T00:00:00Z", True, 10**30, "soon"])
def test_no_time(written: object) -> None:
    """A change without a readable time writes nothing and is kept for repair (decision 0019)."""
    found = normalise(update(STATUS, timestamp=written))
    assert (Outcome.UNKNOWN, False) == (found.outcome, bool(found.facts))
    assert "timestamp" in (found.reason or "")


def test_time_of_the_changelog() -> None:
    """The changelog's own time counts before the delivery's."""
    log = {"id": 31000, "created": "2026-03-03T09:59:59.500+0000", "items": [STATUS]}
    (event,) = work_items(update(changelog=log))
    assert datetime(2026, 3, 3, 9, 59, 59, 500_000, tzinfo=UTC) == event.event_timestamp
    assert "31000" == event.source_change_id


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ({"changelog": None, "comment": {"body": "hello"}}, Outcome.IGNORED),
        ({"changelog": {"items": []}, "comment": {"body": "hello"}}, Outcome.IGNORED),
        ({"changelog": None, "issue_event_type_name": "issue_worklogged"}, Outcome.IGNORED),
        ({"changelog": {"id": "1", "items": []}}, Outcome.IGNORED),
        ({"changelog": None, "comment": None}, Outcome.UNKNOWN),
        ({"changelog": {"id": "1"}}, Outcome.UNKNOWN),
    ],
)
def test_without_changes(envelope: dict[str, Any], expected: Outcome) -> None:
    """Comments and logged work change nothing; an update that does not say what changed is kept for repair."""
    assert expected == normalise(update(**envelope)).outcome


INTRODUCED = {"field_id": "customfield_10061", "kind": "custom"}
FOUND = {"field_id": "customfield_10060", "kind": "custom"}


def revised(*items: dict[str, Any], **fields: Any) -> tuple[DefectEvent, ...]:
    """Return the defect events of a change to a bug."""
    return defects(update(*items, of=bug(**fields)))


def test_attributed() -> None:
    """A bug whose origin is set for the first time is attributed, with all that is known of it."""
    change = item("Introduced In Stage", None, "BA", **INTRODUCED)
    (event,) = revised(change, customfield_10061={"value": "BA"}, customfield_10060={"value": "QA"})
    assert ("attributed", "ba", "qa", "31000") == (
        event.event_type,
        event.introduced_in_stage,
        event.found_in_stage,
        event.source_change_id,
    )
    assert AT == event.event_timestamp


@pytest.mark.parametrize(
    ("change", "introduced", "found"),
    [
        (item("Introduced In Stage", "BA", "Dev", **INTRODUCED), "dev", "qa"),
        (item("Introduced In Stage", "BA", "", **INTRODUCED), None, "qa"),
        (item("introduced in stage", "BA", "Dev", kind="custom"), "dev", "qa"),
        (item("Found In Stage", "QA", "Production", **FOUND), "ba", "production"),
        (item("Root Cause", None, "logic", kind="custom"), "ba", "qa"),
        (item("Link", None, "This issue is caused by PAY-4"), "ba", "qa"),
    ],
)
def test_reclassified(change: dict[str, Any], introduced: str | None, found: str) -> None:
    """A bug whose origin, discovery, cause or causing ticket changes is reclassified; what the change says counts."""
    (event,) = revised(change, customfield_10061={"value": "BA"}, customfield_10060={"value": "QA"})
    assert ("reclassified", introduced, found) == (
        event.event_type,
        event.introduced_in_stage,
        event.found_in_stage,
    )


def test_becomes_a_bug() -> None:
    """A ticket that is made a bug is logged then, and attributed at once if its origin is known."""
    change = item("issuetype", "Task", "Bug", field_id="issuetype")
    assert ["updated", "logged"] == kinds(update(change, of=bug()))
    assert ["updated", "logged", "attributed"] == kinds(update(change, of=bug(customfield_10061="dev")))
    assert ["updated"] == kinds(update(item("issuetype", "Bug", "Defect"), of=bug()))


def test_sprints_of_a_change() -> None:
    """A change to a ticket also tells of the sprints that its field holds, as of the delivery."""
    sprint = {"id": 4, "name": "Four", "state": "active", "startDate": "2026-03-02T08:00:00.000Z"}
    (fact,) = understood(update(STATUS, of=issue(customfield_10020=[sprint]))).facts.sprints
    assert ("4", "Four", "active", AT) == (fact.jira_sprint_id, fact.name, fact.state, fact.event_timestamp)
