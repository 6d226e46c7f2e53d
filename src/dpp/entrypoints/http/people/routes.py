"""All routes about people and access: those of the API, and the pages."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from dpp.entrypoints.http.people import (
    api_audit,
    api_keys,
    api_sessions,
    api_users,
    own_password,
    page_audit,
    page_keys,
    page_sessions,
    pages_users,
)
from dpp.entrypoints.http.people.serving import Provide


def api(serving: Provide) -> list[HTTPRouteHandler]:
    """Build those of the API; ``serving`` gives what they need once the platform has started."""
    return [
        *api_users.routes(serving),
        *api_keys.routes(serving),
        *api_sessions.routes(serving),
        *own_password.api(serving),
        *api_audit.routes(serving),
    ]


def pages(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the pages; ``serving`` gives what they need once the platform has started."""
    return [
        *pages_users.routes(serving),
        *page_keys.routes(serving),
        *page_audit.routes(serving),
        *page_sessions.routes(serving),
        *own_password.page(serving),
    ]
