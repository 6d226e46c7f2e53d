"""The streams that the caller may see (§7.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.views import may_name
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import Configuration
from dpp.entrypoints.http.envelope import answer


def routes(configuration: Callable[[], Configuration]) -> list[HTTPRouteHandler]:
    """Build the routes; ``configuration`` gives the latest one."""

    @get("/streams/delivery", opt={"permission": Permission.METRICS_READ}, tags=["Configuration"])
    async def delivery(principal: NamedDependency[Principal]) -> Response[Any]:
        """List delivery streams."""
        return answer(
            [
                {
                    "stream_id": row.stream_id,
                    "name": row.name,
                    "display_name": row.display_name,
                    "description": row.description,
                    "team_size": row.team_size,
                    "is_active": row.is_active,
                }
                for row in configuration().delivery_streams
                if may_name(row, scope=principal.scope)
            ]
        )

    @get("/streams/tech", opt={"permission": Permission.METRICS_READ}, tags=["Configuration"])
    async def tech(principal: NamedDependency[Principal]) -> Response[Any]:
        """List technology streams."""
        return answer(
            [
                {
                    "stream_id": row.stream_id,
                    "name": row.name,
                    "display_name": row.display_name,
                    "description": row.description,
                    "github_org": row.github_org,
                    "lead_time_method": row.lead_time_method,
                    "is_active": row.is_active,
                }
                for row in configuration().tech_streams
                if may_name(row, scope=principal.scope)
            ]
        )

    return [delivery, tech]
