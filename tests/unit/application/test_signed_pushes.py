"""PagerDuty proves itself by its signature, where there is a secret for it and no key is shown."""

from __future__ import annotations

import pytest

from dpp.application.deliveries import Appended
from dpp.application.doors import PAGERDUTY_SECRET
from dpp.application.reading import PushFormat, SignatureRejected
from dpp.application.signatures import is_signed
from dpp.domain.errors import Unauthenticated
from tests.unit.application.test_doors import House, incident, story

BODY = b'{"event":{"id":"1"}}'
#: Made by: printf %s '{"event":{"id":"1"}}' | openssl dgst -sha256 -hmac 'a secret'
SIGNATURE = "v1=d3130ef4d6f9a5c3259f42b94889dfb6fb842b50511b7c1f6f59586b328c652b"
PAGERDUTY, OPSGENIE = PushFormat.PAGERDUTY, PushFormat.OPSGENIE


def signed(value: str = SIGNATURE) -> dict[str, str]:
    """Return headers with a signature."""
    return {"x-pagerduty-signature": value}


@pytest.mark.parametrize("header", [SIGNATURE, f"v1={'0' * 64}, {SIGNATURE}", SIGNATURE.upper().replace("V1", "v1")])
def test_one_of_several_signatures_is_enough(header: str) -> None:
    """While PagerDuty rotates a secret it signs with two; digits may be in either case."""
    assert is_signed(BODY, header, secrets=[b"another", b"a secret"])


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (SIGNATURE, b"another"),
        (SIGNATURE.replace("v1", "v2"), b"a secret"),
        (SIGNATURE[:-1], b"a secret"),
        ("", b"a secret"),
        (SIGNATURE, b""),
    ],
)
def test_anything_else_proves_nothing(header: str, secret: bytes) -> None:
    """Another secret, version or length, no signature, or an empty secret."""
    assert not is_signed(BODY, header, secrets=[secret])


def test_a_changed_body_is_not_signed() -> None:
    """A signature is good for one body."""
    assert not is_signed(BODY + b" ", SIGNATURE, secrets=[b"a secret"])


def test_a_signed_push_needs_no_key() -> None:
    """It is taken, and what it says is written, whatever service it names."""

    async def tell(house: House) -> None:
        house.access.secrets.put(PAGERDUTY_SECRET, b"a secret")
        house.foreign.reads = incident("anything")
        assert Appended(accepted=1) == await house.doors.foreign(PAGERDUTY, headers=signed(), body=BODY)

    story(tell)


def test_a_wrong_signature_is_turned_away_and_counted() -> None:
    """A signature that no known secret makes opens nothing."""

    async def tell(house: House) -> None:
        house.access.secrets.put(PAGERDUTY_SECRET, b"another")
        with pytest.raises(SignatureRejected):
            await house.doors.foreign(PAGERDUTY, headers=signed(), body=BODY)
        assert {("refused", "signature"): 1} == await house.refusals("pagerduty")

    story(tell)


def test_without_the_secret_a_key_is_asked_for() -> None:
    """Nobody can check a signature then; nor does it count at another system's door."""

    async def tell(house: House) -> None:
        with pytest.raises(Unauthenticated):
            await house.doors.foreign(PAGERDUTY, headers=signed(), body=BODY)
        house.access.secrets.put(PAGERDUTY_SECRET, b"a secret")
        with pytest.raises(Unauthenticated):
            await house.doors.foreign(OPSGENIE, headers=signed(), body=BODY)

    story(tell)


def test_a_key_that_is_shown_is_what_counts() -> None:
    """A subscription with a key works as before, also where a secret is there that its signature is not made with."""

    async def tell(house: House) -> None:
        house.access.secrets.put(PAGERDUTY_SECRET, b"another")
        house.foreign.reads = incident("shop")
        headers = {**signed(), **await house.key()}
        assert Appended(accepted=1) == await house.doors.foreign(PAGERDUTY, headers=headers, body=BODY)

    story(tell)
