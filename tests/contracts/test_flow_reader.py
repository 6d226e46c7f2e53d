"""What every reader of positions over time promises, on rows worked out by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from dpp.adapters.memory.flow_over_time import MemoryFlowReader
from dpp.adapters.postgres.flow_over_time import PostgresFlowReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.derived_rows import WorkItemRow
from dpp.application.flow_reader import FlowReader, UnfinishedRow
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.histories import FOREVER
from dpp.domain.positions import LABELS
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB
from tests.support.reading import MemoryReading, Reading, Ticket, at, micros, reading, view

pytestmark = pytest.mark.anyio


@dataclass
class BegunTicket(Ticket):
    """A ticket that somebody has worked on since some hour."""

    begun: float | None = None

    @property
    def work_item(self) -> WorkItemRow:
        """How it stands."""
        return super().work_item._replace(first_in_progress=None if self.begun is None else micros(self.begun))


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    """Readers of one family over a store with a few tickets."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with reading(url) as found:
        await found.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        await found.put(*TICKETS)
        yield found


def reader(store: Reading) -> FlowReader:
    """Return the reader of positions of a store."""
    if isinstance(store, MemoryReading):
        return MemoryFlowReader(database=store.database, tables=store.tables)
    return PostgresFlowReader(database=store.database, kept=KeptRows(database=store.database))  # type: ignore[attr-defined]


#: 101 moves from payments to identity in the midst of its time in dev; 102 is done, reopened and done again; 103 was
#: cancelled; 104 was done long ago; 105 waits in a status that nobody has mapped, and has no stream.
TICKETS = (
    BegunTicket(
        "101",
        streams=[(0, "PAY-1", PAYMENTS, ()), (30, "IDN-1", IDENTITY, (WEB,))],
        stays=[(0, "backlog", False), (20, "dev", True), (40, "dev", False)],
        begun=20,
    ),
    BegunTicket(
        "102",
        streams=[(0, "PAY-2", PAYMENTS, (CORE,))],
        stays=[(5, "dev", True), (25, "done", False), (35, "qa", True), (45, "done", False)],
        begun=5,
    ),
    Ticket("103", streams=[(0, "PAY-3", PAYMENTS, ())], stays=[(0, "uat", True), (22, "cancelled", False)]),
    Ticket("104", streams=[(0, "PAY-4", PAYMENTS, ())], stays=[(0, "dev", True), (8, "done", False)]),
    Ticket("105", streams=[(0, "PAY-5", None, ())], stays=[(1, "unmapped", False)]),
)


async def told(store: Reading, asked: View, *, since: float = 10) -> list[tuple[str, str, float, float]]:
    """Return the stays since an hour: ticket, label, from, to; -1 for ever."""
    found = await reader(store).held(asked, window=Window(start=at(since), end=asked.as_of))
    columns = (found.stays.item, found.stays.position, found.stays.entered, found.stays.left)
    return [
        (
            found.items[item],
            LABELS[position],
            (entered - micros(0)) / 3.6e9,
            -1 if left == FOREVER else (left - micros(0)) / 3.6e9,
        )
        for item, position, entered, left in zip(*(column.tolist() for column in columns), strict=True)
    ]


async def test_stays_since_a_moment_are_cut_where_a_ticket_changes_its_streams(store: Reading) -> None:
    """What had ended before, was cancelled, or was done before is left out; done and reopened in between is there."""
    assert [
        ("101", "backlog", 0, 20),
        ("101", "dev", 20, 30),
        ("101", "dev", 30, 40),
        ("101", "dev_queue", 40, -1),
        ("102", "dev", 5, 25),
        ("102", "done", 25, 35),
        ("102", "qa", 35, 45),
        ("102", "done", 45, -1),
        ("103", "uat", 0, 22),
        ("105", "unmapped", 1, -1),
    ] == await told(store, view())


async def test_what_began_after_the_moment_is_unknown(store: Reading) -> None:
    """As of hour 30 ticket 101 is in dev; stays that end later are told as they turned out."""
    assert [
        ("101", "backlog", 0, 20),
        ("101", "dev", 20, 30),
        ("101", "dev", 30, 40),
        ("102", "dev", 5, 25),
        ("102", "done", 25, 35),
    ] == [row for row in await told(store, view(30)) if row[0] < "103"]


async def test_a_stay_that_ends_as_the_window_begins_is_told(store: Reading) -> None:
    """It is what departs in the first instant."""
    assert ("103", "uat", 0, 22) in await told(store, view(), since=22)
    assert ("103", "uat", 0, 22) not in await told(store, view(), since=22.001)
    assert ("102", "done", 25, 35) not in await told(store, view(), since=25.001)


async def test_a_view_shows_the_parts_that_belong_to_it(store: Reading) -> None:
    """Payments had ticket 101 up to hour 30, identity and web have it since."""
    payments = [row for row in await told(store, view(delivery_stream_id=PAYMENTS)) if row[0] == "101"]
    assert [("101", "backlog", 0, 20), ("101", "dev", 20, 30)] == payments
    later = [("101", "dev", 30, 40), ("101", "dev_queue", 40, -1)]
    assert later == await told(store, view(delivery_stream_id=IDENTITY))
    assert later == await told(store, view(tech_stream_id=WEB))
    assert later == await told(store, view(scope=StreamScope(delivery_streams=frozenset({IDENTITY}))))
    assert [] == await told(store, view(scope=StreamScope()))


async def test_each_row_says_whose_it_was(store: Reading) -> None:
    """Delivery streams are told row by row, and some rows can be taken out."""
    found = await reader(store).held(view(), window=Window(start=at(10), end=at(1000)))
    streams = [found.delivery_streams[code] for code in found.stream_of.tolist()]
    assert [PAYMENTS, PAYMENTS, IDENTITY, IDENTITY, *[PAYMENTS] * 5, None] == streams
    some = found.only(found.stays.position == LABELS.index("unmapped"))
    assert (["105"], [None], found.items) == (
        [some.items[item] for item in some.stays.item.tolist()],
        [some.delivery_streams[code] for code in some.stream_of.tolist()],
        some.items,
    )


async def test_tickets_are_told_what_they_were_called_when_the_view_last_showed_them(store: Reading) -> None:
    """101 was PAY-1 while payments had it; done ones have a name too; nobody hears of a ticket that is not shown."""
    everything = {"101", "102", "103", "104", "105", "no such"}
    wanted = {"101": "IDN-1", "102": "PAY-2", "103": "PAY-3", "104": "PAY-4", "105": "PAY-5"}
    assert wanted == await reader(store).keys(view(), everything)
    assert {**wanted, "101": "PAY-1"} == await reader(store).keys(view(29), everything)
    payments = {"101": "PAY-1", "102": "PAY-2", "103": "PAY-3", "104": "PAY-4"}
    assert payments == await reader(store).keys(view(delivery_stream_id=PAYMENTS), everything)
    assert {"102": "PAY-2"} == await reader(store).keys(view(), {"102"})
    assert {} == await reader(store).keys(view(scope=StreamScope()), everything)
    assert {} == await reader(store).keys(view(), set())


async def test_unfinished_tickets_are_told_with_when_they_were_begun(store: Reading) -> None:
    """By key, as they are called and placed at the moment; nobody had begun 101 at hour 10."""
    assert [
        UnfinishedRow("101", "IDN-1", IDENTITY, "dev", False, micros(20)),
        UnfinishedRow("105", "PAY-5", None, "unmapped", False, None),
    ] == list(await reader(store).unfinished(view()))
    assert [
        UnfinishedRow("101", "PAY-1", PAYMENTS, "backlog", False, None),
        UnfinishedRow("102", "PAY-2", PAYMENTS, "dev", True, micros(5)),
        UnfinishedRow("103", "PAY-3", PAYMENTS, "uat", True, None),
        UnfinishedRow("105", "PAY-5", None, "unmapped", False, None),
    ] == list(await reader(store).unfinished(view(10)))
    for asked, keys in (
        (view(10, tech_stream_id=CORE), ["PAY-2"]),
        (view(10, scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))), ["PAY-1", "PAY-2", "PAY-3"]),
        (view(10, scope=StreamScope()), []),
    ):
        assert keys == [row.ticket_id for row in await reader(store).unfinished(asked)]
