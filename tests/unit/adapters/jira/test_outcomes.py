"""Every delivery is understood, ignored on purpose, or kept for repair; only what is no JSON is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.jira.ignored import IGNORED
from dpp.application.reading import MalformedPayload
from dpp.domain.events import Outcome
from tests.unit.adapters.jira.deliveries import FIELDS, TIMESTAMP, creation, issue, item, normalise, update

STATUS = item("status", "To Do", "In Progress")


@pytest.mark.parametrize(
    "event",
    [
        "comment_created",
        "comment_updated",
        "comment_deleted",
        "issuelink_created",
        "worklog_updated",
        "jira:worklog_updated",
        "sprint_deleted",
        "project_created",
        "user_deleted",
        "board_configuration_changed",
        "jira:version_released",
        "option_voting_changed",
        "attachment_created",
        "issue_property_set",
    ],
)
def test_ignored(event: str) -> None:
    """What the platform has no use for is ignored, with the reason on the list, whatever else the payload holds."""
    found = normalise({"webhookEvent": event, "issue": 5, "timestamp": TIMESTAMP})
    assert Outcome.IGNORED == found.outcome
    assert found.reason in IGNORED.values()


@pytest.mark.parametrize("event", ["jira:issue_exploded", "", "issue_created", "JIRA:ISSUE_CREATED"])
def test_unknown_event(event: str) -> None:
    """An event that is not on any list is kept for repair, and its name is not repeated."""
    found = normalise({"webhookEvent": event})
    assert (Outcome.UNKNOWN, "webhookEvent is none that the platform knows") == (found.outcome, found.reason)


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ([], "the body"),
        ("text", "the body"),
        ({}, "webhookEvent"),
        ({"webhookEvent": 5}, "webhookEvent"),
        ({"webhookEvent": "jira:issue_created"}, "issue"),
        (creation({"id": "1"}), "issue.key"),
        (creation({"key": ["PAY-7"]}), "issue.key"),
        (creation({"key": "PAY-7", "fields": ["SECRET"]}), "issue.fields"),
        (creation(issue(labels="SECRET")), "issue.fields.labels"),
        (creation(issue(labels=[{"SECRET": 1}])), "issue.fields.labels[0]"),
        (creation(issue(status="SECRET")), "issue.fields.status"),
        (creation(issue(components=[{"name": ["SECRET"]}])), "issue.fields.components[0].name"),
        (update(changelog="SECRET"), "changelog"),
        (update({"field": "status", "toString": ["SECRET"]}), "changelog.items[0].toString"),
        (update(STATUS, timestamp=["SECRET"]), "timestamp"),
    ],
)
def test_wrong_shapes(payload: object, named: str) -> None:
    """A payload of another shape is kept for repair; the reason names the field and quotes nothing."""
    found = normalise(payload)
    assert (Outcome.UNKNOWN, True) == (found.outcome, named in (found.reason or ""))
    assert "SECRET" not in (found.reason or "")


@pytest.mark.parametrize("id_", [value for value in (getattr(FIELDS, name) for name in FIELDS.__slots__) if value])
@pytest.mark.parametrize("value", [7, "x", True, [[[[[[1]]]]]], {"a": {}}, [None], {"value": {"value": {}}}, -1e300])
def test_custom_fields_of_any_shape(id_: str, value: object) -> None:
    """A custom field that was configured by mistake costs no delivery."""
    assert Outcome.UNDERSTOOD == normalise(creation(issue(**{id_: value}))).outcome


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "byte 0"),
        (b'{"webhookEvent": tru}', "byte 17 "),
        (b'{"webhookEvent": "x"', "byte 20 "),
        (b'{"webhookEvent": "x"}}', "byte 21 "),
        (b'{"webhookEvent": "comment_created", "x": "\xff"}', None),
        (b'{"webhookEvent": "\xff"}', "byte 18"),
        (b'{"webhookEvent": NaN}', "byte 17"),
        (b'{"issue": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_malformed(body: bytes, named: str | None) -> None:
    """What is no JSON is refused with the place of the first wrong byte; texts that are not read may hold any."""
    if named is None:
        assert Outcome.IGNORED == normalise(body).outcome
    else:
        with pytest.raises(MalformedPayload, match=named):
            normalise(body)


def test_position_inside_the_issue() -> None:
    """The position counts from the beginning of the body, also for what is decoded later."""
    body = b'{"webhookEvent":"jira:issue_created","issue":{"key":"\xfe"}}'
    with pytest.raises(MalformedPayload, match=f"byte {body.index(0xFE)} "):
        normalise(body)


def test_half_a_character() -> None:
    """A text that was cut in the middle of a character is mended instead of refused."""
    body = json.dumps(update(STATUS)).replace("specimen", r"specimen \ud83d").encode()
    assert Outcome.UNDERSTOOD == normalise(body).outcome


def test_nul_is_dropped() -> None:
    """NUL, which no database keeps in a text, does not get into facts."""
    found = normalise(creation(issue(labels=["a\0b"], status={"name": "To\0 Do"})))
    assert "\\x00" not in repr(found.facts)
    assert ("ab",) == (found.facts.work_items[0].fields and found.facts.work_items[0].fields.labels)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("id", "key", "name", "value", "items", "field", "fieldId", "from", "to", "toString", "fromString", "created")


def objects(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have some of the keys, with anything in them."""
    return st.fixed_dictionaries({}, optional={key: JSON | nearly() for key in keys})


def nearly() -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with the inner keys of Jira."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON))


FIELD_KEYS = (*issue()["fields"], "labels", "components", "assignee", "parent", "issuelinks", "priority")
CUSTOM_KEYS = tuple(filter(None, (getattr(FIELDS, name) for name in FIELDS.__slots__)))
LIKE_JIRA = st.fixed_dictionaries(
    {
        "webhookEvent": st.sampled_from(
            ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "sprint_started", "comment_created"]
        )
    },
    optional={
        "timestamp": JSON,
        "issue": st.fixed_dictionaries(
            {"key": st.text()}, optional={"id": JSON, "fields": objects(*FIELD_KEYS, *CUSTOM_KEYS)}
        ),
        "changelog": st.fixed_dictionaries({"items": st.lists(nearly(), max_size=3)}, optional={"id": JSON}),
        "comment": JSON,
        "sprint": nearly(),
    },
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4) | LIKE_JIRA)
def test_any_object(payload: dict[str, Any]) -> None:
    """Any JSON object at all comes to one of the three ends."""
    found = normalise(payload)
    assert (found.outcome == Outcome.UNDERSTOOD) == bool(found.facts)
    assert (found.outcome != Outcome.UNDERSTOOD) == bool(found.reason)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes(body: bytes) -> None:
    """Any bytes at all come to one of the three ends or are refused as no JSON."""
    try:
        outcome = normalise(body).outcome
    except MalformedPayload:
        outcome = None
    assert outcome in (None, Outcome.UNKNOWN)
