"""The web application: which routes stand where, and behind what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from dpp import __version__
from dpp.domain.errors import DppError, Unavailable
from dpp.entrypoints.http import (
    admin,
    backfills,
    cross_stream,
    errors,
    evidence,
    export_records,
    flow_over_time,
    forecast,
    health,
    intake,
    live,
    manual_links,
    measures,
    metrics,
    prometheus,
    published,
    pulse,
    security,
    signin_oidc,
    signin_pages,
    sprint_history,
    sprints,
    streams,
    survey_pages,
    trends,
)
from dpp.entrypoints.http.administration import routes as administration_routes
from dpp.entrypoints.http.administration.administering import Administering
from dpp.entrypoints.http.administration.frame import Framing
from dpp.entrypoints.http.auth import Gate, guard, provide_principal
from dpp.entrypoints.http.dashboard import (
    assets,
    chart_files,
    cross_stream_page,
    explain_page,
    flow_page,
    page_tables,
    pages,
    restatements_page,
    wall_page,
)
from dpp.entrypoints.http.parts import Parts
from dpp.entrypoints.http.people import routes as people_routes
from dpp.entrypoints.http.people import set_password_page
from dpp.entrypoints.http.people.serving import Serving
from dpp.entrypoints.http.query_names import known_parameters

SESSION_KEY = "session_key"

UNCOMPRESSED = "uncompressed"
#: Pages, files and answers compress themselves, and a stream of events must not wait in a compressor.
_AS_IT_IS = {UNCOMPRESSED: True}

OpenParts = Callable[[], AbstractAsyncContextManager[Parts]]


class _Started:
    """Holds the parts once the application has started."""

    def __init__(self) -> None:
        self._parts: Parts | None = None
        self._gate: Gate | None = None

    def set(self, parts: Parts | None) -> None:
        self._parts = parts
        self._gate = None
        if parts is not None:
            key = parts.secrets.get(SESSION_KEY)
            self._gate = Gate(
                keys=parts.keys,
                signin=parts.signin,
                session_key=key,
                public_url=parts.public_url,
            )

    @property
    def parts(self) -> Parts:
        if self._parts is None:
            raise Unavailable("The platform is starting")
        return self._parts

    @property
    def gate(self) -> Gate:
        if self._gate is None:
            raise Unavailable("The platform is starting")
        return self._gate

    def answering(self) -> metrics.Answering:
        return metrics.Answering(
            queries=self.parts.queries,
            diagnostics=self.parts.diagnostics,
            forecasts=self.parts.forecasts,
            configuration=self.parts.configuration,
            clock=self.parts.clock,
        )

    def delivering(self) -> trends.Delivering:
        return trends.Delivering(trends=self.parts.trends, ledger=self.parts.change_ledger, blames=self.parts.blames)

    def operating(self) -> admin.Operating:
        return admin.Operating(
            answering=self.answering(),
            reader=self.parts.operations,
            events=self.parts.events,
            intake=self.parts.intake,
        )

    def showing(self) -> pages.Showing:
        return pages.Showing(
            answering=self.answering(),
            trends=self.parts.trends,
            ledger=self.parts.change_ledger,
            pulse=self.parts.pulse,
            flow=self.parts.flow_over_time,
            explanations=self.parts.explanations,
            history=self.parts.figure_history,
            freshness=self.parts.freshness,
            gate=self.gate,
            public_url=self.parts.public_url,
        )

    def framing(self) -> Framing:
        return Framing(gate=self.gate, configuration=self.parts.configuration, public_url=self.parts.public_url)

    def administering(self) -> Administering:
        return Administering(
            framing=self.framing(),
            administration=self.parts.administration,
            previews=self.parts.mapping_previews,
            reader=self.parts.administration_reader,
            repairing=self.parts.repairing,
            links=self.parts.manual_links,
            freshness=self.parts.freshness,
            operating=self.operating(),
            backfill=self.parts.backfill,
            connections=self.parts.connections,
            sprint_corrections=self.parts.sprint_corrections,
            current=self.parts.configuration,
            clock=self.parts.clock,
        )

    def people(self) -> Serving:
        return Serving(
            framing=self.framing(),
            users=self.parts.users,
            keys=self.parts.keys,
            signin=self.parts.signin,
            links=self.parts.password_links,
            log=self.parts.audit,
            current=self.parts.configuration,
            clock=self.parts.clock,
            has_passwords=self.parts.oidc is None,
        )

    def signing_in(self) -> signin_pages.SigningIn:
        return signin_pages.SigningIn(
            signin=self.parts.signin, gate=self.gate, oidc=self.parts.oidc, public_url=self.parts.public_url
        )

    def surveying(self) -> survey_pages.Surveying:
        return survey_pages.Surveying(survey=self.parts.survey, gate=self.gate)

    async def is_ready(self) -> bool:
        return self._parts is not None and await self._parts.operations.answers()


def create(open_parts: OpenParts, *, public_url: str | None = None) -> Litestar:
    """Build the application.

    Args:
        open_parts: opens the process's parts when the server starts, and closes them when it stops.
        public_url: the address that browsers use, when a proxy stands in between.
    """
    started = _Started()

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with open_parts() as parts:
            started.set(parts)
            try:
                yield
            finally:
                started.set(None)

    closed: dict[str, Any] = {
        "guards": [guard(lambda: started.gate)],
        "dependencies": {"principal": Provide(provide_principal)},
        "after_response": export_records.recorder(lambda: started.parts.audit, lambda: started.parts.clock),
    }
    app = Litestar(
        [
            Router(
                "/",
                route_handlers=[intake.router(lambda: started.parts.doors, is_behind_proxy=public_url is not None)],
                opt=_AS_IT_IS,
            ),
            Router(
                "/api/v1",
                route_handlers=_api(started),
                opt=_AS_IT_IS,
                **{**closed, "guards": [*closed["guards"], known_parameters]},
            ),
            Router(
                "/",
                route_handlers=[prometheus.route(lambda: started.parts.intake, lambda: started.parts.backfill)],
                **closed,
            ),
            Router("/", route_handlers=_pages(started), opt=_AS_IT_IS, **closed),
            Router("/", route_handlers=[*_open(started), *assets.routes()], opt=_AS_IT_IS),
            *health.routes(started.is_ready),
        ],
        lifespan=[lifespan],
        middleware=[security.own_host_only(public_url=public_url)],
        before_send=[security.headers_hook(public_url=public_url), export_records.mark_exports],
        exception_handlers={
            DppError: errors.on_platform_error,
            HTTPException: errors.on_http_error,
            Exception: errors.on_unexpected_error,
        },
        compression_config=CompressionConfig(backend="gzip", minimum_size=1024, exclude_opt_key=UNCOMPRESSED),
        openapi_config=_openapi(),
        debug=False,
    )
    published.complete(app)
    return app


def _open(started: _Started) -> list[Any]:
    return [
        *signin_pages.routes(started.signing_in),
        *signin_oidc.routes(started.signing_in),
        *set_password_page.routes(started.people),
    ]


def _pages(started: _Started) -> list[Any]:
    return [
        *pages.routes(started.showing),
        *cross_stream_page.routes(started.showing, lambda: started.parts.cross_stream),
        *flow_page.routes(started.showing),
        *administration_routes.pages(started.administering),
        *people_routes.pages(started.people),
        *explain_page.routes(started.showing),
        *restatements_page.routes(started.showing),
        *page_tables.routes(started.showing, lambda: started.parts.cross_stream),
        *chart_files.routes(started.showing, lambda: started.parts.cross_stream),
        *wall_page.routes(started.showing),
        *survey_pages.routes(started.surveying),
    ]


def _api(started: _Started) -> list[Any]:
    return [
        *metrics.routes(started.answering),
        *forecast.routes(started.answering),
        *pulse.routes(started.answering, lambda: started.parts.pulse),
        *cross_stream.routes(started.answering, lambda: started.parts.cross_stream),
        *flow_over_time.routes(started.answering, lambda: started.parts.flow_over_time),
        *measures.routes(started.answering, lambda: started.parts.figure_history),
        *evidence.routes(started.answering, lambda: started.parts.explanations),
        *trends.routes(started.answering, started.delivering),
        manual_links.route(lambda: started.parts.manual_links),
        *streams.routes(lambda: started.parts.configuration.value),
        *sprints.routes(started.operating),
        *sprint_history.routes(started.operating, lambda: started.parts.sprint_store),
        *backfills.routes(lambda: started.parts.backfill, lambda: started.parts.audit, lambda: started.parts.clock),
        *admin.routes(started.operating),
        *administration_routes.api(started.administering),
        *people_routes.api(started.people),
        Router("/", route_handlers=[live.route(lambda: started.parts.feed, lambda: started.gate)], opt=_AS_IT_IS),
    ]


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Delivery Performance Platform",
        version=__version__,
        path="/api/v1/openapi",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
    )
