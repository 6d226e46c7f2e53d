"""The views beside the primary dashboard as a whole application, around a few tickets that technologies hold up.

It is Monday, 16 March 2026, half past nine. Core API has blocked PAY-1 for a week, and LEN-1 on Thursday; Mobile
blocked PAY-2 on Friday; what blocks LEN-2 nobody has told. PAY-3 was done after three days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from litestar import Litestar, Router
from litestar.di import Provide

from dpp.adapters.memory.bottlenecks import MemoryBottleneckReader
from dpp.application.cross_stream import CrossStream, SprintConfidences
from dpp.application.current import CurrentConfiguration
from dpp.application.derived_rows import WorkItemRow
from dpp.application.diagnostics import Diagnostics
from dpp.application.ports import Batch
from dpp.application.queries import Queries
from dpp.application.views import View
from dpp.domain.access import Grant
from dpp.domain.errors import DppError
from dpp.domain.events import Facts, TicketFields, WorkItemEvent, WorkItemEventType
from dpp.entrypoints.http import live, security, signin_pages
from dpp.entrypoints.http.auth import Gate, guard, provide_principal
from dpp.entrypoints.http.dashboard import assets, cross_stream_page, explain_page, flow_page, pages, restatements_page
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.metrics import Answering
from dpp.entrypoints.http.signin_pages import SigningIn
from tests.contracts.stores import delivery
from tests.support.dashboard_app import (
    ADMIN,
    CORE_API,
    LENDING,
    MOBILE,
    PAYMENTS,
    Feed,
    FixedClock,
    NoKeys,
    OnePassword,
)
from tests.support.dashboard_rows import Rows
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_reader import FakeReader
from tests.support.heard import Heard
from tests.support.reading import Ticket, at, micros

T = WorkItemEventType
DAY = 24.0
NOW_HOURS = 14 * DAY + 9.5
#: Confidence in the running sprints; their mean is 55 percent.
CONFIDENCES: Mapping[UUID, float] = {PAYMENTS: 40.0, LENDING: 70.0}


@dataclass
class Begun(Ticket):
    """A ticket that is worked on from its first stay on, and whose flag is up since some hour."""

    blocked_since: float | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        return super().work_item._replace(
            first_in_progress=micros(self.stays[0][0]),
            blocked_since=None if self.blocked_since is None else micros(self.blocked_since),
        )


def ticket(key: str, stream: UUID, tech: UUID, *stays: tuple[float, str, bool], flag: float | None = None) -> Begun:
    """Return a ticket of one delivery stream and one technology."""
    return Begun(key, streams=[(0, key, stream, (tech,))], stays=stays, blocked_since=flag)


TICKETS: tuple[Ticket, ...] = (
    ticket("PAY-1", PAYMENTS, CORE_API, (0, "dev", True), flag=7 * DAY + 9.5),
    ticket("PAY-2", PAYMENTS, MOBILE, (200, "dev", True)),
    Ticket(
        "PAY-3",
        streams=[(0, "PAY-3", PAYMENTS, (MOBILE,))],
        stays=[(0, "dev", True), (3 * DAY, "done", False)],
        cycles=[(3 * DAY, None, 3.0, 50.0, {})],
    ),
    ticket("LEN-1", LENDING, CORE_API, (100, "qa", False)),
    ticket("LEN-2", LENDING, CORE_API, (300, "dev", True), flag=320),
)


def flag(key: str, kind: WorkItemEventType, hours: float, blocking: str | None = None) -> WorkItemEvent:
    """Return a flag that is raised or lowered."""
    return WorkItemEvent(
        event_type=kind,
        event_timestamp=at(hours),
        ticket_id=key,
        project_key=key[:3],
        issue_id=key,
        fields=TicketFields(blocking_tech_stream=blocking),
    )


FLAGS = (
    flag("PAY-1", T.BLOCKED, 7 * DAY + 9.5, "core-api"),
    flag("LEN-1", T.BLOCKED, 10 * DAY, "core-api"),
    flag("LEN-1", T.UNBLOCKED, 11 * DAY),
    flag("PAY-2", T.BLOCKED, 11 * DAY, "mobile"),
    flag("PAY-2", T.UNBLOCKED, 12 * DAY),
    flag("LEN-2", T.BLOCKED, 320),
)


class Confidences(SprintConfidences):
    """Knows those above."""

    async def confidence_of(self, view: View) -> float | None:
        """Return the confidence of a stream's sprint."""
        return CONFIDENCES.get(view.delivery_stream_id) if view.delivery_stream_id else None


@dataclass
class Views:
    """The parts of the application that a test looks at or changes.

    Attributes:
        tickets: what lies in memory from the start.
        flags: what happened to their flags.
    """

    tickets: Sequence[Ticket] = TICKETS
    flags: Sequence[WorkItemEvent] = FLAGS
    grants: Sequence[Grant] = ADMIN
    feed: Feed = field(default_factory=Feed)
    rows: Rows = field(default_factory=Rows)
    heard: Heard = field(default_factory=Heard)
    reader: FakeReader = field(default_factory=FakeReader)

    async def happen(self, *flags: WorkItemEvent) -> None:
        """Let something happen to flags."""
        await self.rows.store.events.append(Batch(deliveries=[delivery(Facts(work_items=(it,))) for it in flags]))

    async def _fill(self) -> None:
        store, configuration = self.rows.store, self.feed.configuration
        await store.configurations.save(configuration, expected_version=0, actor="a test", at=at(0))
        await self.happen(*self.flags)
        await store.put(*self.tickets)

    def app(self) -> Litestar:
        """Build the application."""
        signin, current = OnePassword(grants=self.grants), CurrentConfiguration(store=self.feed, feed=self.feed)
        gate = Gate(keys=NoKeys(), signin=signin, session_key=b"k" * 32)
        store = self.rows.store
        cross_stream = CrossStream(
            reader=MemoryBottleneckReader(database=store.database, tables=store.tables),
            metrics=self.reader,
            confidences=Confidences(),
        )
        answering = Answering(
            queries=Queries(reader=self.reader),
            diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=self.reader),
            forecasts=self.rows.forecasts(self.reader, configuration=self.feed.configuration),
            configuration=current,
            clock=FixedClock(),
        )
        showing = pages.Showing(
            answering=answering,
            trends=self.rows.trends(self.reader),
            ledger=self.rows.ledger(),
            pulse=self.rows.pulse(),
            flow=self.rows.flow(self.reader),
            explanations=self.rows.explanations(
                self.reader,
                queries=answering.queries,
                diagnostics=answering.diagnostics,
                configuration=self.feed.configuration,
            ),
            history=self.rows.history(),
            freshness=self.heard.freshness(),
            gate=gate,
        )
        closed = {"guards": [guard(lambda: gate)], "dependencies": {"principal": Provide(provide_principal)}}
        views = [
            *cross_stream_page.routes(lambda: showing, lambda: cross_stream),
            *flow_page.routes(lambda: showing),
            *explain_page.routes(lambda: showing),
            *restatements_page.routes(lambda: showing),
        ]

        async def load() -> None:
            await current.refresh()
            await self._fill()

        return Litestar(
            [
                Router(path="/", route_handlers=views, **closed),  # type: ignore[arg-type]
                Router(path="/api/v1", route_handlers=[live.route(lambda: self.feed, lambda: gate)], **closed),  # type: ignore[arg-type]
                *signin_pages.routes(lambda: SigningIn(signin=signin, gate=gate)),
                *assets.routes(),
            ],
            on_startup=[load],
            before_send=[security.headers_hook(public_url=None)],
            exception_handlers={DppError: on_platform_error},
            openapi_config=None,
        )
