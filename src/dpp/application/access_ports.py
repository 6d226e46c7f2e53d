"""What signing in, API keys and administration need from outside: stores, password hashing, randomness."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dpp.domain.access import Grant, Permission, StreamScope
from dpp.domain.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may sign in (§3.2.2); without ``password_hash`` not by password."""

    user_id: UUID
    email: str
    display_name: str
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)
    is_active: bool = True
    last_login_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GivenGrant:
    """A grant, and whether the user's groups brought it rather than an administrator."""

    grant: Grant
    is_mapped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in (§3.3); ``token_hash`` is the SHA-256, in hexadecimal, of what the cookie holds."""

    session_id: UUID
    token_hash: str = field(repr=False)
    user_id: UUID
    auth_method: str
    created_at: datetime
    expires_at: datetime
    last_activity_at: datetime
    is_revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session together with its user and the user's grants as they are now."""

    session: Session
    user: User
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """An API key (§3.2.3); ``key_hash`` is a keyed hash of its secret."""

    key_id: UUID
    key_hash: str = field(repr=False)
    display_name: str
    permissions: frozenset[Permission]
    scope: StreamScope
    created_at: datetime
    created_by: UUID | None = None
    is_active: bool = True
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Something that is put on record (§8.4). ``actor`` and ``subject`` are kinds and ids, never names or addresses."""

    occurred_at: datetime
    actor: str
    action: str
    subject: str | None = None
    details: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEntry:
    """An entry with its number: later entries have higher ones."""

    number: int
    entry: AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries of the audit log are asked for; what is None does not narrow.

    Attributes:
        actor: as a whole (``user:…``), or its kind alone (``user``).
        action: as a whole (``sign_in.failed``), or what it begins with up to a dot (``sign_in``).
        subject: as a whole, or its kind alone.
        since: entries from this moment on.
        until: entries before this moment.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, entry: AuditEntry) -> bool:
        """Tell whether an entry is asked for."""
        return (
            _begins(entry.actor, self.actor, ":")
            and _begins(entry.action, self.action, ".")
            and _begins(entry.subject, self.subject, ":")
            and (self.since is None or entry.occurred_at >= self.since)
            and (self.until is None or entry.occurred_at < self.until)
        )


def _begins(value: str | None, wanted: str | None, separator: str) -> bool:
    return wanted is None or (value is not None and (value == wanted or value.startswith(wanted + separator)))


class LastAdministrator(Conflict):
    """Without this user nobody could administer the platform."""

    code = "last_administrator"

    def __init__(self) -> None:
        super().__init__("This is the last administrator; make somebody else one first")


class UserStore(Protocol):
    """Keeps users and their grants. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def add_user(self, user: User, *, grants: Iterable[Grant], granted_by: UUID | None) -> None:
        """Add a user with all of the grants.

        Raises:
            Conflict: the id or the e-mail address is taken; nothing was written.
            NotFound: a stream of a grant, or the granting user, does not exist.
        """

    @abstractmethod
    async def user(self, user_id: UUID) -> User | None:
        """Return a user."""

    @abstractmethod
    async def user_by_email(self, email: str) -> User | None:
        """Return the user with exactly this address; addresses are kept in lower case."""

    @abstractmethod
    async def users(self) -> Sequence[User]:
        """Return all users in the order of their addresses."""

    @abstractmethod
    async def grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted, in the order of ``grant_order``; empty for a user who is not there."""

    @abstractmethod
    async def all_grants(self) -> Mapping[UUID, Sequence[GivenGrant]]:
        """Return what every user was granted, in the order of ``grant_order``; who has nothing is left out."""

    @abstractmethod
    async def set_grants(
        self, user_id: UUID, grants: Iterable[Grant], *, granted_by: UUID | None, at: datetime
    ) -> None:
        """Replace a user's grants; those that stay keep who gave them and when.

        Raises:
            NotFound: the user, a stream of a grant, or the granting user does not exist.
            LastAdministrator: the user is the last active one who administers the platform, and would no longer;
                nothing was written. Two who take it from each other at once do not both succeed.
        """

    @abstractmethod
    async def manual_grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted but for what their groups brought, in the order of ``grant_order``."""

    @abstractmethod
    async def set_mapped_grants(self, user_id: UUID, grants: Iterable[Grant], *, at: datetime) -> bool:
        """Replace what a user's groups brought, and return whether that changed anything; other grants stay.

        A grant that a user's groups brought is one that the user themself has given: by signing in.

        Raises:
            NotFound: the user or a stream of a grant does not exist.
        """

    @abstractmethod
    async def set_profile(self, user_id: UUID, *, email: str, display_name: str) -> None:
        """Replace how a user is called; nothing happens for a user who is not there.

        Raises:
            Conflict: the e-mail address is taken; nothing was written.
        """

    @abstractmethod
    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Replace a password's hash; nothing happens for a user who is not there."""

    @abstractmethod
    async def set_active(self, user_id: UUID, *, is_active: bool) -> None:
        """Let a user in again, or no longer; nothing happens for a user who is not there.

        Raises:
            LastAdministrator: as for ``set_grants``.
        """

    @abstractmethod
    async def signed_in_at(self, user_id: UUID, at: datetime) -> None:
        """Note when a user signed in."""

    @abstractmethod
    async def has_administrator(self) -> bool:
        """Tell whether any user, active or not, administers the whole platform."""


class SessionStore(Protocol):
    """Keeps sessions. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def add_session(self, session: Session) -> None:
        """Add a session.

        Raises:
            Conflict: the id or the token's hash is taken.
            NotFound: the user does not exist.
        """

    @abstractmethod
    async def signed_in(self, token_hash: str) -> SignedIn | None:
        """Return the session of a token with its user and grants, whatever state they are in; one round trip."""

    @abstractmethod
    async def touch_session(self, session_id: UUID, at: datetime) -> None:
        """Note when a session was last used."""

    @abstractmethod
    async def revoke_session(self, token_hash: str) -> None:
        """End the session of a token; nothing happens when there is none."""

    @abstractmethod
    async def revoke_sessions_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End every session of a user but one, if that is given, and return how many were open until now."""

    @abstractmethod
    async def revoke_own_session(self, user_id: UUID, session_id: UUID) -> bool:
        """End one session of a user, and return whether the user has such a session."""

    @abstractmethod
    async def sessions_of(self, user_id: UUID, *, now: datetime) -> Sequence[Session]:
        """Return a user's sessions that are neither revoked nor expired, the one used last first."""

    @abstractmethod
    async def delete_expired_sessions(self, *, before: datetime) -> int:
        """Delete sessions that expired before a time and return how many they were."""


class KeyStore(Protocol):
    """Keeps API keys. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def add_key(self, key: KeyRecord) -> None:
        """Add a key.

        Raises:
            Conflict: the id is taken.
            NotFound: the creating user does not exist.
        """

    @abstractmethod
    async def key(self, key_id: UUID) -> KeyRecord | None:
        """Return a key, whatever state it is in."""

    @abstractmethod
    async def keys(self) -> Sequence[KeyRecord]:
        """Return all keys, oldest first."""

    @abstractmethod
    async def deactivate_key(self, key_id: UUID) -> bool:
        """Switch a key off and return whether there is one of that id."""

    @abstractmethod
    async def expire_key(self, key_id: UUID, at: datetime) -> bool:
        """Let a key end at a moment, if it would not end earlier, and return whether there is one of that id."""

    @abstractmethod
    async def rehash_key(self, key_id: UUID, key_hash: str) -> None:
        """Replace a key's hash by the one under the present pepper."""

    @abstractmethod
    async def key_used_at(self, key_id: UUID, at: datetime) -> None:
        """Note when a key was last used; an earlier time than the one on record changes nothing."""


class AuditLog(Protocol):
    """Keeps the record of what was done. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def record(self, entry: AuditEntry) -> None:
        """Append an entry."""

    @abstractmethod
    async def entries(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """Return the latest entries, the last one first."""

    @abstractmethod
    async def search(
        self, query: AuditQuery, *, before: int | None = None, limit: int = 100
    ) -> Sequence[RecordedEntry]:
        """Return the latest entries that are asked for, the last one first.

        Args:
            query: which.
            before: only entries with a lower number; None begins at the last one.
            limit: entries at most.
        """


class AccessStore(UserStore, SessionStore, KeyStore, AuditLog, Protocol):
    """All of the above in one place."""


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password was right, and, when its hash should be replaced by a stronger one, that one."""

    is_right: bool
    new_hash: str | None = field(default=None, repr=False)


class Passwords(Protocol):
    """Hashes passwords slowly, without holding up anything else."""

    @abstractmethod
    async def hash(self, password: str) -> str:
        """Return a salted hash that says how it was made."""

    @abstractmethod
    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        """Compare a password with a stored hash.

        Without a stored hash the answer is no and takes as long as any other, so that its time tells nothing.
        """

    @abstractmethod
    def weakness(self, password: str, *, words: Sequence[str] = ()) -> str | None:
        """Say why somebody would soon guess a password, in whole sentences; None when nobody would.

        ``words`` are those that belong to whose it is: they are guessed first.
        """


class Randomness(Protocol):
    """Makes bytes that nobody can guess."""

    @abstractmethod
    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes."""


def grant_order(grant: Grant) -> tuple[str, str, str]:
    """Return the key by which grants are sorted: role, then streams, those for all streams first."""
    return grant.role.value, str(grant.delivery_stream_id or ""), str(grant.tech_stream_id or "")
