"""What every store of verdicts promises, from events to the standing of a suspect and the failure rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.verdicts import MemoryVerdicts
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.verdicts import PostgresVerdicts
from dpp.application.access_ports import AccessStore
from dpp.application.blames import Blames, UnknownSuspect, Verdicts
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.delivery_rows import record_id_of
from dpp.application.views import View
from dpp.domain.access import Grant, Principal, Role, StreamScope, user_principal
from dpp.domain.calendar import to_micros
from dpp.domain.change_failures import failure_bounds
from dpp.domain.events import CicdEventType, Event, IncidentEventType
from tests.support.access import CountedIds, HandClock
from tests.support.derivation import APPS, CORE, at, deliveries, deployment_event, incident_event
from tests.support.derived_stores import MemoryStores, PostgresStores, Stores, stores

pytestmark = pytest.mark.anyio

DONE = CicdEventType.DEPLOY_COMPLETED
FIRST, SECOND = record_id_of("deploy", "1"), record_id_of("deploy", "2")


@dataclass
class Judging:
    """A platform that derives, and takes verdicts."""

    stores: Stores
    reader: DeliveryReader
    blames: Blames
    log: AccessStore
    clock: HandClock

    async def know(self, *events: Event) -> None:
        """Append facts and derive what follows."""
        await self.stores.append(deliveries([events]))
        await self.stores.drain()

    async def standings(self, hours: float) -> dict[str, str]:
        """Return what is thought of each run at an hour."""
        view = View(scope=StreamScope.everything(), as_of=at(hours))
        (incident,) = await self.reader.incidents(view, window=None)
        return {suspect.pipeline_run_id: suspect.standing.value for suspect in incident.suspects}

    async def bounds(self, hours: float) -> tuple[float | None, float | None]:
        """Return between what the failure rate lies at an hour."""
        view = View(scope=StreamScope.everything(), as_of=at(hours))
        found = await self.reader.deployments(view, since=view.as_of - timedelta(days=30))
        bounds = failure_bounds(found.deployments, found.blames, moment=to_micros(view.as_of), days=30)
        return bounds.confirmed_pct, bounds.at_most_pct


@pytest.fixture
async def platform(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Judging]:
    """A platform of one family at hour 20."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with stores(url) as found:
        log: AccessStore
        verdicts: Verdicts
        reader: DeliveryReader
        if isinstance(found, MemoryStores):
            log = MemoryAccessStore()
            verdicts = MemoryVerdicts(database=found.database, log=log)
            reader = MemoryDeliveryReader(database=found.database, tables=found.tables)
        else:
            assert isinstance(found, PostgresStores)
            log = PostgresAccessStore(database=found.database)
            verdicts = PostgresVerdicts(database=found.database)
            reader = PostgresDeliveryReader(database=found.database, kept=KeptRows(database=found.database))
        clock = HandClock(at(20))
        blames = Blames(reader=reader, verdicts=verdicts, clock=clock, ids=CountedIds())
        yield Judging(stores=found, reader=reader, blames=blames, log=log, clock=clock)


def lead(**stream: object) -> Principal:
    """Return somebody who leads a stream, or without one administers the platform."""
    role = Role.STREAM_LEAD if stream else Role.PLATFORM_ADMIN
    grant = Grant(role=role, **stream)  # type: ignore[arg-type]
    return user_principal(user_id=FIRST, name="Lee", grants=[grant])


async def two_suspects(platform: Judging) -> None:
    """Have two deployments within the hour before an incident of the same stream."""
    await platform.know(
        deployment_event(DONE, 10, run="1"),
        deployment_event(DONE, 10.5, run="2"),
        incident_event(IncidentEventType.INCIDENT_OPENED, 10.75),
    )
    assert {"1": "candidate", "2": "blamed"} == await platform.standings(11)


async def test_a_confirmed_suspect_is_the_only_one(platform: Judging) -> None:
    """From the verdict on, the others are cleared; before it, nothing is other than it was."""
    await two_suspects(platform)
    row = await platform.blames.judge(
        lead(tech_stream_id=CORE), incident_id="INC-1", record_id=FIRST, verdict="confirmed", reason="a bad migration"
    )
    await platform.stores.drain()
    assert ("confirmed", "INC-1", f"user:{FIRST}") == (row.verdict, row.source_incident_id, row.decided_by)
    assert {"1": "confirmed", "2": "rejected"} == await platform.standings(20.5)
    assert {"1": "candidate", "2": "blamed"} == await platform.standings(19.5)
    assert (0.0, 100.0) == await platform.bounds(19.5)
    assert (50.0, 50.0) == await platform.bounds(20.5)


async def test_the_last_word_counts(platform: Judging) -> None:
    """Rejected and later confirmed is confirmed, and each was true in its time."""
    await two_suspects(platform)
    for verdict in ("rejected", "confirmed"):
        await platform.blames.judge(lead(), incident_id="INC-1", record_id=SECOND, verdict=verdict)
        platform.clock.forward(hours=2)
    await platform.stores.drain()
    assert {"1": "blamed", "2": "rejected"} == await platform.standings(21)
    assert {"1": "rejected", "2": "confirmed"} == await platform.standings(23)
    assert (0.0, 50.0) == await platform.bounds(21)


async def test_a_verdict_is_on_record(platform: Judging) -> None:
    """The audit log says who decided what about which pair, and not why."""
    await two_suspects(platform)
    row = await platform.blames.judge(lead(), incident_id="INC-1", record_id=FIRST, verdict="rejected", reason="no")
    (entry,) = [row for row in await platform.log.entries() if row.action != "configuration.changed"]
    assert (f"user:{FIRST}", "blame.rejected", f"deployment:{FIRST}", at(20)) == (
        entry.actor,
        entry.action,
        entry.subject,
        entry.occurred_at,
    )
    assert {"incident_id": "INC-1", "verdict_id": str(row.verdict_id)} == entry.details


async def test_nobody_judges_what_their_scope_does_not_show(platform: Judging) -> None:
    """Leading another stream, or only viewing this one, finds no such suspect; nothing is written."""
    await two_suspects(platform)
    viewer = Grant(role=Role.VIEWER, tech_stream_id=CORE)
    other = Grant(role=Role.STREAM_LEAD, tech_stream_id=APPS)
    principal = user_principal(user_id=FIRST, name="Lee", grants=[viewer, other])
    for who, record in ((principal, FIRST), (lead(), record_id_of("deploy", "3"))):
        with pytest.raises(UnknownSuspect):
            await platform.blames.judge(who, incident_id="INC-1", record_id=record, verdict="confirmed")
    assert [] == [row for row in await platform.log.entries() if row.action != "configuration.changed"]
    await platform.stores.drain()
    assert {"1": "candidate", "2": "blamed"} == await platform.standings(21)
