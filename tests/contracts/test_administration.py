"""What every store promises to whoever administers the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.administration import MemoryAdministrationReader
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.dead_letters import MemoryDeadLetters
from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.ticket_histories import MemoryTicketHistories
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.administration import PostgresAdministrationReader
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.dead_letters import PostgresDeadLetters
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.adapters.postgres.ticket_histories import PostgresTicketHistories
from dpp.application.access_ports import AuditLog
from dpp.application.administration_reader import AdministrationReader, FoundRepository, still_unmapped
from dpp.application.affected import Affected
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.mapping_preview import MappingPreviews, TicketHistories
from dpp.application.ports import Batch, ConfigurationStore
from dpp.application.readers import MetricsReader, UnmappedStatus
from dpp.application.repairing import DeadLetterStore
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.errors import Conflict
from dpp.domain.events import CicdEventType, Outcome, PullRequestEventType, Source, WorkItemEventType
from dpp.domain.stages import Stage, StatusMapping
from tests.support.derivation import (
    CONFIGURATION,
    CORE,
    DERIVE,
    PAYMENTS,
    at,
    delivery,
    deployment_event,
    finished_ticket,
    pull_request_event,
    ticket_event,
)
from tests.support.derived_stores import MemoryStores, Stores, stores

pytestmark = pytest.mark.anyio

EVERYTHING = View(scope=StreamScope.everything(), as_of=at(1000), is_live=True)
TICKETS = (
    *finished_ticket(number=1),
    *finished_ticket(number=2)[:3],
    *finished_ticket(number=3, project="LOG"),
    ticket_event(WorkItemEventType.TRANSITIONED, 40, key="PAY-2", issue="10002", status="Odd", change="1"),
    ticket_event(WorkItemEventType.TRANSITIONED, 41, key="LOG-3", issue="10003", status="Odd", change="2"),
    ticket_event(WorkItemEventType.TRANSITIONED, 42, key="LOG-3", issue="10003", status="Odder", change="3"),
    ticket_event(WorkItemEventType.TRANSITIONED, 43, key="LOG-3", issue="10003", status="Odd", change="4"),
)


@dataclass
class Administered:
    """Stores of one family, and what administration reads of them."""

    stores: Stores
    reader: AdministrationReader
    histories: TicketHistories
    letters: DeadLetterStore
    metrics: MetricsReader


@pytest.fixture
async def administered(family: str, request: pytest.FixtureRequest) -> AsyncIterator[Administered]:
    """Yield a platform with some tickets, pull requests and deployments, all derived."""
    url = None if family == "memory" else request.getfixturevalue("database_url")
    async with stores(url) as found:
        opened = [pull_request_event(PullRequestEventType.OPENED, 3, number=number) for number in (7, 8)]
        released = deployment_event(CicdEventType.DEPLOY_COMPLETED, 50, environment="production")
        await found.append([delivery(*TICKETS), delivery(*opened), delivery(released)])
        await found.drain()
        if isinstance(found, MemoryStores):
            assert isinstance(found.derivations, MemoryDerivationStore)
            yield Administered(
                stores=found,
                reader=MemoryAdministrationReader(database=found.database, tables=found.tables),
                histories=MemoryTicketHistories(database=found.database, derivations=found.derivations),
                letters=MemoryDeadLetters(database=found.database),
                metrics=MemoryMetricsReader(database=found.database, tables=found.tables),
            )
            return
        async with Database(url or "", max_size=2) as database:
            yield Administered(
                stores=found,
                reader=PostgresAdministrationReader(database=database),
                histories=PostgresTicketHistories(database=database),
                letters=PostgresDeadLetters(database=database),
                metrics=PostgresMetricsReader(kept=KeptRows(database=database)),
            )


async def test_repositories_are_told_as_they_were_found(administered: Administered) -> None:
    """A repository is told with its stream, its pull requests and its last release; a scope shows its own alone."""
    [row] = await administered.reader.repositories(EVERYTHING)
    assert (
        FoundRepository(
            repo_id=row.repo_id,
            full_name="acme-core/service",
            former_names=(),
            is_known_to_github=row.is_known_to_github,
            tech_stream_id=CORE,
            default_branch="main",
            reported_default_branch=None,
            is_deployable=True,
            deploy_target="ecs:core",
            is_active=True,
            named_at=row.named_at,
            pull_requests=2,
            last_deployed_at=at(50),
        )
        == row
    )
    own = replace(EVERYTHING, scope=StreamScope(tech_streams=frozenset({CORE})))
    other = replace(EVERYTHING, scope=StreamScope(delivery_streams=frozenset({PAYMENTS})))
    assert [row] == list(await administered.reader.repositories(own))
    assert [] == list(await administered.reader.repositories(other))


async def test_statuses_without_a_stage_are_counted_within_the_view(administered: Administered) -> None:
    """The busiest come first; who leads one stream is told of its own tickets' statuses, with their events alone."""
    seen = await administered.reader.statuses_without_stage(EVERYTHING)
    assert [
        UnmappedStatus("LOG", "Odd", 2, at(43)),
        UnmappedStatus("LOG", "Odder", 1, at(42)),
        UnmappedStatus("PAY", "Odd", 1, at(40)),
    ] == list(seen)
    own = replace(EVERYTHING, scope=StreamScope(delivery_streams=frozenset({PAYMENTS})))
    assert [UnmappedStatus("PAY", "Odd", 1, at(40))] == list(await administered.reader.statuses_without_stage(own))
    mapped = StatusMapping(project="LOG", status="ODD", stage=Stage.QA, active=True)
    after = replace(CONFIGURATION, status_mappings=(*CONFIGURATION.status_mappings, mapped))
    assert ["Odder", "Odd"] == [row.status for row in still_unmapped(seen, configuration=after)]
    assert ["Odder"] == [row.status for row in still_unmapped(seen, configuration=after, project="log")]


async def test_histories_are_those_of_the_affected_tickets(administered: Administered) -> None:
    """Each ticket of a project comes once with its links; without a project, or of an unknown one, none comes."""

    async def tickets(affected: Affected) -> list[str]:
        return [item async for inputs in administered.histories.of(affected) for item in inputs.columns.items]

    assert ["10001", "10002"] == sorted(await tickets(Affected(projects=frozenset({"PAY"}))))
    assert ["10001", "10002", "10003"] == sorted(await tickets(Affected(all_tickets=True)))
    assert [] == await tickets(Affected())
    assert [] == await tickets(Affected(projects=frozenset({"NONE"})))


async def test_a_preview_is_what_applying_gives(administered: Administered) -> None:
    """Of the same change both families foresee the same, and after it the figures are those that were foreseen."""
    previews = MappingPreviews(histories=administered.histories, derive=DERIVE, reader=administered.metrics)
    before = await administered.stores.configurations.load()
    mappings = [
        replace(row, active=True) if (row.project, row.status) == ("PAY", "Waiting for QA") else row
        for row in before.status_mappings
    ]
    odd = StatusMapping(project="PAY", status="Odd", stage=Stage.UAT, active=False)
    after = replace(before, status_mappings=(*mappings, odd))
    found = await previews.preview(EVERYTHING, before=before, after=after)
    assert (2, 1, 1) == (found.tickets, found.moved, found.cycles_changed)
    assert [PAYMENTS] == [one.delivery_stream_id for one in found.streams]
    rows = await administered.stores.rows()
    await administered.stores.configure(after)
    await administered.stores.drain()
    assert rows != await administered.stores.rows()
    same = await previews.preview(EVERYTHING, before=after, after=after)
    assert found.whole.after == same.whole.before == same.whole.after


async def test_a_change_is_on_record_whoever_makes_it(family: str, request: pytest.FixtureRequest) -> None:
    """Every version that is saved has its entry, with what was there before; one that is refused has none."""

    async def told(store: ConfigurationStore, log: AuditLog) -> None:
        await store.save(CONFIGURATION, expected_version=0, actor="cli", at=at(0))
        changed = replace(CONFIGURATION, status_mappings=CONFIGURATION.status_mappings[1:])
        await store.save(changed, expected_version=1, actor="user:1", at=at(1))
        with pytest.raises(Conflict):
            await store.save(CONFIGURATION, expected_version=1, actor="user:2", at=at(2))
        second, first = await log.entries()
        assert ("configuration.changed", "configuration:2", "user:1", at(1)) == (
            second.action,
            second.subject,
            second.actor,
            second.occurred_at,
        )
        gone = {"project": "PAY", "status": "Open", "stage": "backlog", "active": False, "order": 0}
        assert {
            "changes": ["status PAY/Open: removed"],
            "before": {"version": 1, "status PAY/Open": gone},
            "after": {"version": 2},
            "left_out": 0,
        } == second.details
        assert "cli" == first.actor

    if family == "memory":
        log = MemoryAccessStore()
        await told(MemoryConfigurationStore(database=MemoryDatabase(), log=log), log)
        return
    async with Database(request.getfixturevalue("database_url"), max_size=2) as database:
        await told(PostgresConfigurationStore(database=database), PostgresAccessStore(database=database))


async def test_unread_payloads_are_found_and_forgotten(administered: Administered) -> None:
    """They come newest first, each with its content where that is there; one that is removed is gone."""
    letters = [
        AcceptedDelivery(
            delivery_uid=UUID(int=number),
            received_at=at(number),
            channel="github",
            source=Source.GITHUB,
            outcome=Outcome.UNKNOWN,
            kind="odd",
            reason="nobody knew",
        )
        for number in (1, 2)
    ]
    await administered.stores.events.append(Batch(deliveries=letters, sealed={UUID(int=1): b"sealed"}))
    assert [2, 1] == [letter.delivery_uid.int for letter in await administered.letters.letters()]
    assert [2] == [letter.delivery_uid.int for letter in await administered.letters.letters(limit=1)]
    first, second = [await administered.letters.find(UUID(int=number)) for number in (1, 2)]
    assert first is not None
    assert second is not None
    assert (b"sealed", None) == (first.sealed, second.sealed)
    assert ("github", "odd", "nobody knew", at(1)) == (
        first.letter.channel,
        first.letter.kind,
        first.letter.reason,
        first.letter.received_at,
    )
    assert first.letter.expires_at > at(1) + timedelta(days=1)
    assert [True, False] == [await administered.letters.remove(UUID(int=1)) for _ in range(2)]
    assert await administered.letters.find(UUID(int=1)) is None
