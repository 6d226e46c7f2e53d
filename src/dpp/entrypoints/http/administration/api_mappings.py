"""Status mappings over HTTP: what is mapped, what is not, and what another mapping would do (§4.2.3, §7.1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from dpp.application.administration_reader import still_unmapped
from dpp.application.configuration_edits import ReplaceMappings, mappings_of, revision_of
from dpp.application.mapping_preview import Comparison, MappingPreview, PreviewedFigures
from dpp.application.readers import UnmappedStatus
from dpp.domain.access import Principal
from dpp.domain.configuration import Configuration
from dpp.entrypoints.http.administration import api, bodies
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

Project = Annotated[str, PathParameter(description="Key of the Jira project, such as PAY", max_length=40)]
OnlyProject = Annotated[
    str | None, QueryParameter(name="project", description="Key of a Jira project; without it, all", max_length=40)
]


class PlaceCounts(Struct, frozen=True, kw_only=True):
    """Tickets in a stage."""

    active: int
    queue: int


class PreviewShown(Struct, frozen=True, kw_only=True):
    """
    The figures of a view; times in working days, efficiency in percent, null without a sample.

    ``unmapped`` are unfinished tickets in a status that means nothing, which are no work in progress.
    """

    wip: int
    wip_by_stage: Mapping[str, PlaceCounts]
    unmapped: int
    completed: int
    cycle_time_p50: float | None
    cycle_time_p85: float | None
    flow_efficiency: float | None


class ComparisonShown(Struct, frozen=True, kw_only=True):
    """Figures as they are and as they would be; of a delivery stream, or of all that the caller manages."""

    delivery_stream_id: UUID | None
    delivery_stream: str | None
    before: PreviewShown
    after: PreviewShown


class MappingPreviewShown(Struct, frozen=True, kw_only=True):
    """
    What a change of mappings would do, with nothing written.

    ``tickets`` would be derived again, of which ``tickets_moved`` would be in another stage or active where they
    wait; ``cycles_changed`` completions of the last ``window_days`` would be gained, lost or take other times.
    """

    changes: list[str]
    tickets: int
    tickets_moved: int
    cycles_changed: int
    window_days: int
    overall: ComparisonShown
    delivery_streams: list[ComparisonShown]


class MappingPreviewAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a preview."""

    status: Literal["ok"]
    data: MappingPreviewShown


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get("/admin/status-mappings", opt=api.READS, tags=api.TAGS, responses={200: described(bodies.MappingsAnswer)})
    async def status_mappings(principal: NamedDependency[Principal], project: OnlyProject = None) -> Response[Any]:
        """List what statuses mean, and the statuses that were seen and mean nothing, with the events that wait."""
        to = administering()
        looking = await to.looking(principal)
        keys = [key for key in projects_of(looking) if project is None or key == project.strip().upper()]
        shown = bodies.MappingsShown(
            mappings=[row for key in keys for row in mapping_rows(looking.configuration, key)],
            unmapped=[
                bodies.UnmappedShown(project=row.project, status=row.status, events=row.events, last_seen=row.last_seen)
                for row in await unmapped(to, principal, looking)
                if project is None or row.project.upper() == project.strip().upper()
            ],
            projects=[
                bodies.ProjectRevision(project=key, revision=revision_of(mappings_of(looking.document, key)))
                for key in keys
            ],
        )
        return answer(shown, meta=looking.meta)

    @put("/admin/status-mappings/{project:str}", **api.changing(opt=api.WRITES))
    async def map_statuses(
        principal: NamedDependency[Principal],
        project: Project,
        if_match: bodies.IfMatch,
        data: JSONBody[bodies.MappingsGiven],
    ) -> Response[Any]:
        """Say what the statuses of a project mean; its tickets, those of the past included, are derived anew.

        Takes whoever leads the delivery stream that the project is for, or an administrator.
        """
        edit = ReplaceMappings(project=project, entries=data.entries(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    @post(
        "/admin/status-mappings/{project:str}/preview",
        opt=api.WRITES,
        tags=api.TAGS,
        status_code=200,
        responses={
            200: ResponseSpec(
                data_container=MappingPreviewAnswer, description="What it would do", generate_examples=False
            )
        },
        request_max_body_size=api.BODY_BYTES,
    )
    async def preview(
        principal: NamedDependency[Principal],
        project: Project,
        if_match: bodies.IfMatch,
        data: JSONBody[bodies.MappingsGiven],
    ) -> Response[Any]:
        """Say what such mappings would do to the figures of the last 90 days, and change nothing."""
        edit = ReplaceMappings(project=project, entries=data.entries(), revision=api.revision(if_match))
        proposed, found = await administering().preview(principal, edit)
        return answer(preview_shown(found, changes=proposed.changes, configuration=proposed.before))

    return [status_mappings, map_statuses, preview]


def projects_of(looking: Looking) -> list[str]:
    """Return the keys of the Jira projects whose statuses somebody manages."""
    configuration = looking.configuration
    return [row.key for row in configuration.jira_projects if looking.authority.sees_project(row, configuration)]


def mapping_rows(configuration: Configuration, project: str) -> list[bodies.MappingShown]:
    """Return what the statuses of a project mean, in their order."""
    rows = [row for row in configuration.status_mappings if row.project == project]
    return [
        bodies.MappingShown(
            project=row.project, status=row.status, stage=row.stage.value, active=row.active, order=row.order
        )
        for row in sorted(rows, key=lambda row: row.order)
    ]


async def unmapped(to: Administering, principal: Principal, looking: Looking) -> list[UnmappedStatus]:
    """Return the statuses that wait for a meaning; of projects that nobody has described only to who sees all."""
    seen = still_unmapped(
        await to.reader.statuses_without_stage(to.view(principal)), configuration=looking.configuration
    )
    projects = set(projects_of(looking))
    return [row for row in seen if looking.authority.reads_all or row.project in projects]


def preview_shown(
    found: MappingPreview, *, changes: tuple[str, ...], configuration: Configuration
) -> MappingPreviewShown:
    """Return a preview as it is sent."""
    names = {row.stream_id: row.name for row in configuration.delivery_streams}
    return MappingPreviewShown(
        changes=list(changes),
        tickets=found.tickets,
        tickets_moved=found.moved,
        cycles_changed=found.cycles_changed,
        window_days=found.window_days,
        overall=_comparison(found.whole, names),
        delivery_streams=[_comparison(one, names) for one in found.streams],
    )


def _comparison(one: Comparison, names: Mapping[UUID, str]) -> ComparisonShown:
    stream = one.delivery_stream_id
    return ComparisonShown(
        delivery_stream_id=stream,
        delivery_stream=None if stream is None else names.get(stream),
        before=_figures(one.before),
        after=_figures(one.after),
    )


def _figures(figures: PreviewedFigures) -> PreviewShown:
    return PreviewShown(
        wip=figures.stages.total,
        wip_by_stage={
            stage.value: PlaceCounts(active=count.active, queue=count.queue)
            for stage, count in figures.stages.stages.items()
        },
        unmapped=figures.stages.unmapped,
        completed=figures.cycle_times["cycle_time_p50"].sample_size,
        cycle_time_p50=figures.cycle_times["cycle_time_p50"].value,
        cycle_time_p85=figures.cycle_times["cycle_time_p85"].value,
        flow_efficiency=figures.flow_efficiency.value,
    )
