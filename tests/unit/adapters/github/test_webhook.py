"""Signatures, envelopes, and bodies that are no JSON or JSON of another shape."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.github.ignored import IGNORED_ACTIONS, IGNORED_KINDS
from dpp.adapters.github.webhook import READERS
from dpp.application.reading import MalformedPayload, SignatureRejected, Verified
from dpp.domain.events import Outcome, Source
from tests.unit.adapters.github.deliveries import READER, delivery, pull_request, pull_requests, read

SECRET, FORMER = b"the secret", b"the former secret"
OPENED = msgspec.json.encode(delivery(action="opened", pull_request=pull_request()))


def signed(body: bytes, secret: bytes) -> str:
    """Return the header that GitHub sends."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def verify(signature: str | None, *secrets: bytes, body: bytes = OPENED) -> Verified:
    """Verify a delivery that carries this signature."""
    headers = {"x-github-event": "pull_request", "x-github-delivery": "d-1"}
    return READER.verify(
        headers=headers if signature is None else headers | {"x-hub-signature-256": signature},
        body=body,
        secrets=secrets,
    )


def test_documented_signature() -> None:
    """GitHub's documentation of signatures gives an example, which holds."""
    # "Hello, World!" under "It's a Secret to Everybody", from "Validating webhook deliveries"
    documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert b"Hello, World!" == verify(documented, b"It's a Secret to Everybody", body=b"Hello, World!").body


@pytest.mark.parametrize("secret", [SECRET, FORMER])
def test_any_valid_secret(secret: bytes) -> None:
    """While a secret is being rotated, both sign."""
    expected = Verified(source=Source.GITHUB, kind="pull_request", body=OPENED, delivery_id="d-1")
    assert expected == verify(signed(OPENED, secret), SECRET, FORMER)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=é",
        "sha256=\udcff",
        signed(OPENED, b"another"),
        signed(OPENED + b" ", SECRET),
        signed(OPENED, SECRET).removeprefix("sha256="),
        "sha1=" + hmac.new(SECRET, OPENED, hashlib.sha1).hexdigest(),
        signed(OPENED, SECRET)[:-1],
    ],
)
def test_rejected_signatures(signature: str | None) -> None:
    """Whoever does not know a valid secret is rejected, whatever the header holds."""
    with pytest.raises(SignatureRejected):
        verify(signature, SECRET, FORMER)


@pytest.mark.parametrize("secrets", [(), (b"",)])
def test_no_secret_no_entry(secrets: tuple[bytes, ...]) -> None:
    """Without a secret nobody can sign; an empty one, which anybody knows, is none."""
    with pytest.raises(SignatureRejected):
        verify(signed(OPENED, b""), *secrets)


def test_delivery_without_headers() -> None:
    """A delivery that does not say what it is is verified, and then unknown."""
    verified = READER.verify(headers={"x-hub-signature-256": signed(b"{}", SECRET)}, body=b"{}", secrets=[SECRET])
    assert (None, None) == (verified.kind, verified.delivery_id)
    assert Outcome.UNKNOWN is read(None, {}).outcome


@pytest.mark.parametrize("kind", sorted(IGNORED_KINDS))
def test_ignored_kinds(kind: str) -> None:
    """A kind on the list is ignored with its reason, whatever its payload looks like."""
    normalised = read(kind, {"action": "created", "repository": 5})
    assert (Outcome.IGNORED, IGNORED_KINDS[kind]) == (normalised.outcome, normalised.reason)


@pytest.mark.parametrize(("kind", "action"), [(k, a) for k, actions in IGNORED_ACTIONS.items() for a in actions])
def test_ignored_actions(kind: str, action: str) -> None:
    """An action on the list is ignored before anything else of its payload is looked at."""
    normalised = read(kind, {"action": action, "pull_request": "not even an object"})
    assert (Outcome.IGNORED, IGNORED_ACTIONS[kind][action]) == (normalised.outcome, normalised.reason)


def test_one_decision_for_each_event() -> None:
    """No kind, and no action of a kind, is both read and ignored."""
    assert set() == READERS.keys() & IGNORED_KINDS.keys()
    assert READERS.keys() >= IGNORED_ACTIONS.keys()
    assert [] == [
        kind for kind, (_, read_) in READERS.items() if (read_ or set()) & IGNORED_ACTIONS.get(kind, {}).keys()
    ]


@pytest.mark.parametrize("kind", ["new_kind", "", "PULL_REQUEST"])
def test_unknown_kind(kind: str) -> None:
    """A kind that nobody has decided on is unknown, and not quoted."""
    normalised = read(kind, {})
    assert Outcome.UNKNOWN is normalised.outcome
    assert not kind or kind not in (normalised.reason or "")


@pytest.mark.parametrize("action", ["exploded", None, ""])
def test_unknown_action(action: str | None) -> None:
    """An action that nobody has decided on is unknown."""
    assert Outcome.UNKNOWN is read("pull_request", delivery(action=action, pull_request=pull_request())).outcome


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ([], "Expected `object`, got `array`"),
        ("alice", "Expected `object`, got `str`"),
        ({"action": "opened", "repository": {}}, "Object missing required field `pull_request`"),
        (
            delivery(action="opened", pull_request=pull_request(number="alice")),
            "Expected `int`, got `str` - at `$.pull_request.number`",
        ),
        (
            delivery(action="opened", pull_request=pull_request(number=2**40)),
            "Expected `int` <= 2147483647 - at `$.pull_request.number`",
        ),
        (
            delivery(action="opened", pull_request=pull_request(head=None)),
            "Expected `object`, got `null` - at `$.pull_request.head`",
        ),
        (
            delivery(action="opened", pull_request=pull_request(head={"ref": ""})),
            "Expected `str` of length >= 1 - at `$.pull_request.head.ref`",
        ),
        ({"action": "opened", "pull_request": pull_request()}, "Object missing required field `repository`"),
        (
            {"action": "opened", "pull_request": pull_request(), "repository": {"full_name": "nothing"}},
            "Object missing required field `repository.full_name`",
        ),
    ],
)
def test_other_shapes(payload: object, reason: str) -> None:
    """JSON of another shape is kept for repair with a reason that names the field and quotes nothing."""
    normalised = read("pull_request", payload)
    assert (Outcome.UNKNOWN, reason) == (normalised.outcome, normalised.reason)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON: it breaks off at byte 0"),
        (b'{"action": ', "the body is not JSON: it breaks off at byte 11"),
        (b'{"action": x}', "the body is not JSON: invalid character at byte 11"),
        (b'{"action": 5, x}', "the body is not JSON: expected '\"' at byte 14"),
        (b'{} {"a"', "the body is not JSON: trailing characters at byte 3"),
        (b'{"action": "\xff"}', "the body is not JSON: no UTF-8 at byte 12"),
        (b'{"x":' + b"[" * 100_000, "the body nests objects and arrays too deeply to be a webhook"),
        (b"payload=%7B%22a", "the body is not JSON: it breaks off at byte 3"),
    ],
)
@pytest.mark.parametrize("kind", ["pull_request", "ping", "new_kind"])
def test_malformed(kind: str, body: bytes, message: str) -> None:
    """A body that is not JSON is refused with the position, whatever kind of event it says to be."""
    with pytest.raises(MalformedPayload) as caught:
        read(kind, body)
    assert message == str(caught.value)


def test_form() -> None:
    """A webhook that is configured as a form says the same."""
    form = b"payload=" + quote_plus(OPENED).encode()
    assert pull_requests("pull_request", OPENED) == pull_requests("pull_request", form)
    assert pull_requests("pull_request", OPENED) == pull_requests("pull_request", form + b"&zen=1")


def test_form_with_other_letters() -> None:
    """Letters beyond ASCII, blanks and plus signs survive a form."""
    body = msgspec.json.encode(delivery(action="opened", pull_request=pull_request(head={"ref": "größe +1"})))
    (event,) = pull_requests("pull_request", b"payload=" + quote_plus(body).encode())
    assert "größe +1" == event.branch_name


@pytest.mark.parametrize(
    ("ref", "expected"),
    [(rb"a\u0000b", "ab"), (rb"\u0000\u0000x", "x"), (rb"a\\u0000b", r"a\u0000b"), (rb"\\\u0000b", "\\b")],
)
def test_nul_characters(ref: bytes, expected: str) -> None:
    """NUL characters are dropped, and a backslash before ``u0000`` is none."""
    (event,) = pull_requests("pull_request", OPENED.replace(b"feature/PAY-456-retry", ref))
    assert expected == event.branch_name


NAMES = ("alice", "bob", "renovate", "retry", "See also", "acme.example")


@pytest.mark.parametrize("action", ["opened", "closed"])
def test_nobody_is_named(action: str) -> None:
    """No fact holds a login, a title or a body."""
    closing = {"closed_at": "2026-03-01T12:00:00Z", "head": {"ref": "PAY-1", "sha": "abc"}}
    normalised = read("pull_request", delivery(action=action, pull_request=pull_request(**closing)))
    assert Outcome.UNDERSTOOD is normalised.outcome
    assert [] == [name for name in NAMES if name in repr(normalised)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(sorted(pull_request()))


@given(
    st.sampled_from(sorted(READERS)), st.sampled_from(["opened", "created", "completed", "added"]), JSON, FIELDS, JSON
)
def test_any_json_has_an_outcome(kind: str, action: str, other: object, field: str, value: object) -> None:
    """Any JSON in any place of a payload comes to one of the three ends."""
    part = pull_request() | {field: value}
    payload = delivery(action=action, pull_request=part, review=other, workflow_run=part, deployment_status=part)
    assert read(kind, payload | {"ref": other, "installation": part, "deployment": part}).outcome in Outcome
    assert read(kind, other).outcome in Outcome
