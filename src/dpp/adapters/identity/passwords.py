"""Passwords hashed with argon2id (§3.2.2)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dpp.adapters.identity.guessing import weakness
from dpp.application.access_ports import PasswordCheck, Passwords
from dpp.domain.errors import Unavailable

T = TypeVar("T")

AT_ONCE = 2
"""Hashes that are made at once in a process: each takes a core for a while and 64 MiB."""
MAX_WAITING = 50
"""Callers that may wait for one; those beyond are told to come back later, rather than queueing for minutes."""
MAX_LENGTH = 4096


class BusyWithPasswords(Unavailable):
    """Too many passwords are being checked at once."""

    code = "busy"


class Argon2Passwords(Passwords):
    """Hashes in threads, a few at a time, so that requests of other people go on meanwhile."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = AT_ONCE) -> None:
        """``hasher``: with the costs wanted; by default those that RFC 9106 recommends for little memory."""
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return a salted hash in the PHC format, which states its costs."""
        return await self._in_turn(lambda: self._hasher.hash(_normalised(password)))

    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        """Compare a password with a stored hash; a hash made with other costs is made anew."""
        return await self._in_turn(lambda: self._check(password, stored))

    def weakness(self, password: str, *, words: Sequence[str] = ()) -> str | None:
        """Say why somebody would soon guess a password."""
        return weakness(password, words)

    def _check(self, password: str, stored: str | None) -> PasswordCheck:
        if self._nobody is None:
            # Made before the first comparison, whoever it is for, so that it does not tell unknown users apart.
            self._nobody = self._hasher.hash(b"nobody")
        is_known = bool(stored) and len(password) <= MAX_LENGTH
        text = _normalised(password[:MAX_LENGTH])
        try:
            self._hasher.verify(stored if stored and is_known else self._nobody, text)
        except (VerificationError, InvalidHashError):
            return PasswordCheck(False)
        if not stored or not is_known:
            return PasswordCheck(False)
        return PasswordCheck(True, self._hasher.hash(text) if self._hasher.check_needs_rehash(stored) else None)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise BusyWithPasswords("Too many people are signing in at this moment; try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _normalised(password: str) -> bytes:
    """Return the password as it is hashed: the same characters, however a keyboard composed them."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
