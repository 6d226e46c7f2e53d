"""What the dashboard's tests look at beside tickets and defects: deployments, a sprint, ageing work and a pulse.

All of it lies in memory, around the same moment as the fixed rows of ``fake_reader``; times are hours from ``T0``.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.evidence import MemoryEvidenceReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts, MemorySprintSnapshot
from dpp.adapters.memory.measures import MemoryMeasures
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.pulse import MemoryPulse, MemorySurveys, write_answers
from dpp.application.calendars import Calendars
from dpp.application.change_ledger import ChangeLedger
from dpp.application.cross_stream import CrossStream
from dpp.application.derived_rows import WorkItemRow
from dpp.application.diagnostics import Diagnostics
from dpp.application.enrich import sprint_uuid
from dpp.application.evidence import Explanations
from dpp.application.evidence_of_changes import ChangeEvidence
from dpp.application.evidence_of_deliveries import DeliveryEvidence
from dpp.application.evidence_of_flow import FlowEvidence
from dpp.application.evidence_of_outlooks import OutlookEvidence, Outlooks
from dpp.application.evidence_of_tickets import TicketEvidence
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.forecasts import Forecasts
from dpp.application.ports import Batch
from dpp.application.pulse import Pulse
from dpp.application.pulse_ports import PulseResponse
from dpp.application.queries import Queries
from dpp.application.readers import MetricsReader
from dpp.application.trends import Trends
from dpp.domain.calendar import to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts, SprintFact
from dpp.domain.pulse import Period
from tests.contracts.stores import delivery, reviewed
from tests.support.delivering import Incident, change, deliver, delivery_reader, deployment
from tests.support.fake_forecasts import NoHolidays, memory_forecasts
from tests.support.fake_reader import NOW
from tests.support.reading import T0, MemoryReading, Ticket

REPOSITORY = "acme-core/service"
#: Items finished in each of the eight weeks before the week of asking.
WEEKS = (3, 5, 0, 7, 4, 6, 2, 5)
FIRST_WEEK = datetime(2026, 1, 19, tzinfo=UTC)
REMAINING = 4
"""Items left in the running sprint."""


def hours(moment: datetime) -> float:
    """Return a moment as these rows are told."""
    return (moment - T0) / timedelta(hours=1)


@dataclass
class Begun(Ticket):
    """A ticket that is worked on from its first stay on."""

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        return super().work_item._replace(first_in_progress=to_micros(T0 + timedelta(hours=self.stays[0][0])))


@dataclass
class Rows:
    """Stores in memory, and what answers from them."""

    store: MemoryReading = field(default_factory=MemoryReading)
    surveys: MemorySurveys = field(default_factory=MemorySurveys)
    kept: MemoryForecasts = field(default_factory=MemoryForecasts)

    def __post_init__(self) -> None:
        """Share the one database."""
        self.measures = MemoryMeasures(database=self.store.database)

    def history(self) -> FigureHistory:
        """Return what answers about past days."""
        return FigureHistory(store=self.measures)

    def explanations(
        self, metrics: MetricsReader, *, queries: Queries, diagnostics: Diagnostics, configuration: Configuration
    ) -> Explanations:
        """Return what explains figures."""
        parts: Any = {"database": self.store.database, "tables": self.store.tables}
        reader, calendars = MemoryEvidenceReader(**parts), Calendars(NoHolidays())
        forecasts = self.forecasts(metrics, configuration=configuration)
        bottlenecks = CrossStream(reader=MemoryBottleneckReader(**parts), metrics=metrics, confidences=forecasts)
        return Explanations(
            tickets=TicketEvidence(queries=queries, reader=reader, calendars=calendars),
            changes=ChangeEvidence(diagnostics=diagnostics, reader=reader),
            deliveries=DeliveryEvidence(trends=self.trends(metrics), reader=reader),
            outlooks=OutlookEvidence(
                outlooks=Outlooks(forecasts=forecasts, pulse=self.pulse(), cross_stream=bottlenecks),
                reader=reader,
                forecasting=MemoryForecastReader(kept=self.kept, **parts),
                calendars=calendars,
            ),
            flow=FlowEvidence(
                flow=self.flow(metrics),
                trends=self.trends(metrics),
                ledger=self.ledger(),
                tickets=TicketEvidence(queries=queries, reader=reader, calendars=calendars),
            ),
            operations=MemoryOperationsReader(**parts),
        )

    def trends(self, metrics: MetricsReader) -> Trends:
        """Return what answers about deliveries."""
        return Trends(reader=delivery_reader(self.store), metrics=metrics, calendars=Calendars(NoHolidays()))

    def ledger(self) -> ChangeLedger:
        """Return what answers about changes."""
        return ChangeLedger(reader=delivery_reader(self.store))

    def pulse(self) -> Pulse:
        """Return what answers about the pulse."""
        return Pulse(reader=MemoryPulse(database=self.store.database, surveys=self.surveys))

    def forecasts(self, metrics: MetricsReader, *, configuration: Configuration) -> Forecasts:
        """Return what answers about the future."""
        store = self.store
        return memory_forecasts(
            metrics, configuration=configuration, database=store.database, tables=store.tables, kept=self.kept
        )

    def flow(self, metrics: MetricsReader) -> FlowOverTime:
        """Return what answers about flow over time."""
        database, tables = self.store.database, self.store.tables
        return FlowOverTime(
            reader=MemoryFlowReader(database=database, tables=tables),
            bottlenecks=MemoryBottleneckReader(database=database, tables=tables),
            metrics=metrics,
            calendars=Calendars(NoHolidays()),
        )

    async def fill(self, *, stream: UUID, tech: UUID, other_tech: UUID) -> None:
        """Put everything into them, of one delivery stream."""
        await self._fill_deliveries(tech, other_tech)
        await self._fill_tickets(stream)
        self._fill_sprints()
        self.kept.snapshots.append(MemorySprintSnapshot(sprint_uuid("8"), NOW.date(), NOW, REMAINING))
        await self.answer(stream, Period(2026, 2), people=6, score=4)
        await self.answer(stream, Period(2026, 3), people=8, score=3)

    async def _fill_deliveries(self, tech: UUID, other_tech: UUID) -> None:
        facts = Facts(pull_requests=(reviewed(REPOSITORY, github_id=5),))
        await self.store.events.append(Batch(deliveries=[delivery(facts)]))
        repo_id = await self.store.repository_id(REPOSITORY)
        await deliver(
            self.store,
            deployments=[
                deployment("a", 300, tech=tech, issue="PAY-90", lead=30.0, repo_id=repo_id),
                deployment("b", 320, tech=tech, issue="PAY-90", lead=10.0, rollback=321),
                deployment("c", 330, tech=other_tech, issue="PAY-91"),
            ],
            changes=[
                change(repo_id, 1, opened=270, reviewed=280, merged=290, deployed=300, tech=tech, issue="PAY-90"),
                change(repo_id, 2, opened=300, merged=310, deployed=320, tech=tech, issue="PAY-90"),
                change(repo_id, 3, opened=340, merged=343.5, tech=other_tech, issue="PAY-91"),
            ],
            incidents=[
                Incident("INC-1", 300.5, ends=((301, None),), tech=tech, blames=(("a", "blamed", 300.5, None),))
            ],
        )

    async def _fill_tickets(self, stream: UUID) -> None:
        begun = hours(FIRST_WEEK)
        for week, items in enumerate(WEEKS):
            for number in range(items):
                done, key = begun + week * 168 + 10, f"PAY-{week}{number}"
                cycle: Any = (done, None, 1.0, 50.0, {})
                stays = [(begun, "dev", True), (done, "done", False)]
                await self.store.put(Ticket(key, streams=[(begun, key, stream, ())], stays=stays, cycles=[cycle]))
        for number in range(12):
            key, since = f"PAY-9{number}", begun + 100 * number
            stays = [(since, "qa", number % 2 == 0)]
            await self.store.put(
                Begun(key, streams=[(begun, key, stream, ())], stays=stays, jira_sprint_id="8"),
            )
        # A sprint belongs to the stream that most of its tickets belong to.
        closed = Ticket("7", streams=[(begun, "PAY-7", stream, ())], stays=[(begun, "done", False)], jira_sprint_id="7")
        await self.store.put(closed)

    def _fill_sprints(self) -> None:
        for key, start in (("7", date(2026, 3, 2)), ("8", NOW.date())):
            self.store.database.sprints[key] = SprintFact(
                event_timestamp=NOW,
                jira_sprint_id=key,
                name=f"Sprint {key}",
                state="active",
                start_date=start,
                end_date=start + timedelta(days=11),
            )

    async def answer(self, stream: UUID, period: Period, *, people: int, score: int) -> None:
        """Let so many people answer a survey, all with the same score but for clarity."""
        write_answers(
            self.surveys,
            [
                PulseResponse(
                    survey_period=period,
                    delivery_stream_id=stream,
                    respondent_hash=str(who),
                    pace_score=score,
                    tooling_score=score,
                    clarity_score=2,
                    answered_at=datetime(period.year, period.month, 2, tzinfo=UTC),
                )
                for who in range(people)
            ],
        )
