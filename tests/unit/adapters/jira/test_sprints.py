"""Sprints as tickets and webhooks tell of them (§4.2.5)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dpp.adapters.jira.sprints import Sprint, latest, sprints
from dpp.domain.events import Outcome, SprintFact
from dpp.domain.scrubbing import REMOVED
from tests.unit.adapters.jira.deliveries import AT, TIMESTAMP, creation, issue, normalise, understood, work_items

SERVER = (
    "com.atlassian.greenhopper.service.sprint.Sprint@1f39f706[id=31,rapidViewId=2,state=ACTIVE,name=Pay, week 9,"
    "goal=Faster, and safer,startDate=2026-03-02T09:00:00.000+01:00,endDate=2026-03-13T17:00:00.000+01:00,"
    "completeDate=<null>,activatedDate=<null>,sequence=31]"
)
THE_SAME = {
    "id": 31,
    "name": "Pay, week 9",
    "state": "active",
    "boardId": 2,
    "goal": "Faster, and safer",
    "startDate": "2026-03-02T09:00:00.000+01:00",
    "endDate": "2026-03-13T17:00:00.000+01:00",
}
EXPECTED = Sprint(
    id="31",
    name="Pay, week 9",
    state="active",
    start=date(2026, 3, 2),
    end=date(2026, 3, 13),
    goal="Faster, and safer",
)


@pytest.mark.parametrize("value", [SERVER, [SERVER], THE_SAME, [THE_SAME]])
def test_spellings(value: object) -> None:
    """Server's text and Cloud's object name the same sprint, alone or in a list."""
    assert (EXPECTED,) == sprints(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([31, "32"], ("31", "32")),
        (None, ()),
        ("Sprint 1", ()),
        (True, ()),
        ([{"name": "nameless"}], ()),
        ("Sprint@1[state=CLOSED]", ()),
        ("Sprint@1[]", ()),
    ],
)
def test_little_or_nothing(value: object, expected: tuple[str, ...]) -> None:
    """Bare ids are sprints of which nothing else is known; what has no id is none."""
    assert expected == tuple(sprint.id for sprint in sprints(value))


def test_null_of_server() -> None:
    """Server's word for nothing is nothing."""
    (found,) = sprints("Sprint@1[id=5,state=FUTURE,name=Five,startDate=<null>,endDate=<null>,goal=<null>]")
    assert Sprint(id="5", state="future", name="Five") == found


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"1": "closed", "2": "active", "9": "future"}, "2"),
        ({"8": "closed", "3": "future"}, "3"),
        ({"8": "closed", "10": "closed"}, "10"),
        ({}, None),
    ],
)
def test_latest(states: dict[str, str], expected: str | None) -> None:
    """A ticket is in its active sprint, else in the future one, else it was last in the one with the highest id."""
    found = latest(tuple(Sprint(id=id_, state=state) for id_, state in states.items()))
    assert expected == (found.id if found else None)


def test_sprints_of_a_new_ticket() -> None:
    """Every sprint of the field is a fact as of the delivery, and the latest one is the ticket's."""
    closed = {"id": 30, "name": "Pay, week 7", "state": "closed"}
    payload = creation(issue(customfield_10020=[closed, THE_SAME, {"id": 40}]))
    assert ["31"] == [event.fields and event.fields.jira_sprint_id for event in work_items(payload)]
    facts = understood(payload).facts.sprints
    assert [("30", AT), ("31", AT)] == [(fact.jira_sprint_id, fact.event_timestamp) for fact in facts]


def delivery(event: str, **sprint: Any) -> dict[str, Any]:
    """Return a sprint webhook."""
    return {"webhookEvent": event, "timestamp": TIMESTAMP, "sprint": sprint}


@pytest.mark.parametrize("event", ["sprint_created", "sprint_updated", "sprint_started", "sprint_closed"])
def test_sprint_webhooks(event: str) -> None:
    """A sprint webhook is a fact about the sprint, its texts scrubbed."""
    found = understood(delivery(event, **THE_SAME | {"goal": "ask @ada"})).facts.sprints
    expected = SprintFact(
        event_timestamp=AT,
        jira_sprint_id="31",
        name="Pay, week 9",
        state="active",
        start_date=date(2026, 3, 2),
        end_date=date(2026, 3, 13),
        goal=f"ask {REMOVED}",
    )
    assert (expected,) == found


@pytest.mark.parametrize(
    "payload",
    [
        {"webhookEvent": "sprint_started", "timestamp": TIMESTAMP},
        delivery("sprint_started", name="Nine", state="active"),
        delivery("sprint_started", id=9, name="Nine"),
        delivery("sprint_started", id=9, name="Nine", state="paused"),
        delivery("sprint_started", id=9, name="Nine", state="active") | {"timestamp": 0},
    ],
)
def test_too_little(payload: dict[str, Any]) -> None:
    """A sprint webhook without id, name, state or time is kept for repair."""
    assert Outcome.UNKNOWN == normalise(payload).outcome


def test_deleted_sprint() -> None:
    """A deleted sprint is ignored on purpose."""
    assert Outcome.IGNORED == normalise(delivery("sprint_deleted", id=9)).outcome
