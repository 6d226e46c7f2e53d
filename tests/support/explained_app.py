"""Pages, exports and the API that they lead to, over a history in memory that explains itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.measures import MemoryMeasures
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.application.calendars import Calendars
from dpp.application.change_ledger import ChangeLedger
from dpp.application.current import CurrentConfiguration
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.measures import Cause, DayFigure, MeasuredDays, StaleDays, StaleStream, StreamKey
from dpp.application.ports import Clock
from dpp.domain.access import Grant
from dpp.domain.errors import DppError
from dpp.entrypoints.http import (
    cross_stream,
    evidence,
    flow_over_time,
    forecast,
    measures,
    metrics,
    pulse,
    security,
    trends,
)
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
)
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.query_names import known_parameters
from tests.support.dashboard_app import ADMIN, NoKeys, OnePassword
from tests.support.derivation import at
from tests.support.explaining import NOW, Organisation
from tests.support.fake_forecasts import NoHolidays
from tests.support.heard import Heard


class Then(Clock):
    """Stands still at the end of the history."""

    def now(self) -> datetime:
        """Return the moment of asking."""
        return at(NOW)


@dataclass
class ExplainedApp:
    """
    The application.

    Attributes:
        organisation: what happened; begun when the application starts, unless it has been.
        signin: the person before the browser; its grants may be changed.
        heard: when the steady sources spoke last, as far as their silence matters.
    """

    organisation: Organisation = field(default_factory=Organisation)
    signin: OnePassword = field(default_factory=OnePassword)
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        """Keep figures by day beside the history."""
        self.measures = MemoryMeasures(database=self.organisation.stores.database)

    def may(self, *grants: Grant) -> None:
        """Let the person have these grants; without any, everything."""
        self.signin.grants = grants or ADMIN

    async def restate(self, stream: StreamKey, figures: Sequence[tuple[DayFigure, float]], cause: Cause) -> None:
        """Let figures of days that are over get other values, for a cause."""
        days = [figure.day for figure, _ in figures]
        for values, when in (
            ([figure for figure, _ in figures], 1),
            ([it._replace(value=to) for it, to in figures], 2),
        ):
            await self._measure(stream, values, days=days, cause=cause, when=at(NOW) + timedelta(minutes=when))

    async def _measure(
        self, stream: StreamKey, figures: Sequence[DayFigure], *, days: Sequence[date], cause: Cause, when: datetime
    ) -> None:
        reason = StaleDays(None, cause, "2 tickets")
        await self.measures.mark([stream], reason)

        async def measure(_stale: StaleStream) -> MeasuredDays:
            return MeasuredDays(
                closes_at={day: at(0) for day in sorted(days)},
                figures=figures,
                computed_at=when,
                first_days=[(min(days), reason)],
            )

        others = {of for of, _ in self.organisation.stores.database.stale_days if of != stream}
        await self.measures.measure_next(measure, skip=others)

    def app(self) -> Litestar:
        """Build the application."""
        it, gate = self.organisation, Gate(keys=NoKeys(), signin=self.signin, session_key=b"k" * 32)
        parts: Any = {"database": it.stores.database, "tables": it.stores.tables}
        metrics_reader, calendars = MemoryMetricsReader(**parts), Calendars(NoHolidays())
        current = CurrentConfiguration(store=it.stores.configurations, feed=it.stores.feed)
        flow = FlowOverTime(
            reader=MemoryFlowReader(**parts),
            bottlenecks=MemoryBottleneckReader(**parts),
            metrics=metrics_reader,
            calendars=calendars,
        )
        answering = metrics.Answering(
            queries=it.queries,
            diagnostics=it.diagnostics,
            forecasts=it.forecasts,
            configuration=current,
            clock=Then(),
        )
        ledger, history = ChangeLedger(reader=MemoryDeliveryReader(**parts)), FigureHistory(store=self.measures)
        showing = pages.Showing(
            answering=answering,
            trends=it.trends,
            ledger=ledger,
            pulse=it.pulse,
            flow=flow,
            explanations=it.explanations,
            history=history,
            freshness=self.heard.freshness(),
            gate=gate,
        )
        delivering: Any = trends.Delivering(trends=it.trends, ledger=ledger, blames=None)  # type: ignore[arg-type]
        api = [
            *metrics.routes(lambda: answering),
            *forecast.routes(lambda: answering),
            *pulse.routes(lambda: answering, lambda: it.pulse),
            *cross_stream.routes(lambda: answering, lambda: it.cross_stream),
            *flow_over_time.routes(lambda: answering, lambda: flow),
            *measures.routes(lambda: answering, lambda: history),
            *evidence.routes(lambda: answering, lambda: it.explanations),
            *trends.routes(lambda: answering, lambda: delivering),
        ]
        shown = [
            *pages.routes(lambda: showing),
            *cross_stream_page.routes(lambda: showing, lambda: it.cross_stream),
            *flow_page.routes(lambda: showing),
            *explain_page.routes(lambda: showing),
            *restatements_page.routes(lambda: showing),
            *page_tables.routes(lambda: showing, lambda: it.cross_stream),
            *chart_files.routes(lambda: showing, lambda: it.cross_stream),
        ]
        closed: Any = {"guards": [guard(lambda: gate)], "dependencies": {"principal": Provide(provide_principal)}}

        async def load() -> None:
            await it.begin()
            await current.refresh()

        return Litestar(
            [
                Router("/", route_handlers=shown, **closed),
                Router("/api/v1", route_handlers=api, **{**closed, "guards": [*closed["guards"], known_parameters]}),
                *assets.routes(),
            ],
            on_startup=[load],
            before_send=[security.headers_hook(public_url=None)],
            exception_handlers={DppError: on_platform_error},
            openapi_config=None,
        )
