"""What measures days, wired for tests; lives of everything that figures are taken from; and what queries answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid5

import numpy as np
from hypothesis import strategies as st

from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.memory.measure_reader import MemoryMeasureReader
from dpp.adapters.memory.measures import MemoryMeasures
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.diagnostics import PostgresDiagnosticsReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.measure_reader import PostgresMeasureReader
from dpp.adapters.postgres.measures import PostgresMeasures
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.calendars import Calendars
from dpp.application.daily_figures import MEASURED, DailyFigures
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.diagnostics import Diagnostics
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.measure import Measurer
from dpp.application.measure_reader import MeasureReader
from dpp.application.measures import DayFigure, FigureName, MeasureStore, StreamKey
from dpp.application.queries import Queries
from dpp.application.readers import MetricsReader
from dpp.application.trends import Trends
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.calendar import to_micros
from dpp.domain.events import NAMESPACE, DefectEvent, DefectEventType, Facts, Outcome, Source
from dpp.domain.figures import Figure
from dpp.domain.metric import Dimension
from tests.support.access import HandClock
from tests.support.derivation import APPS, CONFIGURATION, CORE, LOGISTICS, PAYMENTS, at
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores
from tests.support.happenings import Happening, happenings, releases

D = DefectEventType

STREAMS = (
    StreamKey(Dimension.DELIVERY, PAYMENTS),
    StreamKey(Dimension.DELIVERY, LOGISTICS),
    StreamKey(Dimension.TECH, CORE),
    StreamKey(Dimension.TECH, APPS),
)
DAYS = 30
CALENDARS = Calendars(LibraryHolidays())


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """A platform that derives and measures, with what answers for a single moment."""

    stores: Stores
    clock: HandClock
    reader: MeasureReader
    deliveries: DeliveryReader
    store: MeasureStore
    queries: Queries
    diagnostics: Diagnostics
    trends: Trends
    measurer: Measurer

    async def taken(self, stream: StreamKey, moments: Sequence[datetime]) -> list[dict[FigureName, tuple[float, int]]]:
        """Return the figures of some moments, each with its sample, taken all at once."""
        days = [date.fromordinal(1 + place) for place in range(len(moments))]
        figures = await DailyFigures(reader=self.reader, deliveries=self.deliveries).take(
            stream, days=days, moments=np.array([to_micros(moment) for moment in moments], dtype=np.int64)
        )
        return [_by_name(figure for figure in figures if figure.day == day) for day in days]

    async def answered(self, stream: StreamKey, moment: datetime) -> dict[FigureName, tuple[float, int]]:
        """Return what the queries answer of a stream as of a moment; figures without a value are absent."""
        is_delivery = stream.dimension is Dimension.DELIVERY
        view = View(
            scope=StreamScope.everything(),
            as_of=moment,
            delivery_stream_id=stream.stream_id if is_delivery else None,
            tech_stream_id=None if is_delivery else stream.stream_id,
        )
        realtime = await self.queries.realtime(view, window_days=DAYS)
        diagnosis = await self.diagnostics.diagnose(view, window_days=DAYS, configuration=CONFIGURATION)
        found: dict[str, Figure] = {
            "wip_by_stage": realtime.wip,
            **realtime.cycle_times,
            "flow_efficiency": (await self.queries.diagnostic(view, window_days=DAYS)).flow_efficiency,
            "defect_escape_rate": diagnosis.defects.rate,
            **diagnosis.review_turnaround,
        }
        told = {name: (figure.value, figure.sample_size) for name, figure in found.items()}
        answer = await self.trends.trends(view, window_days=1, configuration=CONFIGURATION)
        points = {name: trend.series[-1] for name, trend in answer.trends.items()}
        told |= {name: (point.value, point.sample_size) for name, point in points.items()}
        assert set(MEASURED) == set(told)
        return {_named(name): (value, size) for name, (value, size) in told.items() if value is not None}


def measuring(stores: Stores, *, now: datetime) -> Measuring:
    """Wire what measures the days of some stores."""
    clock = HandClock(now)
    metrics: MetricsReader
    diagnostics: DiagnosticsReader
    deliveries: DeliveryReader
    reader: MeasureReader
    store: MeasureStore
    if isinstance(stores, MemoryStores):
        database, tables = stores.database, stores.tables
        metrics = MemoryMetricsReader(database=database, tables=tables)
        diagnostics = MemoryDiagnosticsReader(database=database, tables=tables)
        deliveries = MemoryDeliveryReader(database=database, tables=tables)
        reader = MemoryMeasureReader(database=database, tables=tables)
        store = MemoryMeasures(database=database)
    else:
        assert isinstance(stores, PostgresStores)
        metrics = PostgresMetricsReader(kept=KeptRows(database=stores.database))
        diagnostics = PostgresDiagnosticsReader(database=stores.database, kept=KeptRows(database=stores.database))
        deliveries = PostgresDeliveryReader(database=stores.database, kept=KeptRows(database=stores.database))
        reader = PostgresMeasureReader(database=stores.database)
        store = PostgresMeasures(database=stores.database)
    return Measuring(
        stores=stores,
        clock=clock,
        reader=reader,
        deliveries=deliveries,
        store=store,
        queries=Queries(reader=metrics),
        diagnostics=Diagnostics(reader=diagnostics, metrics=metrics),
        trends=Trends(reader=deliveries, metrics=metrics, calendars=CALENDARS),
        measurer=Measurer(
            store=store,
            reader=reader,
            deliveries=deliveries,
            derivations=stores.derivations,
            calendars=CALENDARS,
            configuration=stores.configurations.load,
            clock=clock,
        ),
    )


def _by_name(figures: Iterable[DayFigure]) -> dict[FigureName, tuple[float, int]]:
    return {figure.name: (figure.value, figure.sample_size) for figure in figures}


_PERCENTILES: Mapping[str, int] = {"p50": 50, "p85": 85, "p95": 95, "median": 50}


def _named(name: str) -> FigureName:
    return FigureName(name, _PERCENTILES.get(name.rpartition("_")[2]))


@st.composite
def _defects(draw: st.DrawFn) -> list[AcceptedDelivery]:
    """Events of two defects: a ticket that is known, and one that may never be."""
    events = [
        DefectEvent(
            event_type=draw(st.sampled_from(list(D))),
            event_timestamp=at(draw(st.integers(0, 12)) * 7.3),
            ticket_id=key,
            project_key="PAY",
            issue_id=issue,
            source_change_id=f"d{change}",
            found_in_stage=draw(st.sampled_from([None, "qa", "uat", "production"])),
            introduced_in_stage=draw(st.sampled_from([None, "dev"])),
            linked_work_item_id=draw(st.sampled_from([None, "PAY-1", "LOG-5"])),
        )
        for change in range(draw(st.integers(0, 5)))
        for issue, key in (draw(st.sampled_from([("10002", "PAY-2"), ("10009", "PAY-9")])),)
    ]
    return [
        AcceptedDelivery(
            delivery_uid=uuid5(NAMESPACE, repr(event)),
            received_at=at(1_000),
            channel="test",
            source=Source.JIRA,
            outcome=Outcome.UNDERSTOOD,
            facts=Facts(defects=(event,)),
        )
        for event in events
    ]


@st.composite
def lives(draw: st.DrawFn) -> Happening:
    """Tickets, pull requests, defects, deployments and incidents, which know of each other or not."""
    told = [
        *draw(happenings(most=12)).told,
        *draw(releases()).told,
        *draw(_defects()),
    ]
    return Happening(told, draw(st.permutations(told)), draw(st.lists(st.integers(1, 5), max_size=4)))
