"""What an ID token says of a person, and whether it may be believed (OpenID Connect Core §3.1.3.7)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dpp.application.oidc_ports import Client, InvalidIdToken, SignInRefused

Claims = Mapping[str, object]

CLOCKS_DIFFER = timedelta(minutes=2)
"""By how much our clock and the provider's may differ."""
FRESH = timedelta(minutes=15)
"""How long ago a token may have been issued: it is asked for at once, but Entra ID dates its tokens 5 minutes back."""
#: Where the address of a person may stand; Entra ID sends the second one for accounts without a mailbox.
ADDRESS_CLAIMS = ("email", "preferred_username", "upn")
MAX_NAME = 200
MAX_SUBJECT = 255
MAX_MOMENT = 1e11
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


class AddressMissing(SignInRefused):
    """The provider names no e-mail address, without which there is no user (§3.2.2)."""

    code = "address_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as the provider knows them.

    ``groups`` is None when there are too many for a token: the provider then says where to ask in place of which they
    are, and the platform has no permission to ask there (§3.2.1).
    """

    issuer: str
    subject: str
    email: str = field(repr=False)
    display_name: str = field(repr=False)
    groups: frozenset[str] | None = field(repr=False)


def check_claims(claims: Claims, *, client: Client, nonce: str, now: datetime) -> None:
    """
    Make sure that a token, whose signature is good, was made by our provider, for us, for this sign-in, just now.

    Args:
        claims: of the token.
        client: who we are, and who the provider is.
        nonce: the one that this browser's sign-in began with.
        now: in any zone.

    Raises:
        InvalidIdToken: any of that is not so; the message says what.
    """
    if claims.get("iss") != client.issuer:
        raise _refusal("it comes from another issuer than the one configured")
    _check_audience(claims, client.client_id)
    _check_times(claims, now.timestamp())
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), nonce.encode()):
        raise _refusal("it answers another sign-in than the one that this browser began")
    _subject(claims)


def identity(claims: Claims, *, client: Client) -> Identity:
    """
    Return the person whom checked claims are about.

    Raises:
        AddressMissing: the claims hold no e-mail address.
    """
    email = address(claims)
    if email is None:
        raise AddressMissing(
            "The identity provider told no e-mail address for your account. An administrator of the provider can add "
            "the claim email to the tokens of this application"
        )
    return Identity(
        issuer=client.issuer,
        subject=_subject(claims),
        email=email,
        display_name=_display_name(claims) or email.partition("@")[0],
        groups=groups(claims, claim=client.group_claim),
    )


def address(claims: Claims) -> str | None:
    """Return a person's e-mail address in lower case; None when the claims hold none that can be used."""
    for name in ADDRESS_CLAIMS:
        text = claims.get(name)
        if isinstance(text, str) and text.isprintable() and _ADDRESS.fullmatch(text.strip()):
            return text.strip().lower()
    return None


def groups(claims: Claims, *, claim: str) -> frozenset[str] | None:
    """
    Return the groups that a claim holds: a list of texts, or a single one.

    Returns:
        Empty when there is no such claim; None when Entra ID left it out because there are too many (``_claim_names``
        points elsewhere, or ``hasgroups`` stands in for it).
    """
    if claim in claims:
        value = claims[claim]
        members = value if isinstance(value, list) else [value]
        return frozenset(member for member in members if isinstance(member, str) and member)
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and claim in elsewhere:
        return None
    return None if claim == "groups" and claims.get("hasgroups") in (True, "true") else frozenset()


def _check_audience(claims: Claims, client_id: str) -> None:
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise _refusal("it is for another application")
    if (party is not None or len(audiences) > 1) and party != client_id:
        raise _refusal("it was issued to another application")


def _check_times(claims: Claims, now: float) -> None:
    apart = CLOCKS_DIFFER.total_seconds()
    issued = _moment(claims, "iat")
    if now >= _moment(claims, "exp") + apart:
        raise _refusal("it has expired; check the clocks of the platform and of the provider if this goes on")
    if issued > now + apart or ("nbf" in claims and _moment(claims, "nbf") > now + apart):
        raise _refusal("it is not yet valid; check the clocks of the platform and of the provider if this goes on")
    if issued < now - FRESH.total_seconds() - apart:
        raise _refusal("it was issued too long ago")


def _moment(claims: Claims, name: str) -> float:
    """Return a time in seconds since 1970 (RFC 7519: a number)."""
    value = claims.get(name)
    # The bounds keep out what is no number, or none that a date has.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_MOMENT:
        raise _refusal(f"it lacks the time {name}")
    return value


def _subject(claims: Claims) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise _refusal("it does not say whom it is about")
    return subject


def _display_name(claims: Claims) -> str:
    names = [claims.get(part) for part in ("given_name", "family_name")]
    whole = claims.get("name") or " ".join(name for name in names if isinstance(name, str))
    text = " ".join(whole.split()) if isinstance(whole, str) else ""
    return text[:MAX_NAME] if text.isprintable() else ""


def _refusal(why: str) -> InvalidIdToken:
    return InvalidIdToken(
        f"The identity provider's token was not accepted: {why}. Sign in again; if it happens again, tell an "
        "administrator of the platform"
    )
