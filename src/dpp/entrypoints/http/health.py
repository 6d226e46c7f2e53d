"""Whether the process lives, and whether it can serve: no sign-in, no detail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler


def routes(ready: Callable[[], Awaitable[bool]]) -> list[HTTPRouteHandler]:
    """Build the routes; ``ready`` says whether the platform can answer questions now."""

    @get("/health/live", include_in_schema=False)
    async def is_live() -> Response[bytes]:
        """Answer 200 as long as the process answers at all."""
        return Response(b"live\n", media_type=MediaType.TEXT)

    @get("/health/ready", include_in_schema=False)
    async def is_ready() -> Response[bytes]:
        """Answer 200 when the database answers and the configuration is loaded, else 503."""
        if await ready():
            return Response(b"ready\n", media_type=MediaType.TEXT)
        return Response(b"not ready\n", media_type=MediaType.TEXT, status_code=503)

    return [is_live, is_ready]
