"""What is in the stores, told the same way by memory and PostgreSQL; and deliveries to put in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.events import MemoryEventStore
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.adapters.postgres.feed import PostgresChangeFeed
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import Batch, ConfigurationStore, EventStore
from dpp.application.repositories import Repository
from dpp.application.resolving import EVENT_TABLES
from dpp.domain.configuration import (
    Configuration,
    DeliveryStream,
    EnvironmentRule,
    JiraProject,
    RepositoryOverride,
    TechStream,
)
from dpp.domain.defects import UNKNOWN_STAGE
from dpp.domain.events import (
    NAMESPACE,
    CicdEvent,
    CicdEventType,
    Facts,
    Outcome,
    PullRequestEvent,
    PullRequestEventType,
    RepositoryRef,
    Source,
    TicketFields,
    WorkItemEvent,
    WorkItemEventType,
)
from dpp.domain.stages import Stage, StatusMapping

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PAYMENTS, IDENTITY = UUID(int=1), UUID(int=2)
CORE, WEB = UUID(int=11), UUID(int=12)

ORGANISATION = Configuration(
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(stream_id=IDENTITY, name="identity", display_name="Identity"),
    ),
    tech_streams=(
        TechStream(stream_id=CORE, name="core", display_name="Core", github_org="acme", github_install_id="1001"),
        TechStream(
            stream_id=WEB,
            name="web",
            display_name="Web",
            github_org="acme-web",
            github_install_id="1002",
            branch_pattern=r"(?i)^([a-z]+-\d+)",
        ),
    ),
    repositories=(RepositoryOverride(full_name="acme/ledger", deploy_target="ecs:ledger"),),
    jira_projects=(JiraProject(key="PAY", delivery_stream="payments"),),
    status_mappings=(
        StatusMapping(project="PAY", status="To Do", stage=Stage.BACKLOG, active=False),
        StatusMapping(project="PAY", status="In Dev", stage=Stage.DEV, active=True),
    ),
    environments=(EnvironmentRule(pattern="(?i)^prod", environment="production"),),
)


class Inside(ABC):
    """Looks into a store, past its port."""

    @abstractmethod
    async def events(self) -> dict[UUID, dict[str, Any]]:
        """Return the columns of every fact that the tests look at, by the fact's id."""

    @abstractmethod
    async def other_reports(self) -> list[tuple[str, UUID]]:
        """Return table and id of every report that does not stand for its change, in order."""

    @abstractmethod
    async def stale(self) -> list[tuple[int, str, str]]:
        """Return share, kind and key of every mark."""

    @abstractmethod
    async def forget_stale(self) -> None:
        """Take every mark away."""

    @abstractmethod
    async def ticket_keys(self) -> set[tuple[str, str]]:
        """Return ticket keys with their identities."""

    @abstractmethod
    async def repositories(self) -> dict[str, Repository]:
        """Return the register by full name."""

    @abstractmethod
    async def sprints(self) -> dict[str, tuple[str | None, str | None]]:
        """Return name and state of the sprints by Jira's id; both None for one that only tickets have named."""

    @abstractmethod
    async def intake(self) -> dict[tuple[str, str, str, str], tuple[int, int, int]]:
        """Return deliveries, accepted and duplicates by channel, outcome, kind and reason."""


@dataclass
class Platform:
    """The stores of one platform."""

    events: EventStore
    configuration: ConfigurationStore
    feed: MemoryChangeFeed | PostgresChangeFeed
    inside: Inside

    async def append(self, *facts: Facts) -> tuple[Appended, ...]:
        """Append deliveries of these facts as one batch."""
        return await self.events.append(Batch(deliveries=[delivery(part) for part in facts]))

    async def configure(self, configuration: Configuration, *, at: datetime = T0) -> Configuration:
        """Put a configuration in the place of the current one."""
        version = (await self.configuration.load()).version
        return await self.configuration.save(configuration, expected_version=version, actor="a test", at=at)


COLUMNS = (
    *("delivery_stream_id", "tech_stream_id", "from_stage", "to_stage", "to_active", "linked_ticket_id"),
    *("link_method", "environment", "found_in_stage"),
)


class InsideMemory(Inside):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def events(self) -> dict[UUID, dict[str, Any]]:
        names = {item.repo_id: item.full_name for item in self._database.repositories.all}
        seen = {}
        for rows in self._database.events.values():
            for row in rows:
                values: dict[str, Any] = {
                    "delivery_stream_id": row.delivery_stream_id,
                    "tech_stream_id": row.tech_stream_id,
                    "from_stage": row.tags and row.tags.from_stage,
                    "to_stage": row.tags and row.tags.to_stage,
                    "to_active": row.tags and row.tags.to_active,
                    "linked_ticket_id": row.link and row.link.key,
                    "link_method": row.link and row.link.method.value,
                    "environment": row.environment,
                    "full_name": row.repo_id and names[row.repo_id],
                }
                if row.table == "defect_events":
                    values["found_in_stage"] = getattr(row.event, "found_in_stage", None) or UNKNOWN_STAGE
                seen[row.event_id] = {name: value for name, value in values.items() if value is not None}
        return seen

    async def other_reports(self) -> list[tuple[str, UUID]]:
        return sorted((item.table, item.event_id) for item in self._database.other_reports.values())

    async def stale(self) -> list[tuple[int, str, str]]:
        return [(entry.share, entry.key.kind.value, entry.key.key) for entry in self._database.stale]

    async def forget_stale(self) -> None:
        self._database.stale.clear()

    async def ticket_keys(self) -> set[tuple[str, str]]:
        return {(ticket_id, item) for ticket_id, items in self._database.ticket_keys.items() for item in items}

    async def repositories(self) -> dict[str, Repository]:
        return {item.full_name: item for item in self._database.repositories.all}

    async def sprints(self) -> dict[str, tuple[str | None, str | None]]:
        return {key: (fact.name, fact.state) if fact else (None, None) for key, fact in self._database.sprints.items()}

    async def intake(self) -> dict[tuple[str, str, str, str], tuple[int, int, int]]:
        return {
            (it.channel, it.outcome, it.kind, it.reason): (it.deliveries, it.accepted, it.duplicates)
            for it in self._database.intake_counts.values()
        }


class InsidePostgres(Inside):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: str) -> list[Any]:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(query.encode())
            return await cursor.fetchall() if cursor.description else []

    async def events(self) -> dict[UUID, dict[str, Any]]:
        seen = {}
        for table in EVENT_TABLES:
            async with self._database.transaction() as connection:
                cursor = await connection.execute(f"SELECT * FROM {table} LIMIT 0".encode())  # noqa: S608
                there = [column.name for column in cursor.description or ()]
            names = [name for name in COLUMNS if name in there]
            columns = ", ".join(f"event.{name}" for name in names)
            repository = ", full_name" if "repo_id" in there else ", NULL"
            joined = "LEFT JOIN repositories USING (repo_id)" if "repo_id" in there else ""
            for event_id, *values in await self._rows(
                f"SELECT event_id, {columns}{repository} FROM {table} AS event {joined}"  # noqa: S608
            ):
                pairs = zip((*names, "full_name"), values, strict=True)
                seen[event_id] = {name: value for name, value in pairs if value is not None}
        return seen

    async def other_reports(self) -> list[tuple[str, UUID]]:
        return sorted(await self._rows("SELECT event_table, event_id FROM event_reports"))

    async def stale(self) -> list[tuple[int, str, str]]:
        return await self._rows("SELECT share, kind, key FROM stale_keys ORDER BY entry_id")

    async def forget_stale(self) -> None:
        await self._rows("DELETE FROM stale_keys")

    async def ticket_keys(self) -> set[tuple[str, str]]:
        return set(await self._rows("SELECT ticket_id, issue_id FROM ticket_keys"))

    async def repositories(self) -> dict[str, Repository]:
        names = [item.name for item in fields(Repository)]
        rows = await self._rows(f"SELECT full_name, {', '.join(names)} FROM repositories")  # noqa: S608
        return {full_name: Repository(**dict(zip(names, values, strict=True))) for full_name, *values in rows}

    async def sprints(self) -> dict[str, tuple[str | None, str | None]]:
        rows = await self._rows("SELECT jira_sprint_id, reported_at, name, state FROM sprints")
        return {key: (name, state) if reported else (None, None) for key, reported, name, state in rows}

    async def intake(self) -> dict[tuple[str, str, str, str], tuple[int, int, int]]:
        rows = await self._rows(
            "SELECT channel, outcome, kind, reason, deliveries, accepted, duplicates FROM intake_counts"
        )
        return {tuple(row[:4]): tuple(row[4:]) for row in rows}


def memory_platform(database: MemoryDatabase | None = None) -> Platform:
    """Return a platform in memory."""
    database = database or MemoryDatabase()
    feed = MemoryChangeFeed()
    return Platform(
        events=MemoryEventStore(database=database, feed=feed),
        configuration=MemoryConfigurationStore(database=database, feed=feed),
        feed=feed,
        inside=InsideMemory(database),
    )


def postgres_platform(database: Database) -> Platform:
    """Return a platform on an open database; it asks for the configuration each time."""
    configuration = PostgresConfigurationStore(database=database)
    return Platform(
        events=PostgresEventStore(database=database, configuration=configuration.load),
        configuration=configuration,
        feed=PostgresChangeFeed(database=database),
        inside=InsidePostgres(database),
    )


def delivery(
    facts: Facts = Facts(),  # noqa: B008  # immutable
    *,
    uid: str | None = None,
    outcome: Outcome = Outcome.UNDERSTOOD,
    kind: str | None = "issue_updated",
    reason: str | None = None,
    received_at: datetime = T0,
) -> AcceptedDelivery:
    """Return a delivery; its id follows from ``uid`` or the facts."""
    return AcceptedDelivery(
        delivery_uid=uuid5(NAMESPACE, uid or repr(facts)),
        received_at=received_at,
        channel="jira",
        source=Source.JIRA,
        outcome=outcome,
        kind=kind,
        reason=reason,
        facts=facts,
    )


def moved_to(
    status: str,
    *,
    ticket: str = "PAY-1",
    issue: str | None = "101",
    after: float = 0,
    change: str | None = None,
    **more: Any,
) -> WorkItemEvent:
    """Return a transition, ``after`` so many minutes."""
    return WorkItemEvent(
        **{
            "event_type": WorkItemEventType.TRANSITIONED,
            "event_timestamp": T0 + timedelta(minutes=after),
            "ticket_id": ticket,
            "project_key": ticket.partition("-")[0],
            "issue_id": issue,
            "source_change_id": change,
            "from_status": "To Do",
            "to_status": status,
            "fields": TicketFields(),
            **more,
        }
    )


def reviewed(
    name: str = "acme/ledger", *, github_id: int | None = 5, number: int = 1, after: float = 0, **more: Any
) -> PullRequestEvent:
    """Return a submitted review, ``after`` so many minutes."""
    return PullRequestEvent(
        **{
            "event_type": PullRequestEventType.REVIEW_SUBMITTED,
            "event_timestamp": T0 + timedelta(minutes=after),
            "repository": repository(name, github_id=github_id),
            "pr_number": number,
            "author_hash": "a",
            "branch_name": "PAY-1-fix",
            **more,
        }
    )


def deployed(name: str | None = "acme/ledger", *, run: str = "1", after: float = 0, **more: Any) -> CicdEvent:
    """Return a finished deployment of a repository that is known by name, ``after`` so many minutes."""
    return CicdEvent(
        **{
            "event_type": CicdEventType.DEPLOY_COMPLETED,
            "event_timestamp": T0 + timedelta(minutes=after),
            "pipeline_id": "deploy",
            "pipeline_run_id": run,
            "environment": "Prod-EU",
            "status": "success",
            "source": Source.DEPLOYMENT,
            "repository": repository(name, github_id=None) if name else None,
            **more,
        }
    )


def repository(full_name: str, *, github_id: int | None = 5, **more: Any) -> RepositoryRef:
    """Return a reference to a repository."""
    org, _, name = full_name.partition("/")
    return RepositoryRef(org=org, name=name, github_id=github_id, **more)
