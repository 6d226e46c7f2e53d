"""Everything that answers and explains, over a store in memory with a history of six weeks that tests look into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.memory.evidence import MemoryEvidenceReader
from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts
from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.adapters.memory.pulse import MemoryPulse, MemorySurveys, write_answers
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.application.calendars import Calendars
from dpp.application.change_ledger import ChangeLedger
from dpp.application.cross_stream import CrossStream
from dpp.application.diagnostics import Diagnostics
from dpp.application.evidence import Explanations
from dpp.application.evidence_answers import Evidence, Question
from dpp.application.evidence_of_changes import ChangeEvidence
from dpp.application.evidence_of_deliveries import DeliveryEvidence
from dpp.application.evidence_of_flow import FlowEvidence
from dpp.application.evidence_of_outlooks import OutlookEvidence, Outlooks
from dpp.application.evidence_of_tickets import TicketEvidence
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.forecasts import Forecasts
from dpp.application.gaps import Gaps
from dpp.application.pulse import Pulse
from dpp.application.pulse_ports import PulseResponse
from dpp.application.queries import Queries
from dpp.application.trends import Trends
from dpp.application.views import View
from dpp.domain import catalogue
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, GitHubConnection, JiraConnection, JiraProject
from dpp.domain.events import (
    CicdEventType,
    DefectEvent,
    DefectEventType,
    Event,
    Facts,
    IncidentEventType,
    PullRequestEventType,
    SprintFact,
    TicketFields,
    WorkItemEventType,
)
from dpp.domain.figures import Figure
from dpp.domain.pulse import Period
from tests.contracts.stores import delivery
from tests.support.derivation import (
    CONFIGURATION,
    PAYMENTS,
    at,
    deployment_event,
    finished_ticket,
    incident_event,
    pull_request_event,
    ticket_event,
)
from tests.support.derivation import delivery as delivered
from tests.support.derived_stores import MemoryStores
from tests.support.fake_forecasts import NoHolidays, memory_forecasts

T, P, D, C, I = WorkItemEventType, PullRequestEventType, DefectEventType, CicdEventType, IncidentEventType  # noqa: E741

#: A Friday at 11 o'clock.
NOW = 938.0
#: Nobody has said which stream the tickets of OPS belong to; the survey of April is still open.
LINKED = replace(
    CONFIGURATION,
    platform=replace(CONFIGURATION.platform, survey_last_day=20),
    jira_projects=(*CONFIGURATION.jira_projects, JiraProject(key="OPS")),
    status_mappings=(
        *CONFIGURATION.status_mappings,
        *(replace(row, project="OPS") for row in CONFIGURATION.status_mappings if row.project == "PAY"),
    ),
    jira=JiraConnection(base_url="https://acme.atlassian.net/"),
    github=GitHubConnection(api_url="https://ghe.acme.example/api/v3"),
)


@dataclass
class Organisation:
    """A platform in memory.

    Attributes:
        stores: takes events in, and derives.
    """

    configuration: Configuration = LINKED
    stores: MemoryStores = field(default_factory=MemoryStores)
    surveys: MemorySurveys = field(default_factory=MemorySurveys)

    def __post_init__(self) -> None:
        parts: Any = {"database": self.stores.database, "tables": self.stores.tables}
        metrics, calendars = MemoryMetricsReader(**parts), Calendars(NoHolidays())
        reader, kept = MemoryEvidenceReader(**parts), MemoryForecasts()
        gaps = Gaps(reader=reader)
        self.queries = Queries(reader=metrics, gaps=gaps)
        self.diagnostics = Diagnostics(reader=MemoryDiagnosticsReader(**parts), metrics=metrics, gaps=gaps)
        self.trends = Trends(reader=MemoryDeliveryReader(**parts), metrics=metrics, calendars=calendars, gaps=gaps)
        self.forecasts: Forecasts = memory_forecasts(metrics, configuration=self.configuration, kept=kept, **parts)
        self.pulse = Pulse(reader=MemoryPulse(database=self.stores.database, surveys=self.surveys))
        self.cross_stream = CrossStream(
            reader=MemoryBottleneckReader(**parts), metrics=metrics, confidences=self.forecasts
        )
        self.flow = FlowOverTime(
            reader=MemoryFlowReader(**parts),
            bottlenecks=MemoryBottleneckReader(**parts),
            metrics=metrics,
            calendars=calendars,
        )
        self.explanations = Explanations(
            tickets=TicketEvidence(queries=self.queries, reader=reader, calendars=calendars),
            changes=ChangeEvidence(diagnostics=self.diagnostics, reader=reader),
            deliveries=DeliveryEvidence(trends=self.trends, reader=reader),
            outlooks=OutlookEvidence(
                outlooks=Outlooks(forecasts=self.forecasts, pulse=self.pulse, cross_stream=self.cross_stream),
                reader=reader,
                forecasting=MemoryForecastReader(kept=kept, **parts),
                calendars=calendars,
            ),
            flow=FlowEvidence(
                flow=self.flow,
                trends=self.trends,
                ledger=ChangeLedger(reader=MemoryDeliveryReader(**parts)),
                tickets=TicketEvidence(queries=self.queries, reader=reader, calendars=calendars),
            ),
            operations=MemoryOperationsReader(**parts),
        )

    async def begin(self) -> None:
        """Configure the platform and let the history happen."""
        await self.stores.configurations.save(self.configuration, expected_version=0, actor="a test", at=at(0))
        await self.know(*history())
        self._plan_sprints()
        await self._answer()

    async def know(self, *events: Event | DefectEvent) -> None:
        """Append events, each delivered by itself, and derive what follows."""
        await self.stores.append(
            [
                delivery(Facts(defects=(event,))) if isinstance(event, DefectEvent) else delivered(event)
                for event in events
            ]
        )
        await self.stores.drain()

    async def explain(self, metric: str, view: View, *, window_days: int = 30) -> Evidence:
        """Return the evidence of a metric."""
        question = Question(
            metric=catalogue.explained(metric), view=view, window_days=window_days, configuration=self.configuration
        )
        return await self.explanations.explain(question)

    async def answers(self, view: View, *, window_days: int = 30) -> Mapping[str, Figure]:
        """Return the figure of every metric as the metric's own endpoint gives it."""
        configuration: Any = {"configuration": self.configuration}
        realtime = await self.queries.realtime(view)
        diagnostic = await self.queries.diagnostic(view, window_days=window_days)
        diagnosis = await self.diagnostics.diagnose(view, window_days=window_days, **configuration)
        trends = await self.trends.trends(view, window_days=window_days, **configuration)
        points = float(len(realtime.points))
        return {
            "wip_by_stage": realtime.wip,
            "sprint_confidence": (await self.forecasts.sprint_confidence(view)).figure,
            **realtime.cycle_times,
            "cycle_time_scatter": replace(
                realtime.cycle_times["cycle_time_p50"], value=points, unit="count", sample_size=int(points), bounds=None
            ),
            "flow_efficiency": diagnostic.flow_efficiency,
            "defect_escape_rate": diagnosis.defects.rate,
            **diagnosis.review_turnaround,
            "reviewer_concentration": diagnosis.reviewing.figure,
            **{name: trend.figure for name, trend in trends.trends.items()},
            "monte_carlo_forecast": (await self.forecasts.forecast(view)).figure,
            "team_pulse": (await self.pulse.pulse(view, **configuration)).figure,
            "cross_stream_bottleneck": (
                await self.cross_stream.bottlenecks(view, window_days=window_days, **configuration)
            ).figure,
        }

    def _plan_sprints(self) -> None:
        for key, start in (("7", date(2026, 3, 23)), ("8", date(2026, 4, 6))):
            self.stores.database.sprints[key] = SprintFact(
                event_timestamp=at(0),
                jira_sprint_id=key,
                name=f"Sprint {key}",
                state="active",
                start_date=start,
                end_date=start + timedelta(days=11),
            )

    async def _answer(self) -> None:
        people = [(Period(2026, 1), 2), (Period(2026, 2), 7), (Period(2026, 3), 8), (Period(2026, 4), 3)]
        write_answers(
            self.surveys,
            [
                PulseResponse(
                    survey_period=period,
                    delivery_stream_id=PAYMENTS,
                    respondent_hash=str(who),
                    pace_score=4,
                    tooling_score=3,
                    clarity_score=2 + who % 2,
                    answered_at=datetime(period.year, period.month, 2, tzinfo=UTC),
                )
                for period, count in people
                for who in range(count)
            ],
        )


def view(
    hours: float = NOW,
    *,
    scope: StreamScope | None = None,
    delivery_stream_id: UUID | None = None,
    tech_stream_id: UUID | None = None,
    is_live: bool = False,
) -> View:
    """Return a view as of so many hours, of everything unless told otherwise."""
    return View(
        scope=scope or StreamScope.everything(),
        as_of=at(hours),
        delivery_stream_id=delivery_stream_id,
        tech_stream_id=tech_stream_id,
        is_live=is_live,
    )


def history() -> Iterator[Event | DefectEvent]:
    """Yield what happened: something of everything that counts, and of everything that does not."""
    yield from _finished()
    yield from _unfinished()
    yield from _pull_requests()
    yield from _defects()
    yield from _deliveries()


def _finished() -> Iterator[Event]:
    # One ticket a day and a half, in turns of three projects.
    for number in range(1, 22):
        project = ("PAY", "LOG", "OPS")[number % 3]
        for event in finished_ticket(number=number, project=project, begin=36.0 * number):
            in_sprint = TicketFields(ticket_type="story", jira_sprint_id="7")
            yield replace(event, fields=in_sprint) if project == "PAY" else event
    # Done, and taken up again; cancelled; done by a resolution alone; all of its work on a Saturday.
    yield from finished_ticket(number=31, begin=400)
    yield _move("PAY-31", "10031", 460, "Doing")
    yield ticket_event(T.CREATED, 500, key="PAY-32", issue="10032", status="Open")
    yield ticket_event(T.COMPLETED, 600, key="PAY-32", issue="10032", resolution="Won't Do", change="32600")
    yield ticket_event(T.CREATED, 500, key="PAY-33", issue="10033", status="Open")
    yield _move("PAY-33", "10033", 610, "Closed")
    yield ticket_event(T.CREATED, 628, key="PAY-34", issue="10034", status="Doing")
    yield _move("PAY-34", "10034", 632, "Closed")


def _unfinished() -> Iterator[Event]:
    for number, (project, status) in enumerate(
        [
            *(("PAY", "Open"), ("PAY", "Doing"), ("PAY", "Waiting for QA"), ("PAY", "Nobody mapped this")),
            *(("LOG", "In QA"), ("OPS", "Doing"), ("OPS", "Open")),
        ],
        start=41,
    ):
        in_sprint = TicketFields(ticket_type="story", jira_sprint_id="8" if project == "PAY" else None)
        key, issue = f"{project}-{number}", str(10_000 + number)
        yield ticket_event(T.CREATED, 700 + number, key=key, issue=issue, status="Open", fields=in_sprint)
        if status != "Open":
            yield _move(key, issue, 800 + number, status, fields=in_sprint)
    blocked_by_core = TicketFields(ticket_type="story", jira_sprint_id="8", blocking_tech_stream="core")
    yield ticket_event(T.BLOCKED, 850, key="PAY-42", issue="10042", change="42850", fields=blocked_by_core)
    yield ticket_event(T.BLOCKED, 860, key="LOG-45", issue="10045", change="45860")


def _move(key: str, issue: str, hours: float, status: str, *, fields: TicketFields | None = None) -> Event:
    change = f"{issue}{hours:g}".replace(".", "")
    more = {} if fields is None else {"fields": fields}
    return ticket_event(T.TRANSITIONED, hours, key=key, issue=issue, status=status, change=change, **more)  # type: ignore[arg-type]


def _pull_requests() -> Iterator[Event]:
    for number in range(1, 13):
        opened, org = 300 + 40 * number, "acme-core" if number % 4 else "acme-apps"
        branch = f"feature/PAY-{41 + number % 3}" if number % 3 else f"try-{number}"
        told: dict[str, Any] = {"number": number, "org": org, "branch": branch}

        def event(kind: PullRequestEventType, hours: float, told: dict[str, Any] = told, **more: Any) -> Any:
            opened_at = at(300 + 40 * told["number"])
            return replace(pull_request_event(kind, hours, **told, **more), opened_at=opened_at)

        yield event(P.OPENED, opened)
        if number % 5:
            reviewer = f"reviewer-{number % 2}"
            yield event(P.REVIEW_SUBMITTED, opened + number, reviewer=reviewer, change=f"r{number}")
        elif number == 5:
            yield event(P.REVIEW_SUBMITTED, opened + 1, reviewer="author", change="own")
        yield event(P.MERGED, opened + 30, merge_sha=f"m{number}")


def _defects() -> Iterator[Event | DefectEvent]:
    for number, (key, found, made) in enumerate(
        [
            *(("PAY-51", "qa", "dev"), ("PAY-52", "uat", "dev"), ("PAY-53", "production", None)),
            *(("PAY-54", None, None), ("LOG-55", "qa", "ba"), ("OPS-56", "production", "dev")),
        ],
        start=51,
    ):
        bug = TicketFields(ticket_type="bug")
        yield ticket_event(T.CREATED, 700 + number, key=key, issue=str(10_000 + number), status="Open", fields=bug)
        yield DefectEvent(
            event_type=D.LOGGED,
            event_timestamp=at(700 + number),
            ticket_id=key,
            project_key=key.partition("-")[0],
            issue_id=str(10_000 + number),
            found_in_stage=found,
            introduced_in_stage=made,
        )


def _deliveries() -> Iterator[Event]:
    for number in range(1, 13):
        told: dict[str, Any] = {
            "run": f"run-{number}",
            "org": "acme-core" if number % 4 else "acme-apps",
            "number": number,
            "environment": "staging" if number == 7 else "production",
            "is_config_only": number == 6,
        }
        kind = C.DEPLOY_FAILED if number == 9 else C.DEPLOY_COMPLETED
        yield deployment_event(kind, 335 + 40 * number, **told)
    yield deployment_event(C.DEPLOY_COMPLETED, 820, run="by-hand")
    yield deployment_event(C.ROLLBACK_COMPLETED, 740, run="back", rollback_of="run-10")
    for number, (begin, end) in enumerate([(535.5, 537), (695.2, 696), (870, None), (880, 879)], start=1):
        yield incident_event(I.INCIDENT_OPENED, begin, incident=f"INC-{number}")
        if end is not None:
            yield incident_event(I.INCIDENT_RESOLVED, end, incident=f"INC-{number}")
