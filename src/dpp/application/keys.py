"""API keys of services (§3.2.3): made once, verified on every request at next to no cost.

A key reads ``dpp_<key id>_<secret>``. Only a keyed hash of the random secret is stored; a slow hash, as passwords need,
would let anybody keep the server busy.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from dpp.application.access_ports import AuditEntry, AuditLog, KeyRecord, KeyStore, Randomness
from dpp.application.ports import Clock, Ids
from dpp.application.secrets import Secrets
from dpp.domain.access import KEY_PERMISSIONS, Permission, Principal, PrincipalKind, StreamScope
from dpp.domain.errors import Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable

PEPPER = "api_key_pepper"
SECRET_BYTES = 32

FRESH = timedelta(seconds=3)
"""How long a key that was read counts without asking the store again: a switched-off key dies this late."""
SEEN_LATELY = timedelta(minutes=5)
"""How long it counts while the store does not answer."""
USE_NOTED_EVERY = timedelta(minutes=1)
USE_RECORDED_EVERY = timedelta(days=1)
"""A key that is used goes on record (§8.4) this often, in each process: who reads the log wants to know that, not how
often."""
LONGEST_OVERLAP = timedelta(days=90)

_KEY = re.compile(r"dpp_([0-9a-f]{32})_([A-Za-z0-9_-]{16,128})", re.ASCII)
_REFUSED = "The API key is not valid"


class InvalidKey(Unauthenticated):
    """The key is unknown, wrong, switched off or expired; which of these is not said."""

    code = "invalid_key"


class ApiKeyStore(KeyStore, AuditLog, Protocol):
    """What API keys read and write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; ``key`` is shown once and stored nowhere."""

    key_id: UUID
    key: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Seen:
    record: KeyRecord
    at: datetime


class ApiKeys:
    """Makes, verifies and switches off API keys; one per process."""

    def __init__(self, *, store: ApiKeyStore, secrets: Secrets, randomness: Randomness, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._secrets = secrets
        self._randomness = randomness
        self._clock = clock
        self._ids = ids
        self._seen: dict[UUID, _Seen] = {}
        self._noted: dict[UUID, datetime] = {}
        self._recorded: dict[UUID, datetime] = {}
        self._reading: dict[UUID, asyncio.Task[KeyRecord | None]] = {}

    async def create(
        self,
        *,
        name: str,
        permissions: Iterable[str],
        scope: StreamScope,
        actor: str,
        created_by: UUID | None = None,
        expires_after: timedelta | None = None,
        within: Principal | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            name: what people call it.
            permissions: one or more of ``KEY_PERMISSIONS``.
            scope: the streams it is for.
            actor: who makes it, for the audit log.
            created_by: the user who makes it, if it is one.
            expires_after: how long it lasts; None for ever.
            within: whose permissions and streams the key may not exceed, if there is such a limit.

        Raises:
            InvalidInput: there is no name, no permission, an unknown one, no stream, or no time to live.
            Forbidden: the key would be good for more than ``within`` is.
            SecretMissing: there is no pepper to hash it with.
        """
        allowed = _check_new(name=name, permissions=permissions, scope=scope, expires_after=expires_after)
        if within is not None and not (allowed <= within.permissions and within.scope | scope == within.scope):
            raise Forbidden("A key cannot be good for more than whoever makes it: leave out permissions or streams")
        now, key_id = self._clock.now(), self._ids.new()
        secret = urlsafe_b64encode(self._randomness.token(SECRET_BYTES)).decode().rstrip("=")
        record = KeyRecord(
            key_id=key_id,
            key_hash=_keyed_hash(self._secrets.get(PEPPER), key_id, secret),
            display_name=name.strip(),
            permissions=allowed,
            scope=scope,
            created_at=now,
            created_by=created_by,
            expires_at=None if expires_after is None else now + expires_after,
        )
        await self._store.add_key(record)
        await self._record(actor, "key.created", key_id, {"permissions": sorted(allowed)})
        return NewKey(key_id=key_id, key=f"dpp_{key_id.hex}_{secret}", expires_at=record.expires_at)

    async def verify(self, header: str | None) -> Principal:
        """Return the key that an ``Authorization`` header carries.

        Raises:
            Unauthenticated: the header is missing or is no bearer key.
            InvalidKey: the key is unknown, wrong, switched off or expired.
            Unavailable: the store does not answer and the key was not seen lately, so nobody can tell.
        """
        key_id, secret = _parse(header)
        now = self._clock.now()
        record = await self._find(key_id, now)
        if record is None or not await self._matches(record, secret):
            raise InvalidKey(_REFUSED)
        if not is_good(record, now):
            raise InvalidKey(_REFUSED)
        await self._note_use(record, now)
        return Principal(
            kind=PrincipalKind.KEY,
            id=key_id,
            name=record.display_name,
            permissions=record.permissions,
            scope=record.scope,
        )

    def has_seen(self, header: str | None) -> bool:
        """Tell, without asking the store, whether this process has lately read the key that a header names."""
        try:
            return _parse(header)[0] in self._seen
        except Unauthenticated:
            return False

    async def all(self) -> Sequence[KeyRecord]:
        """Return every key, oldest first, those that are over included."""
        return await self._store.keys()

    async def rotate(
        self,
        key_id: UUID,
        *,
        overlap: timedelta,
        actor: str,
        created_by: UUID | None = None,
        within: Principal | None = None,
    ) -> NewKey:
        """Make a key that is good for the same, for as long as the old one was to last; the old one ends after a while.

        Args:
            key_id: of the old one.
            overlap: how long both are good; zero and more.
            actor: who does it, for the audit log.
            created_by: the user who does it, if it is one.
            within: whose permissions and streams the key may not exceed, if there is such a limit.

        Raises:
            Forbidden: the key is good for more than ``within`` is.
            NotFound: there is no such key, or it is over.
            InvalidInput: the overlap is negative, or longer than ``LONGEST_OVERLAP``.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput(f"The old key may go on for 0 to {LONGEST_OVERLAP.days} days", field="overlap_days")
        now, old = self._clock.now(), await self._store.key(key_id)
        if old is None or not is_good(old, now):
            raise NotFound("There is no API key with that id that could be replaced")
        made = await self.create(
            name=old.display_name,
            permissions=old.permissions,
            scope=old.scope,
            actor=actor,
            created_by=created_by,
            expires_after=None if old.expires_at is None else old.expires_at - old.created_at,
            within=within,
        )
        await self._store.expire_key(key_id, now + overlap)
        self._seen.pop(key_id, None)
        details: dict[str, object] = {"replaced_by": str(made.key_id), "ends_at": (now + overlap).isoformat()}
        await self._record(actor, "key.rotated", key_id, details)
        return made

    async def deactivate(self, key_id: UUID, *, actor: str) -> None:
        """Switch a key off; other processes follow within seconds.

        Raises:
            NotFound: there is no such key.
        """
        if not await self._store.deactivate_key(key_id):
            raise NotFound("There is no API key with that id")
        self._seen.pop(key_id, None)
        await self._record(actor, "key.deactivated", key_id)

    async def _find(self, key_id: UUID, now: datetime) -> KeyRecord | None:
        seen = self._seen.get(key_id)
        if seen is not None and now - seen.at < FRESH:
            return seen.record
        try:
            return await self._read(key_id)
        except Unavailable as error:
            if seen is not None and now - seen.at < SEEN_LATELY:
                return seen.record
            raise Unavailable("API keys cannot be checked now because the database does not answer") from error

    async def _read(self, key_id: UUID) -> KeyRecord | None:
        """Ask the store, once for all who ask for the same key meanwhile."""
        task = self._reading.get(key_id)
        if task is None:
            task = asyncio.create_task(self._read_now(key_id))
            self._reading[key_id] = task
            task.add_done_callback(lambda done: self._forget(key_id, done))
        # One caller who gives up must not take the answer from the others.
        return await asyncio.shield(task)

    def _forget(self, key_id: UUID, done: asyncio.Task[KeyRecord | None]) -> None:
        self._reading.pop(key_id, None)
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any more

    async def _read_now(self, key_id: UUID) -> KeyRecord | None:
        asked = self._clock.now()
        record = await self._store.key(key_id)
        if record is None:
            self._seen.pop(key_id, None)
        else:
            self._seen[key_id] = _Seen(record, asked)
        return record

    async def _matches(self, record: KeyRecord, secret: str) -> bool:
        current, *previous = self._secrets.candidates(PEPPER)
        if _same(record.key_hash, _keyed_hash(current, record.key_id, secret)):
            return True
        if not any(_same(record.key_hash, _keyed_hash(pepper, record.key_id, secret)) for pepper in previous):
            return False
        # The pepper is being rotated out: from now on the key is good under the new one.
        with suppress(Unavailable):
            await self._store.rehash_key(record.key_id, _keyed_hash(current, record.key_id, secret))
            self._seen.pop(record.key_id, None)
        return True

    async def _note_use(self, record: KeyRecord, now: datetime) -> None:
        noted = max(filter(None, (self._noted.get(record.key_id), record.last_used_at)), default=None)
        if noted is not None and now - noted < USE_NOTED_EVERY:
            return
        self._noted[record.key_id] = now
        # A note that cannot be written now is not worth refusing a delivery for; the next minute brings another.
        with suppress(Unavailable):
            await self._store.key_used_at(record.key_id, now)
            if now - self._recorded.get(record.key_id, datetime.min.replace(tzinfo=UTC)) >= USE_RECORDED_EVERY:
                self._recorded[record.key_id] = now
                await self._record(f"{PrincipalKind.KEY}:{record.key_id}", "key.used", record.key_id)

    async def _record(self, actor: str, action: str, key_id: UUID, details: dict[str, object] | None = None) -> None:
        entry = AuditEntry(
            occurred_at=self._clock.now(), actor=actor, action=action, subject=f"key:{key_id}", details=details
        )
        await self._store.record(entry)


def is_good(record: KeyRecord, now: datetime) -> bool:
    """Tell whether a key is neither switched off nor over."""
    return record.is_active and (record.expires_at is None or record.expires_at > now)


def _check_new(
    *, name: str, permissions: Iterable[str], scope: StreamScope, expires_after: timedelta | None
) -> frozenset[Permission]:
    if not name.strip():
        raise InvalidInput("A key needs a name that says what it is for", field="name")
    wanted, known = frozenset(permissions), ", ".join(sorted(KEY_PERMISSIONS))
    if not wanted or wanted - KEY_PERMISSIONS:
        wrong = ", ".join(sorted(wanted - KEY_PERMISSIONS)) or "none"
        raise InvalidInput(f"An API key's permissions are one or more of {known}, not {wrong}", field="permission")
    if scope.is_empty:
        raise InvalidInput("A key must be for all streams or for one at least", field="stream")
    if expires_after is not None and expires_after <= timedelta():
        raise InvalidInput("A key must not be over before it begins; give a number of days from 1", field="expires")
    return frozenset(map(Permission, wanted))


def _parse(header: str | None) -> tuple[UUID, str]:
    scheme, _, key = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send an API key in the Authorization header as Bearer")
    found = _KEY.fullmatch(key.strip())
    if found is None:
        raise InvalidKey("The API key is not valid; a key reads dpp_<id>_<secret>")
    return UUID(hex=found[1]), found[2]


def _keyed_hash(pepper: bytes, key_id: UUID, secret: str) -> str:
    return hmac.new(pepper, b"api-key\x1f" + key_id.bytes + secret.encode(), sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
