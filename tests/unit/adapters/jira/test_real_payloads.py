"""Payloads that real Jiras sent, Cloud and Server, from 2013 on; the expected facts were read off each file by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dpp.domain.events import DefectEventType, Outcome, Severity
from tests.unit.adapters.jira.deliveries import PSEUDONYMISER, normalise

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "jira"
FILES = sorted(FOLDER.rglob("*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"NOT TESTED: there are no real payloads in {FOLDER}")


def moment(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(name: str) -> bytes:
    """Return the only file of a name."""
    (found,) = (path for path in FILES if path.name == name)
    return found.read_bytes()


# Type, time in UTC, ticket, project, id of the change, from status, to status, resolution.
Row = tuple[str, str, str, str, str, str | None, str | None, str | None]
EXPECTED: dict[str, list[Row]] = {
    "createdIssue.json": [
        ("created", "2019-09-23 23:59:37.135", "VRF-803", "VRF", "created:86228", None, "Backlog", None)
    ],
    "change_status_v2.json": [
        ("transitioned", "2017-01-30 17:32:14.721", "TEST-1", "ABC", "10000", "To Do", "In Progress", None)
    ],
    "created_assignee_v2.json": [
        ("created", "2013-09-06 15:20:24.101", "TEST-4", "TEST", "created:10003", None, "To Do", None)
    ],
    "created_v2.json": [("created", "2013-03-27 16:53:58.301", "BUG-15", "BUG", "created:10400", None, "Open", None)],
    "deleted_v2.json": [("deleted", "2013-03-27 17:06:09.102", "BUG-15", "BUG", "deleted:10400", None, None, None)],
    "reassigned_v2.json": [("updated", "2013-03-27 16:57:45.325", "BUG-15", "BUG", "10600", None, None, None)],
    "updated_priority_v2.json": [("updated", "2014-02-26 19:57:13.145", "TEST-1", "TEST", "10102", None, None, None)],
    "issue_created.json": [
        ("created", "2015-12-20 18:25:09.582", "TEST-4", "TEST", "created:10003", None, "To Do", None)
    ],
    "webhook-issue-created.json": [
        ("created", "2019-02-16 03:01:52.971", "TES-41", "TES", "created:10040", None, "To Do", None)
    ],
    "webhook-issue-deleted.json": [
        ("deleted", "2019-07-03 18:05:36.176", "IDT-19", "IDT", "deleted:10303", None, None, None)
    ],
    "webhook-issue-updated-assigned.json": [
        ("updated", "2019-02-16 03:18:01.752", "TES-41", "TES", "10230", None, None, None)
    ],
    "webhook-issue-updated-components.json": [
        ("updated", "2019-12-05 14:38:23.833", "TES-10", "TES", "12849", None, None, None)
    ],
    "webhook-issue-updated-issue-type.json": [
        ("updated", "2019-02-16 03:07:51.789", "TES-41", "TES", "11149", None, None, None)
    ],
    "webhook-issue-updated-labels.json": [
        ("updated", "2019-02-16 21:12:10.065", "TES-41", "TES", "10233", None, None, None)
    ],
    "webhook-issue-updated-sprint.json": [
        ("updated", "2019-02-16 21:12:10.065", "TES-41", "TES", "10233", None, None, None)
    ],
    "webhook-issue-updated-resolved.json": [
        ("transitioned", "2019-02-16 03:15:40.507", "TES-41", "TES", "10228", "In Progress", "Done", None),
        ("completed", "2019-02-16 03:15:40.507", "TES-41", "TES", "10228", None, None, "Done"),
    ],
    "webhook-issue-updated-started-working.json": [
        ("transitioned", "2019-02-16 03:14:22.039", "TES-41", "TES", "10227", "To Do", "In Progress", None)
    ],
    "webhook-server-issue-updated-resolved.json": [
        ("transitioned", "2019-08-12 23:23:02.025", "TES-4", "TES", "10414", "In Progress", "Resolved", None),
        ("completed", "2019-08-12 23:23:02.025", "TES-4", "TES", "10414", None, None, "Done"),
    ],
}
IGNORED = [
    "comment_created.json",
    "commented_v2.json",
    "cloudAddComment.json",
    "updateDescription.json",
    "issue_updated_with_comment.json",
    "webhook-cloud-comment-created.json",
    "webhook-cloud-comment-updated.json",
    "webhook-issue-updated-edited.json",
    "webhook-issue-updated-rank.json",
    "webhook-server-comment-updated.json",
    "webhook-server-issue-updated-commented-2.json",
]


@pytest.mark.parametrize("name", EXPECTED)
def test_work_items(name: str) -> None:
    """Each file gives the work-item events that a person reads in it."""
    found = normalise(read(name))
    rows = [
        (
            event.event_type.value,
            event.event_timestamp,
            event.ticket_id,
            event.project_key,
            event.source_change_id,
            event.from_status,
            event.to_status,
            event.resolution,
        )
        for event in found.facts.work_items
    ]
    assert Outcome.UNDERSTOOD == found.outcome
    assert [(kind, moment(at), *rest) for kind, at, *rest in EXPECTED[name]] == rows


@pytest.mark.parametrize("name", IGNORED)
def test_ignored(name: str) -> None:
    """Comments, descriptions and ranks are ignored on purpose."""
    found = normalise(read(name))
    assert (Outcome.IGNORED, False) == (found.outcome, bool(found.facts))


def test_logged_bug() -> None:
    """The bug of 2013 is logged when it is created, of high severity, for its priority is Major."""
    (event,) = normalise(read("created_v2.json")).facts.defects
    assert (DefectEventType.LOGGED, Severity.HIGH, None, None) == (
        event.event_type,
        event.severity,
        event.found_in_stage,
        event.linked_work_item_id,
    )


def test_task_made_a_bug() -> None:
    """The task that was made a bug is logged under that change."""
    (event,) = normalise(read("webhook-issue-updated-issue-type.json")).facts.defects
    assert (DefectEventType.LOGGED, "11149", moment("2019-02-16 03:07:51.789")) == (
        event.event_type,
        event.source_change_id,
        event.event_timestamp,
    )


def test_no_defect_of_a_resolved_bug() -> None:
    """Resolving a bug changes nothing of its attribution."""
    assert () == normalise(read("webhook-server-issue-updated-resolved.json")).facts.defects


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("webhook-issue-updated-assigned.json", "5c5f880629be9642ba529340"),
        ("reassigned_v2.json", "lfranchi"),
        ("created_assignee_v2.json", "leo"),
        ("createdIssue.json", None),
    ],
)
def test_assignee(name: str, identity: str | None) -> None:
    """Cloud's assignee is known by account id, the old Server's by name; who is not there is nobody."""
    (event,) = normalise(read(name)).facts.work_items
    assert event.fields is not None
    assert (identity and PSEUDONYMISER.hash("jira", identity)) == event.fields.assignee_hash


def test_fields() -> None:
    """The ticket's fields are those of the file."""
    (event,) = normalise(read("webhook-issue-updated-components.json")).facts.work_items
    assert event.fields is not None
    assert ("task", "Medium", ("ee", "eeee", "tt", "ww"), ("Special Component",), None, None) == (
        event.fields.ticket_type,
        event.fields.priority,
        event.fields.labels,
        event.fields.components,
        event.fields.resolution,
        event.fields.parent_ticket_id,
    )
    assert moment("2019-07-13 23:28:19.131") == event.fields.created_at


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file(path: Path) -> None:
    """Every file is understood or ignored, twice alike, and nobody's name or address is in the facts."""
    body = path.read_bytes()
    found = normalise(body)
    assert found == normalise(body)
    assert found.outcome in (Outcome.UNDERSTOOD, Outcome.IGNORED)
    assert (found.outcome == Outcome.UNDERSTOOD) == bool(found.facts)
    for personal in ("@", "Leo Franchi", "lfranchi", "Test User", "crystal", "5c5f880629be9642ba529340", "Unit test"):
        assert personal not in repr(found.facts)
