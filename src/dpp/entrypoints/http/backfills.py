"""Reading histories: asking for one, and how far they are (§5.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.backfill import Backfill, BackfillRun, SourceState
from dpp.application.ports import Clock
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.envelope import answer

#: Two names and a word.
BODY_BYTES = 16 * 1024
PATH = "/admin/backfill"
ONE = "/admin/backfill/{source:str}/{organisation:str}"
"""As §7.3.2 has it."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]


SourceName = Annotated[str, Parameter(description="github or jira", min_length=1, max_length=200)]
Organisation = Annotated[
    str, Parameter(description="The organisation's name on GitHub, or the key of a Jira project", max_length=200)
]
Anew = Annotated[bool, Parameter(description="Begin at the beginning, even if it has been read before in part")]


class NewBackfill(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A history to read: of a GitHub organisation or a Jira project. ``anew`` begins at the beginning again."""

    source: Name
    organisation: Name
    anew: bool = False


class Run(Struct, frozen=True, kw_only=True):
    """The reading of one history; ``accepted`` and ``duplicates`` count facts, ``reason`` says what to do."""

    source: str
    organisation: str
    state: Literal["waiting", "running", "done", "failed"]
    requested_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    pages: int
    things: int
    total: int | None
    share_done: float | None
    accepted: int
    duplicates: int
    unreadable: int
    reason: str | None


class Answering(Struct, frozen=True, kw_only=True):
    """How a source answers when it is asked; ``reason`` says why it does not, and what to do."""

    source: str
    answered_at: datetime | None
    failed_at: datetime | None
    reason: str | None


class Readable(Struct, frozen=True, kw_only=True):
    """A source that is configured, and the organisations or projects whose history it can tell."""

    source: str
    organisations: list[str]


class Backfills(Struct, frozen=True, kw_only=True):
    """Every history that was asked for, how the sources answer, and what can be asked for."""

    runs: list[Run]
    sources: list[Answering]
    readable: list[Readable]


class BackfillsAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of the histories."""

    status: Literal["ok"]
    data: Backfills


class RunAnswer(Struct, frozen=True, kw_only=True):
    """The envelope of one history."""

    status: Literal["ok"]
    data: Run


def routes(
    backfill: Callable[[], Backfill], audit: Callable[[], AuditLog], clock: Callable[[], Clock]
) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started.

    Whoever asks for a history is put on record in ``audit``.
    """

    async def ask(principal: Principal, source: str, organisation: str, *, anew: bool) -> BackfillRun:
        run = await backfill().request(source, organisation, anew=anew)
        entry = AuditEntry(
            occurred_at=clock().now(),
            actor=principal.actor,
            action="backfill.requested",
            subject=f"source:{run.source}",
            details={"source": run.source, "organisation": run.organisation, "anew": anew},
        )
        await audit().record(entry)
        return run

    @get(
        PATH,
        opt={"permission": Permission.ADMIN_READ},
        tags=["Administration"],
        responses={
            200: ResponseSpec(data_container=BackfillsAnswer, description="The histories", generate_examples=False)
        },
    )
    async def backfills() -> Response[Any]:
        """List the histories that were asked for, and how sources answer."""
        to = backfill()
        return answer(
            Backfills(
                runs=[_run(run) for run in await to.runs()],
                sources=[_answering(state) for state in await to.states()],
                readable=[
                    Readable(source=source, organisations=list(names)) for source, names in to.organisations().items()
                ],
            )
        )

    @post(
        PATH,
        status_code=202,
        opt={"permission": Permission.ADMIN_WRITE},
        tags=["Administration"],
        responses={202: ResponseSpec(data_container=RunAnswer, description="It waits", generate_examples=False)},
        request_max_body_size=BODY_BYTES,
    )
    async def request_backfill(principal: NamedDependency[Principal], data: JSONBody[NewBackfill]) -> Response[Any]:
        """Ask for a history; the worker reads it within minutes, in the hours that are set for that.

        One that was begun goes on from where it was.
        """
        run = await ask(principal, data.source, data.organisation, anew=data.anew)
        return answer(_run(run), status=202)

    @post(
        ONE,
        status_code=202,
        opt={"permission": Permission.ADMIN_WRITE},
        tags=["Administration"],
        responses={202: ResponseSpec(data_container=RunAnswer, description="It waits", generate_examples=False)},
        request_max_body_size=BODY_BYTES,
    )
    async def trigger_backfill(
        principal: NamedDependency[Principal], source: SourceName, organisation: Organisation, anew: Anew = False
    ) -> Response[Any]:
        """Ask for a history; how far it is stands in the list of histories.

        The worker reads it within minutes, in the hours that are set for that; one that was begun goes on from there.
        """
        run = await ask(principal, source, organisation, anew=anew)
        return answer(_run(run), status=202)

    return [backfills, request_backfill, trigger_backfill]


def _run(run: BackfillRun) -> Run:
    return Run(
        source=run.source,
        organisation=run.organisation,
        state=run.state.value,
        requested_at=run.requested_at,
        updated_at=run.updated_at,
        finished_at=run.finished_at,
        pages=run.pages,
        things=run.things,
        total=run.total,
        share_done=run.share_done,
        accepted=run.accepted,
        duplicates=run.duplicates,
        unreadable=run.unreadable,
        reason=run.reason,
    )


def _answering(state: SourceState) -> Answering:
    return Answering(source=state.source, answered_at=state.answered_at, failed_at=state.failed_at, reason=state.reason)
