"""Who may do what, and for which streams (§3.3).

A role is granted for every stream or for single ones; grants add up and never take away. What a scope does not open,
the caller must not even learn the name of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID


class Permission(StrEnum):
    """One thing that a caller may do. API keys are given permissions, people get them through roles."""

    METRICS_READ = "metrics:read"
    SURVEY_SUBMIT = "survey:submit"
    DIAGNOSTICS_READ = "diagnostics:read"
    """Detail behind a figure that an ordinary viewer does not need; the figures themselves take ``metrics:read``."""
    STREAMS_MANAGE = "streams:manage"
    EVENTS_WRITE = "events:write"
    ADMIN_READ = "admin:read"
    ADMIN_WRITE = "admin:write"


#: What an API key may be given (§3.2.3); the rest is for people.
KEY_PERMISSIONS = frozenset(
    {Permission.EVENTS_WRITE, Permission.METRICS_READ, Permission.ADMIN_READ, Permission.ADMIN_WRITE}
)


class Role(StrEnum):
    """The roles of §3.3, each with what the one before it has."""

    VIEWER = "viewer"
    TEAM_MEMBER = "team_member"
    STREAM_LEAD = "stream_lead"
    PLATFORM_ADMIN = "platform_admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role may do."""
        return ROLE_PERMISSIONS[self]


_VIEWER = frozenset({Permission.METRICS_READ})
_TEAM_MEMBER = _VIEWER | {Permission.SURVEY_SUBMIT}
_STREAM_LEAD = _TEAM_MEMBER | {Permission.STREAMS_MANAGE, Permission.DIAGNOSTICS_READ}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.TEAM_MEMBER: _TEAM_MEMBER,
    Role.STREAM_LEAD: _STREAM_LEAD,
    Role.PLATFORM_ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamScope:
    """The streams that a caller may see: all of them, or those listed.

    A delivery stream and a technology stream each open what is theirs; neither opens the other. ``StreamScope()`` opens
    nothing.
    """

    is_all: bool = False
    delivery_streams: frozenset[UUID] = frozenset()
    tech_streams: frozenset[UUID] = frozenset()

    def __post_init__(self) -> None:
        if self.is_all and (self.delivery_streams or self.tech_streams):
            # One scope has one form, so that equal scopes compare equal and share their cache key.
            object.__setattr__(self, "delivery_streams", frozenset())
            object.__setattr__(self, "tech_streams", frozenset())

    @classmethod
    def everything(cls) -> StreamScope:
        """Return the scope of all streams, those of the future and rows without a stream included."""
        return cls(is_all=True)

    @property
    def is_empty(self) -> bool:
        """Whether the scope opens nothing."""
        return not (self.is_all or self.delivery_streams or self.tech_streams)

    def __or__(self, other: StreamScope) -> StreamScope:
        """Return the scope that opens what either opens."""
        return StreamScope(
            is_all=self.is_all or other.is_all,
            delivery_streams=self.delivery_streams | other.delivery_streams,
            tech_streams=self.tech_streams | other.tech_streams,
        )

    def sees(self, *, delivery_stream_id: object | None, tech_stream_ids: Iterable[object] = ()) -> bool:
        """Tell whether something that belongs to these streams is open; what has no stream is open to "all" only."""
        return (
            self.is_all
            or delivery_stream_id in self.delivery_streams
            or any(stream in self.tech_streams for stream in tech_stream_ids)
        )

    def cache_key(self) -> str:
        """Return a short text that equal scopes share, in every process and for ever, and unequal ones do not."""
        if self.is_all:
            return "all"
        if self.is_empty:
            return "none"
        parts = ("\x1f".join(sorted(map(str, streams))) for streams in (self.delivery_streams, self.tech_streams))
        return sha256("\x1e".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role for all streams, or for one (§3.3); with both streams given, it opens each of the two."""

    role: Role
    delivery_stream_id: UUID | None = None
    tech_stream_id: UUID | None = None

    @property
    def scope(self) -> StreamScope:
        """The streams that the grant opens."""
        if self.delivery_stream_id is None and self.tech_stream_id is None:
            return StreamScope.everything()
        return StreamScope(
            delivery_streams=frozenset(filter(None, (self.delivery_stream_id,))),
            tech_streams=frozenset(filter(None, (self.tech_stream_id,))),
        )

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the grant allows.

        Administration is of the platform as a whole: limited to a stream it is no more than leading that stream.
        """
        if self.role is Role.PLATFORM_ADMIN and not self.scope.is_all:
            return Role.STREAM_LEAD.permissions
        return self.role.permissions


class PrincipalKind(StrEnum):
    """What kind of caller it is."""

    USER = "user"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever is asking, known by now.

    ``scope`` is all that may be seen. ``grants`` is empty for keys, whose permissions all hold for the whole scope.
    """

    kind: PrincipalKind
    id: UUID
    name: str
    permissions: frozenset[Permission]
    scope: StreamScope
    grants: tuple[Grant, ...] = ()

    @property
    def actor(self) -> str:
        """How the audit log calls the caller: ``user:`` or ``key:`` and the id, never a name."""
        return f"{self.kind}:{self.id}"

    def scope_of(self, permission: Permission) -> StreamScope:
        """Return the streams for which the caller has a permission.

        Somebody who views every stream and leads one may manage that one only: ask this before anything is changed.
        """
        if permission not in self.permissions:
            return StreamScope()
        if not self.grants:
            return self.scope
        return union(grant.scope for grant in self.grants if permission in grant.permissions)


def union(scopes: Iterable[StreamScope]) -> StreamScope:
    """Return the scope that opens what any of them opens; of none it opens nothing."""
    result = StreamScope()
    for scope in scopes:
        result |= scope
    return result


def user_principal(*, user_id: UUID, name: str, grants: Iterable[Grant]) -> Principal:
    """Return a signed-in person with the permissions and the scope that their grants add up to."""
    grants = tuple(grants)
    return Principal(
        kind=PrincipalKind.USER,
        id=user_id,
        name=name,
        permissions=frozenset().union(*(grant.permissions for grant in grants)),
        scope=union(grant.scope for grant in grants),
        grants=grants,
    )
