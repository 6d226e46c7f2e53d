"""What every reader for forecasts and every store of forecasts promises, on rows worked out by hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from dpp.adapters.memory.forecasting import (
    MemoryForecastReader,
    MemoryForecasts,
    MemoryForecastStore,
    MemorySprintSnapshot,
)
from dpp.adapters.postgres.forecasting import PostgresForecastReader, PostgresForecastStore
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.application.enrich import sprint_uuid
from dpp.application.forecasting_reader import (
    SPRINTS,
    ForecastReader,
    ForecastStore,
    PromiseRow,
    Remaining,
    SprintSpan,
    StoredForecast,
)
from dpp.application.ports import Batch
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.events import Facts, SprintFact, TicketFields
from dpp.domain.forecast import forecast
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB, delivery, moved_to
from tests.support.reading import MemoryReading, PostgresReading, Reading, Ticket, at, micros, reading, view

pytestmark = pytest.mark.anyio

DAY = date(2026, 3, 2)
ONLY_PAYMENTS = StreamScope(delivery_streams=frozenset({PAYMENTS}))
ONLY_WEB = StreamScope(tech_streams=frozenset({WEB}))


@dataclass
class Forecasting:
    """A reader and a store of one family, and what is needed to fill them."""

    rows: Reading
    reader: ForecastReader
    store: ForecastStore
    kept: MemoryForecasts | None = None

    async def report(self, *sprints: SprintFact) -> None:
        """Append reports of sprints."""
        await self.rows.events.append(Batch(deliveries=[delivery(Facts(sprints=sprints))]))

    async def take(self, sprint: str, day: date, taken_at: datetime, remaining: int) -> None:
        """Take a snapshot of a sprint."""
        if self.kept is not None:
            self.kept.snapshots.append(MemorySprintSnapshot(sprint_uuid(sprint), day, taken_at, remaining))
            return
        assert isinstance(self.rows, PostgresReading)
        async with self.rows.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO sprint_snapshots (source, event_timestamp, sprint_id, snapshot_date, committed_count,"
                " completed_count, remaining_count) VALUES ('jira', %s, %s, %s, 9, 9, %s)",
                [taken_at, sprint_uuid(sprint), day, remaining],
            )


@asynccontextmanager
async def forecasting(url: str | None) -> AsyncIterator[Forecasting]:
    """Yield a reader and a store on a database, in memory without one."""
    async with reading(url) as rows:
        await rows.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        if isinstance(rows, MemoryReading):
            kept = MemoryForecasts()
            reader = MemoryForecastReader(database=rows.database, tables=rows.tables, kept=kept)
            yield Forecasting(rows, reader, MemoryForecastStore(database=rows.database, kept=kept), kept)
        else:
            assert isinstance(rows, PostgresReading)
            database = rows.database
            yield Forecasting(
                rows,
                PostgresForecastReader(database=database, kept=KeptRows(database=database)),
                PostgresForecastStore(database=database),
            )


@pytest.fixture
async def to(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Forecasting]:
    """A reader and a store of one family, over an empty store that knows a small organisation."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with forecasting(url) as found:
        yield found


def window(start: float, end: float) -> Window:
    """Return the window between two hours."""
    return Window(start=at(start), end=at(end))


def live(hours: float = 1000, **asked: Any) -> View:
    """Return a view of the present, so many hours on."""
    return replace(view(hours, **asked), is_live=True)


#: 101 moves from payments to identity; 102 touches both technology streams; 103 has no delivery stream; 104 is done,
#: 105 cancelled, 106 deleted, 107 where nobody has mapped, 108 in the backlog.
TICKETS = (
    Ticket(
        "101",
        streams=[(3, "PAY-1", PAYMENTS, ()), (10, "IDN-1", IDENTITY, (WEB,))],
        stays=[(3, "backlog", False), (5, "dev", True)],
    ),
    Ticket("102", streams=[(2, "PAY-2", PAYMENTS, (CORE, WEB))], stays=[(2, "code_review", True)]),
    Ticket("103", streams=[(0, "PAY-3", None, (WEB,))], stays=[(0, "qa", False)]),
    Ticket("104", streams=[(4, "PAY-4", PAYMENTS, ())], stays=[(4, "dev", True), (8, "done", False)]),
    Ticket("105", streams=[(4, "PAY-5", PAYMENTS, ())], stays=[(4, "uat", True), (9, "cancelled", False)]),
    Ticket("106", streams=[(4, "PAY-6", PAYMENTS, ())], stays=[(4, "ba", True), (9, "deleted", False)]),
    Ticket("107", streams=[(5, "IDN-7", IDENTITY, ())], stays=[(5, "unmapped", False)]),
    Ticket("108", streams=[(6, "IDN-8", IDENTITY, ())], stays=[(6, "backlog", False)]),
)


async def test_an_empty_store_has_nothing(to: Forecasting) -> None:
    """No scope, no first event, no completion, no sprint and no forecast; a sprint unheard of holds nothing."""
    reader = to.reader
    assert 0 == await reader.scope(view())
    assert None is await reader.first_event(view())
    found = await reader.completions(view(), window=window(0, 100))
    assert ([], np.dtype(np.int64)) == (found.tolist(), found.dtype)
    assert [] == list(await reader.sprints(view(), today=DAY))
    assert Remaining(0, None) == await reader.remaining(view(), sprint_id=UUID(int=5))
    assert [] == list(await reader.promises(view(), since=DAY))
    assert None is await reader.stored(view(), day=DAY)
    assert 0 == await to.store.add([])


@pytest.mark.parametrize(
    ("hour", "asked", "expected"),
    [
        (1000, {}, 4),
        (1000, {"delivery_stream_id": PAYMENTS}, 1),
        (1000, {"delivery_stream_id": IDENTITY}, 3),
        (1000, {"scope": ONLY_PAYMENTS}, 1),
        (1000, {"scope": ONLY_WEB}, 2),
        (1000, {"scope": StreamScope()}, 0),
        (7, {"delivery_stream_id": PAYMENTS}, 5),
        (7, {"delivery_stream_id": IDENTITY}, 2),
        (8, {"delivery_stream_id": PAYMENTS}, 4),
        (1, {}, 0),
    ],
)
async def test_scope_is_what_is_neither_done_nor_cancelled(
    to: Forecasting, hour: float, asked: dict[str, Any], expected: int
) -> None:
    """Backlog, review and unmapped are in it; what has no delivery stream is in none, and so not in all."""
    await to.rows.put(*TICKETS)
    assert expected == await to.reader.scope(view(hour, **asked))


@pytest.mark.parametrize(
    ("hour", "asked", "expected"),
    [
        (1000, {}, 2),
        (1000, {"delivery_stream_id": PAYMENTS}, 2),
        (1000, {"delivery_stream_id": IDENTITY}, 5),
        (4, {"delivery_stream_id": IDENTITY}, None),
        (1.9, {}, None),
        (2, {}, 2),
        (1000, {"scope": ONLY_WEB}, 2),
        (1000, {"scope": StreamScope(delivery_streams=frozenset({IDENTITY}))}, 5),
    ],
)
async def test_a_stream_begins_with_the_first_event_of_its_tickets(
    to: Forecasting, hour: float, asked: dict[str, Any], expected: float | None
) -> None:
    """A ticket that moves in counts from then on; one without a delivery stream begins nothing."""
    await to.rows.put(*TICKETS)
    first = None if expected is None else micros(expected)
    assert first == await to.reader.first_event(view(hour, **asked))


async def test_completions_hold_as_known_at_the_moment(to: Forecasting) -> None:
    """One that is reopened holds until then; windows are half-open; what comes after the moment is unknown."""

    def done(issue: str, stream: UUID | None, *cycles: tuple[float, float | None]) -> Ticket:
        return Ticket(
            issue,
            streams=[(0, f"PAY-{issue}", stream, (WEB,))],
            cycles=[(completed, reopened, None, None, {}) for completed, reopened in cycles],
        )

    await to.rows.put(
        done("1", PAYMENTS, (10, 20), (30, None)),
        done("2", PAYMENTS, (12, None)),
        done("3", IDENTITY, (11, None)),
        done("4", None, (13, None)),
    )

    async def hours(moment: float, span: Window, **asked: Any) -> list[float]:
        found = await to.reader.completions(view(moment, **asked), window=span)
        assert np.dtype(np.int64) == found.dtype
        return [(one - micros(0)) / 3.6e9 for one in found.tolist()]

    assert [11, 12, 30] == await hours(100, window(0, 100))
    assert [10, 11, 12] == await hours(19, window(0, 100))
    assert [11, 12] == await hours(20, window(0, 100))
    assert [10] == await hours(11, window(10, 11))
    assert [10, 11] == await hours(11, window(10, 12))
    assert [12, 30] == await hours(100, window(0, 100), delivery_stream_id=PAYMENTS)
    assert [11] == await hours(100, window(0, 100), scope=StreamScope(delivery_streams=frozenset({IDENTITY})))


async def test_completions_belong_to_the_stream_that_their_ticket_had_then(to: Forecasting) -> None:
    """A ticket that moves after it is done takes its completions along, and as of a moment before it has not moved."""
    done: Any = [(10.0, 15.0, None, None, {}), (20.0, None, None, None, {})]
    await to.rows.put(
        Ticket(
            "1", streams=[(0, "PAY-1", PAYMENTS, ()), (30, "IDN-1", IDENTITY, ()), (40, "X-1", None, ())], cycles=done
        )
    )

    async def hours(moment: float, **asked: Any) -> list[float]:
        found = await to.reader.completions(view(moment, **asked), window=window(0, 100))
        return [(one - micros(0)) / 3.6e9 for one in found.tolist()]

    payments, identity = {"delivery_stream_id": PAYMENTS}, {"delivery_stream_id": IDENTITY}
    assert [[10], [], [20], [], []] == [await hours(moment, **payments) for moment in (14, 15, 29, 30, 40)]
    assert [[], [], [], [20], []] == [await hours(moment, **identity) for moment in (14, 15, 29, 30, 40)]
    assert [[10], [], [20], [20], []] == [await hours(moment) for moment in (14, 15, 29, 30, 40)]


def sprint(key: str, start: date | None, end: date | None, state: str = "active") -> SprintFact:
    """Return a report of a sprint."""
    return SprintFact(
        event_timestamp=at(1), jira_sprint_id=key, name=f"Sprint {key}", state=state, start_date=start, end_date=end
    )


async def test_sprints_that_have_begun_come_latest_first(to: Forecasting) -> None:
    """Those of the future, without dates, without tickets, or of other streams are left out."""
    day = timedelta(days=1)
    await to.report(
        sprint("7", DAY - 14 * day, DAY - day, "closed"),
        sprint("8", DAY, DAY + 11 * day),
        sprint("9", DAY + day, DAY + 12 * day, "future"),
        sprint("10", None, None, "future"),
        sprint("11", DAY, DAY + 13 * day),
        sprint("12", DAY - 3 * day, DAY + day),
    )
    streams = {"7": PAYMENTS, "8": PAYMENTS, "9": PAYMENTS, "10": PAYMENTS, "12": IDENTITY}
    await to.rows.put(
        *(Ticket(key, streams=[(0, f"PAY-{key}", of, (WEB,))], jira_sprint_id=key) for key, of in streams.items())
    )
    eighth = SprintSpan(sprint_uuid("8"), "8", "Sprint 8", DAY, DAY + 11 * day, "active", at(1))
    assert eighth == (await to.reader.sprints(view(delivery_stream_id=PAYMENTS), today=DAY))[0]

    async def keys(today: date, **asked: Any) -> list[str]:
        return [row.jira_sprint_id for row in await to.reader.sprints(view(**asked), today=today)]

    assert ["8", "7"] == await keys(DAY, delivery_stream_id=PAYMENTS)
    assert ["9", "8", "7"] == await keys(DAY + day, delivery_stream_id=PAYMENTS)
    assert ["7"] == await keys(DAY - day, delivery_stream_id=PAYMENTS)
    assert ["8", "12", "7"] == await keys(DAY)
    assert ["12"] == await keys(DAY, scope=StreamScope(delivery_streams=frozenset({IDENTITY})))
    assert [] == await keys(DAY, scope=ONLY_WEB)


async def test_not_all_sprints_there_ever_were(to: Forecasting) -> None:
    """Only the latest ones are listed."""
    starts = [DAY - timedelta(weeks=number) for number in range(SPRINTS + 5)]
    await to.report(*(sprint(str(number), start, start) for number, start in enumerate(starts)))
    await to.rows.put(
        *(Ticket(str(one), streams=[(0, f"PAY-{one}", PAYMENTS, ())], jira_sprint_id=str(one)) for one in range(25))
    )
    assert starts[:SPRINTS] == [row.start_date for row in await to.reader.sprints(view(), today=DAY)]


async def test_what_remains_is_told_by_the_latest_snapshot(to: Forecasting) -> None:
    """As of an earlier moment by the one that was the latest then."""
    await to.report(sprint("7", DAY, DAY))
    await to.take("7", DAY, at(2), 9)
    await to.take("7", DAY + timedelta(days=1), at(26), 6)
    seventh = sprint_uuid("7")
    assert Remaining(6, DAY + timedelta(days=1)) == await to.reader.remaining(view(), sprint_id=seventh)
    assert Remaining(9, DAY) == await to.reader.remaining(view(25), sprint_id=seventh)
    assert Remaining(0, None) == await to.reader.remaining(view(1), sprint_id=seventh)
    assert Remaining(0, None) == await to.reader.remaining(view(), sprint_id=sprint_uuid("8"))


#: 1 is in the sprint and open; 2 was, and has left it; 3 is done; 4 belongs to another stream; 5 to another sprint.
IN_SPRINTS = (
    Ticket("1", streams=[(0, "PAY-1", PAYMENTS, ())], stays=[(0, "dev", True)], jira_sprint_id="7"),
    Ticket("2", streams=[(0, "PAY-2", PAYMENTS, ())], stays=[(0, "qa", True)], jira_sprint_id="8"),
    Ticket(
        "3", streams=[(0, "PAY-3", PAYMENTS, ())], stays=[(0, "uat", True), (30, "done", False)], jira_sprint_id="7"
    ),
    Ticket("4", streams=[(0, "IDN-4", IDENTITY, ())], stays=[(0, "backlog", False)], jira_sprint_id="7"),
    Ticket("5", streams=[(0, "PAY-5", PAYMENTS, ())], stays=[(0, "dev", True)], jira_sprint_id="6"),
)


async def test_a_snapshot_stands_until_something_is_heard_of_its_tickets(to: Forecasting) -> None:
    """Two tickets are open and the snapshot says nine: it stands until anything is received of one of them."""
    await to.report(*(sprint(key, DAY, DAY) for key in ("6", "7", "8")))
    await to.rows.put(*IN_SPRINTS)
    seventh = sprint_uuid("7")
    await to.take("7", DAY, at(2), 9)
    assert Remaining(9, DAY) == await to.reader.remaining(live(), sprint_id=seventh)
    told = moved_to("In Dev", ticket="PAY-5", issue="5", change="other", fields=TicketFields(jira_sprint_id="6"))
    much_later = datetime(2199, 1, 1, tzinfo=UTC)
    heard = replace(delivery(Facts(work_items=(told,))), received_at=much_later)
    await to.rows.events.append(Batch(deliveries=[heard]))
    assert Remaining(9, DAY) == await to.reader.remaining(live(), sprint_id=seventh)
    told = moved_to("In Dev", ticket="PAY-1", issue="1", change="own", fields=TicketFields(jira_sprint_id="7"))
    heard = replace(delivery(Facts(work_items=(told,))), received_at=much_later)
    await to.rows.events.append(Batch(deliveries=[heard]))
    assert Remaining(2, None) == await to.reader.remaining(live(), sprint_id=seventh)


async def test_without_a_snapshot_what_remains_is_counted(to: Forecasting) -> None:
    """The open tickets that are in the sprint now, as far as the view shows them."""
    await to.report(*(sprint(key, DAY, DAY) for key in ("6", "7", "8")))
    await to.rows.put(*IN_SPRINTS)
    seventh = sprint_uuid("7")
    assert Remaining(2, None) == await to.reader.remaining(live(), sprint_id=seventh)
    assert Remaining(1, None) == await to.reader.remaining(live(delivery_stream_id=PAYMENTS), sprint_id=seventh)
    assert Remaining(2, None) == await to.reader.remaining(live(29, delivery_stream_id=PAYMENTS), sprint_id=seventh)


async def test_what_remained_is_counted_by_the_sprint_fields_of_then(to: Forecasting) -> None:
    """A ticket that has left the sprint since was in it; an event without fields says nothing of the sprint."""

    def told(issue: str, hours: float, key: str | None, *, has_fields: bool = True) -> Any:
        fields = TicketFields(jira_sprint_id=key) if has_fields else None
        return moved_to(
            "In Dev",
            ticket=f"PAY-{issue}",
            issue=issue,
            change=f"{issue} {hours}",
            event_timestamp=at(hours),
            fields=fields,
        )

    await to.report(*(sprint(key, DAY, DAY) for key in ("6", "7", "8")))
    await to.rows.put(*IN_SPRINTS)
    facts = Facts(
        work_items=(
            told("1", 1, "7"),
            told("1", 2, None, has_fields=False),
            told("2", 1, "6"),
            told("2", 10, "7"),
            told("2", 40, "8"),
            told("3", 1, "7"),
            told("5", 1, "7"),
            told("5", 2, None),
        )
    )
    await to.rows.events.append(Batch(deliveries=[delivery(facts)]))

    async def remained(hours: float) -> int:
        asked = view(hours, delivery_stream_id=PAYMENTS)
        return (await to.reader.remaining(asked, sprint_id=sprint_uuid("7"))).items

    assert [0, 3, 2, 3, 2, 1] == [await remained(hours) for hours in (0, 1, 5, 29, 30, 40)]


def made(scope: int = 20, *, day: date = DAY, stream: UUID | None = PAYMENTS, hours: float = 6) -> StoredForecast:
    """Return a forecast."""
    sample = (3, 0, 4, 2, 5, 1, 3)
    return StoredForecast(
        delivery_stream_id=stream,
        made_at=at(hours),
        forecast=forecast(scope=scope, sample=sample, made_on=day, seed=2**63 - 1, runs=500),
    )


async def promised(to: Forecasting, hours: float = 1000, since: date = DAY, **asked: Any) -> Sequence[PromiseRow]:
    """Return what stored forecasts said."""
    return list(await to.reader.promises(view(hours, **asked), since=since))


async def test_a_stored_forecast_is_read_back_to_the_digit(to: Forecasting) -> None:
    """With its seed and sample, from which it can be made again."""
    kept = made()
    assert 1 == await to.store.add([kept])
    found = await to.reader.stored(view(delivery_stream_id=PAYMENTS), day=DAY)
    assert found == kept
    again = kept.forecast
    assert again == forecast(
        scope=again.scope, sample=again.sample, made_on=again.made_on, seed=again.seed, runs=again.runs
    )
    dates = again.completion_dates
    assert [PromiseRow(at(6), 20, dates[50], dates[70], dates[85], dates[95])] == await promised(  # type: ignore[arg-type]
        to, delivery_stream_id=PAYMENTS
    )


async def test_runs_that_were_cut_are_kept_too(to: Forecasting) -> None:
    """A forecast of which no run is done within ten years has the horizon for dates, and no bar."""
    kept = made(1_000_000)
    assert 500 == kept.forecast.cut_runs
    await to.store.add([kept])
    assert kept == await to.reader.stored(view(delivery_stream_id=PAYMENTS), day=DAY)


async def test_the_first_forecast_of_a_stream_and_day_stays(to: Forecasting) -> None:
    """A second one would let hindsight in; other days and streams, and all together, have forecasts of their own."""
    next_day = DAY + timedelta(days=1)
    assert 2 == await to.store.add([made(), made(30, stream=None)])
    assert 3 == await to.store.add(
        [
            made(99),
            made(99, stream=None),
            made(40, day=next_day),
            made(50, stream=IDENTITY),
            made(60, day=next_day, stream=None),
        ]
    )
    assert [20, 40] == [row.scope_item_count for row in await promised(to, delivery_stream_id=PAYMENTS)]
    assert [50] == [row.scope_item_count for row in await promised(to, delivery_stream_id=IDENTITY)]
    assert [30, 60] == [row.scope_item_count for row in await promised(to)]
    assert [60] == [row.scope_item_count for row in await promised(to, since=next_day)]


async def test_forecasts_of_later_are_unknown_earlier(to: Forecasting) -> None:
    """As of a moment only those count that were made by then."""
    await to.store.add([made(), made(30, day=DAY + timedelta(days=1), hours=30)])
    asked: dict[str, Any] = {"delivery_stream_id": PAYMENTS}
    assert [[], [20], [20], [20, 30]] == [
        [row.scope_item_count for row in await promised(to, hours, **asked)] for hours in (5.9, 6, 29.9, 30)
    ]
    assert None is await to.reader.stored(view(29, **asked), day=DAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [30]),
        ({"scope": ONLY_PAYMENTS}, []),
        ({"scope": ONLY_PAYMENTS, "delivery_stream_id": PAYMENTS}, [20]),
        ({"scope": ONLY_WEB, "delivery_stream_id": PAYMENTS}, []),
        ({"scope": ONLY_PAYMENTS, "delivery_stream_id": IDENTITY}, []),
        ({"tech_stream_id": WEB}, []),
        ({"tech_stream_id": WEB, "delivery_stream_id": PAYMENTS}, []),
    ],
)
async def test_stored_forecasts_are_seen_by_who_sees_all_of_their_streams(
    to: Forecasting, asked: dict[str, Any], expected: list[int]
) -> None:
    """Forecasts of all streams together only by those who see everything; with a technology stream there are none."""
    await to.store.add([made(), made(30, stream=None), made(40, stream=IDENTITY)])
    assert expected == [row.scope_item_count for row in await promised(to, **asked)]
    found = await to.reader.stored(view(**asked), day=DAY)
    assert expected == ([] if found is None else [found.forecast.scope])
