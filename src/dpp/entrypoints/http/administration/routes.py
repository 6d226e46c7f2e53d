"""All routes of administration: those of the API, and the pages."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from dpp.entrypoints.http.administration import (
    api_connections,
    api_mappings,
    api_repair,
    api_rules,
    api_sources,
    api_sprints,
    api_streams,
    pages_connections,
    pages_health,
    pages_lists,
    pages_mappings,
    pages_platform,
    pages_repair,
    pages_sources,
    pages_sprints,
    pages_streams,
)
from dpp.entrypoints.http.administration.administering import Provide


def api(administering: Provide) -> list[HTTPRouteHandler]:
    """Build those of the API; ``administering`` gives what they need once the platform has started."""
    return [
        *api_streams.routes(administering),
        *api_mappings.routes(administering),
        *api_rules.routes(administering),
        *api_sources.routes(administering),
        *api_repair.routes(administering),
        *api_connections.routes(administering),
        *api_sprints.routes(administering),
    ]


def pages(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the pages; ``administering`` gives what they need once the platform has started."""
    return [
        *pages_health.routes(administering),
        *pages_streams.routes(administering),
        *pages_sources.routes(administering),
        *pages_mappings.routes(administering),
        *pages_platform.routes(administering),
        *pages_lists.routes(administering),
        *pages_repair.routes(administering),
        *pages_connections.routes(administering),
        *pages_sprints.routes(administering),
    ]
