"""The streams that the caller may see (§7.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from dpp.application.views import may_name
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import Configuration
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described


class DeliveryStream(Struct, frozen=True, kw_only=True):
    """A delivery stream as configured."""

    stream_id: UUID
    name: str
    display_name: str
    description: str | None
    team_size: int | None
    is_active: bool


class TechStream(Struct, frozen=True, kw_only=True):
    """A technology stream as configured."""

    stream_id: UUID
    name: str
    display_name: str
    description: str | None
    github_org: str
    lead_time_method: str
    is_active: bool


class DeliveryStreamsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the delivery streams."""

    status: Literal["ok"]
    data: list[DeliveryStream]


class TechStreamsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the technology streams."""

    status: Literal["ok"]
    data: list[TechStream]


def routes(configuration: Callable[[], Configuration]) -> list[HTTPRouteHandler]:
    """Build the routes; ``configuration`` gives the latest one."""

    @get(
        "/streams/delivery",
        opt={"permission": Permission.METRICS_READ},
        tags=["Configuration"],
        responses={200: described(DeliveryStreamsAnswer)},
    )
    async def delivery(principal: NamedDependency[Principal]) -> Response[Any]:
        """List delivery streams."""
        return answer(
            [
                DeliveryStream(
                    stream_id=row.stream_id,
                    name=row.name,
                    display_name=row.display_name,
                    description=row.description,
                    team_size=row.team_size,
                    is_active=row.is_active,
                )
                for row in configuration().delivery_streams
                if may_name(row, scope=principal.scope)
            ]
        )

    @get(
        "/streams/tech",
        opt={"permission": Permission.METRICS_READ},
        tags=["Configuration"],
        responses={200: described(TechStreamsAnswer)},
    )
    async def tech(principal: NamedDependency[Principal]) -> Response[Any]:
        """List technology streams."""
        return answer(
            [
                TechStream(
                    stream_id=row.stream_id,
                    name=row.name,
                    display_name=row.display_name,
                    description=row.description,
                    github_org=row.github_org,
                    lead_time_method=row.lead_time_method,
                    is_active=row.is_active,
                )
                for row in configuration().tech_streams
                if may_name(row, scope=principal.scope)
            ]
        )

    return [delivery, tech]
