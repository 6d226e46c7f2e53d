"""Linking a pull request to its ticket by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, Parameter
from msgspec import Struct

from dpp.application.delivery_rows import ManualLinkRow
from dpp.application.manual_links import ManualLinks
from dpp.domain.access import Permission, Principal
from dpp.domain.calendar import from_micros
from dpp.entrypoints.http.envelope import answer

#: A link has few words.
BODY_BYTES = 16 * 1024

Organisation = Annotated[str, Parameter(description="Of the repository", max_length=200)]
Name = Annotated[str, Parameter(description="The repository's own", max_length=200)]
Number = Annotated[int, Parameter(description="Of the pull request", ge=1, le=2**31 - 1)]


class NewLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ticket that a pull request belongs to, null for none; and why, if somebody should know."""

    ticket: str | None
    reason: str | None = None


class LinkMade(Struct, frozen=True, kw_only=True):
    """A link as it is on record; the figures follow within moments."""

    link_id: UUID
    pr_number: int
    ticket: str | None
    linked_at: datetime
    reason: str | None


class LinkAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a link."""

    status: Literal["ok"]
    data: LinkMade


def route(links: Callable[[], ManualLinks]) -> HTTPRouteHandler:
    """Build the route; ``links`` gives what it needs once the platform has started."""

    @put(
        "/pull-requests/{organisation:str}/{name:str}/{number:int}/ticket",
        opt={"permission": Permission.STREAMS_MANAGE},
        tags=["Pull requests"],
        responses={200: ResponseSpec(data_container=LinkAnswer, description="The link", generate_examples=False)},
        request_max_body_size=BODY_BYTES,
    )
    async def link(
        principal: NamedDependency[Principal],
        organisation: Organisation,
        name: Name,
        number: Number,
        data: JSONBody[NewLink],
    ) -> Response[Any]:
        """Say which ticket a pull request belongs to; the last word counts, before branch, title and body.

        Takes a person who leads a stream that it belongs to, or an administrator.
        """
        made = await links().link(
            principal,
            repository=f"{organisation}/{name}",
            pr_number=number,
            ticket=data.ticket,
            reason=data.reason,
        )
        return answer(_made(made))

    return link


def _made(row: ManualLinkRow) -> LinkMade:
    return LinkMade(
        link_id=row.link_id,
        pr_number=row.pr_number,
        ticket=row.ticket_id,
        linked_at=from_micros(row.linked_at),
        reason=row.reason,
    )
