"""The outline of a payload has its structure and nothing that it says."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dpp.application.payload_outline import outline

SECRET = "Zoe Q7"
_leaves = (
    st.none() | st.booleans() | st.integers() | st.just(SECRET) | st.text(max_size=3).map(lambda it: f"{SECRET}{it}")
)
_keys = st.sampled_from(["name", "status", "type", "items", "zoe@acme.example"])
_payloads = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12
)


@given(_payloads)
def test_nothing_that_could_name_a_person_is_in_it(payload: object) -> None:
    """Wherever a name stands in a payload, as value or as key, the outline does not have it."""
    found = outline(json.dumps(payload).encode())
    assert found is not None
    assert SECRET not in found
    assert "acme" not in found


def test_the_shape_is_kept() -> None:
    """Keys, nesting, times, booleans and the words of a format stay; texts and numbers become what they are."""
    payload = {
        "webhookEvent": "jira:issue_updated",
        "timestamp": 1700000000,
        "issue": {"fields": {"created": "2026-03-02T09:00:00.000+0000", "summary": "Pay Bob", "flagged": None}},
        "items": [{"field": "status", "to": "x"}] * 5,
        "isOk": True,
        "empty": "",
    }
    assert {
        "webhookEvent": "jira:issue_updated",
        "timestamp": "(number)",
        "issue": {
            "fields": {"created": "2026-03-02T09:00:00.000+0000", "summary": "(text, 7 characters)", "flagged": None}
        },
        "items": [{"field": "(text, 6 characters)", "to": "(text, 1 characters)"}] * 3 + ["… (2 more)"],
        "isOk": True,
        "empty": "(empty text)",
    } == json.loads(outline(json.dumps(payload).encode()) or "")


def test_what_is_no_json_has_no_outline() -> None:
    """Bytes that are no JSON, and nesting without end, give none; deep nesting is cut."""
    assert outline(b"\xff{") is None
    assert outline(b"[" * 100_000) is None
    assert "deeper" in (outline(b"[" * 50 + b"]" * 50) or "")
