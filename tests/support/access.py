"""Time, ids, randomness and passwords that tests have in their hands, and a whole of what signing in needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.secrets import MemorySecrets
from dpp.application.access_ports import KeyRecord, PasswordCheck, Passwords, Randomness, SignedIn
from dpp.application.keys import ApiKeys
from dpp.application.ports import Clock, Ids
from dpp.application.signin import SignIn
from dpp.application.users import Users
from dpp.domain.errors import Unavailable

SECRETS = {"api_key_pepper": b"pepper", "session_key": b"session"}
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class HandClock(Clock):
    """Stands still until it is moved."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class CountedIds(Ids):
    """1, 2, 3 …"""

    last: int = 0

    def new(self) -> UUID:
        self.last += 1
        return UUID(int=self.last)


@dataclass
class CountedRandomness(Randomness):
    """Bytes that look random and are the same in every run."""

    last: int = 0

    def token(self, size: int) -> bytes:
        self.last += 1
        return sha256(str(self.last).encode()).digest()[:size]


@dataclass
class PlainPasswords(Passwords):
    """Hashes that can be read, and a count of the checks made."""

    scheme: str = "plain"
    checks: int = 0

    async def hash(self, password: str) -> str:
        return f"{self.scheme}:{password}"

    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        self.checks += 1
        scheme, _, right = (stored or ":").partition(":")
        if stored is None or right != password:
            return PasswordCheck(False)
        return PasswordCheck(True, None if scheme == self.scheme else await self.hash(password))

    def weakness(self, password: str, *, words: Sequence[str] = ()) -> str | None:
        found = [word for word in words if len(word) > 2 and word in password]
        return f"{found[0]} is soon guessed." if found else None


class FaultyStore(MemoryAccessStore):
    """A store that can be away, and counts how often it is asked for keys."""

    is_away = False
    key_reads = 0
    key_notes = 0

    async def key(self, key_id: UUID) -> KeyRecord | None:
        self.key_reads += 1
        self._answer()
        return await super().key(key_id)

    async def key_used_at(self, key_id: UUID, at: datetime) -> None:
        self.key_notes += 1
        self._answer()
        await super().key_used_at(key_id, at)

    async def rehash_key(self, key_id: UUID, key_hash: str) -> None:
        self._answer()
        await super().rehash_key(key_id, key_hash)

    async def signed_in(self, token_hash: str) -> SignedIn | None:
        self._answer()
        return await super().signed_in(token_hash)

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("away")


@dataclass
class Access:
    """Everything about access, in memory."""

    clock: HandClock = field(default_factory=HandClock)
    ids: CountedIds = field(default_factory=CountedIds)
    randomness: CountedRandomness = field(default_factory=CountedRandomness)
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    store: FaultyStore = field(default_factory=FaultyStore)
    secrets: MemorySecrets = field(default_factory=lambda: MemorySecrets(SECRETS))

    def __post_init__(self) -> None:
        self.signin = SignIn(
            store=self.store,
            passwords=self.passwords,
            randomness=self.randomness,
            clock=self.clock,
            ids=self.ids,
            duration=timedelta(hours=8),
            idle=timedelta(hours=2),
        )
        self.keys = self.another_process()
        self.users = Users(store=self.store, passwords=self.passwords, clock=self.clock, ids=self.ids)

    def another_process(self) -> ApiKeys:
        """Return API keys that have seen nothing yet."""
        return ApiKeys(
            store=self.store, secrets=self.secrets, randomness=self.randomness, clock=self.clock, ids=self.ids
        )
