"""Answers that real Jiras gave over their APIs; what is expected was read off each file by hand."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dpp.adapters.jira import api_payloads
from dpp.adapters.jira.history import history
from dpp.adapters.jira.proposing import as_toml, proposals
from dpp.adapters.jira.sprint_times import SprintLife, sprint_lives
from dpp.domain.events import Facts
from tests.unit.adapters.jira.deliveries import READING

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "jira_rest"
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())

pytestmark = pytest.mark.skipif(not FILES, reason=f"NOT TESTED: there are no real answers in {FOLDER}")

SEEN = datetime(2026, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(name: str, *, of: str = "") -> bytes:
    """Return the only file of a name, in a repository whose name has a part in it."""
    (found,) = (path for path in FILES if path.name == name and of in str(path))
    return found.read_bytes()


def told(issue: api_payloads.ApiIssue) -> Facts:
    """Return the history of a ticket that brings all of its changes."""
    changes = issue.changelog.histories if issue.changelog else []
    return history(issue, changes, sprints={}, reading=READING)


def rows(facts: Facts) -> list[tuple[Any, ...]]:
    """Return what tests look at."""
    return [
        (event.event_type.value, event.event_timestamp, event.source_change_id, event.from_status, event.to_status)
        for event in facts.work_items
    ]


#: Type, time in UTC, id of the change, from status, to status. Ranks are no change that is kept.
SELECTED = "Selected for Development"
HISTORIES: dict[str, list[tuple[str, str, str, str | None, str | None]]] = {
    "SP-1.json": [
        ("created", "2021-06-18 18:41:29.398", "created:10008", None, "Backlog"),
        ("transitioned", "2021-06-18 18:43:34.818", "10035", "Backlog", SELECTED),
        ("transitioned", "2021-06-18 18:44:21.050", "10038", SELECTED, "In Progress"),
        ("blocked", "2021-08-29 18:04:39.112", "10042", None, None),
        ("transitioned", "2021-12-14 00:30:15.283", "10076", "In Progress", "Review"),
    ],
    "SP-2.json": [
        ("created", "2021-06-18 18:41:37.804", "created:10009", None, "Backlog"),
        ("transitioned", "2021-06-18 18:43:38.192", "10036", "Backlog", SELECTED),
    ],
    "SP-11.json": [
        ("created", "2021-06-18 18:43:02.284", "created:10018", None, "Backlog"),
        ("transitioned", "2021-12-14 00:30:33.979", "10080", "Backlog", SELECTED),
    ],
}


@pytest.mark.parametrize("name", HISTORIES)
def test_histories(name: str) -> None:
    """Whole tickets with their changelogs, which list the latest change first."""
    issue = api_payloads.ISSUE.decode(read(name))
    assert issue.changelog is not None
    assert issue.changelog.is_whole
    expected = [(kind, moment(at), *rest) for kind, at, *rest in HISTORIES[name]]
    assert expected == rows(told(issue))


def test_the_fields_of_a_ticket_are_those_of_the_time() -> None:
    """A story of medium priority from its first event to its last."""
    facts = told(api_payloads.ISSUE.decode(read("SP-1.json")))
    assert {("story", "Medium", None)} == {
        (event.fields.ticket_type, event.fields.priority, event.fields.resolution)
        for event in facts.work_items
        if event.fields
    }
    assert 5 == sum(event.fields is not None for event in facts.work_items)


def test_a_page_of_a_search_by_token() -> None:
    """Three tickets without a number and without changes, on the last page."""
    page = api_payloads.SEARCH.decode(read("search.json"))
    assert True is page.is_last
    assert None is page.next_token
    created = moment("2020-12-03 13:05:20.974")
    assert [
        ("TEST-1", "created", created, "created:TEST-1", None, "To Do"),
        ("TEST-2", "created", created, "created:TEST-2", None, "In Progress"),
        ("TEST-3", "created", created, "created:TEST-3", None, "Done"),
    ] == [(issue.key, *row) for issue in page.issues for row in rows(told(issue))]
    bug = told(page.issues[0]).defects
    assert [("logged", "TEST-1", "medium")] == [(row.event_type, row.ticket_id, row.severity) for row in bug]


def test_a_page_of_a_sprint_by_number() -> None:
    """One of ten tickets, from a zone eight hours behind."""
    page = api_payloads.SEARCH.decode(read("issues_in_sprint.json"))
    assert (0, 10) == (page.start, page.total)
    expected = ("created", moment("2015-12-02 15:39:15"), "created:12338", None, "Ready")
    assert [expected] == rows(told(page.issues[0]))


def lives(body: bytes) -> list[SprintLife]:
    """Return the sprints of a page."""
    page = api_payloads.SPRINTS.decode(body)
    return [life for value in page.values for life in sprint_lives(value).values()]


def test_sprints_of_a_board() -> None:
    """Closed, active and future ones; those that are only thought of have no dates."""
    found = lives(read("sprints.json", of="go-jira"))
    assert [
        ("740", "closed", date(2016, 4, 11), date(2016, 4, 27), moment("2016-04-28 12:08:48.543")),
        ("776", "closed", date(2016, 5, 19), date(2016, 5, 26), moment("2016-05-30 09:45:44.991")),
        ("807", "closed", date(2016, 6, 1), date(2016, 6, 8), moment("2016-06-08 14:54:13.723")),
        ("832", "active", date(2016, 6, 20), date(2016, 6, 28), SEEN),
        ("845", "future", None, None, SEEN),
        ("846", "future", None, None, SEEN),
    ] == [
        (fact.jira_sprint_id, fact.state, fact.start_date, fact.end_date, fact.event_timestamp)
        for life in found
        if (fact := life.fact(SEEN))
    ]


def test_a_sprint_was_what_it_was() -> None:
    """Before its start a sprint was to come, until its closing it ran, whatever it is now."""
    first = lives(read("sprints.json", of="go-jira"))[0]
    times = ("2016-04-11 14:29:03", "2016-04-11 14:29:04", "2016-04-28 12:08:48", "2016-04-28 12:08:49")
    assert ["future", "active", "active", "closed"] == [first.state_at(moment(time)) for time in times]


@pytest.mark.parametrize(
    ("name", "of", "states"),
    [("sprints_filtered.json", "go-jira", ["active"]), ("sprints.json", "jira-cli", [*["closed"] * 4, "active"])],
)
def test_other_sprints(name: str, of: str, states: list[str]) -> None:
    """Lists with one state, and with all of them."""
    assert states == [life.sprint.state for life in lives(read(name, of=of))]


def test_sprints_that_somebody_collected() -> None:
    """Thirty closed sprints of one board; their closing is known to the millisecond."""
    text = read("_raw_jira_api_sprints.csv").decode("utf-8-sig")
    table = [row for row in csv.reader(text.splitlines()) if row]
    place = table[0].index("data")
    found = [life for row in table[1:] for life in sprint_lives(json.loads(row[place])).values()]
    assert 30 == len(found)
    assert {"closed"} == {life.sprint.state for life in found}
    assert ("7", moment("2020-06-22 05:59:58.980")) == (found[0].id, found[0].closed_at)
    assert ("60", moment("2021-05-17 01:51:41.754")) == (found[-1].id, found[-1].closed_at)


def test_boards() -> None:
    """Six, of which three are of the kind that has sprints."""
    page = api_payloads.BOARDS.decode(read("all_boards.json"))
    assert [(4, "scrum"), (5, "kanban"), (6, "kanban"), (7, "kanban"), (9, "scrum"), (1, "scrum")] == [
        (board.id, board.type) for board in page.values
    ]
    assert True is page.is_last


def test_fields_that_nothing_resembles() -> None:
    """Of two system fields and two foreign custom ones none is proposed, and every meaning is named as missing."""
    fields = api_payloads.FIELDS.decode(read("all_fields.json"))
    text = read("_raw_jira_api_issue_fields.csv").decode("utf-8-sig")
    table = [row for row in csv.reader(text.splitlines()) if row]
    fields += [msgspec.json.decode(row[2], type=api_payloads.FieldRow) for row in table[1:]]
    assert ["description", "summary", "customfield_10315", "customfield_10400"] == [field.id for field in fields]
    assert [] == proposals(fields)
    assert 9 == as_toml([]).count("no field of this Jira resembles it")
