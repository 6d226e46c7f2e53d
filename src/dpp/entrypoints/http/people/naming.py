"""Streams of roles and keys by their names, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from dpp.application.access_ports import GivenGrant
from dpp.application.scopes import named_grants
from dpp.domain.access import Grant, Role, StreamScope
from dpp.domain.configuration import Configuration

RoleName = Literal["viewer", "team_member", "stream_lead", "platform_admin"]


class RoleShown(Struct, frozen=True, kw_only=True):
    """A role for all streams, or for those named; ``from_groups`` when the identity provider's groups brought it."""

    role: RoleName
    delivery_stream: str | None
    tech_stream: str | None
    from_groups: bool


class RoleGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role to give, for all streams when none is named."""

    role: RoleName
    delivery_stream: str | None = None
    tech_stream: str | None = None


def grant_of(given: RoleGiven, configuration: Configuration) -> Grant:
    """Return what a role means.

    Raises:
        NotFound: a name is not that of a stream.
    """
    delivery = named_grants(configuration, role=Role(given.role), delivery_streams=_listed(given.delivery_stream))[0]
    tech = named_grants(configuration, role=Role(given.role), tech_streams=_listed(given.tech_stream))[0]
    return Grant(
        role=Role(given.role), delivery_stream_id=delivery.delivery_stream_id, tech_stream_id=tech.tech_stream_id
    )


def role_shown(given: GivenGrant, configuration: Configuration) -> RoleShown:
    """Return a grant with its streams' names."""
    grant = given.grant
    return RoleShown(
        role=grant.role.value,
        delivery_stream=_delivery(grant.delivery_stream_id, configuration),
        tech_stream=_tech(grant.tech_stream_id, configuration),
        from_groups=given.is_mapped,
    )


def scope_names(scope: StreamScope, configuration: Configuration) -> tuple[Sequence[str], Sequence[str]]:
    """Return the names of a scope's delivery and technology streams; of the scope of all streams, none."""
    delivery = (_delivery(one, configuration) for one in scope.delivery_streams)
    tech = (_tech(one, configuration) for one in scope.tech_streams)
    return sorted(filter(None, delivery)), sorted(filter(None, tech))


def _listed(name: str | None) -> list[str]:
    return [] if name is None else [name]


def _delivery(stream_id: UUID | None, configuration: Configuration) -> str | None:
    found = (row.name for row in configuration.delivery_streams if row.stream_id == stream_id)
    return None if stream_id is None else next(found, str(stream_id))


def _tech(stream_id: UUID | None, configuration: Configuration) -> str | None:
    found = (row.name for row in configuration.tech_streams if row.stream_id == stream_id)
    return None if stream_id is None else next(found, str(stream_id))
