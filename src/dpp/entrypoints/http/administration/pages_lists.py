"""Pages of rules that are lists: environments, severities, and the roles of groups (§3.3, §6.7, §7.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from dpp.application.administration import ChangeProblem, InvalidChange
from dpp.application.configuration_edits import ReplaceList, RevisionConflict
from dpp.domain.access import Permission, Principal, Role
from dpp.domain.bottlenecks import BottleneckSeverity
from dpp.domain.configuration import Configuration
from dpp.entrypoints.http.administration import forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide

TEMPLATE = "admin/list_form.html"
SPARE_ROWS = 2
OVERTAKEN = (
    "Somebody else has changed this list since you opened the page. What you typed is still here, and the list as it "
    "is now stands below; saving again replaces it."
)

AnyRequest = Request[Any, Any, Any]
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    A column of the list.

    Attributes:
        key: of the table, and the name of its fields.
        title: over the column.
        choices: what can be chosen, given the configuration; without it, text is typed.
        read: makes a value of what was typed; None takes the key away.
        is_short: whether little is typed.
    """

    key: str
    title: str
    choices: Callable[[Configuration], Choices] | None = None
    read: Callable[[str], Any] = lambda text: text.strip() or None
    is_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A list of the configuration that is edited as a whole."""

    section: str
    path: str
    lead: str
    note: str
    saved: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as it was typed, with what is wrong with it."""

    cells: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    general: str = ""


def _fixed(*choices: tuple[str, str]) -> Callable[[Configuration], Choices]:
    return lambda _configuration: choices


def _delivery(configuration: Configuration) -> Choices:
    return [
        ("", "all, or none named"),
        *((row.name, row.display_name) for row in configuration.delivery_streams if row.is_active),
    ]


def _tech(configuration: Configuration) -> Choices:
    return [
        ("", "all, or none named"),
        *((row.name, row.display_name) for row in configuration.tech_streams if row.is_active),
    ]


def _percent(text: str) -> float | str | None:
    """Return a number; what is none comes back as it was typed, for whoever checks to say so."""
    stripped = text.strip().removesuffix("%").strip().replace(",", ".")
    if not stripped:
        return None
    try:
        return float(stripped)
    except ValueError:
        return stripped


ENVIRONMENTS = ListPage(
    section="environments",
    path="/admin/environments",
    lead="Sources call environments as they like. The first pattern that matches a name says which environment it is; "
    "only production counts in the figures of deliveries.",
    note="Patterns are regular expressions and are tried from the top. A row without a pattern is left out.",
    saved="Saved. Deployments are being derived again, those of the past included.",
    columns=(
        Column(key="pattern", title="Pattern"),
        Column(
            key="environment",
            title="Environment",
            choices=_fixed(("production", "production"), ("staging", "staging"), ("dev", "dev")),
        ),
    ),
)
SEVERITIES = ListPage(
    section="severities",
    path="/admin/severities",
    lead="When a technology stream that holds up delivery streams is how severe a bottleneck. Of the rows that apply "
    "the most severe wins; where none applies there is no bottleneck.",
    note="Without a confidence, a row applies whatever it is. A row without a number of streams is left out.",
    saved="Saved. It counts from the next look at shared bottlenecks on.",
    columns=(
        Column(
            key="severity",
            title="Severity",
            choices=_fixed(
                *((one.value, one.value) for one in reversed(BottleneckSeverity) if one is not BottleneckSeverity.NONE)
            ),
        ),
        Column(key="impacted_streams", title="Impacted delivery streams, at least", read=forms.whole, is_short=True),
        Column(
            key="confidence_below", title="Average sprint confidence below, in percent", read=_percent, is_short=True
        ),
    ),
)
GROUPS = ListPage(
    section="group_roles",
    path="/admin/group-roles",
    lead="Which groups of the identity provider bring which role, for all streams or for one. People get what their "
    "groups bring when they sign in; roles that were assigned by hand stay beside it.",
    note="Give either a group or a pattern. A pattern begins with ^ and ends with $; a part of it that is named "
    "delivery_stream or tech_stream, as in ^dpp-(?P<delivery_stream>.+)-leads$, names the stream. A row without "
    "either is left out.",
    saved="Saved. It counts from each person's next sign-in on.",
    columns=(
        Column(key="group", title="Group"),
        Column(key="pattern", title="or pattern"),
        Column(
            key="role",
            title="Role",
            choices=_fixed(*((role.value, role.value.replace("_", " ")) for role in Role)),
        ),
        Column(key="delivery_stream", title="Delivery stream", choices=_delivery),
        Column(key="tech_stream", title="Technology stream", choices=_tech),
    ),
)
PAGES = (ENVIRONMENTS, SEVERITIES, GROUPS)


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""
    return [route for page in PAGES for route in _routes(page, administering)]


def _routes(page: ListPage, administering: Provide) -> list[HTTPRouteHandler]:
    def framing() -> frame.Framing:
        return administering().framing

    @get(page.path, **frame.reading(framing, Permission.ADMIN_READ))
    async def shown(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show the list."""
        return await _page(request, principal, administering(), page)

    @post(page.path, **frame.writing(framing, Permission.ADMIN_WRITE))
    async def replaced(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Replace the list, or show what was typed with what to mend."""
        to, given = administering(), await forms.typed(request)
        rows = _typed(page, given)
        if not frame.is_ours(request, given, to.framing):
            return await _page(request, principal, to, page, given=given, general=forms.EXPIRED, status=403)
        entries = [_entry(page, row) for row in rows if _is_meant(page, row)]
        edit = ReplaceList(section=page.section, entries=entries, revision=given.value("revision"))
        try:
            await to.change(principal, edit)
        except RevisionConflict:
            return await _page(request, principal, to, page, given=given, general=OVERTAKEN, status=409)
        except InvalidChange as error:
            return await _page(request, principal, to, page, given=given, problems=error.problems, status=422)
        return frame.gone_on(page.path, done="saved")

    return [shown, replaced]


async def _page(
    request: AnyRequest,
    principal: Principal,
    to: Administering,
    page: ListPage,
    *,
    given: forms.Typed | None = None,
    problems: Sequence[ChangeProblem] = (),
    general: str = "",
    status: int = 200,
) -> Response[Any]:
    looking = await to.whole(principal)
    elsewhere = [str(one) for one in problems if not (one.place and isinstance(one.place[0], int))]
    revision = looking.revision_of_section(page.section)
    context = {
        "list": page,
        "choices": {
            column.key: list(column.choices(looking.configuration)) for column in page.columns if column.choices
        },
        "rows": _again(page, given, problems) if given else _rows(page, looking),
        "revision": given.value("revision") if given and status != 409 else revision,
        "filled": forms.Typed(general=tuple([general] if general else elsewhere)),
        "now": looking.document.get(page.section, []) if status == 409 else None,
        "is_admin": looking.authority.is_admin,
    }
    return frame.page(request, principal, to.framing, TEMPLATE, context, status=status)


def _rows(page: ListPage, looking: Looking) -> list[Row]:
    tables = looking.document.get(page.section, [])
    rows = [Row(cells={column.key: _text(table.get(column.key)) for column in page.columns}) for table in tables]
    return [*rows, *[Row(cells={})] * SPARE_ROWS]


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _typed(page: ListPage, given: forms.Typed) -> list[Row]:
    keys = [column.key for column in page.columns]
    columns = [given.column(key) for key in keys]
    return [Row(cells=dict(zip(keys, cells, strict=True))) for cells in zip_longest(*columns, fillvalue="")]


def _is_meant(page: ListPage, row: Row) -> bool:
    """Whether anything was typed; what is chosen from a list is always there."""
    return any(row.cells.get(column.key, "").strip() for column in page.columns if column.choices is None)


def _entry(page: ListPage, row: Row) -> dict[str, Any]:
    return {column.key: column.read(row.cells[column.key]) for column in page.columns}


def _again(page: ListPage, given: forms.Typed, problems: Sequence[ChangeProblem]) -> list[Row]:
    """Return the rows as they were typed, each with what is wrong with it."""
    rows, sent = [], 0
    for row in _typed(page, given):
        if not _is_meant(page, row):
            rows.append(row)
            continue
        of_row = [one for one in problems if one.place[:1] == (sent,)]
        by_key = {str(one.place[1]): _message(one) for one in of_row if len(one.place) > 1}
        whole = "; ".join(_message(one) for one in of_row if len(one.place) == 1)
        rows.append(Row(cells=row.cells, problems=by_key, general=whole))
        sent += 1
    return rows


def _message(problem: ChangeProblem) -> str:
    return problem.message.replace(", not text in quotes", "")
