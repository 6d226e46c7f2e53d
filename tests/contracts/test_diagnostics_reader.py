"""What every reader of defects and reviews promises, on lives worked out by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import product
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpp.adapters.memory.diagnostics import MemoryDiagnosticsReader
from dpp.adapters.postgres.diagnostics import PostgresDiagnosticsReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.events import (
    DefectEvent,
    DefectEventType,
    Facts,
    PullRequestEvent,
    PullRequestEventType,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from dpp.domain.small_teams import Contribution
from tests.contracts.stores import delivery
from tests.support.derivation import APPS, CORE, LOGISTICS, PAYMENTS, at, pull_request_event, ticket_event
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores
from tests.support.happenings import Happening, happenings
from tests.support.postgres import TestServer

pytestmark = pytest.mark.anyio

T, P, D = WorkItemEventType, PullRequestEventType, DefectEventType
EVERYTHING = StreamScope.everything()


@dataclass
class Diagnosing:
    """A platform that derives, and the reader that is asked."""

    stores: Stores
    reader: DiagnosticsReader

    async def know(self, *facts: WorkItemEvent | PullRequestEvent | DefectEvent) -> None:
        """Append facts and derive what follows."""
        await self.stores.append([_delivery(*facts)])
        await self.stores.drain()

    async def defects(self, view: View, *, start: float = 0, end: float = 1000) -> dict[tuple[str, str | None], int]:
        """Return the defects of a window by the stages they were found and made in."""
        return dict(Counter(map(tuple, await self.reader.defects(view, window=window(start, end)))))  # type: ignore[arg-type]

    async def hours(self, view: View, *, start: float = 0, end: float = 1000) -> list[float]:
        """Return the hours to the first review in order, -1 for pull requests without one."""
        found = await self.reader.review_hours(view, window=window(start, end))
        assert np.dtype(np.float64) == found.dtype
        return sorted(np.nan_to_num(found, nan=-1).tolist())

    async def people(self, view: View, *, start: float = 0, end: float = 1000) -> dict[str, int]:
        """Return who contributed, with the number of their reviews."""
        reviews: Counter[str] = Counter()
        for row in await self.reader.contributions(view, window=window(start, end)):
            reviews[row.person] += row.reviews
        return dict(reviews)


@asynccontextmanager
async def diagnosing(url: str | None) -> AsyncIterator[Diagnosing]:
    """Yield a platform on a database, in memory without one."""
    async with stores(url) as found:
        if isinstance(found, MemoryStores):
            yield Diagnosing(found, MemoryDiagnosticsReader(database=found.database, tables=found.tables))
        else:
            assert isinstance(found, PostgresStores)
            yield Diagnosing(
                found, PostgresDiagnosticsReader(database=found.database, kept=KeptRows(database=found.database))
            )


@pytest.fixture
async def known(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Diagnosing]:
    """A platform of one family that knows two delivery and two technology streams."""
    async with diagnosing(None if family == "memory" else request.getfixturevalue("database_url")) as found:
        yield found


def view(
    hours: float = 1000,
    *,
    scope: StreamScope = EVERYTHING,
    delivery_stream_id: UUID | None = None,
    tech_stream_id: UUID | None = None,
) -> View:
    """Return a view as of so many hours, of everything unless told otherwise."""
    return View(scope=scope, as_of=at(hours), delivery_stream_id=delivery_stream_id, tech_stream_id=tech_stream_id)


def window(start: float, end: float) -> Window:
    """Return the window between two hours."""
    return Window(start=at(start), end=at(end))


def _delivery(*facts: WorkItemEvent | PullRequestEvent | DefectEvent) -> AcceptedDelivery:
    return delivery(
        Facts(
            work_items=tuple(fact for fact in facts if isinstance(fact, WorkItemEvent)),
            pull_requests=tuple(fact for fact in facts if isinstance(fact, PullRequestEvent)),
            defects=tuple(fact for fact in facts if isinstance(fact, DefectEvent)),
        )
    )


def defect(
    kind: DefectEventType,
    hours: float,
    *,
    found: str | None = None,
    made: str | None = None,
    issue: str = "10009",
    key: str = "PAY-9",
    parent: str | None = None,
) -> DefectEvent:
    """Return an event of a defect."""
    return DefectEvent(
        event_type=kind,
        event_timestamp=at(hours),
        ticket_id=key,
        project_key=key.partition("-")[0],
        issue_id=issue,
        found_in_stage=found,
        introduced_in_stage=made,
        linked_work_item_id=parent,
    )


async def test_an_empty_store_has_no_rows(known: Diagnosing) -> None:
    """Where nothing is known there is no defect, no review and nobody."""
    assert {} == await known.defects(view())
    assert [] == await known.hours(view())
    assert {} == await known.people(view())


# --- defects ----------------------------------------------------------------------------------------------------------


async def test_a_defect_counts_by_its_latest_attribution(known: Diagnosing) -> None:
    """Of one defect the latest event counts, of two events of one instant the attribution; each counts once."""
    await known.know(
        ticket_event(T.CREATED, 1, key="PAY-9", issue="10009", status="Open"),
        defect(D.LOGGED, 1, found="qa"),
        defect(D.ATTRIBUTED, 1, found="qa", made="dev"),
        defect(D.LOGGED, 2, found="uat", issue="10008", key="PAY-8"),
        defect(D.ATTRIBUTED, 5, found="uat", made="dev", issue="10008", key="PAY-8"),
        defect(D.RECLASSIFIED, 9, found="production", made="ba", issue="10008", key="PAY-8"),
    )
    assert {("qa", "dev"): 1, ("production", "ba"): 1} == await known.defects(view())


async def test_as_of_an_earlier_time_later_attributions_are_unknown(known: Diagnosing) -> None:
    """As of hour 4 the defect is unattributed, as of hour 5 it is not, before hour 2 there is none."""
    await known.know(
        defect(D.LOGGED, 2, found="uat"),
        defect(D.ATTRIBUTED, 5, found="uat", made="dev"),
        defect(D.RECLASSIFIED, 9, found="production", made="dev"),
    )
    assert {} == await known.defects(view(1))
    assert {("uat", None): 1} == await known.defects(view(4))
    assert {("uat", "dev"): 1} == await known.defects(view(5))
    assert {("production", "dev"): 1} == await known.defects(view(9))


async def test_a_defect_is_in_every_window_that_has_one_of_its_events(known: Diagnosing) -> None:
    """Windows are half-open; a defect in one counts by its latest attribution, even by one from after the window."""
    await known.know(defect(D.LOGGED, 2, found="uat"), defect(D.ATTRIBUTED, 50, found="uat", made="dev"))
    for start, end, expected in ((0, 3, 1), (2, 3, 1), (0, 2, 0), (3, 50, 0), (50, 51, 1), (51, 99, 0)):
        found = await known.defects(view(), start=start, end=end)
        assert ({("uat", "dev"): 1} if expected else {}) == found, (start, end)


async def test_a_silent_defect_was_found_where_its_parent_was(known: Diagnosing) -> None:
    """What a defect says itself goes first, then its parent's stage when it was logged; else it is unknown."""
    await known.know(
        ticket_event(T.CREATED, 0, key="PAY-1", issue="10001", status="Doing"),
        ticket_event(T.TRANSITIONED, 10, key="PAY-1", issue="10001", status="In QA", change="1"),
        ticket_event(T.TRANSITIONED, 20, key="PAY-1", issue="10001", status="Nobody mapped this", change="2"),
        defect(D.LOGGED, 12, issue="1", key="PAY-21", parent="PAY-1"),
        defect(D.LOGGED, 5, issue="2", key="PAY-22", parent="PAY-1"),
        defect(D.ATTRIBUTED, 15, issue="2", key="PAY-22", parent="PAY-1", made="ba"),
        defect(D.LOGGED, 12, issue="3", key="PAY-23", parent="PAY-1", found="production"),
        defect(D.LOGGED, 25, issue="4", key="PAY-24", parent="PAY-1"),
        defect(D.LOGGED, 12, issue="5", key="PAY-25", parent="PAY-404"),
        defect(D.LOGGED, 12, issue="6", key="PAY-26"),
    )
    assert {("qa", None): 1, ("dev", "ba"): 1, ("production", None): 1, ("unknown", None): 3} == await known.defects(
        view()
    )


async def test_a_defect_belongs_to_the_streams_of_its_ticket_then(known: Diagnosing) -> None:
    """It goes with its ticket from one delivery stream to another, and counts for each technology stream."""
    await known.know(
        ticket_event(T.CREATED, 1, key="PAY-9", issue="10009", status="Open"),
        ticket_event(
            T.UPDATED, 30, key="PAY-9", issue="10009", change="7",
            fields=TicketFields(ticket_type="bug", delivery_stream="logistics", tech_streams=("core", "apps")),
        ),
        defect(D.LOGGED, 1, found="qa"),
    )  # fmt: skip
    there, gone = {("qa", None): 1}, dict[tuple[str, str | None], int]()
    assert there == await known.defects(view(29, delivery_stream_id=PAYMENTS))
    assert gone == await known.defects(view(30, delivery_stream_id=PAYMENTS))
    assert there == await known.defects(view(30, delivery_stream_id=LOGISTICS))
    assert gone == await known.defects(view(29, tech_stream_id=APPS))
    assert there == await known.defects(view(30, tech_stream_id=APPS))
    assert there == await known.defects(view(30, tech_stream_id=CORE, delivery_stream_id=LOGISTICS))
    assert gone == await known.defects(view(30, scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))))
    assert gone == await known.defects(view(30, scope=StreamScope()))


# --- reviews ----------------------------------------------------------------------------------------------------------


def reviewed_pull_request(
    number: int,
    *,
    reviewed: float | None,
    ended: float | None,
    how: PullRequestEventType = P.MERGED,
    org: str = "acme-core",
) -> list[PullRequestEvent]:
    """Return the events of a pull request of PAY-1 that was opened at hour 3."""
    events = [pull_request_event(P.OPENED, 3, number=number, org=org)]
    if reviewed is not None:
        change = f"r{number}"
        events.append(
            pull_request_event(P.REVIEW_SUBMITTED, reviewed, number=number, org=org, reviewer="rita", change=change)
        )
    if ended is not None:
        events.append(pull_request_event(how, ended, number=number, org=org))
    return events


async def test_review_hours_are_of_what_ended_in_the_window(known: Diagnosing) -> None:
    """Merged and closed ones count, reviewed or not; open ones do not, nor do those that ended outside."""
    await known.know(
        *reviewed_pull_request(1, reviewed=5, ended=10),
        *reviewed_pull_request(2, reviewed=4.5, ended=20, how=P.CLOSED),
        *reviewed_pull_request(3, reviewed=None, ended=20),
        *reviewed_pull_request(4, reviewed=6, ended=None),
    )
    assert [-1, 1.5, 2] == await known.hours(view())
    assert [-1, 1.5] == await known.hours(view(), start=10.5)
    assert [2] == await known.hours(view(), start=10, end=20)
    assert [] == await known.hours(view(9))
    assert [2] == await known.hours(view(10))


async def test_bots_and_authors_are_no_reviewers(known: Diagnosing) -> None:
    """The first review is that of another person."""
    first = pull_request_event(P.REVIEW_SUBMITTED, 4, number=1, reviewer="author", change="a")
    second = replace(
        pull_request_event(P.REVIEW_SUBMITTED, 5, number=1, reviewer="robot", change="b"), reviewer_is_bot=True
    )
    await known.know(first, second, *reviewed_pull_request(1, reviewed=7, ended=10))
    assert [4] == await known.hours(view())
    assert {"author": 0, "rita": 1} == await known.people(view())


async def test_as_of_an_earlier_time_a_pull_request_stands_as_then(known: Diagnosing) -> None:
    """Closed at 10, opened again at 20, merged at 30: as of 15 it ended at 10, as of 25 it is open."""
    await known.know(
        *reviewed_pull_request(1, reviewed=12, ended=10, how=P.CLOSED),
        pull_request_event(P.REOPENED, 20, number=1),
        pull_request_event(P.MERGED, 30, number=1),
    )
    for hour, start, expected in (
        (11, 0, [-1]), (15, 0, [9]), (15, 10, [9]), (15, 11, []), (20, 0, []), (25, 0, []), (30, 0, [9]), (30, 20, [9]),
        (1000, 30, [9]), (1000, 30.5, []),
    ):  # fmt: skip
        assert expected == await known.hours(view(hour), start=start), (hour, start)
    assert [] == await known.hours(view(1000), end=20)


async def test_the_last_run_of_closings_tells_when_it_ended(known: Diagnosing) -> None:
    """Closed at 10 and 12 without an opening between, it ended at 10; opened again and closed at 22, it ended at 22."""
    await known.know(
        *reviewed_pull_request(1, reviewed=5, ended=10, how=P.CLOSED),
        pull_request_event(P.CLOSED, 12, number=1),
        pull_request_event(P.REOPENED, 20, number=1),
        pull_request_event(P.CLOSED, 22, number=1),
    )
    assert [2] == await known.hours(view(15), end=11)
    assert [] == await known.hours(view(15), start=11)
    assert [2] == await known.hours(view(23), start=21)
    assert [] == await known.hours(view(23), end=21)


async def test_about_the_present_the_answer_is_the_same(known: Diagnosing) -> None:
    """A live view and one as of the same moment have the same rows."""
    await known.know(
        *reviewed_pull_request(1, reviewed=5, ended=10, how=P.CLOSED),
        pull_request_event(P.REOPENED, 20, number=1),
        *reviewed_pull_request(2, reviewed=6, ended=10),
    )
    assert [3] == await known.hours(view()) == await known.hours(replace(view(), is_live=True))


async def test_a_pull_request_belongs_to_its_technology_stream_and_its_tickets_delivery_stream(
    known: Diagnosing,
) -> None:
    """The ticket moves at hour 30 and takes its pull request along; as of before, it is where it was."""
    await known.know(
        ticket_event(T.CREATED, 1, status="Open"),
        ticket_event(T.UPDATED, 30, change="7", fields=TicketFields(delivery_stream="logistics")),
        *reviewed_pull_request(1, reviewed=5, ended=10),
    )
    for read, there, gone in ((known.hours, [2], []), (known.people, {"author": 0, "rita": 1}, {})):
        assert there == await read(view(29, delivery_stream_id=PAYMENTS))
        assert gone == await read(view(30, delivery_stream_id=PAYMENTS))
        assert there == await read(view(30, delivery_stream_id=LOGISTICS))
        assert there == await read(view(30, delivery_stream_id=LOGISTICS, tech_stream_id=CORE))
        assert gone == await read(view(30, tech_stream_id=APPS))
        assert there == await read(view(scope=StreamScope(tech_streams=frozenset({CORE}))))
        assert gone == await read(view(scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))))


# --- people -----------------------------------------------------------------------------------------------------------


async def test_contributors_are_authors_reviewers_and_assignees_of_the_window(known: Diagnosing) -> None:
    """Each review counts in the window that it was submitted in, each person once for the same streams."""
    assigned = TicketFields(assignee_hash="anna")
    await known.know(
        ticket_event(T.CREATED, 1, status="Open", fields=assigned),
        ticket_event(T.TRANSITIONED, 40, status="Doing", change="1", fields=replace(assigned, assignee_hash="ben")),
        *reviewed_pull_request(1, reviewed=5, ended=10),
        pull_request_event(P.REVIEW_SUBMITTED, 9, number=1, reviewer="rita", change="again"),
        pull_request_event(P.APPROVED, 9, number=1, reviewer="rita", change="again"),
        pull_request_event(P.REVIEW_SUBMITTED, 11, number=1, reviewer="ron", change="late"),
    )
    assert {"author": 0, "rita": 2, "ron": 1, "anna": 0, "ben": 0} == await known.people(view())
    assert {"author": 0, "rita": 1} == await known.people(view(), start=6, end=10)
    assert {"ben": 0} == await known.people(view(), start=40)
    assert {"author": 0, "ron": 1, "ben": 0} == await known.people(view(delivery_stream_id=PAYMENTS), start=11)
    assert {"author": 0, "rita": 1, "anna": 0} == await known.people(view(8))


async def test_a_robot_author_is_no_contributor_and_its_reviewer_is(known: Diagnosing) -> None:
    """Who reviews a robot's change has reviewed."""
    events = [replace(event, author_is_bot=True) for event in reviewed_pull_request(1, reviewed=5, ended=10)]
    await known.know(*events)
    assert {"rita": 1} == await known.people(view())


async def test_contributions_keep_streams_apart(known: Diagnosing) -> None:
    """Who works in two technology streams contributes to each."""
    await known.know(
        ticket_event(T.CREATED, 1, status="Open"),
        *reviewed_pull_request(1, reviewed=5, ended=10),
        *reviewed_pull_request(2, reviewed=5, ended=10, org="acme-apps"),
    )
    rows = await known.reader.contributions(view(), window=window(0, 100))
    assert {
        Contribution(PAYMENTS, (CORE,), "author", 0),
        Contribution(PAYMENTS, (CORE,), "rita", 1),
        Contribution(PAYMENTS, (APPS,), "author", 0),
        Contribution(PAYMENTS, (APPS,), "rita", 1),
    } == set(rows)
    assert 4 == len(rows)


# --- both families ----------------------------------------------------------------------------------------------------

VIEWS = [
    View(scope=scope, as_of=at(hours), delivery_stream_id=asked, tech_stream_id=tech)
    for scope, hours, (asked, tech) in product(
        (EVERYTHING, StreamScope(delivery_streams=frozenset({PAYMENTS})), StreamScope(tech_streams=frozenset({CORE}))),
        (15.0, 45.0, 1000.0),
        ((None, None), (PAYMENTS, None), (None, APPS)),
    )
]


DEFECTS = st.lists(
    st.builds(
        lambda kind, hours, found, made, bug, parent: defect(
            kind, hours, found=found, made=made, issue=bug[0], key=bug[1], parent=parent
        ),
        st.sampled_from(DefectEventType),
        st.integers(0, 60).map(float),
        st.sampled_from([None, "qa", "production", "unknown"]),
        st.sampled_from([None, "ba", "dev"]),
        # The first two are tickets of the happenings, the last one has no other event.
        st.sampled_from([("10001", "PAY-1"), ("10001", "LOG-5"), ("10002", "PAY-2"), ("10009", "PAY-9")]),
        st.sampled_from([None, "PAY-1", "LOG-5", "PAY-2", "PAY-404"]),
    ),
    max_size=6,
)


async def _told(url: str | None, happened: Sequence[AcceptedDelivery]) -> list[object]:
    async with diagnosing(url) as found:
        await found.stores.append(happened)
        await found.stores.drain()
        return [
            answer
            for looking in VIEWS
            for answer in (
                await found.defects(looking, start=-100),
                await found.hours(looking, start=-100),
                await found.defects(looking, start=10, end=20),
                await found.hours(looking, start=10, end=20),
                sorted(map(repr, await found.reader.contributions(looking, window=window(5, 1000)))),
            )
        ]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=happenings(most=12), defects=DEFECTS)
def test_postgres_reads_what_memory_does(
    postgres_server: TestServer, happening: Happening, defects: list[DefectEvent]
) -> None:
    """Whatever happened, both families give the same rows for every view, to the last digit."""
    happened = [*happening.told, *map(_delivery, defects)]
    with postgres_server.database(template=postgres_server.template) as url:
        found = asyncio.run(_told(url, happened))
    assert asyncio.run(_told(None, happened)) == found
