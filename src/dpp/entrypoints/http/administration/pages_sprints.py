"""Pages of the sprints: as Jira reports them, and what people say of them (§4.2.5, §7.1.3, decision 0042)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.sprint_corrections import NotYourSprint, ReportedSprint, Said
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide

SPRINTS = "/admin/sprints"
MOST = 200

AnyRequest = Request[Any, Any, Any]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return administering().framing

    @get(SPRINTS, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def sprints(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the sprints."""
        to = administering()
        looking = await to.looking(principal)
        rows = await to.sprint_corrections.sprints(principal)
        context = {"sprints": rows[:MOST], "total": len(rows), "streams": _names(looking), "path": SPRINTS}
        return frame.page(request, principal, to.framing, "admin/sprints.html", context)

    @get(f"{SPRINTS}/{{number:str}}", **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def sprint(
        request: AnyRequest, principal: NamedDependency[Principal], number: FromPath[str]
    ) -> Response[Any]:
        """Show what is said of a sprint."""
        to = administering()
        return await _sprint(request, principal, to, await to.sprint_corrections.sprint(principal, number))

    @post(f"{SPRINTS}/{{number:str}}", **frame.writing(framing, Permission.STREAMS_MANAGE))
    async def correct(
        request: AnyRequest, principal: NamedDependency[Principal], number: FromPath[str]
    ) -> Response[Any]:
        """Take down what somebody says of it, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        found = await to.sprint_corrections.sprint(principal, number)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _sprint(request, principal, to, found, given=expired, status=403)
        try:
            said = Said() if given.value("do") == "take_back" else _said(given)
            await to.sprint_corrections.correct(principal, number, said)
        except InvalidInput as error:
            problems = {error.field: str(error)} if error.field else {}
            wrong = given.with_problems(problems, [] if error.field else [str(error)])
            return await _sprint(request, principal, to, found, given=wrong, status=422)
        except NotYourSprint as error:
            wrong = given.with_problems({}, [str(error)])
            return await _sprint(request, principal, to, found, given=wrong, status=403)
        return frame.gone_on(f"{SPRINTS}/{found.jira_sprint_id}", done="corrected")

    return [sprints, sprint, correct]


def _said(given: forms.Typed) -> Said:
    """Return what was typed.

    Raises:
        InvalidInput: a day is none; ``field`` says which.
    """
    stream = given.text("delivery_stream_id")
    try:
        stream_id = UUID(stream) if stream else None
    except ValueError:
        raise InvalidInput("there is no such delivery stream in use", field="delivery_stream_id") from None
    return Said(
        start_date=_day(given, "start_date"),
        end_date=_day(given, "end_date"),
        delivery_stream_id=stream_id,
        is_left_out=given.is_checked("is_left_out"),
        reason=given.text("reason"),
    )


def _day(given: forms.Typed, name: str) -> date | None:
    text = given.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(f"{text!r} is no day; write it like 2026-03-02", field=name) from None


async def _sprint(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    found: ReportedSprint,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.looking(principal)
    names = _names(looking)
    choices = [
        (str(row.stream_id), row.display_name)
        for row in looking.configuration.delivery_streams
        if row.is_active and row.stream_id in names
    ]
    context = {
        "path": f"{SPRINTS}/{found.jira_sprint_id}",
        "sprint": found,
        "streams": names,
        "choices": [("", "that of most of its tickets"), *choices],
        "filled": given or _filled(found),
    }
    return frame.page(request, principal, to.framing, "admin/sprint.html", context, status=status)


def _filled(found: ReportedSprint) -> forms.Typed:
    said = found.correction
    if said is None:
        return forms.Typed()
    values = {
        "start_date": said.start_date.isoformat() if said.start_date else "",
        "end_date": said.end_date.isoformat() if said.end_date else "",
        "delivery_stream_id": str(said.delivery_stream_id) if said.delivery_stream_id else "",
        "reason": said.reason or "",
    }
    return forms.Typed(values=values | ({"is_left_out": "1"} if said.is_left_out else {}))


def _names(looking: Looking) -> dict[UUID, str]:
    """Return the delivery streams that whoever looks may know of."""
    rows = looking.configuration.delivery_streams
    return {row.stream_id: row.display_name for row in rows if looking.authority.sees(row)}
