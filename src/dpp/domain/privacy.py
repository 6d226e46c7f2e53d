"""Measuring the process and not the people (§4.6): who acted is known by keyed hash, in small teams not at all."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Literal, NewType, NoReturn

from dpp.domain.errors import InvalidInput

PersonHash = NewType("PersonHash", str)
"""64 hexadecimal digits that stand for one person of one source under one key."""

IdentitySource = Literal["jira", "github", "push", "platform"]
"""Where an identity comes from; ``push`` is the event API, ``platform`` our own users, such as survey respondents."""

MINIMUM_KEY_BYTES = 16
_REMEMBERED = 8_192


class WeakKey(InvalidInput):
    """The pseudonymisation key is missing or too short to keep hashes from being guessed back."""

    code = "weak_key"


class Pseudonymiser:
    """
    Turns identities into hashes: the same person always gives the same hash, and no hash gives a person (§4.6).

    The key shows in no text of this object, nor can it be pickled. The latest identities are kept, in memory only.

    Args:
        key: secret, at least 16 bytes. Under another key all hashes are others.

    Raises:
        WeakKey: the key is shorter.
    """

    __slots__ = ("_remembered",)

    def __init__(self, key: bytes) -> None:
        if len(key) < MINIMUM_KEY_BYTES:
            raise WeakKey(f"the anonymisation key has {len(key)} bytes; it needs at least {MINIMUM_KEY_BYTES}")

        @lru_cache(maxsize=_REMEMBERED)
        def remembered(prefixed: str) -> PersonHash:
            return PersonHash(hmac.digest(key, prefixed.encode(), "sha256").hex())

        self._remembered = remembered

    def __repr__(self) -> str:
        return "Pseudonymiser(key=<hidden>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a pseudonymiser holds a secret key and is not pickled; make it anew from the secret")

    def hash(self, source: IdentitySource, identity: str) -> PersonHash:
        """
        Return HMAC-SHA256 over ``source:identity``.

        Args:
            source: where the identity comes from; the same name in two sources makes two people.
            identity: the most stable id that the source has, see ``github_identity`` and ``jira_identity``.

        Raises:
            InvalidInput: the identity is blank, which would make one person of all who have none.
        """
        if not identity.strip():
            raise InvalidInput(f"a person from {source} has a blank identity", field="identity")
        return self._remembered(f"{source}:{identity}")


def github_identity(*, user_id: int | None, login: str | None) -> str | None:
    """
    Return the most stable identity of a GitHub account: its numeric id, else its login; None without both.

    Logins are the same in any case, and may consist of digits only: the ``@`` keeps them apart from ids.
    """
    if user_id is not None:
        return str(user_id)
    return f"@{login.strip().lower()}" if login and login.strip() else None


def jira_identity(*, account_id: str | None, key: str | None, name: str | None) -> str | None:
    """Return the most stable identity of a Jira user: account id, else key, else name; None without any."""
    return next((identity for identity in (account_id, key, name) if identity and identity.strip()), None)


def is_bot(*, login: str | None, account_type: str | None) -> bool:
    """Tell whether a GitHub account is a bot: its type says so, or its login ends with ``[bot]``."""
    return account_type == "Bot" or (login or "").lower().endswith("[bot]")


def suppressed(*, contributors: int, minimum: int) -> bool:
    """
    Tell whether figures about single people must be withheld, because too few contributed to hide among (§4.6).

    Args:
        contributors: distinct people in the window, >= 0.
        minimum: fewest people among whom nobody is recognised, >= 0.
    """
    return contributors < minimum
