"""What every reader of deployments, changes and incidents promises, on rows worked out by hand."""

from collections.abc import AsyncIterator
from uuid import UUID

import numpy as np
import pytest

from dpp.application.delivery_reader import ChangePlace, ChangeState, DeliveryReader
from dpp.application.ports import Batch
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.change_lead_times import Part
from dpp.domain.dora import STANDINGS, Restores
from dpp.domain.events import Facts
from dpp.domain.histories import FOREVER
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB, delivery, reviewed
from tests.support.delivering import Incident, change, deliver, delivery_reader, deployment, record
from tests.support.reading import Reading, Ticket, at, micros, reading, view

pytestmark = pytest.mark.anyio

#: 101 moves from payments to identity at hour 50; 102 is of payments; 103 of no stream.
TICKETS = (
    Ticket("101", streams=[(0, "PAY-1", PAYMENTS, ()), (50, "IDN-1", IDENTITY, (WEB,))]),
    Ticket("102", streams=[(0, "PAY-2", PAYMENTS, (CORE,))]),
    Ticket("103", streams=[(0, "PAY-3", None, ())]),
)
DEPLOYMENTS = (
    deployment("a", 10, tech=CORE, issue="101", ticket="PAY-1", lead=5.0, delivery=IDENTITY),
    deployment("b", 20, tech=CORE, issue="102", rollback=30, lead=7.0),
    deployment("c", 30, tech=WEB, status="failed", issue="103"),
    deployment("d", 40, tech=WEB, config=True),
    deployment("e", 40),
    deployment("staging", 15, tech=CORE, environment="staging"),
)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    """A store of one family that knows two delivery and two technology streams."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with reading(url) as found:
        await found.configurations.save(ORGANISATION, expected_version=0, actor="a test", at=at(0))
        yield found


@pytest.fixture
def reader(store: Reading) -> DeliveryReader:
    """The reader of its deliveries."""
    return delivery_reader(store)


async def ends(reader: DeliveryReader, shown: View, *, since: float = 0) -> list[float]:
    """Return when the deployments ended that a view shows, in hours."""
    found = (await reader.deployments(shown, since=at(since))).deployments
    return [(instant - micros(0)) / 3.6e9 for instant in found.deployed_at.tolist()]


async def repository(store: Reading, *, github_id: int, name: str) -> UUID:
    """Register a repository and return its id."""
    facts = Facts(pull_requests=(reviewed(name, github_id=github_id),))
    await store.events.append(Batch(deliveries=[delivery(facts)]))
    return await store.repository_id(name)


def window(start: float, end: float) -> Window:
    """Return the window between two hours."""
    return Window(start=at(start), end=at(end))


async def test_an_empty_store_has_nothing(reader: DeliveryReader) -> None:
    """Where nothing was delivered every column is empty, and of its type."""
    found = await reader.deployments(view(), since=at(0))
    assert (0, 0) == (found.deployments.deployed_at.size, found.blames.deployment.size)
    assert np.dtype(np.bool_) == found.deployments.has_succeeded.dtype
    assert 0 == (await reader.restores(view(), since=at(0))).resolved_at.size
    assert {part: 0 for part in Part} == {
        part: hours.size for part, hours in (await reader.change_hours(view(), window=window(0, 100))).items()
    }
    assert 0 == (await reader.waiting_since(view())).size
    for state in ChangeState:
        assert [] == list(await reader.changes(view(), state=state, window=window(0, 100), after=None, limit=9))
    assert [] == list(await reader.incidents(view(), window=None))


async def test_deployments_are_columns_in_the_order_of_the_end(store: Reading, reader: DeliveryReader) -> None:
    """Production alone, each cell of its type, what is missing told apart from what is 0."""
    await deliver(store, deployments=reversed(DEPLOYMENTS))
    found = (await reader.deployments(view(), since=at(0))).deployments
    assert [micros(hours) for hours in (10, 20, 30, 40, 40)] == found.deployed_at.tolist()
    assert [micros(hours - 0.5) for hours in (10, 20, 30, 40, 40)] == found.started_at.tolist()
    assert [True, True, False, True, True] == found.has_succeeded.tolist()
    assert [False, False, False] == found.is_config_only.tolist()[:3]
    assert [False, True] == sorted(found.is_config_only.tolist()[3:])
    assert [FOREVER, micros(30), FOREVER, FOREVER, FOREVER] == found.rolled_back_at.tolist()
    assert [5.0, 7.0, -1, -1, -1] == np.nan_to_num(found.lead_time_hrs, nan=-1).tolist()
    assert [-1] * 5 == found.repository.tolist()
    kinds = (found.deployed_at.dtype, found.lead_time_hrs.dtype, found.is_config_only.dtype, found.repository.dtype)
    assert (np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.bool_), np.dtype(np.int64)) == kinds


@pytest.mark.parametrize(
    ("since", "moment", "expected"),
    [(10, 40.001, [10, 20, 30, 40, 40]), (10.001, 40, [20, 30]), (30, 30, []), (0, 20, [10])],
)
async def test_the_start_is_in_and_the_moment_is_not(
    store: Reading, reader: DeliveryReader, since: float, moment: float, expected: list[float]
) -> None:
    """A deployment that ended at the start is in, one at the view's moment has not happened before it."""
    await deliver(store, deployments=DEPLOYMENTS)
    assert expected == await ends(reader, view(moment), since=since)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (view(49, delivery_stream_id=PAYMENTS), [10, 20]),
        (view(51, delivery_stream_id=PAYMENTS), [20]),
        (view(51, delivery_stream_id=IDENTITY), [10]),
        (view(49, delivery_stream_id=IDENTITY), []),
        (view(tech_stream_id=CORE), [10, 20]),
        (view(tech_stream_id=CORE, delivery_stream_id=PAYMENTS), [20]),
        (view(tech_stream_id=WEB), [30, 40]),
        (view(scope=StreamScope()), []),
        (view(scope=StreamScope(delivery_streams=frozenset({PAYMENTS}))), [20]),
        (view(scope=StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({WEB}))), [20, 30, 40]),
        (view(scope=StreamScope(tech_streams=frozenset({CORE})), delivery_stream_id=IDENTITY), [10]),
    ],
)
async def test_a_deployment_belongs_to_its_repository_and_to_its_ticket_as_it_was(
    store: Reading, reader: DeliveryReader, shown: View, expected: list[float]
) -> None:
    """The technology stream is that of the row; the delivery stream that of the ticket at the view's moment."""
    await store.put(*TICKETS)
    await deliver(store, deployments=DEPLOYMENTS)
    assert expected == await ends(reader, shown)


async def test_deployments_of_one_repository_have_one_code(store: Reading, reader: DeliveryReader) -> None:
    """Codes tell repositories apart, those of blamed deployments that are not shown included."""
    first = await repository(store, github_id=5, name="acme/ledger")
    second = await repository(store, github_id=6, name="acme/books")
    rows = (
        deployment("a", 10, tech=CORE, repo_id=first),
        deployment("b", 20, tech=CORE, repo_id=second),
        deployment("c", 30, tech=CORE, repo_id=first),
        deployment("other", 9, tech=WEB, repo_id=second),
    )
    outage = Incident("i", 9.5, blames=(("other", "blamed", 9.5, None), ("a", "candidate", 10.5, None)))
    await deliver(store, deployments=rows, incidents=[outage])
    found = await reader.deployments(view(tech_stream_id=CORE), since=at(9))
    one, two, three = found.deployments.repository.tolist()
    assert one == three != two
    by_place = dict(zip(found.blames.deployment.tolist(), found.blames.repository.tolist(), strict=True))
    assert {-1: two, 0: one} == by_place


async def test_blames_come_with_their_incident_as_it_was_known(store: Reading, reader: DeliveryReader) -> None:
    """Every standing that had begun comes, with the end that was known; those from after the moment do not."""
    outage = Incident(
        "i",
        21,
        ends=((22, 25), (25, None)),
        blames=(("b", "blamed", 21, 28), ("b", "rejected", 28, None), ("a", "candidate", 21, 28)),
    )
    lasting = Incident("j", 41, blames=(("e", "confirmed", 41, None),))
    await deliver(store, deployments=DEPLOYMENTS, incidents=[outage, lasting])

    async def told(moment: float) -> set[tuple[int, str, int, int, int, int]]:
        rows = (await reader.deployments(view(moment), since=at(0))).blames
        names = [STANDINGS[code].value for code in rows.standing.tolist()]
        columns = (rows.valid_from, rows.valid_to, rows.began_at, rows.ended_at)
        return set(zip(rows.deployment.tolist(), names, *(column.tolist() for column in columns), strict=True))

    early = {
        (1, "blamed", micros(21), micros(28), micros(21), micros(22)),
        (0, "candidate", micros(21), micros(28), micros(21), micros(22)),
    }
    assert early == await told(24)
    found = await told(42)
    assert (1, "rejected", micros(28), FOREVER, micros(21), micros(25)) in found
    assert {"confirmed"} == {name for place, name, *rest in found if rest[-1] == FOREVER}
    assert 4 == len(found)


async def test_blames_reach_back_before_the_deployments(store: Reading, reader: DeliveryReader) -> None:
    """A blame on a deployment of the two weeks before is there, without a place; one of a month before is not."""
    rows = (deployment("old", 10), deployment("before", 720), deployment("now", 730))
    outage = Incident("i", 721, blames=(("before", "blamed", 721, None), ("old", "candidate", 721, None)))
    await deliver(store, deployments=rows, incidents=[outage])
    found = await reader.deployments(view(), since=at(725))
    assert (1, [-1]) == (found.deployments.deployed_at.size, found.blames.deployment.tolist())


def lengths(rows: Restores) -> list[tuple[float, int, int]]:
    """Return minutes and from when until when they were known."""
    return list(zip(rows.minutes.tolist(), rows.valid_from.tolist(), rows.valid_to.tolist(), strict=True))


async def test_restores_are_told_as_known_over_time(store: Reading, reader: DeliveryReader) -> None:
    """In the order of the end; what became known after the moment is not there, nor what ended before the start."""
    rows = (Incident("i", 1, ends=((2, 5), (5, None))), Incident("j", 3, ends=((4, None),)), Incident("k", 3))
    await deliver(store, incidents=rows)
    two, four, five = (60.0, micros(2), micros(5)), (60.0, micros(4), FOREVER), (240.0, micros(5), FOREVER)
    assert [two, four, five] == lengths(await reader.restores(view(), since=at(0)))
    assert [two, four] == lengths(await reader.restores(view(5), since=at(2)))
    assert [four] == lengths(await reader.restores(view(4.5), since=at(2.001)))


async def test_an_incident_belongs_to_the_stream_of_the_blamed_deployment(
    store: Reading, reader: DeliveryReader
) -> None:
    """Blamed on a deployment of payments until a person names another; without a blame it is of no delivery stream."""
    await store.put(*TICKETS)
    outage = Incident(
        "i",
        21,
        tech=CORE,
        ends=((22, None),),
        blames=(
            ("b", "blamed", 21, 30),
            ("b", "rejected", 30, None),
            ("a", "candidate", 21, 30),
            ("a", "confirmed", 30, None),
        ),
    )
    await deliver(store, deployments=DEPLOYMENTS, incidents=[outage, Incident("j", 21, tech=WEB, ends=((23, None),))])

    async def shown(asked: View) -> int:
        return int((await reader.restores(asked, since=at(0))).resolved_at.size)

    assert 1 == await shown(view(29, delivery_stream_id=PAYMENTS))
    assert 1 == await shown(view(31, delivery_stream_id=PAYMENTS))
    assert 0 == await shown(view(51, delivery_stream_id=PAYMENTS))
    assert 1 == await shown(view(51, delivery_stream_id=IDENTITY, tech_stream_id=CORE))
    assert 0 == await shown(view(51, delivery_stream_id=IDENTITY, tech_stream_id=WEB))
    assert 2 == await shown(view(51))
    assert 1 == await shown(view(51, scope=StreamScope(tech_streams=frozenset({WEB}))))


@pytest.fixture
async def changes(store: Reading) -> UUID:
    """Put changes into a store and return their repository."""
    await store.put(*TICKETS)
    repo_id = await repository(store, github_id=5, name="acme/ledger")
    rows = (
        change(repo_id, 1, merged=4, deployed=10, reviewed=1, pushed=0, tech=CORE, issue="101", ticket="PAY-1"),
        change(repo_id, 2, merged=6, deployed=20, opened=2, reviewed=7, tech=CORE, issue="102"),
        change(repo_id, 3, merged=8, deployed=20, opened=3, tech=WEB, ticket="PAY-77"),
        change(repo_id, 4, merged=9, tech=WEB),
        change(repo_id, 5, merged=30, tech=CORE, issue="102"),
    )
    await deliver(store, changes=rows)
    return repo_id


async def test_hours_of_changes_are_those_deployed_in_the_window(changes: UUID, reader: DeliveryReader) -> None:
    """A part that a change lacks is nan, and the whole is from the opening to users."""
    found = await reader.change_hours(view(), window=window(0, 21))
    assert [10.0, 17.0, 18.0] == sorted(found[Part.LEAD_TIME].tolist())
    assert [0.0] == [value for value in found[Part.CODING].tolist() if not np.isnan(value)]
    assert [1.0, 5.0] == sorted(value for value in found[Part.PICKUP].tolist() if not np.isnan(value))
    assert [3.0] == [value for value in found[Part.REVIEW].tolist() if not np.isnan(value)]
    assert [6.0, 12.0, 14.0] == sorted(found[Part.DEPLOY].tolist())
    assert 1 == (await reader.change_hours(view(), window=window(0, 20)))[Part.DEPLOY].size
    assert 1 == (await reader.change_hours(view(20), window=window(0, 99)))[Part.DEPLOY].size
    assert 2 == (await reader.change_hours(view(tech_stream_id=CORE), window=window(0, 99)))[Part.DEPLOY].size
    assert 1 == (await reader.change_hours(view(delivery_stream_id=PAYMENTS), window=window(0, 99)))[Part.DEPLOY].size


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (view(), [9, 30]),
        (view(9), [4, 6, 8, 9]),
        (view(10), [6, 8, 9]),
        (view(tech_stream_id=WEB), [9]),
        (view(delivery_stream_id=PAYMENTS), [30]),
        (view(7, delivery_stream_id=PAYMENTS), [4, 6]),
        (view(scope=StreamScope()), []),
    ],
)
async def test_what_is_merged_waits_until_it_is_deployed(
    changes: UUID, reader: DeliveryReader, shown: View, expected: list[float]
) -> None:
    """At a moment the changes wait that were merged by then and were not deployed by then."""
    assert [micros(hours) for hours in expected] == sorted((await reader.waiting_since(shown)).tolist())


async def test_the_ledger_tells_a_change_as_it_was_known(changes: UUID, reader: DeliveryReader) -> None:
    """Key and stream are those of the moment; a review that came later is not known yet."""
    deployed = ChangeState.DEPLOYED
    (one,) = await reader.changes(view(11), state=deployed, window=window(0, 11), after=None, limit=9)
    assert ("acme/ledger", 1, "PAY-1", PAYMENTS, CORE) == (
        one.repository,
        one.pr_number,
        one.ticket_id,
        one.delivery_stream_id,
        one.tech_stream_id,
    )
    assert (at(0), at(0), at(1), at(4), at(10)) == (
        one.first_pushed_at,
        one.opened_at,
        one.first_review_at,
        one.merged_at,
        one.deployed_at,
    )
    assert {Part.LEAD_TIME: 10, Part.CODING: 0, Part.PICKUP: 1, Part.REVIEW: 3, Part.DEPLOY: 6} == one.hours
    assert record("of 1") == one.record_id
    now = await reader.changes(view(), state=deployed, window=window(0, 99), after=None, limit=9)
    assert [(3, "PAY-77", None), (2, "PAY-2", PAYMENTS), (1, "IDN-1", IDENTITY)] == [
        (row.pr_number, row.ticket_id, row.delivery_stream_id) for row in now
    ]
    waiting = await reader.changes(view(6), state=ChangeState.UNDEPLOYED, window=window(0, 6), after=None, limit=9)
    assert [(2, None, None, None, {}), (1, None, None, at(1), {Part.CODING: 0, Part.PICKUP: 1, Part.REVIEW: 3})] == [
        (row.pr_number, row.deployed_at, row.record_id, row.first_review_at, row.hours) for row in waiting
    ]


@pytest.mark.parametrize(("state", "expected"), [(ChangeState.DEPLOYED, [3, 2, 1]), (ChangeState.UNDEPLOYED, [5, 4])])
async def test_the_ledger_is_read_page_by_page(
    changes: UUID, reader: DeliveryReader, state: ChangeState, expected: list[int]
) -> None:
    """Each page begins behind the last change of the one before, where two have one time too."""
    seen, after = [], None
    for _ in range(4):
        rows = await reader.changes(view(), state=state, window=window(0, 99), after=after, limit=1)
        seen += [row.pr_number for row in rows]
        after = rows[-1].place(state) if rows else after
    assert expected == seen
    first = ChangePlace(at(99), changes, 1)
    assert expected == [
        row.pr_number for row in await reader.changes(view(), state=state, window=window(0, 99), after=first, limit=99)
    ]


async def test_incidents_come_with_their_suspects(store: Reading, reader: DeliveryReader) -> None:
    """The latest begun first, each with what is thought at the moment, the latest deployed suspect first."""
    await store.put(*TICKETS)
    repo_id = await repository(store, github_id=5, name="acme/ledger")
    rows = (
        deployment("a", 10, tech=CORE, issue="101", repo_id=repo_id, pr_number=7),
        deployment("b", 20, tech=CORE, issue="102", rollback=30),
    )
    outage = Incident(
        "i#2",
        21,
        source="i",
        tech=CORE,
        ends=((22, None),),
        blames=(("b", "blamed", 21, None), ("a", "candidate", 21, None)),
    )
    faulty = Incident("f", None, fault="never_started")
    await deliver(store, deployments=rows, incidents=[outage, Incident("j", 25, tech=WEB), faulty])
    second, first = await reader.incidents(view(), window=window(20, 26))
    assert ("j", WEB, None, None, ()) == (
        second.incident_id,
        second.tech_stream_id,
        second.delivery_stream_id,
        second.resolved_at,
        second.suspects,
    )
    assert ("i#2", "i", "ledger", "high", PAYMENTS, at(21), at(22), 60.0) == (
        first.incident_id,
        first.source_incident_id,
        first.service_name,
        first.severity,
        first.delivery_stream_id,
        first.started_at,
        first.resolved_at,
        first.time_to_restore_min,
    )
    b, a = first.suspects
    assert (record("b"), "blamed", at(21), at(20), at(30), None, "PAY-2", PAYMENTS) == (
        b.record_id,
        b.standing,
        b.standing_since,
        b.deployed_at,
        b.rolled_back_at,
        b.repository,
        b.ticket_id,
        b.delivery_stream_id,
    )
    assert ("acme/ledger", "deploy", "a", "ca", 7, "candidate", "IDN-1") == (
        a.repository,
        a.pipeline_id,
        a.pipeline_run_id,
        a.commit_sha,
        a.pr_number,
        a.standing,
        a.ticket_id,
    )
    (then,) = await reader.incidents(view(21.5), window=None)
    assert (None, None) == (then.resolved_at, then.suspects[0].rolled_back_at)
    assert ["i#2"] == [row.incident_id for row in await reader.incidents(view(), window=None, incident_id="i#2")]
    assert [] == list(await reader.incidents(view(), window=None, incident_id="i"))
    assert ["j"] == [row.incident_id for row in await reader.incidents(view(), window=window(21.001, 26))]
    assert ["i#2"] == [row.incident_id for row in await reader.incidents(view(25), window=window(21, 99))]


async def test_a_scope_hides_incidents_and_suspects(store: Reading, reader: DeliveryReader) -> None:
    """Who sees payments alone sees the incident blamed on payments, and not the suspect of another stream."""
    await store.put(*TICKETS)
    outage = Incident("i", 21, tech=CORE, blames=(("b", "blamed", 21, None), ("a", "candidate", 21, None)))
    await deliver(store, deployments=DEPLOYMENTS, incidents=[outage, Incident("j", 21, tech=WEB)])
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    (found,) = await reader.incidents(view(scope=scope), window=None)
    assert ("i", [record("b")]) == (found.incident_id, [row.record_id for row in found.suspects])
    (both,) = await reader.incidents(view(delivery_stream_id=PAYMENTS), window=None)
    assert {record("a"), record("b")} == {row.record_id for row in both.suspects}
    assert [] == list(await reader.incidents(view(scope=StreamScope()), window=None))
    assert ["j"] == [row.incident_id for row in await reader.incidents(view(tech_stream_id=WEB), window=None)]
