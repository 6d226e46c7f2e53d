"""The page of status mappings, with what a change would do before it is made (§4.2.3, §7.1.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.administration import ChangeProblem, InvalidChange
from dpp.application.configuration_edits import ReplaceMappings, RevisionConflict, mappings_of, missing, revision_of
from dpp.application.mapping_preview import MappingPreview, PreviewedFigures
from dpp.application.readers import UnmappedStatus
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import Configuration
from dpp.domain.stages import UNMAPPED, Stage
from dpp.domain.wip import REPORTED_STAGES
from dpp.entrypoints.http.administration import api_mappings, forms, frame
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.dashboard import words

PATH = "/admin/status-mappings"
TEMPLATE = "admin/status_mappings.html"
#: Rows for statuses that no event has told of yet.
SPARE_ROWS = 3
OVERTAKEN = (
    "Somebody else has changed the mappings of this project since you opened the page. What you typed is still here; "
    "compare it with the mappings as they are now, below. Saving again replaces them."
)
WORKS, WAITS = "works", "waits"

AnyRequest = Request[Any, Any, Any]


class Row(NamedTuple):
    """A row of the form, as it was typed; ``events`` wait for the meaning of a status that has none yet."""

    status: str
    stage: str
    activity: str
    order: str
    events: int = 0
    is_new: bool = False
    problem: str = ""


class Line(NamedTuple):
    """A figure of the preview: what it is called, and for each comparison how it is and how it would be."""

    title: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page is to show beside the project: what was typed, what is wrong with it, what it would do."""

    given: forms.Typed | None = None
    problems: tuple[ChangeProblem, ...] = ()
    general: tuple[str, ...] = ()
    preview: MappingPreview | None = None
    changes: tuple[str, ...] = ()
    status: int = 200


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    def framing() -> frame.Framing:
        return administering().framing

    @get(PATH, **frame.reading(framing, Permission.STREAMS_MANAGE))
    async def mappings(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show what the statuses of a project mean."""
        to = administering()
        looking = await to.looking(principal)
        projects = api_mappings.projects_of(looking)
        wanted = request.query_params.get("project", "").strip().upper()
        if wanted and wanted not in projects:
            raise missing("jira_projects", wanted)
        return await _page(request, principal, to, looking, wanted or next(iter(projects), ""), Shown())

    @post(f"{PATH}/{{project:str}}", **frame.writing(framing, Permission.STREAMS_MANAGE))
    async def change(
        request: AnyRequest, principal: NamedDependency[Principal], project: FromPath[str]
    ) -> Response[Any]:
        """Say what a change would do, or make it."""
        to, given = administering(), await forms.typed(request)
        looking = await to.looking(principal)
        if project not in api_mappings.projects_of(looking):
            raise missing("jira_projects", project)

        async def again(shown: Shown) -> Response[Any]:
            return await _page(request, principal, to, looking, project, shown)

        if not frame.is_ours(request, given, to.framing):
            return await again(Shown(given=given, general=(forms.EXPIRED,), status=403))
        rows = [row for row in _typed(given) if row.status.strip() and row.stage]
        edit = ReplaceMappings(project=project, entries=[_entry(row) for row in rows], revision=given.value("revision"))
        try:
            if given.value("do") == "preview":
                proposed, found = await to.preview(principal, edit)
                return await again(Shown(given=given, preview=found, changes=proposed.changes))
            await to.change(principal, edit)
        except RevisionConflict:
            return await again(Shown(given=given, general=(OVERTAKEN,), status=409))
        except InvalidChange as error:
            return await again(Shown(given=given, problems=error.problems, status=422))
        return frame.gone_on(f"{PATH}?project={project}", done="saved")

    return [mappings, change]


async def _page(
    request: AnyRequest, principal: Principal, to: Administering, looking: Looking, project: str, shown: Shown
) -> Response[Any]:
    waiting = await api_mappings.unmapped(to, principal, looking)
    own = [row for row in waiting if row.project.upper() == project]
    mapped = mappings_of(looking.document, project)
    rows = (
        _typed_again(shown) if shown.given else [*_rows(mapped), *_waiting(own), *[Row("", "", WORKS, "")] * SPARE_ROWS]
    )
    revision = revision_of(mapped)
    context = {
        "path": PATH,
        "project": project,
        "projects": api_mappings.projects_of(looking),
        "rows": rows,
        "stages": [(stage.value, words.stage(stage.value)) for stage in Stage],
        "revision": shown.given.value("revision") if shown.given and shown.status != 409 else revision,
        "filled": forms.Typed(general=(*shown.general, *map(str, _elsewhere(shown)))),
        "mapped": mapped if shown.status == 409 else None,
        "waiting": own,
        "elsewhere": [row for row in waiting if row.project.upper() not in api_mappings.projects_of(looking)],
        "preview": shown.preview,
        "changes": shown.changes,
        "headings": _headings(shown.preview, looking.configuration),
        "lines": _lines(shown.preview),
    }
    return frame.page(request, principal, to.framing, TEMPLATE, context, status=shown.status)


def _rows(mapped: Sequence[dict[str, Any]]) -> list[Row]:
    rows = [
        Row(row["status"], row["stage"], WORKS if row["active"] else WAITS, str(row.get("order", 0))) for row in mapped
    ]
    return sorted(rows, key=lambda row: int(row.order))


def _waiting(rows: Sequence[UnmappedStatus]) -> Iterator[Row]:
    for row in rows:
        yield Row(row.status, "", WORKS, "", events=row.events, is_new=True)


def _typed(given: forms.Typed) -> list[Row]:
    columns = (given.column(name) for name in ("status", "stage", "activity", "order", "events"))
    return [
        Row(status, stage, activity, order, events=int(events) if events.isdigit() else 0, is_new=events.isdigit())
        for status, stage, activity, order, events in zip_longest(*columns, fillvalue="")
    ]


def _typed_again(shown: Shown) -> list[Row]:
    """Return the rows as they were typed, each with what is wrong with it."""
    assert shown.given is not None
    problems: dict[int, list[str]] = {}
    for problem in shown.problems:
        if problem.place and isinstance(problem.place[0], int):
            problems.setdefault(problem.place[0], []).append(problem.message)
    rows, sent = [], 0
    for row in _typed(shown.given):
        if row.status.strip() and row.stage:
            rows.append(row._replace(problem="; ".join(problems.get(sent, ()))))
            sent += 1
        else:
            rows.append(row)
    return rows


def _elsewhere(shown: Shown) -> list[ChangeProblem]:
    return [problem for problem in shown.problems if not (problem.place and isinstance(problem.place[0], int))]


def _entry(row: Row) -> dict[str, Any]:
    return {
        "status": row.status.strip(),
        "stage": row.stage,
        "active": row.activity == WORKS,
        "order": forms.whole(row.order),
    }


def _headings(preview: MappingPreview | None, configuration: Configuration) -> list[str]:
    if preview is None:
        return []
    names = {row.stream_id: row.display_name for row in configuration.delivery_streams}
    streams = [one.delivery_stream_id for one in preview.streams]
    return ["All that you manage", *(names.get(stream, "") for stream in streams if stream is not None)]


def _lines(preview: MappingPreview | None) -> list[Line]:
    if preview is None:
        return []
    columns = [(_told(one.before), _told(one.after)) for one in (preview.whole, *preview.streams)]
    titles = [title for title, _ in columns[0][0]]
    return [
        Line(title, tuple((before[place][1], after[place][1]) for before, after in columns))
        for place, title in enumerate(titles)
    ]


def _told(figures: PreviewedFigures) -> list[tuple[str, str]]:
    """Return figures in words, in the order of the lines."""
    stages = figures.stages
    p50, p85 = (figures.cycle_times[f"cycle_time_p{percent}"] for percent in (50, 85))
    return [
        ("Work in progress", words.number(stages.total)),
        *(
            (f"{words.stage(stage.value)}{suffix}", words.number(count))
            for stage in REPORTED_STAGES
            for suffix, count in (
                (", worked on", stages.stages[stage].active),
                (", waiting", stages.stages[stage].queue),
            )
            if stage is not Stage.BACKLOG or suffix == ", waiting"
        ),
        (words.stage(UNMAPPED), words.number(stages.unmapped)),
        ("Tickets finished in 90 days", words.number(p50.sample_size)),
        ("Cycle time p50", words.said(p50)),
        ("Cycle time p85", words.said(p85)),
        ("Flow efficiency", words.said(figures.flow_efficiency)),
    ]
