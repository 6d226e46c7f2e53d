"""News for open pages, as server-sent events: which kind of figure changed, never the figure itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Litestar, Request, get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent, ServerSentEventMessage

from dpp.application.derivation import TOPICS
from dpp.application.ports import Change, ChangeFeed
from dpp.domain.access import Permission, Principal, StreamScope
from dpp.domain.errors import Unauthenticated, Unavailable
from dpp.entrypoints.http.auth import Gate

ENDING = "ending"
PERMISSION = Permission.METRICS_READ
EVERYTHING = ",".join(sorted(TOPICS.values()))

#: Changes that come within this time are told once.
GATHER_SECONDS = 0.1
#: A comment after this much silence keeps proxies from closing the connection.
HEARTBEAT_SECONDS = 15.0
#: How long a session that was ended, a role that was taken or a key that was revoked may still be told of changes.
RECHECK_SECONDS = 3.0
#: How long a browser waits before it connects again.
RETRY_MILLISECONDS = 1000


def concerns(change: Change, *, scope: StreamScope) -> bool:
    """Whether somebody with this scope may hear of a change: of one that names no stream, everybody."""
    if scope.is_all or not (change.delivery_streams or change.tech_streams):
        return True
    seen: list[UUID | None] = list(change.delivery_streams) or [None]
    return any(scope.sees(delivery_stream_id=stream, tech_stream_ids=tuple(change.tech_streams)) for stream in seen)


async def news(
    changes: AsyncIterator[Change],
    *,
    scope: StreamScope,
    ending: asyncio.Event,
    may_go_on: Callable[[], Awaitable[bool]],
) -> AsyncIterator[frozenset[str]]:
    """Gather changes into sets of topics; an empty set is a sign of life.

    It ends with the server, and within `RECHECK_SECONDS` when whoever listens may not go on: nothing is told later than
    that after a look that was good.
    """
    now = asyncio.get_running_loop().time
    upcoming = asyncio.ensure_future(anext(changes))
    end = asyncio.ensure_future(ending.wait())
    check_at, sign_at = now() + RECHECK_SECONDS, now() + HEARTBEAT_SECONDS
    try:
        while True:
            left = max(min(check_at, sign_at) - now(), 0)
            await asyncio.wait({upcoming, end}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return
            if now() >= check_at:
                if not await may_go_on():
                    return
                check_at = now() + RECHECK_SECONDS
            if not upcoming.done() and now() < sign_at:
                continue
            topics: set[str] = set()
            deadline = now() + GATHER_SECONDS
            while upcoming.done():
                change = upcoming.result()
                if concerns(change, scope=scope):
                    topics.add(change.topic)
                upcoming = asyncio.ensure_future(anext(changes))
                await asyncio.wait({upcoming}, timeout=max(deadline - now(), 0))
            sign_at = now() + HEARTBEAT_SECONDS
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


def route(feed: Callable[[], ChangeFeed], gate: Callable[[], Gate]) -> Any:
    """Build the route of the live stream."""

    @get("/live", opt={"permission": PERMISSION}, include_in_schema=False)
    async def live(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> ServerSentEvent:
        """Send an event ``change`` with the topics that changed, for as long as the page is open.

        It ends when the session or key does and when the scope changes, and has the page look again for everything.
        """

        async def may_go_on() -> bool:
            try:
                by_now = await gate().still(request)
            except Unauthenticated:
                return False
            return PERMISSION in by_now.permissions and by_now.scope == principal.scope

        async def messages() -> AsyncIterator[ServerSentEventMessage]:
            yield ServerSentEventMessage(event="hello", data="connected", retry=RETRY_MILLISECONDS)
            try:
                async with feed().subscribe() as changes:
                    heard = news(changes, scope=principal.scope, ending=ending_of(request.app), may_go_on=may_go_on)
                    async for topics in heard:
                        if topics:
                            yield ServerSentEventMessage(event="change", data=",".join(sorted(topics)))
                        else:
                            yield ServerSentEventMessage(comment="still here")
                if not ending_of(request.app).is_set():
                    # Who asks anew is led to sign in, or gets what is theirs to see by now.
                    yield ServerSentEventMessage(event="change", data=EVERYTHING)
            except Unavailable:
                return

        return ServerSentEvent(messages())

    return live
