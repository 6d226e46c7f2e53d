"""What a view shows while nothing is known: which steps lead to the first figure, and which of them are done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request

from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.dashboard import zone_bar
from dpp.entrypoints.http.dashboard.looking import Answers, Looking, Showing


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """
    Where the platform stands on its way to the first figure.

    Attributes:
        path: of the page, which looks again when there are news.
        is_filtered: whether it is a choice of the reader's that has nothing.
        may_connect: whether the reader administers the platform.
        is_configured: whether the organisation is described.
        github: address for GitHub's webhook.
        jira: address for Jira's webhook.
        heard: when each of the two was heard last, by its door; without those never heard.
    """

    path: str
    is_filtered: bool
    may_connect: bool
    is_configured: bool
    github: str
    jira: str
    heard: dict[str, datetime]


async def connecting(
    request: Request[Any, Any, Any], principal: Principal, to: Showing, answers: Answers
) -> Connecting | None:
    """Return what to do when nothing is known of what is asked for; None when something is."""
    realtime, quality = await answers.realtime(), await answers.quality()
    return await steps(request, principal, to, answers.looking) if zone_bar.is_empty(realtime, quality) else None


async def steps(request: Request[Any, Any, Any], principal: Principal, to: Showing, looking: Looking) -> Connecting:
    """Return the steps to the first figure, and which are done."""
    base = (to.public_url or str(request.base_url)).rstrip("/")
    configuration, view = to.answering.configuration.value, looking.view
    sources = await to.freshness.sources(now=view.as_of, configuration=configuration)
    return Connecting(
        path=request.url.path,
        is_filtered=bool(view.delivery_stream_id or view.tech_stream_id or looking.filters.as_of),
        may_connect=Permission.ADMIN_WRITE in principal.permissions,
        is_configured=bool(configuration.delivery_streams),
        github=f"{base}/api/v1/webhooks/github",
        jira=f"{base}/api/v1/webhooks/jira",
        heard={source.door: source.last_at for source in sources if source.last_at is not None},
    )
