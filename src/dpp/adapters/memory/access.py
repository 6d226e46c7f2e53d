"""Users, sessions, API keys and the audit log in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from dpp.application.access_ports import (
    AccessStore,
    AuditEntry,
    AuditQuery,
    GivenGrant,
    KeyRecord,
    LastAdministrator,
    RecordedEntry,
    Session,
    SignedIn,
    User,
    grant_order,
)
from dpp.domain.access import Grant, Permission
from dpp.domain.errors import Conflict, NotFound

KnowsStream = Callable[[UUID], bool]


class MemoryAccessStore(AccessStore):
    """Holds everything for as long as it lives."""

    def __init__(self, *, knows_stream: KnowsStream = lambda _: True) -> None:
        """``knows_stream``: tells whether a stream exists; by default every one does."""
        self._knows_stream = knows_stream
        self._users: dict[UUID, User] = {}
        self._grants: dict[UUID, frozenset[Grant]] = {}
        self._mapped: dict[UUID, frozenset[Grant]] = {}
        """Those of the grants that users have given themselves, as their groups do (see ``set_mapped_grants``)."""
        self._sessions: dict[UUID, Session] = {}
        self._keys: dict[UUID, KeyRecord] = {}
        self._log: list[AuditEntry] = []

    async def add_user(self, user: User, *, grants: Iterable[Grant], granted_by: UUID | None) -> None:
        """Add a user with all of the grants."""
        if user.user_id in self._users or any(other.email == user.email for other in self._users.values()):
            raise Conflict("There is a user with that e-mail address already")
        wanted = frozenset(grants)
        self._check_references(wanted, granted_by, itself=user.user_id)
        self._users[user.user_id] = user
        self._replace_grants(user.user_id, wanted, granted_by)

    async def user(self, user_id: UUID) -> User | None:
        """Return a user."""
        return self._users.get(user_id)

    async def user_by_email(self, email: str) -> User | None:
        """Return the user with exactly this address."""
        return next((user for user in self._users.values() if user.email == email), None)

    async def users(self) -> Sequence[User]:
        """Return all users in the order of their addresses."""
        return sorted(self._users.values(), key=lambda user: user.email)

    async def grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted."""
        return tuple(sorted(self._grants.get(user_id, ()), key=grant_order))

    async def all_grants(self) -> Mapping[UUID, Sequence[GivenGrant]]:
        """Return what every user was granted."""
        found: dict[UUID, Sequence[GivenGrant]] = {}
        for user_id, held in self._grants.items():
            mapped = self._mapped.get(user_id, frozenset())
            if held:
                found[user_id] = [GivenGrant(one, is_mapped=one in mapped) for one in sorted(held, key=grant_order)]
        return found

    async def set_grants(
        self, user_id: UUID, grants: Iterable[Grant], *, granted_by: UUID | None, at: datetime
    ) -> None:
        """Replace a user's grants."""
        if user_id not in self._users:
            raise NotFound("There is no user with that id")
        wanted = frozenset(grants)
        self._check_references(wanted, granted_by)
        if not _administers(wanted):
            self._check_not_last(user_id)
        self._replace_grants(user_id, wanted, granted_by)

    async def manual_grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted but for what their groups brought."""
        manual = self._grants.get(user_id, frozenset()) - self._mapped.get(user_id, frozenset())
        return tuple(sorted(manual, key=grant_order))

    async def set_mapped_grants(self, user_id: UUID, grants: Iterable[Grant], *, at: datetime) -> bool:
        """Replace what a user's groups brought."""
        if user_id not in self._users:
            raise NotFound("There is no user with that id")
        wanted = frozenset(grants)
        self._check_references(wanted, None)
        before = self._grants.get(user_id, frozenset())
        manual = before - self._mapped.get(user_id, frozenset())
        self._grants[user_id], self._mapped[user_id] = manual | wanted, wanted - manual
        return before != self._grants[user_id]

    async def set_profile(self, user_id: UUID, *, email: str, display_name: str) -> None:
        """Replace how a user is called."""
        if any(other.email == email for other in self._users.values() if other.user_id != user_id):
            raise Conflict("There is a user with that e-mail address already")
        if user := self._users.get(user_id):
            self._users[user_id] = replace(user, email=email, display_name=display_name)

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Replace a password's hash."""
        if user := self._users.get(user_id):
            self._users[user_id] = replace(user, password_hash=password_hash)

    async def set_active(self, user_id: UUID, *, is_active: bool) -> None:
        """Let a user in again, or no longer."""
        if not is_active:
            self._check_not_last(user_id)
        if user := self._users.get(user_id):
            self._users[user_id] = replace(user, is_active=is_active)

    async def signed_in_at(self, user_id: UUID, at: datetime) -> None:
        """Note when a user signed in."""
        if user := self._users.get(user_id):
            self._users[user_id] = replace(user, last_login_at=at)

    async def has_administrator(self) -> bool:
        """Tell whether any user administers the whole platform."""
        every = (grant for grants in self._grants.values() for grant in grants)
        return any(Permission.ADMIN_WRITE in grant.permissions for grant in every)

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        taken = any(other.token_hash == session.token_hash for other in self._sessions.values())
        if taken or session.session_id in self._sessions:
            raise Conflict("There is such a session already")
        if session.user_id not in self._users:
            raise NotFound("There is no user with that id")
        self._sessions[session.session_id] = session

    async def signed_in(self, token_hash: str) -> SignedIn | None:
        """Return the session of a token with its user and grants."""
        session = next((found for found in self._sessions.values() if found.token_hash == token_hash), None)
        if session is None:
            return None
        return SignedIn(session=session, user=self._users[session.user_id], grants=await self.grants(session.user_id))

    async def touch_session(self, session_id: UUID, at: datetime) -> None:
        """Note when a session was last used."""
        if session := self._sessions.get(session_id):
            self._sessions[session_id] = replace(session, last_activity_at=max(session.last_activity_at, at))

    async def revoke_session(self, token_hash: str) -> None:
        """End the session of a token."""
        self._revoke(lambda session: session.token_hash == token_hash)

    async def revoke_sessions_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End every session of a user but one."""
        return self._revoke(lambda session: session.user_id == user_id and session.session_id != but)

    async def revoke_own_session(self, user_id: UUID, session_id: UUID) -> bool:
        """End one session of a user."""
        self._revoke(lambda session: (session.user_id, session.session_id) == (user_id, session_id))
        found = self._sessions.get(session_id)
        return found is not None and found.user_id == user_id

    async def sessions_of(self, user_id: UUID, *, now: datetime) -> Sequence[Session]:
        """Return a user's sessions that are neither revoked nor expired."""
        found = [
            session
            for session in sorted(self._sessions.values(), key=lambda session: session.session_id)
            if session.user_id == user_id and not session.is_revoked and session.expires_at > now
        ]
        return sorted(found, key=lambda session: session.last_activity_at, reverse=True)

    async def delete_expired_sessions(self, *, before: datetime) -> int:
        """Delete sessions that expired before a time and return how many they were."""
        kept = {id_: session for id_, session in self._sessions.items() if session.expires_at >= before}
        deleted = len(self._sessions) - len(kept)
        self._sessions = kept
        return deleted

    async def add_key(self, key: KeyRecord) -> None:
        """Add a key."""
        if key.key_id in self._keys:
            raise Conflict("There is such an API key already")
        self._check_references((), key.created_by)
        self._keys[key.key_id] = key

    async def key(self, key_id: UUID) -> KeyRecord | None:
        """Return a key."""
        return self._keys.get(key_id)

    async def keys(self) -> Sequence[KeyRecord]:
        """Return all keys, oldest first."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.key_id))

    async def deactivate_key(self, key_id: UUID) -> bool:
        """Switch a key off and return whether there is one of that id."""
        if key := self._keys.get(key_id):
            self._keys[key_id] = replace(key, is_active=False)
        return key is not None

    async def expire_key(self, key_id: UUID, at: datetime) -> bool:
        """Let a key end at a moment, if it would not end earlier."""
        if key := self._keys.get(key_id):
            self._keys[key_id] = replace(key, expires_at=min(key.expires_at or at, at))
        return key is not None

    async def rehash_key(self, key_id: UUID, key_hash: str) -> None:
        """Replace a key's hash."""
        if key := self._keys.get(key_id):
            self._keys[key_id] = replace(key, key_hash=key_hash)

    async def key_used_at(self, key_id: UUID, at: datetime) -> None:
        """Note when a key was last used."""
        if key := self._keys.get(key_id):
            self._keys[key_id] = replace(key, last_used_at=max(key.last_used_at or at, at))

    async def record(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        self._log.append(entry)

    async def entries(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """Return the latest entries, the last one first."""
        return self._log[: -limit - 1 : -1]

    async def search(
        self, query: AuditQuery, *, before: int | None = None, limit: int = 100
    ) -> Sequence[RecordedEntry]:
        """Return the latest entries that are asked for, the last one first."""
        numbered = reversed(list(enumerate(self._log, start=1)))
        found = (
            RecordedEntry(number=number, entry=entry)
            for number, entry in numbered
            if (before is None or number < before) and query.wants(entry)
        )
        return list(islice(found, limit))

    def _replace_grants(self, user_id: UUID, wanted: frozenset[Grant], by: UUID | None) -> None:
        """Replace all grants; those that stay keep who gave them."""
        before, mapped = self._grants.get(user_id, frozenset()), self._mapped.get(user_id, frozenset())
        new = wanted - before if by == user_id else frozenset()
        self._grants[user_id], self._mapped[user_id] = wanted, (mapped & wanted) | new

    def _check_not_last(self, user_id: UUID) -> None:
        administrators = {
            holder for holder, held in self._grants.items() if _administers(held) and self._users[holder].is_active
        }
        if administrators == {user_id}:
            raise LastAdministrator

    def _revoke(self, concerned: Callable[[Session], bool]) -> int:
        open_ = [session for session in self._sessions.values() if concerned(session) and not session.is_revoked]
        for session in open_:
            self._sessions[session.session_id] = replace(session, is_revoked=True)
        return len(open_)

    def _check_references(self, grants: Iterable[Grant], by: UUID | None, *, itself: UUID | None = None) -> None:
        streams = (stream for grant in grants for stream in (grant.delivery_stream_id, grant.tech_stream_id))
        if any(stream is not None and not self._knows_stream(stream) for stream in streams):
            raise NotFound("There is no stream with that id")
        if by is not None and by != itself and by not in self._users:
            raise NotFound("There is no user with that id")


def _administers(grants: Iterable[Grant]) -> bool:
    return any(Permission.ADMIN_WRITE in grant.permissions for grant in grants)
