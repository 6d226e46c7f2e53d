"""Users, sessions, API keys and the audit log in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from dpp.adapters.postgres import access_rows as rows
from dpp.adapters.postgres.engine import Connection, Database
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
)
from dpp.domain.access import Grant, Role
from dpp.domain.errors import Conflict, NotFound

Values = Mapping[str, object]

_ADD_GRANTS = """
    INSERT INTO user_roles (user_id, role, delivery_stream_id, tech_stream_id, granted_by, granted_at)
    VALUES (%(user_id)s, %(role)s, %(delivery)s, %(tech)s, %(by)s, %(at)s)
    ON CONFLICT ON CONSTRAINT uq_user_roles_natural DO NOTHING
"""
_REMOVE_OTHER_GRANTS = """
    DELETE FROM user_roles WHERE user_id = %(user_id)s AND NOT EXISTS (
        SELECT FROM unnest(%(roles)s::text[], %(delivery)s::uuid[], %(tech)s::uuid[]) AS kept (role, delivery, tech)
        WHERE kept.role = user_roles.role
          AND kept.delivery IS NOT DISTINCT FROM delivery_stream_id
          AND kept.tech IS NOT DISTINCT FROM tech_stream_id)
"""
_REMOVE_OTHER_MAPPED = f"{_REMOVE_OTHER_GRANTS} AND granted_by = user_id"
_ACTIVE_ADMINISTRATORS = """
    SELECT DISTINCT user_id FROM user_roles JOIN users USING (user_id)
    WHERE role = %s AND delivery_stream_id IS NULL AND tech_stream_id IS NULL AND is_active
"""
#: Any number that nothing else locks.
_ADMINISTRATORS = 0x61646D696E
_SIGNED_IN = f"""
    SELECT {rows.SESSION}, {rows.USER}, (
        SELECT coalesce(json_agg(row_to_json(g)), '[]')
        FROM (SELECT {rows.GRANT} FROM user_roles WHERE user_id = s.user_id) AS g) AS grants
    FROM sessions AS s JOIN users AS u USING (user_id) WHERE s.token_hash = %(token_hash)s
"""  # noqa: S608 - the columns are constants of this package
_ADD_KEY = f"""
    INSERT INTO api_keys ({rows.KEY}) VALUES (%(key_id)s, %(key_hash)s, %(display_name)s, %(permissions)s,
        %(stream_scope)s, %(is_active)s, %(created_by)s, %(created_at)s, %(last_used_at)s, %(expires_at)s)
"""  # noqa: S608
_SEARCH = """
    SELECT entry_id, occurred_at, actor, action, subject, details FROM audit_log
    WHERE (%(before)s::bigint IS NULL OR entry_id < %(before)s)
      AND (%(actor)s::text IS NULL OR actor = %(actor)s OR starts_with(actor, %(actor)s || ':'))
      AND (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || '.'))
      AND (%(subject)s::text IS NULL OR subject = %(subject)s OR starts_with(subject, %(subject)s || ':'))
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
    ORDER BY entry_id DESC LIMIT %(limit)s
"""


class PostgresAccessStore(AccessStore):
    """Keeps everything in the tables of §3; every method is one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_user(self, user: User, *, grants: Iterable[Grant], granted_by: UUID | None) -> None:
        """Add a user with all of the grants."""
        async with self._transaction() as connection:
            await connection.execute(
                "INSERT INTO users (user_id, email, display_name, password_hash, is_active, created_at, last_login_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (
                    user.user_id,
                    user.email,
                    user.display_name,
                    user.password_hash,
                    user.is_active,
                    user.created_at,
                    user.last_login_at,
                ),
            )
            await _add_grants(connection, user.user_id, grants, by=granted_by, at=user.created_at)

    async def user(self, user_id: UUID) -> User | None:
        """Return a user."""
        row = await self._one(_select(rows.USER, "FROM users AS u WHERE user_id = %(id)s"), {"id": user_id})
        return None if row is None else rows.user(row)

    async def user_by_email(self, email: str) -> User | None:
        """Return the user with exactly this address."""
        if not email.isprintable():
            return None
        row = await self._one(_select(rows.USER, "FROM users AS u WHERE email = %(email)s"), {"email": email})
        return None if row is None else rows.user(row)

    async def users(self) -> Sequence[User]:
        """Return all users in the order of their addresses."""
        return [
            rows.user(row) for row in await self._all(_select(rows.USER, 'FROM users AS u ORDER BY email COLLATE "C"'))
        ]

    async def grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted."""
        found = await self._all(_select(rows.GRANT, "FROM user_roles WHERE user_id = %(id)s"), {"id": user_id})
        return rows.grants(found)

    async def all_grants(self) -> Mapping[UUID, Sequence[GivenGrant]]:
        """Return what every user was granted."""
        found = await self._all(
            _select(rows.GRANT, ", user_id, granted_by IS NOT DISTINCT FROM user_id AS is_mapped FROM user_roles")
        )
        return rows.given_grants(found)

    async def set_grants(
        self, user_id: UUID, grants: Iterable[Grant], *, granted_by: UUID | None, at: datetime
    ) -> None:
        """Replace a user's grants."""
        kept = tuple(grants)
        async with self._transaction() as connection, _administered(connection, user_id):
            await connection.execute(_REMOVE_OTHER_GRANTS, _kept(user_id, kept))
            await _check_user(connection, user_id)
            await _add_grants(connection, user_id, kept, by=granted_by, at=at)

    async def manual_grants(self, user_id: UUID) -> tuple[Grant, ...]:
        """Return what a user was granted but for what their groups brought."""
        query = _select(rows.GRANT, "FROM user_roles WHERE user_id = %(id)s AND granted_by IS DISTINCT FROM user_id")
        return rows.grants(await self._all(query, {"id": user_id}))

    async def set_mapped_grants(self, user_id: UUID, grants: Iterable[Grant], *, at: datetime) -> bool:
        """Replace what a user's groups brought."""
        kept = tuple(grants)
        async with self._transaction() as connection:
            removed = await connection.execute(_REMOVE_OTHER_MAPPED, _kept(user_id, kept))
            await _check_user(connection, user_id)
            added = await _add_grants(connection, user_id, kept, by=user_id, at=at)
        return bool(removed.rowcount or added)

    async def set_profile(self, user_id: UUID, *, email: str, display_name: str) -> None:
        """Replace how a user is called."""
        await self._write(
            "UPDATE users SET email = %s, display_name = %s WHERE user_id = %s", email, display_name, user_id
        )

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Replace a password's hash."""
        await self._write("UPDATE users SET password_hash = %s WHERE user_id = %s", password_hash, user_id)

    async def set_active(self, user_id: UUID, *, is_active: bool) -> None:
        """Let a user in again, or no longer."""
        async with self._transaction() as connection, _administered(connection, user_id):
            await connection.execute("UPDATE users SET is_active = %s WHERE user_id = %s", (is_active, user_id))

    async def signed_in_at(self, user_id: UUID, at: datetime) -> None:
        """Note when a user signed in."""
        await self._write("UPDATE users SET last_login_at = %s WHERE user_id = %s", at, user_id)

    async def has_administrator(self) -> bool:
        """Tell whether any user administers the whole platform."""
        row = await self._one(
            "SELECT FROM user_roles WHERE role = %(role)s AND delivery_stream_id IS NULL AND tech_stream_id IS NULL "
            "LIMIT 1",
            {"role": Role.PLATFORM_ADMIN.value},
        )
        return row is not None

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        await self._write(
            "INSERT INTO sessions (session_id, token_hash, user_id, auth_method, created_at, expires_at, "
            "last_activity_at, is_revoked) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            session.session_id,
            session.token_hash,
            session.user_id,
            session.auth_method,
            session.created_at,
            session.expires_at,
            session.last_activity_at,
            session.is_revoked,
        )

    async def signed_in(self, token_hash: str) -> SignedIn | None:
        """Return the session of a token with its user and grants."""
        row = await self._one(_SIGNED_IN, {"token_hash": token_hash})
        if row is None:
            return None
        return SignedIn(session=rows.session(row), user=rows.user(row), grants=rows.grants(row["grants"]))

    async def touch_session(self, session_id: UUID, at: datetime) -> None:
        """Note when a session was last used."""
        await self._write(
            "UPDATE sessions SET last_activity_at = greatest(last_activity_at, %s) WHERE session_id = %s",
            at,
            session_id,
        )

    async def revoke_session(self, token_hash: str) -> None:
        """End the session of a token."""
        await self._write("UPDATE sessions SET is_revoked = true WHERE token_hash = %s", token_hash)

    async def revoke_sessions_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End every session of a user but one."""
        return await self._write(
            "UPDATE sessions SET is_revoked = true "
            "WHERE user_id = %s AND NOT is_revoked AND session_id IS DISTINCT FROM %s",
            user_id,
            but,
        )

    async def revoke_own_session(self, user_id: UUID, session_id: UUID) -> bool:
        """End one session of a user."""
        query: LiteralString = "UPDATE sessions SET is_revoked = true WHERE user_id = %s AND session_id = %s"
        return bool(await self._write(query, user_id, session_id))

    async def sessions_of(self, user_id: UUID, *, now: datetime) -> Sequence[Session]:
        """Return a user's sessions that are neither revoked nor expired."""
        query = _select(
            rows.SESSION,
            "FROM sessions AS s WHERE user_id = %(id)s AND NOT is_revoked AND expires_at > %(now)s "
            "ORDER BY last_activity_at DESC, session_id",
        )
        return [rows.session(row) for row in await self._all(query, {"id": user_id, "now": now})]

    async def delete_expired_sessions(self, *, before: datetime) -> int:
        """Delete sessions that expired before a time and return how many they were."""
        return await self._write("DELETE FROM sessions WHERE expires_at < %s", before)

    async def add_key(self, key: KeyRecord) -> None:
        """Add a key."""
        async with self._transaction() as connection:
            await connection.execute(_ADD_KEY, rows.key_values(key))

    async def key(self, key_id: UUID) -> KeyRecord | None:
        """Return a key."""
        row = await self._one(_select(rows.KEY, "FROM api_keys WHERE key_id = %(id)s"), {"id": key_id})
        return None if row is None else rows.key(row)

    async def keys(self) -> Sequence[KeyRecord]:
        """Return all keys, oldest first."""
        return [
            rows.key(row) for row in await self._all(_select(rows.KEY, "FROM api_keys ORDER BY created_at, key_id"))
        ]

    async def deactivate_key(self, key_id: UUID) -> bool:
        """Switch a key off and return whether there is one of that id."""
        return bool(await self._write("UPDATE api_keys SET is_active = false WHERE key_id = %s", key_id))

    async def expire_key(self, key_id: UUID, at: datetime) -> bool:
        """Let a key end at a moment, if it would not end earlier."""
        query: LiteralString = "UPDATE api_keys SET expires_at = least(expires_at, %s) WHERE key_id = %s"
        return bool(await self._write(query, at, key_id))

    async def rehash_key(self, key_id: UUID, key_hash: str) -> None:
        """Replace a key's hash."""
        await self._write("UPDATE api_keys SET key_hash = %s WHERE key_id = %s", key_hash, key_id)

    async def key_used_at(self, key_id: UUID, at: datetime) -> None:
        """Note when a key was last used."""
        await self._write("UPDATE api_keys SET last_used_at = greatest(last_used_at, %s) WHERE key_id = %s", at, key_id)

    async def record(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        details = None if entry.details is None else Jsonb(dict(entry.details))
        await self._write(
            "INSERT INTO audit_log (occurred_at, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s)",
            entry.occurred_at,
            entry.actor,
            entry.action,
            entry.subject,
            details,
        )

    async def entries(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """Return the latest entries, the last one first."""
        found = await self._all(
            "SELECT occurred_at, actor, action, subject, details FROM audit_log ORDER BY entry_id DESC LIMIT %(limit)s",
            {"limit": limit},
        )
        return [rows.audit_entry(row) for row in found]

    async def search(
        self, query: AuditQuery, *, before: int | None = None, limit: int = 100
    ) -> Sequence[RecordedEntry]:
        """Return the latest entries that are asked for, the last one first."""
        asked = {name: getattr(query, name) for name in ("actor", "action", "subject", "since", "until")}
        found = await self._all(_SEARCH, {**asked, "before": before, "limit": limit})
        return [RecordedEntry(number=row["entry_id"], entry=rows.audit_entry(row)) for row in found]

    async def _write(self, query: LiteralString, *values: object) -> int:
        async with self._transaction() as connection:
            return (await connection.execute(query, values)).rowcount

    async def _one(self, query: LiteralString, values: Values) -> DictRow | None:
        async with self._transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchone()

    async def _all(self, query: LiteralString, values: Values | None = None) -> list[DictRow]:
        async with self._transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """Run what is inside in one transaction, and say in our own words what went wrong."""
        try:
            async with self._database.transaction() as connection:
                yield connection
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(_TAKEN.get(error.diag.constraint_name or "", "That exists already")) from error
        except psycopg.errors.ForeignKeyViolation as error:
            stream = "stream_id" in (error.diag.constraint_name or "")
            raise NotFound(f"There is no {'stream' if stream else 'user'} with that id") from error


_TAKEN = {
    "uq_users_email": "There is a user with that e-mail address already",
    "pk_api_keys": "There is such an API key already",
}


def _kept(user_id: UUID, grants: Sequence[Grant]) -> Values:
    return {
        "user_id": user_id,
        "roles": [grant.role.value for grant in grants],
        "delivery": [grant.delivery_stream_id for grant in grants],
        "tech": [grant.tech_stream_id for grant in grants],
    }


@asynccontextmanager
async def _administered(connection: Connection, user_id: UUID) -> AsyncIterator[None]:
    """Make a change of a user in the block, one after the other, and undo what takes the last administrator away."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ADMINISTRATORS,))
    before = await _administrators(connection)
    yield
    if before == {user_id} and not await _administrators(connection):
        raise LastAdministrator


async def _administrators(connection: Connection) -> set[UUID]:
    found = await connection.execute(_ACTIVE_ADMINISTRATORS, (Role.PLATFORM_ADMIN.value,))
    return {user_id for (user_id,) in await found.fetchall()}


async def _check_user(connection: Connection, user_id: UUID) -> None:
    found = await connection.execute("SELECT FROM users WHERE user_id = %s FOR SHARE", (user_id,))
    if not found.rowcount:
        raise NotFound("There is no user with that id")


async def _add_grants(
    connection: Connection, user_id: UUID, grants: Iterable[Grant], *, by: UUID | None, at: datetime
) -> int:
    """Add grants and return how many were not there."""
    given = [
        {
            "user_id": user_id,
            "role": grant.role.value,
            "delivery": grant.delivery_stream_id,
            "tech": grant.tech_stream_id,
            "by": by,
            "at": at,
        }
        for grant in grants
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(_ADD_GRANTS, given)
        return max(cursor.rowcount, 0)


def _select(columns: LiteralString, rest: LiteralString) -> LiteralString:
    return f"SELECT {columns} {rest}"
