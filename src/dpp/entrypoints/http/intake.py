"""The doors for deliveries: verified, read, kept, acknowledged (§5.3.3, §5.4.2, §5.5.1).

Nothing else runs on these routes: a session or a rate limiter here would cost more than the delivery itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Request, Response, Router, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.deliveries import Appended
from dpp.application.doors import Doors
from dpp.application.keys import InvalidKey
from dpp.application.reading import PushFormat
from dpp.domain.errors import TooLarge
from dpp.entrypoints.http.addresses import address_of
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.failed_keys import FailedKeys

MEBIBYTE = 1024 * 1024
GITHUB_LIMIT = 25 * MEBIBYTE
JIRA_LIMIT = 25 * MEBIBYTE
PUSH_LIMIT = 1 * MEBIBYTE


async def body_of(request: Request[Any, Any, Any], *, limit: int) -> bytes:
    """Return the raw body, refusing one over the limit before it is read whole.

    Raises:
        TooLarge: the body exceeds the limit, by its own account or as it comes.
    """
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // MEBIBYTE} MiB, the limit of this address")


def headers_of(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """Return the headers with names in lower case; of a repeated one the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]}


def acknowledged(results: Sequence[Appended]) -> Response[bytes]:
    """Say how many facts were new and how many were known."""
    return answer(
        {
            "accepted": sum(result.accepted for result in results),
            "duplicates": sum(result.duplicates for result in results),
        },
        status=202,
    )


async def bounded(request: Request[Any, Any, Any], doors: Doors, *, channel: str, limit: int) -> bytes:
    """Return the raw body; one that is too large is counted and refused.

    Raises:
        TooLarge: the body exceeds the limit.
    """
    try:
        return await body_of(request, limit=limit)
    except TooLarge:
        doors.refused_too_large(channel=channel)
        raise


#: Who sends what.
_FORMATS: Mapping[PushFormat, str] = {
    PushFormat.CDEVENTS: "CDEvents over HTTP (CloudEvents in structured, binary or batched mode)",
    PushFormat.ALERTMANAGER: "a notification of Prometheus Alertmanager",
    PushFormat.PAGERDUTY: "a webhook of PagerDuty, version 3",
    PushFormat.OPSGENIE: "a webhook of Opsgenie",
    PushFormat.GRAFANA: "a notification of Grafana's alerting",
}


def _foreign(form: PushFormat, doors: Callable[[], Doors]) -> HTTPRouteHandler:
    """Build the route of a format of another system."""

    @post(
        f"/events/{form}",
        status_code=202,
        summary=f"Events by {form}",
        description=f"Take {_FORMATS[form]}, as it is sent; an API key with ``events:write``.",
    )
    async def foreign(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await bounded(request, doors(), channel=form.value, limit=PUSH_LIMIT)
        return acknowledged([await doors().foreign(form, headers=headers_of(request), body=body)])

    return foreign


def router(doors: Callable[[], Doors], *, is_behind_proxy: bool = False) -> Router:
    """Build the routes.

    Args:
        doors: gives the platform's doors once it has started.
        is_behind_proxy: whether a proxy stands between the senders and us.
    """
    failed = FailedKeys()

    def sender(request: Request[Any, Any, Any]) -> str:
        peer = request.client.host if request.client else None
        return address_of(peer=peer, headers=request.headers, is_behind_proxy=is_behind_proxy)

    async def slow_down(request: Request[Any, Any, Any]) -> None:
        if (header := request.headers.get("authorization")) is not None:
            failed.check(sender(request), is_known=lambda: doors().has_seen(header))

    def on_invalid_key(request: Request[Any, Any, Any], error: InvalidKey) -> Response[bytes]:
        failed.note(sender(request))
        return on_platform_error(request, error)

    @post("/webhooks/github", status_code=202)
    async def github(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a webhook from GitHub, signed with ``X-Hub-Signature-256``."""
        body = await bounded(request, doors(), channel="github", limit=GITHUB_LIMIT)
        return acknowledged([await doors().github(headers=headers_of(request), body=body)])

    @post("/webhooks/jira", status_code=202)
    async def jira(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a webhook from Jira, signed with ``X-Hub-Signature``."""
        body = await bounded(request, doors(), channel="jira", limit=JIRA_LIMIT)
        return acknowledged([await doors().jira(headers=headers_of(request), body=body)])

    @post("/webhooks/jira/{token:str}", status_code=202)
    async def jira_by_token(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """Take a webhook from a Jira that cannot sign: the unguessable token in the path stands for the signature."""
        body = await bounded(request, doors(), channel="jira", limit=JIRA_LIMIT)
        return acknowledged([await doors().jira_by_token(token=token, body=body)])

    @post("/events/deployment", status_code=202)
    async def deployment(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a deployment event pushed by a pipeline; an API key with ``events:write``."""
        body = await bounded(request, doors(), channel="deployment", limit=PUSH_LIMIT)
        return acknowledged([await doors().deployment(headers=headers_of(request), body=body)])

    @post("/events/incident", status_code=202)
    async def incident(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take an incident event pushed by a monitoring system; an API key with ``events:write``."""
        body = await bounded(request, doors(), channel="incident", limit=PUSH_LIMIT)
        return acknowledged([await doors().incident(headers=headers_of(request), body=body)])

    @post("/events/pulse", status_code=202)
    async def pulse(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take anonymised answers to the survey pushed by a form tool; an API key with ``events:write``."""
        body = await bounded(request, doors(), channel="survey", limit=PUSH_LIMIT)
        return acknowledged([await doors().survey(headers=headers_of(request), body=body)])

    foreign = [_foreign(form, doors) for form in PushFormat]
    return Router(
        "/api/v1",
        route_handlers=[github, jira, jira_by_token, deployment, incident, pulse, *foreign],
        tags=["Intake"],
        before_request=slow_down,
        exception_handlers={InvalidKey: on_invalid_key},
        # Each door has a limit of its own; the framework's, of 10 MB, would be the lower one.
        request_max_body_size=None,
    )
