"""Pages of what waits for a person: unread payloads, and pull requests without a ticket (§5.6, §7.1.3)."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.repairing import OpenedLetter, Retried
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import Conflict, InvalidInput, NotFound
from dpp.domain.events import Outcome
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Provide

LETTERS, PULL_REQUESTS = "/admin/dead-letters", "/admin/pull-requests"
SHOWN = 200

AnyRequest = Request[Any, Any, Any]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""
    return [*_letters(administering), *_pull_requests(administering)]


def _letters(administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(LETTERS, **frame.reading(framing, Permission.ADMIN_READ))
    async def letters(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the unread payloads."""
        return await _letter_list(request, principal, administering())

    @post(f"{LETTERS}/retry", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def retry_all(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Try every payload again that the list shows."""
        to, given = administering(), await forms.typed(request)
        to.check_whole(principal)
        if not frame.is_ours(request, given, to.framing):
            return await _letter_list(request, principal, to, problem=forms.EXPIRED, status=403)
        outcomes: Counter[str] = Counter()
        for letter in await to.repairing.waiting(limit=SHOWN):
            try:
                outcomes[(await to.repairing.retry(principal, letter.delivery_uid)).outcome.value] += 1
            except (NotFound, Conflict) as error:
                outcomes[error.code] += 1
        return await _letter_list(request, principal, to, outcomes=outcomes)

    @post(f"{LETTERS}/{{delivery_uid:uuid}}", **frame.writing(framing, Permission.ADMIN_WRITE))
    async def letter(
        request: AnyRequest, principal: NamedDependency[Principal], delivery_uid: FromPath[UUID]
    ) -> Response[Any]:
        """Look into a payload, or try it again."""
        to, given = administering(), await forms.typed(request)
        to.check_whole(principal)
        if not frame.is_ours(request, given, to.framing):
            return await _letter_list(request, principal, to, problem=forms.EXPIRED, status=403)
        try:
            if given.value("do") != "retry":
                return _opened(request, principal, to, await to.repairing.open(principal, delivery_uid))
            retried = await to.repairing.retry(principal, delivery_uid)
        except NotFound as error:
            return await _letter_list(request, principal, to, problem=str(error), status=404)
        if retried.outcome is Outcome.UNKNOWN:
            opened = await to.repairing.open(principal, delivery_uid)
            return _opened(request, principal, to, opened, retried=retried)
        return frame.gone_on(LETTERS, done=retried.outcome.value)

    return [letters, retry_all, letter]


async def _letter_list(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    outcomes: Counter[str] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response[Any]:
    to.check_whole(principal)
    waiting = await to.repairing.waiting(limit=SHOWN)
    context = {
        "path": LETTERS,
        "letters": waiting,
        "most": SHOWN,
        "outcomes": outcomes,
        "filled": forms.Typed(general=(problem,) if problem else ()),
        "is_admin": Permission.ADMIN_WRITE in principal.permissions,
    }
    return frame.page(request, principal, to.framing, "admin/dead_letters.html", context, status=status)


def _opened(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    opened: OpenedLetter,
    *,
    retried: Retried | None = None,
) -> Response[Any]:
    context = {"path": LETTERS, "opened": opened, "letter": opened.letter, "retried": retried}
    status = 200 if retried is None else 422
    return frame.page(request, principal, to.framing, "admin/dead_letter.html", context, status=status)


def _pull_requests(administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(PULL_REQUESTS, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def unlinked(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the pull requests without a ticket."""
        return await _unlinked(request, principal, administering())

    @post(PULL_REQUESTS, **frame.writing(framing, Permission.STREAMS_MANAGE))
    async def link(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Link one by hand, or say that it belongs to none."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _unlinked(request, principal, to, given=expired, status=403)
        number = given.number("pr_number")
        ticket = given.text("ticket")
        if not isinstance(number, int) or not 1 <= number < 2**31:
            wrong = given.with_problems({"pr_number": "Give the number of the pull request, such as 123."})
            return await _unlinked(request, principal, to, given=wrong, status=422)
        if ticket is None:
            wrong = given.with_problems({"ticket": "Give the key of a ticket, such as PAY-123."})
            return await _unlinked(request, principal, to, given=wrong, status=422)
        try:
            await to.links.link(
                principal,
                repository=given.value("repository").strip(),
                pr_number=number,
                ticket=ticket.upper(),
                reason=given.text("reason"),
            )
        except (InvalidInput, NotFound) as error:
            name = "reason" if getattr(error, "field", None) == "reason" else "ticket"
            wrong = given.with_problems({name if isinstance(error, InvalidInput) else "repository": str(error)})
            return await _unlinked(request, principal, to, given=wrong, status=422)
        return frame.gone_on(PULL_REQUESTS, done="linked")

    return [unlinked, link]


async def _unlinked(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    rows = await to.operating.reader.unlinked_pull_requests(to.view(principal), limit=SHOWN)
    asked = request.query_params
    begun = {name: asked[name] for name in ("repository", "pr_number") if name in asked}
    context = {
        "path": PULL_REQUESTS,
        "rows": rows,
        "most": SHOWN,
        "filled": given or forms.Typed(values=begun),
    }
    return frame.page(request, principal, to.framing, "admin/pull_requests.html", context, status=status)
