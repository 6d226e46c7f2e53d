"""What every reader of figures promises, on rows worked out by hand."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dpp.application.ports import Batch
from dpp.application.readers import CycleRows, LabelRow, Share, StageRow
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.events import (
    DefectEvent,
    DefectEventType,
    Facts,
    PullRequestEventType,
)
from dpp.domain.quality import QualityRate
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB, delivery, reviewed
from tests.support.delivering import deliver, deployment
from tests.support.reading import Reading, Ticket, at, micros, pull_request, reading, view

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    """Readers of one family over an empty store that knows two delivery and two technology streams."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with reading(url) as found:
        await found.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        yield found


async def places(store: Reading, *args: float, **asked: object) -> dict[tuple[str, bool], int]:
    """Return the tickets by place that a view shows."""
    rows: Sequence[StageRow] = await store.metrics.wip(view(*args, **asked))  # type: ignore[arg-type]
    assert len(rows) == len({(row.stage, row.active) for row in rows})
    return {(row.stage, row.active): row.tickets for row in rows}


def window(start: float, end: float) -> Window:
    """Return the window between two hours."""
    return Window(start=at(start), end=at(end))


def told(rows: CycleRows) -> list[tuple[str, int, float, float]]:
    """Return the rows one by one, -1 for what is nan."""
    assert (np.dtype(np.int64), np.dtype(np.float64)) == (rows.completed_at.dtype, rows.cycle_days.dtype)
    columns = (np.nan_to_num(rows.cycle_days, nan=-1), np.nan_to_num(rows.flow_efficiency_pct, nan=-1))
    return list(zip(rows.ticket_ids, rows.completed_at.tolist(), *(it.tolist() for it in columns), strict=True))


#: 101 moves from payments to identity, changes its key and is worked on; 102 is of both technology streams; 103 has no
#: stream; 104 is done, 105 cancelled, 106 deleted, 107 in a status that nobody has mapped.
TICKETS = (
    Ticket(
        "101",
        streams=[(0, "PAY-1", PAYMENTS, ()), (10, "IDN-1", IDENTITY, (WEB,))],
        stays=[(0, "backlog", False), (5, "dev", True), (20, "dev", False)],
    ),
    Ticket("102", streams=[(0, "PAY-2", PAYMENTS, (CORE, WEB))], stays=[(0, "backlog", False), (6, "dev", True)]),
    Ticket("103", streams=[(1, "PAY-3", None, ())], stays=[(1, "qa", False)]),
    Ticket("104", streams=[(0, "PAY-4", PAYMENTS, (CORE,))], stays=[(0, "dev", True), (8, "done", False)]),
    Ticket("105", streams=[(0, "PAY-5", PAYMENTS, (CORE,))], stays=[(0, "uat", True), (9, "cancelled", False)]),
    Ticket("106", streams=[(0, "PAY-6", PAYMENTS, (CORE,))], stays=[(0, "ba", True), (9, "deleted", False)]),
    Ticket("107", streams=[(0, "IDN-7", IDENTITY, (CORE,))], stays=[(2, "unmapped", False)]),
)


async def test_an_empty_store_has_no_rows(store: Reading) -> None:
    """Where nothing is known there is no place, no ticket, no label and no share."""
    assert [] == list(await store.metrics.wip(view()))
    assert [] == told(await store.metrics.cycles(view(), window=window(0, 100)))
    assert [] == list(await store.metrics.label_times(view(), window=window(0, 100)))
    assert {} == await store.metrics.quality(view())


async def test_wip_counts_the_unfinished_tickets_by_place(store: Reading) -> None:
    """Tickets that are done, cancelled or deleted are in no place; unmapped ones are."""
    await store.put(*TICKETS)
    assert {("dev", True): 1, ("dev", False): 1, ("qa", False): 1, ("unmapped", False): 1} == await places(store)


async def test_wip_as_of_an_earlier_time_is_what_was_then(store: Reading) -> None:
    """As of hour 7 the later moves have not happened, and the ticket that moves away is still of its first stream."""
    await store.put(*TICKETS)
    then = {("dev", True): 3, ("qa", False): 1, ("uat", True): 1, ("ba", True): 1, ("unmapped", False): 1}
    assert then == await places(store, 7)
    assert {("dev", True): 3, ("uat", True): 1, ("ba", True): 1} == await places(store, 7, delivery_stream_id=PAYMENTS)
    assert {("dev", True): 1} == await places(store, 9, delivery_stream_id=PAYMENTS, tech_stream_id=WEB)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(0, 5), (0.999, 5), (1, 6), (2, 7), (8, 6), (9, 4)],
)
async def test_a_stay_holds_from_its_beginning_to_just_before_its_end(
    store: Reading, hour: float, expected: int
) -> None:
    """A ticket counts in the instant in which it enters a place and no more in that in which it leaves."""
    await store.put(*TICKETS)
    assert expected == sum((await places(store, hour)).values())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"delivery_stream_id": PAYMENTS}, {("dev", True): 1}),
        ({"delivery_stream_id": IDENTITY}, {("dev", False): 1, ("unmapped", False): 1}),
        ({"tech_stream_id": WEB}, {("dev", True): 1, ("dev", False): 1}),
        ({"tech_stream_id": CORE}, {("dev", True): 1, ("unmapped", False): 1}),
        ({"delivery_stream_id": IDENTITY, "tech_stream_id": CORE}, {("unmapped", False): 1}),
        ({"delivery_stream_id": UUID(int=99)}, {}),
    ],
)
async def test_filters_show_what_belongs_to_every_asked_stream(
    store: Reading, asked: dict[str, UUID], expected: dict[tuple[str, bool], int]
) -> None:
    """A delivery and a technology stream together show what belongs to both."""
    await store.put(*TICKETS)
    assert expected == await places(store, **asked)


@pytest.mark.parametrize(
    ("scope", "asked", "expected"),
    [
        (StreamScope(), {}, 0),
        (StreamScope(delivery_streams=frozenset({PAYMENTS})), {}, 1),
        (StreamScope(tech_streams=frozenset({WEB})), {}, 2),
        (StreamScope(delivery_streams=frozenset({IDENTITY}), tech_streams=frozenset({WEB})), {}, 3),
        (StreamScope(delivery_streams=frozenset({PAYMENTS})), {"tech_stream_id": WEB}, 1),
        (StreamScope(delivery_streams=frozenset({PAYMENTS})), {"delivery_stream_id": IDENTITY}, 0),
        (StreamScope(tech_streams=frozenset({WEB})), {"delivery_stream_id": IDENTITY}, 1),
    ],
)
async def test_a_scope_opens_what_belongs_to_one_of_its_streams(
    store: Reading, scope: StreamScope, asked: dict[str, UUID], expected: int
) -> None:
    """A scope adds its streams up, filters restrict what it opens, and what has no stream is open to nobody's."""
    await store.put(*TICKETS)
    assert expected == sum((await places(store, scope=scope, **asked)).values())


#: 201 was completed at hour 20, reopened at 40 and completed again at 60; 202 has no cycle time; 203 is of identity and
#: got its present key at hour 50; 204 was completed at hour 30 and reopened for good at hour 35.
COMPLETED = (
    Ticket(
        "201",
        streams=[(0, "PAY-21", PAYMENTS, (CORE,))],
        cycles=[
            (20, 40, 0.5, 40.0, {"dev": 0.2, "qa_queue": 0.3}),
            (60, None, 2.0, 50.0, {"dev": 1.0, "qa_queue": 1.0}),
        ],
    ),
    Ticket("202", streams=[(0, "PAY-22", PAYMENTS, ())], cycles=[(60, None, None, None, {})]),
    Ticket(
        "203",
        streams=[(0, "PAY-23", PAYMENTS, ()), (50, "IDN-23", IDENTITY, (WEB,))],
        cycles=[(45, None, 0.0, None, {"backlog": 0.0, "dev": 0.1})],
    ),
    Ticket("204", streams=[(0, "PAY-24", None, ())], cycles=[(30, 35, 1.0, 100.0, {"dev": 1.0})]),
)


async def test_cycles_are_the_completions_that_hold_in_order(store: Reading) -> None:
    """A taken-back completion is gone; what has no cycle time or no efficiency is nan; equal times go by the key."""
    await store.put(*COMPLETED)
    assert [
        ("IDN-23", micros(45), 0.0, -1),
        ("PAY-21", micros(60), 2.0, 50.0),
        ("PAY-22", micros(60), -1, -1),
    ] == told(await store.metrics.cycles(view(), window=window(0, 100)))


async def test_a_completion_counts_as_of_a_time_before_it_was_taken_back(store: Reading) -> None:
    """As of hour 32 both later reopenings are not known; as of hour 35 the second has just come."""
    await store.put(*COMPLETED)
    rows = [("PAY-21", micros(20), 0.5, 40.0), ("PAY-24", micros(30), 1.0, 100.0)]
    assert rows == told(await store.metrics.cycles(view(32), window=window(0, 32)))
    assert rows[:1] == told(await store.metrics.cycles(view(35), window=window(0, 35)))
    assert [] == told(await store.metrics.cycles(view(40), window=window(0, 40)))


async def test_cycles_carry_key_and_streams_of_the_moment(store: Reading) -> None:
    """As of hour 48 ticket 203 has its first key and belongs to payments."""
    await store.put(*COMPLETED)
    found = await store.metrics.cycles(view(48, delivery_stream_id=PAYMENTS), window=window(0, 48))
    assert [("PAY-23", micros(45), 0.0, -1)] == told(found)
    assert [] == told(await store.metrics.cycles(view(48, tech_stream_id=WEB), window=window(0, 48)))
    found = await store.metrics.cycles(view(tech_stream_id=WEB), window=window(0, 48))
    assert [("IDN-23", micros(45), 0.0, -1)] == told(found)


@pytest.mark.parametrize(("start", "end", "expected"), [(45, 60, 1), (45.001, 60, 0), (45, 60.001, 3), (61, 99, 0)])
async def test_a_window_has_its_start_and_not_its_end(store: Reading, start: float, end: float, expected: int) -> None:
    """A completion in the first instant of a window is in it, one in its last is in the next."""
    await store.put(*COMPLETED)
    assert expected == len(told(await store.metrics.cycles(view(), window=window(start, end))))


async def test_nothing_from_after_the_moment_is_known(store: Reading) -> None:
    """A window that reaches past the view's moment shows nothing completed after it."""
    await store.put(*COMPLETED)
    found = await store.metrics.cycles(view(59), window=window(42, 100))
    assert ["IDN-23"] == [row[0] for row in told(found)]


async def test_label_times_add_up_over_the_tickets_that_have_been_there(store: Reading) -> None:
    """Each label has its own number of tickets, in the order of the flow; the sum is exact."""
    await store.put(*COMPLETED)
    assert [LabelRow("backlog", 1, 0.0), LabelRow("dev", 2, 1.1), LabelRow("qa_queue", 1, 1.0)] == list(
        await store.metrics.label_times(view(), window=window(0, 100))
    )
    assert [LabelRow("dev", 2, 1.2), LabelRow("qa_queue", 1, 0.3)] == list(
        await store.metrics.label_times(view(32), window=window(0, 32))
    )
    assert [LabelRow("dev", 1, 1.0), LabelRow("qa_queue", 1, 1.0)] == list(
        await store.metrics.label_times(view(tech_stream_id=CORE), window=window(0, 100))
    )


async def test_label_times_do_not_depend_on_the_order_of_the_rows(store: Reading) -> None:
    """Ten times a tenth of a day is one day, to the last digit."""
    tenths = [
        Ticket(str(number), streams=[(0, f"PAY-{number}", None, ())], cycles=[(1, None, 0.1, 0.0, {"dev": 0.1})])
        for number in range(10)
    ]
    await store.put(*tenths)
    assert [LabelRow("dev", 10, 1.0)] == list(await store.metrics.label_times(view(), window=window(0, 2)))


async def test_ticket_tagging_is_the_share_of_shown_tickets_with_a_delivery_stream(store: Reading) -> None:
    """Deleted tickets do not take part from the moment of their deletion on."""
    await store.put(*TICKETS)
    tagging = QualityRate.TICKET_STREAM_TAGGING
    assert Share(5, 6) == (await store.metrics.quality(view()))[tagging]
    assert Share(6, 7) == (await store.metrics.quality(view(8)))[tagging]
    assert Share(6, 6) == (await store.metrics.quality(view(0.5)))[tagging]
    assert Share(3, 3) == (await store.metrics.quality(view(delivery_stream_id=PAYMENTS)))[tagging]


async def pull_requests(store: Reading) -> UUID:
    """Add three pull requests of one repository, the first two of them linked, and return the repository's id."""
    events = [
        reviewed(number=1, event_type=PullRequestEventType.MERGED, merge_sha="m1", head_sha="h1"),
        reviewed(number=2, head_sha="h2"),
        reviewed(number=3, head_sha="h3"),
    ]
    await store.events.append(Batch(deliveries=[delivery(Facts(pull_requests=tuple(events)))]))
    repo_id = await store.repository_id("acme/ledger")
    await store.put(
        pull_requests=[
            pull_request(repo_id, 1, linked_ticket_id="PAY-1", delivery_stream_id=PAYMENTS, tech_stream_id=CORE),
            pull_request(repo_id, 2, linked_ticket_id="PAY-9", tech_stream_id=CORE, author_is_bot=True),
            pull_request(repo_id, 3, tech_stream_id=CORE, opened=50),
        ]
    )
    return repo_id


async def test_pull_request_linkage_counts_all_pull_requests_that_were_open_once(store: Reading) -> None:
    """A key without a known ticket is a link; one opened later is not known yet; bots take part."""
    await pull_requests(store)
    linkage = QualityRate.PR_TICKET_LINKAGE
    assert Share(2, 3) == (await store.metrics.quality(view()))[linkage]
    assert Share(2, 2) == (await store.metrics.quality(view(49)))[linkage]
    assert Share(1, 1) == (await store.metrics.quality(view(delivery_stream_id=PAYMENTS)))[linkage]
    assert Share(2, 3) == (await store.metrics.quality(view(tech_stream_id=CORE)))[linkage]
    assert linkage not in await store.metrics.quality(view(tech_stream_id=WEB))


async def test_defects_are_attributed_by_their_latest_fact(store: Reading) -> None:
    """A later fact replaces an earlier one, and of two facts of one instant the attribution counts."""

    def defect(issue: str, kind: DefectEventType, hour: float, introduced: str | None = None) -> DefectEvent:
        return DefectEvent(
            event_type=kind,
            event_timestamp=at(hour),
            ticket_id=f"PAY-{issue}",
            project_key="PAY",
            issue_id=issue,
            introduced_in_stage=introduced,
        )

    logged, attributed, again = DefectEventType.LOGGED, DefectEventType.ATTRIBUTED, DefectEventType.RECLASSIFIED
    facts = (
        defect("101", logged, 1),
        defect("102", logged, 1),
        defect("102", attributed, 1, "dev"),
        defect("103", logged, 1),
        defect("103", attributed, 5, "ba"),
        defect("103", again, 30, None),
    )
    await store.events.append(Batch(deliveries=[delivery(Facts(defects=facts))]))
    await store.put(*TICKETS)
    origin = QualityRate.DEFECT_ORIGIN_ATTRIBUTION
    assert Share(1, 3) == (await store.metrics.quality(view()))[origin]
    assert Share(2, 3) == (await store.metrics.quality(view(29)))[origin]
    assert Share(0, 1) == (await store.metrics.quality(view(delivery_stream_id=IDENTITY)))[origin]
    assert Share(1, 2) == (await store.metrics.quality(view(9, delivery_stream_id=PAYMENTS)))[origin]
    assert Share(1, 1) == (await store.metrics.quality(view(tech_stream_id=CORE)))[origin]


async def test_traced_deployments_are_those_with_a_ticket(store: Reading) -> None:
    """Production deployments that had ended count, failed ones too, by the streams of their rows."""
    rows = (
        deployment("a", 1, ticket="PAY-1", delivery=PAYMENTS, tech=CORE),
        deployment("b", 2, ticket="PAY-9", tech=CORE, status="failed"),
        deployment("c", 3, tech=CORE),
        deployment("d", 4, tech=WEB, delivery=PAYMENTS),
        deployment("e", 5),
        deployment("staging", 1, ticket="PAY-1", tech=CORE, environment="staging"),
        deployment("later", 100, ticket="PAY-1", tech=CORE),
    )
    await deliver(store, deployments=rows)
    traced = QualityRate.DEPLOYMENT_TRACEABILITY
    assert Share(3, 6) == (await store.metrics.quality(view()))[traced]
    assert Share(2, 5) == (await store.metrics.quality(view(99)))[traced]
    assert Share(1, 2) == (await store.metrics.quality(view(delivery_stream_id=PAYMENTS)))[traced]
    assert Share(3, 4) == (await store.metrics.quality(view(tech_stream_id=CORE)))[traced]
    assert traced not in await store.metrics.quality(view(delivery_stream_id=IDENTITY))


async def test_a_scope_sees_the_shares_of_its_own_streams_alone(store: Reading) -> None:
    """Rates take part in the scope like every other figure, and nobody has measured the survey."""
    await store.put(*TICKETS)
    await pull_requests(store)
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    assert {
        QualityRate.TICKET_STREAM_TAGGING: Share(3, 3),
        QualityRate.PR_TICKET_LINKAGE: Share(1, 1),
    } == await store.metrics.quality(view(scope=scope))
    assert {} == await store.metrics.quality(view(scope=StreamScope()))


async def test_a_moment_in_another_zone_is_the_same_moment(store: Reading) -> None:
    """The zone that a moment is written in changes nothing."""
    await store.put(*TICKETS)
    tokyo = View(scope=StreamScope.everything(), as_of=at(7).astimezone(ZoneInfo("Asia/Tokyo")))
    assert 7 == sum(row.tickets for row in await store.metrics.wip(tokyo))
