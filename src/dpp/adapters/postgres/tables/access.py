"""Who may do what (§3), and who did (§8.4)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dpp.adapters.postgres.tables.columns import NEW_ID, metadata, moment, reference, words

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True, server_default=NEW_ID),
    Column("email", Text, nullable=False, unique=True),
    words("display_name"),
    words("password_hash", nullable=True),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", default_now=True),
    moment("last_login_at"),
    comment="People who sign in (§3.2.2); those who come by OpenID Connect have no password here",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Uuid, primary_key=True, server_default=NEW_ID),
    words("key_hash"),
    words("display_name"),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("stream_scope", JSONB),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    reference("created_by", "users.user_id"),
    moment("created_at", default_now=True),
    moment("last_used_at"),
    moment("expires_at"),
    comment="Keys of services (§3.2.3); the secret itself is nowhere",
)

user_roles = Table(
    "user_roles",
    metadata,
    Column("user_role_id", Uuid, primary_key=True, server_default=NEW_ID),
    reference("user_id", "users.user_id", nullable=False),
    words("role"),
    reference("delivery_stream_id", "delivery_streams.stream_id"),
    reference("tech_stream_id", "tech_streams.stream_id"),
    reference("granted_by", "users.user_id"),
    moment("granted_at", default_now=True),
    CheckConstraint("role IN ('viewer', 'team_member', 'stream_lead', 'platform_admin')", name="role"),
    UniqueConstraint(
        "user_id",
        "role",
        "delivery_stream_id",
        "tech_stream_id",
        postgresql_nulls_not_distinct=True,
        name="uq_user_roles_natural",
    ),
    comment="Roles, each for all streams or for one (§3.3)",
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    reference("user_id", "users.user_id", nullable=False),
    words("auth_method"),
    moment("created_at", default_now=True),
    moment("expires_at", nullable=False),
    moment("last_activity_at"),
    Column("is_revoked", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("auth_method IN ('oidc', 'database')", name="auth_method"),
    Index(None, "user_id"),
    comment="Signed-in people (§3.3); the cookie's value itself is nowhere",
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("entry_id", BigInteger, Identity(always=True), primary_key=True),
    moment("occurred_at", default_now=True),
    words("actor"),
    words("action"),
    words("subject", nullable=True),
    Column("details", JSONB),
    Index(None, "occurred_at"),
    comment="Sign-ins, changes of configuration, use of keys (§8.4)",
)
