"""Pages of delivery and technology streams (§2.2, §7.1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.administration import InvalidChange
from dpp.application.configuration_authority import OF_DELIVERY_STREAMS, OF_TECH_STREAMS
from dpp.application.configuration_edits import Add, Change, RevisionConflict, Taken
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import DeliveryStream, TechStream
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.administration import filling, forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.administration.filling import FieldOf, Kind

AnyRequest = Request[Any, Any, Any]

OVERTAKEN = (
    "Somebody else has changed this stream since you opened the page. What you typed is still here, and what is there "
    "now stands below; saving again replaces it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKind:
    """
    One of the two kinds of streams.

    Attributes:
        section: of the configuration.
        path: of the list; a stream's own page is below it.
        fields: of the form, in order.
        of_leads: those that a lead may change.
        templates: of the list and of a stream.
    """

    section: str
    path: str
    fields: tuple[FieldOf, ...]
    of_leads: tuple[str, ...]
    list_template: str
    template: str

    def streams(self, looking: Looking) -> Sequence[DeliveryStream | TechStream]:
        """Return the streams of the kind."""
        configuration = looking.configuration
        return configuration.delivery_streams if self is DELIVERY else configuration.tech_streams

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields of the form."""
        return (*(one.key for one in self.fields), *filling.CALENDAR)


DELIVERY = StreamKind(
    section="delivery_streams",
    path="/admin/delivery-streams",
    fields=(
        FieldOf(key="name"),
        FieldOf(key="display_name"),
        FieldOf(key="description"),
        FieldOf(key="team_size", kind=Kind.NUMBER),
        FieldOf(key="minimum_contributors", kind=Kind.NUMBER),
    ),
    of_leads=OF_DELIVERY_STREAMS,
    list_template="admin/delivery_streams.html",
    template="admin/delivery_stream.html",
)
TECH = StreamKind(
    section="tech_streams",
    path="/admin/tech-streams",
    fields=(
        FieldOf(key="name"),
        FieldOf(key="display_name"),
        FieldOf(key="github_org"),
        FieldOf(key="github_install_id"),
        FieldOf(key="lead_time_method"),
        FieldOf(key="branch_pattern"),
        FieldOf(key="description"),
        FieldOf(key="minimum_contributors", kind=Kind.NUMBER),
    ),
    of_leads=OF_TECH_STREAMS,
    list_template="admin/tech_streams.html",
    template="admin/tech_stream.html",
)


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""
    return [route for kind in (DELIVERY, TECH) for route in _routes(kind, administering)]


def _routes(kind: StreamKind, administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(kind.path, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def streams(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """List the streams."""
        return await _list(request, principal, administering(), kind)

    @post(kind.path, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def add(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Add a stream, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _list(request, principal, to, kind, given=expired, status=403)
        values = {key: value for key, value in filling.values_of(given, kind.fields).items() if value is not None}
        try:
            await to.change(principal, Add(section=kind.section, values=values))
        except Taken as error:
            wrong = given.with_problems({"name": str(error)})
            return await _list(request, principal, to, kind, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=kind.names)
            return await _list(request, principal, to, kind, given=wrong, status=422)
        return frame.gone_on(kind.path, done="added")

    @get(f"{kind.path}/{{stream_id:uuid}}", **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def stream(
        request: AnyRequest, principal: NamedDependency[Principal], stream_id: FromPath[UUID]
    ) -> Response[Any]:
        """Show a stream."""
        return await _one(request, principal, administering(), kind, stream_id)

    @post(f"{kind.path}/{{stream_id:uuid}}", **frame.writing(framing, Permission.STREAMS_MANAGE))
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], stream_id: FromPath[UUID]
    ) -> Response[Any]:
        """Change a stream, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        if not frame.is_ours(request, given, to.framing):
            expired = given.with_problems({}, [forms.EXPIRED])
            return await _one(request, principal, to, kind, stream_id, given=expired, status=403)
        looking = await to.looking(principal)
        name, _ = _found(kind, looking, stream_id)
        values = _changes(kind, given, is_admin=looking.authority.is_admin)
        edit = Change(section=kind.section, name=name, values=values, revision=given.value("revision"))
        try:
            await to.change(principal, edit)
        except RevisionConflict:
            wrong = given.with_problems({}, [OVERTAKEN])
            return await _one(request, principal, to, kind, stream_id, given=wrong, status=409)
        except InvalidChange as error:
            wrong = filling.told(given, error.problems, fields=kind.names)
            return await _one(request, principal, to, kind, stream_id, given=wrong, status=422)
        return frame.gone_on(f"{kind.path}/{stream_id}", done=given.value("do") or "saved")

    return [streams, add, stream, change]


def _changes(kind: StreamKind, given: forms.Typed, *, is_admin: bool) -> dict[str, Any]:
    """Return what was typed as changes of a table; archiving and bringing back change nothing else."""
    if given.value("do") in ("archived", "restored"):
        return {"is_active": given.value("do") == "restored"}
    fields = [one for one in kind.fields if is_admin or one.key in kind.of_leads]
    values = filling.values_of(given, fields)
    if kind is DELIVERY:
        values["calendar"] = filling.calendar_of(given) if given.is_checked(filling.OWN_CALENDAR) else None
    return values


def _found(kind: StreamKind, looking: Looking, stream_id: UUID) -> tuple[str, int]:
    """Return a stream's name and position; one that the caller may not see is not there."""
    for index, row in enumerate(kind.streams(looking)):
        if row.stream_id == stream_id and looking.authority.sees(row):
            return row.name, index
    raise NotFound("There is no such stream")


async def _list(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    kind: StreamKind,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.looking(principal)
    seen = [row for row in kind.streams(looking) if looking.authority.sees(row)]
    context: Mapping[str, object] = {
        "kind": kind,
        "streams": sorted(seen, key=lambda row: (not row.is_active, row.display_name.casefold())),
        "is_admin": looking.authority.is_admin,
        "filled": given or forms.Typed(values={"lead_time_method": "pr"}),
    }
    return frame.page(request, principal, to.framing, kind.list_template, context, status=status)


async def _one(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    kind: StreamKind,
    stream_id: UUID,
    *,
    given: forms.Typed | None = None,
    status: int = 200,
) -> Response[Any]:
    looking = await to.looking(principal)
    _, index = _found(kind, looking, stream_id)
    table = looking.document[kind.section][index]
    calendar = table.get("calendar")
    platform = {key: looking.document["platform"].get(key, "") for key in filling.CALENDAR}
    is_own = {filling.OWN_CALENDAR: "1"} if calendar is not None else {}
    context = {
        "kind": kind,
        "stream": kind.streams(looking)[index],
        # After a conflict that of what is shown; else what was typed stays tied to what was read.
        "revision": given.value("revision") if given and status != 409 else looking.revision(kind.section, index),
        "is_admin": looking.authority.is_admin,
        "now": table if status == 409 else None,
        "filled": given or filling.filled(table, calendar=calendar or platform, **is_own),
    }
    return frame.page(request, principal, to.framing, kind.template, context, status=status)
