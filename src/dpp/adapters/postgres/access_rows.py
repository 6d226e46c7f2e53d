"""Rows of the access tables, as values and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from dpp.application.access_ports import AuditEntry, GivenGrant, KeyRecord, Session, User, grant_order
from dpp.domain.access import Grant, Permission, Role, StreamScope

Row = Mapping[str, Any]

USER = "u.user_id, u.email, u.display_name, u.password_hash, u.is_active, u.created_at, u.last_login_at"
GRANT = "role, delivery_stream_id, tech_stream_id"
SESSION = (
    "s.session_id, s.token_hash, s.user_id, s.auth_method, s.created_at AS opened_at, s.expires_at, "
    "s.last_activity_at, s.is_revoked"
)
KEY = (
    "key_id, key_hash, display_name, permissions, stream_scope, is_active, created_by, created_at, last_used_at, "
    "expires_at"
)


def user(row: Row) -> User:
    """Read a user."""
    return User(
        user_id=row["user_id"],
        email=row["email"],
        display_name=row["display_name"],
        password_hash=row["password_hash"],
        is_active=row["is_active"],
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
    )


def grants(rows: Iterable[Row]) -> tuple[Grant, ...]:
    """Read grants, from columns or from JSON objects of the same names."""
    return tuple(sorted(map(_grant, rows), key=grant_order))


def given_grants(rows: Iterable[Row]) -> dict[UUID, list[GivenGrant]]:
    """Read the grants of many users, each with how it came."""
    found: dict[UUID, list[GivenGrant]] = {}
    for row in rows:
        found.setdefault(row["user_id"], []).append(GivenGrant(_grant(row), is_mapped=row["is_mapped"]))
    for given in found.values():
        given.sort(key=lambda one: grant_order(one.grant))
    return found


def _grant(row: Row) -> Grant:
    return Grant(
        role=Role(row["role"]),
        delivery_stream_id=_id(row["delivery_stream_id"]),
        tech_stream_id=_id(row["tech_stream_id"]),
    )


def session(row: Row) -> Session:
    """Read a session."""
    return Session(
        session_id=row["session_id"],
        token_hash=row["token_hash"],
        user_id=row["user_id"],
        auth_method=row["auth_method"],
        created_at=row["opened_at"],
        expires_at=row["expires_at"],
        last_activity_at=row["last_activity_at"] or row["opened_at"],
        is_revoked=row["is_revoked"],
    )


def key(row: Row) -> KeyRecord:
    """Read an API key. A permission that this version does not know is none."""
    known = frozenset(Permission)
    return KeyRecord(
        key_id=row["key_id"],
        key_hash=row["key_hash"],
        display_name=row["display_name"],
        permissions=frozenset(Permission(name) for name in row["permissions"] if name in known),
        scope=_scope(row["stream_scope"]),
        is_active=row["is_active"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
    )


def key_values(record: KeyRecord) -> dict[str, object]:
    """Write an API key."""
    return {
        "key_id": record.key_id,
        "key_hash": record.key_hash,
        "display_name": record.display_name,
        "permissions": sorted(map(str, record.permissions)),
        "stream_scope": _scope_json(record.scope),
        "is_active": record.is_active,
        "created_by": record.created_by,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "expires_at": record.expires_at,
    }


def audit_entry(row: Row) -> AuditEntry:
    """Read an entry of the audit log."""
    return AuditEntry(
        occurred_at=row["occurred_at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        details=row["details"],
    )


def _id(value: UUID | str | None) -> UUID | None:
    return UUID(value) if isinstance(value, str) else value


def _scope(value: Mapping[str, list[str]] | None) -> StreamScope:
    """Read a scope; a missing one is for all streams (§3.2.3)."""
    if value is None:
        return StreamScope.everything()
    return StreamScope(
        delivery_streams=frozenset(map(UUID, value.get("delivery_streams", ()))),
        tech_streams=frozenset(map(UUID, value.get("tech_streams", ()))),
    )


def _scope_json(scope: StreamScope) -> Jsonb | None:
    if scope.is_all:
        return None
    return Jsonb(
        {
            "delivery_streams": sorted(map(str, scope.delivery_streams)),
            "tech_streams": sorted(map(str, scope.tech_streams)),
        }
    )
