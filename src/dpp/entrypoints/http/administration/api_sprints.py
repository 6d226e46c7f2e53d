"""Sprints over HTTP: as Jira reports them, and what people say of them (§4.2.5, §7.1.3, decision 0042)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from dpp.application.sprint_corrections import ReportedSprint, Said, SprintCorrection
from dpp.domain.access import Principal
from dpp.entrypoints.http.administration import api
from dpp.entrypoints.http.administration.administering import Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

Number = Annotated[str, PathParameter(description="Jira's number of the sprint", max_length=100)]
Reason = Annotated[str, Meta(max_length=1000)]


class CorrectionGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What is to be said of a sprint, as a whole, in place of what was said before.

    ``start_date`` and ``end_date`` (both days are in the sprint) stand in place of those that Jira reports;
    ``delivery_stream_id`` says whose it is, whatever its tickets say; ``is_left_out`` that it is no sprint for figures.
    """

    start_date: date | None = None
    end_date: date | None = None
    delivery_stream_id: UUID | None = None
    is_left_out: bool = False
    reason: Reason | None = None


class CorrectionShown(Struct, frozen=True, kw_only=True):
    """What was last said of a sprint, and by whom."""

    start_date: date | None
    end_date: date | None
    delivery_stream_id: UUID | None
    is_left_out: bool
    reason: str | None
    corrected_at: datetime
    corrected_by: str


class SprintShown(Struct, frozen=True, kw_only=True):
    """A sprint as Jira reports it, the stream that it counts for, and what people say of it."""

    jira_sprint_id: str
    name: str
    state: str
    start_date: date | None
    end_date: date | None
    delivery_stream_id: UUID | None
    correction: CorrectionShown | None


class SprintsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the sprints, the latest first."""

    status: Literal["ok"]
    data: list[SprintShown]


class CorrectionAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of a correction."""

    status: Literal["ok"]
    data: CorrectionShown


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""
    taken_down: dict[str, Any] = {
        "opt": api.WRITES,
        "tags": api.TAGS,
        "status_code": 200,
        "responses": {
            200: ResponseSpec(data_container=CorrectionAnswer, description="What is said now", generate_examples=False)
        },
    }

    @get("/admin/sprints", opt=api.READS, tags=api.TAGS, responses={200: described(SprintsAnswer)})
    async def sprints(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the sprints of the caller's streams as Jira reports them, with what people say of them."""
        found = await administering().sprint_corrections.sprints(principal)
        return answer([_shown(sprint) for sprint in found])

    @put("/admin/sprints/{number:str}/correction", request_max_body_size=api.BODY_BYTES, **taken_down)
    async def correct(
        principal: NamedDependency[Principal], number: Number, data: JSONBody[CorrectionGiven]
    ) -> Response[Any]:
        """Say other days of a sprint, whose it is, or that it is none; the last word counts, for the past as well."""
        said = Said(
            start_date=data.start_date,
            end_date=data.end_date,
            delivery_stream_id=data.delivery_stream_id,
            is_left_out=data.is_left_out,
            reason=data.reason,
        )
        return answer(_said(await administering().sprint_corrections.correct(principal, number, said)))

    @delete("/admin/sprints/{number:str}/correction", **taken_down)
    async def take_back(principal: NamedDependency[Principal], number: Number) -> Response[Any]:
        """Take back what was said of a sprint, so that it counts as Jira reports it; the record of it stays."""
        return answer(_said(await administering().sprint_corrections.correct(principal, number, Said())))

    return [sprints, correct, take_back]


def _shown(sprint: ReportedSprint) -> SprintShown:
    said = sprint.correction
    return SprintShown(
        jira_sprint_id=sprint.jira_sprint_id,
        name=sprint.name,
        state=sprint.state,
        start_date=sprint.start_date,
        end_date=sprint.end_date,
        delivery_stream_id=sprint.counts_for,
        correction=None if said is None or said.says_nothing else _said(said),
    )


def _said(correction: SprintCorrection) -> CorrectionShown:
    return CorrectionShown(
        start_date=correction.start_date,
        end_date=correction.end_date,
        delivery_stream_id=correction.delivery_stream_id,
        is_left_out=correction.is_left_out,
        reason=correction.reason,
        corrected_at=correction.corrected_at,
        corrected_by=correction.corrected_by,
    )
