"""A delivery is believed when its sender knows the secret (decision 0018)."""

from __future__ import annotations

import hmac

import pytest

from dpp.adapters.jira.webhook import JiraReader
from dpp.application.reading import SignatureRejected, Verified
from dpp.domain.events import Source

BODY = b'{"webhookEvent":"jira:issue_created"}'
CURRENT, FORMER = b"current-secret", b"former-secret"


def signature(secret: bytes, body: bytes = BODY) -> str:
    """Return the header's value as Jira makes it."""
    return "sha256=" + hmac.new(secret, body, "sha256").hexdigest()


def verify(headers: dict[str, str], *, body: bytes = BODY, secrets: tuple[bytes, ...] = (CURRENT, FORMER)) -> Verified:
    """Verify with both secrets of a rotation."""
    return JiraReader().verify(headers=headers, body=body, secrets=secrets)


def test_published_example() -> None:
    """Atlassian's published example of a signature is accepted."""
    headers = {"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}
    found = verify(headers, body=b"Hello World!", secrets=(b"It's a Secret to Everybody",))
    assert b"Hello World!" == found.body


@pytest.mark.parametrize("secret", [CURRENT, FORMER])
@pytest.mark.parametrize("header", ["X-Hub-Signature", "x-hub-signature"])
def test_either_secret(secret: bytes, header: str) -> None:
    """Each of the valid secrets will do, and the case of header names is nothing."""
    found = verify({header: signature(secret), "X-Atlassian-Webhook-Identifier": "d-1"})
    assert Verified(source=Source.JIRA, kind="jira:issue_created", body=BODY, delivery_id="d-1") == found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature": ""},
        {"X-Hub-Signature": "sha256="},
        {"X-Hub-Signature": signature(b"someone else's")},
        {"X-Hub-Signature": signature(b"")},
        {"X-Hub-Signature": signature(CURRENT, BODY + b" ")},
        {"X-Hub-Signature": signature(CURRENT).removeprefix("sha256=")},
        {"X-Hub-Signature": "sha1=" + hmac.new(CURRENT, BODY, "sha1").hexdigest()},
        {"X-Hub-Signature": "sha256=ﬀ"},
    ],
)
def test_rejected(headers: dict[str, str]) -> None:
    """A missing, foreign, weaker or garbled signature is refused."""
    with pytest.raises(SignatureRejected):
        verify(headers)


def test_empty_secrets_prove_nothing() -> None:
    """An empty secret signs nothing, and no secrets at all accept nothing."""
    for secrets in ((b"",), ()):
        with pytest.raises(SignatureRejected):
            verify({"X-Hub-Signature": signature(b"")}, secrets=secrets)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"webhookEvent":"sprint_closed","issue":{"fields":[1,{"a":null}]}}', "sprint_closed"),
        (b'{"text":"cut \\ud83d","webhookEvent":"jira:issue_updated"}', "jira:issue_updated"),
        (b'{"webhookEvent":" jira:\\u0000odd "}', "jira:odd"),
        (b'{"webhookEvent":"' + b"x" * 9000 + b'"}', "x" * 255),
        (b'{"webhookEvent":""}', None),
        (b'{"webhookEvent":7}', None),
        (b"{}", None),
        (b"[]", None),
        (b"{", None),
        (b"\xff", None),
        (b"", None),
        (b'{"a":' + b"[" * 100_000, None),
    ],
)
def test_the_body_names_its_kind(body: bytes, kind: str | None) -> None:
    """What is verified has the name that the body gives it; a body without one, or none to be read, has no kind."""
    found = verify({"X-Hub-Signature": signature(CURRENT, body)}, body=body)
    assert (kind, body) == (found.kind, found.body)


@pytest.mark.parametrize("token", ["current-secret", "former-secret"])
def test_token(token: str) -> None:
    """Either secret is a token that opens the path."""
    found = JiraReader().verify_token(token, secrets=(CURRENT, FORMER), body=BODY)
    assert Verified(source=Source.JIRA, kind="jira:issue_created", body=BODY) == found


@pytest.mark.parametrize("token", ["", "current-secre", "current-secret ", "CURRENT-SECRET", "\udc80"])
def test_wrong_token(token: str) -> None:
    """Any other token is refused, also the empty one where a secret is empty."""
    with pytest.raises(SignatureRejected):
        JiraReader().verify_token(token, secrets=(CURRENT, b""), body=BODY)
