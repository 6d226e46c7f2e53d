"""News for open pages, as server-sent events: which kind of figure changed, never the figure itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from litestar import Litestar, Request, get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent, ServerSentEventMessage

from dpp.application.ports import Change, ChangeFeed
from dpp.domain.access import Permission, Principal, StreamScope
from dpp.domain.errors import Unavailable

ENDING = "ending"

#: Changes that come within this time are told once.
GATHER_SECONDS = 0.1
#: A comment after this much silence keeps proxies from closing the connection.
HEARTBEAT_SECONDS = 15.0
#: How long a browser waits before it connects again.
RETRY_MILLISECONDS = 1000


def concerns(change: Change, *, scope: StreamScope) -> bool:
    """Whether somebody with this scope may hear of a change: of one that names no stream, everybody."""
    if scope.is_all or not (change.delivery_streams or change.tech_streams):
        return True
    seen: list[UUID | None] = list(change.delivery_streams) or [None]
    return any(scope.sees(delivery_stream_id=stream, tech_stream_ids=tuple(change.tech_streams)) for stream in seen)


async def news(
    changes: AsyncIterator[Change], *, scope: StreamScope, ending: asyncio.Event
) -> AsyncIterator[frozenset[str]]:
    """Gather changes into sets of topics until the server ends; an empty set is a sign of life."""
    upcoming = asyncio.ensure_future(anext(changes))
    end = asyncio.ensure_future(ending.wait())
    try:
        while True:
            await asyncio.wait({upcoming, end}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return
            topics: set[str] = set()
            deadline = asyncio.get_running_loop().time() + GATHER_SECONDS
            while upcoming.done():
                change = upcoming.result()
                if concerns(change, scope=scope):
                    topics.add(change.topic)
                upcoming = asyncio.ensure_future(anext(changes))
                left = deadline - asyncio.get_running_loop().time()
                await asyncio.wait({upcoming}, timeout=max(left, 0))
            yield frozenset(topics)
    finally:
        upcoming.cancel()
        end.cancel()


def ending_of(app: Litestar) -> asyncio.Event:
    """Return what is set when the server begins to end: open streams would keep it from that for ever."""
    ending = app.state.setdefault(ENDING, asyncio.Event())
    if not isinstance(ending, asyncio.Event):
        raise TypeError(f"the application's state has something else under {ENDING}")
    return ending


def route(feed: Callable[[], ChangeFeed]) -> Any:
    """Build the route of the live stream."""

    @get("/live", opt={"permission": Permission.METRICS_READ}, include_in_schema=False)
    async def live(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> ServerSentEvent:
        """Send an event ``change`` with the topics that changed, for as long as the page is open."""

        async def messages() -> AsyncIterator[ServerSentEventMessage]:
            yield ServerSentEventMessage(event="hello", data="connected", retry=RETRY_MILLISECONDS)
            try:
                async with feed().subscribe() as changes:
                    async for topics in news(changes, scope=principal.scope, ending=ending_of(request.app)):
                        if topics:
                            yield ServerSentEventMessage(event="change", data=",".join(sorted(topics)))
                        else:
                            yield ServerSentEventMessage(comment="still here")
            except Unavailable:
                return

        return ServerSentEvent(messages())

    return live
