"""Unread payloads and unlinked pull requests over HTTP (§5.6, §7.1.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from msgspec import Struct

from dpp.application.ports import DeadLetter
from dpp.application.repairing import OpenedLetter, Retried
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.administration import api
from dpp.entrypoints.http.administration.administering import Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

DeliveryUid = Annotated[UUID, PathParameter(description="Of the delivery, as the list of unread payloads tells")]


class LetterShown(Struct, frozen=True, kw_only=True):
    """A payload that nobody could read; it is kept, encrypted, until it expires."""

    delivery_uid: UUID
    received_at: datetime
    channel: str
    kind: str | None
    reason: str
    expires_at: datetime


class LetterOpened(Struct, frozen=True, kw_only=True):
    """A payload's size in bytes, and its structure without its values; null where it is no JSON."""

    letter: LetterShown
    size: int
    outline: str | None


class LetterRetried(Struct, frozen=True, kw_only=True):
    """What became of a payload; ``unknown`` leaves it where it was, else it is gone from the list."""

    delivery_uid: UUID
    outcome: Literal["understood", "ignored", "unknown"]
    accepted: int
    duplicates: int
    reason: str | None


class UnlinkedShown(Struct, frozen=True, kw_only=True):
    """A pull request without a ticket; ``PUT /api/v1/pull-requests/{organisation}/{name}/{number}/ticket`` links it."""

    repository: str
    pr_number: int
    branch_name: str
    opened_at: datetime | None


class LettersAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the unread payloads, newest first."""

    status: Literal["ok"]
    data: list[LetterShown]


class OpenedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a payload's outline."""

    status: Literal["ok"]
    data: LetterOpened


class RetriedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of what became of a payload."""

    status: Literal["ok"]
    data: LetterRetried


class UnlinkedAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the unlinked pull requests, newest first."""

    status: Literal["ok"]
    data: list[UnlinkedShown]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get(
        "/admin/dead-letters",
        opt={"permission": Permission.ADMIN_READ},
        tags=api.TAGS,
        responses={200: described(LettersAnswer)},
    )
    async def letters(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the payloads that nobody could read, the newest 200."""
        to = administering()
        to.check_whole(principal)
        return answer([letter_shown(letter) for letter in await to.repairing.waiting()])

    @post(
        "/admin/dead-letters/{delivery_uid:uuid}/outline",
        opt={"permission": Permission.ADMIN_WRITE},
        tags=api.TAGS,
        status_code=200,
        responses={200: _described(OpenedAnswer, "The outline")},
    )
    async def outline(principal: NamedDependency[Principal], delivery_uid: DeliveryUid) -> Response[Any]:
        """Show what is in an unread payload, without what it says; that it was looked at goes on record."""
        to = administering()
        to.check_whole(principal)
        return answer(_opened(await to.repairing.open(principal, delivery_uid)))

    @post(
        "/admin/dead-letters/{delivery_uid:uuid}/retry",
        opt={"permission": Permission.ADMIN_WRITE},
        tags=api.TAGS,
        status_code=200,
        responses={200: _described(RetriedAnswer, "What became of it")},
    )
    async def retry(principal: NamedDependency[Principal], delivery_uid: DeliveryUid) -> Response[Any]:
        """Read an unread payload again, as if it came now; doing so twice adds nothing twice."""
        to = administering()
        to.check_whole(principal)
        return answer(_retried(await to.repairing.retry(principal, delivery_uid)))

    @get(
        "/admin/unlinked-pull-requests",
        opt=api.READS,
        tags=api.TAGS,
        responses={200: described(UnlinkedAnswer)},
    )
    async def unlinked(principal: NamedDependency[Principal]) -> Response[Any]:
        """List pull requests of the caller's streams that belong to no ticket, the newest 200."""
        to = administering()
        rows = await to.operating.reader.unlinked_pull_requests(to.view(principal), limit=200)
        return answer([UnlinkedShown(**row._asdict()) for row in rows])

    return [letters, outline, retry, unlinked]


def _described(envelope: type[Any], what: str) -> ResponseSpec:
    return ResponseSpec(data_container=envelope, description=what, generate_examples=False)


def letter_shown(letter: DeadLetter) -> LetterShown:
    """Return an unread payload as it is listed."""
    return LetterShown(
        delivery_uid=letter.delivery_uid,
        received_at=letter.received_at,
        channel=letter.channel,
        kind=letter.kind,
        reason=letter.reason,
        expires_at=letter.expires_at,
    )


def _opened(found: OpenedLetter) -> LetterOpened:
    return LetterOpened(letter=letter_shown(found.letter), size=found.size, outline=found.outline)


def _retried(found: Retried) -> LetterRetried:
    return LetterRetried(
        delivery_uid=found.delivery_uid,
        outcome=found.outcome.value,  # type: ignore[arg-type]  # a payload that is read is never refused
        accepted=found.accepted,
        duplicates=found.duplicates,
        reason=found.reason,
    )
