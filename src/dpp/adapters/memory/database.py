"""What the memory stores of one platform share, as processes share a database: plain lists and dictionaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dpp.application.counting import IntakeCount
from dpp.application.delivery_rows import ManualLinkRow, VerdictRow
from dpp.application.measures import Cause, Mark, StaleDays, StreamKey
from dpp.application.ports import DeadLetter
from dpp.application.pulse_ports import PulseAggregateRow, PulseResponse
from dpp.application.repositories import Repositories
from dpp.application.resolving import EVENT_TABLES, ResolvedEvent
from dpp.application.sprint_corrections import SprintCorrection
from dpp.application.stale import StaleKey
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Unavailable
from dpp.domain.events import SprintFact
from dpp.domain.pulse import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEntry:
    """A mark on a thing that is to be derived again, and why; ``entry_id`` rises."""

    entry_id: int
    share: int
    key: StaleKey
    since: datetime | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationVersion:
    """A configuration as it was applied."""

    applied_at: datetime
    applied_by: str
    configuration: Configuration


@dataclass(slots=True)
class MemorySurveys:
    """Answers by person, period and stream, aggregates by period and stream, and which of these are final."""

    responses: dict[tuple[Period, str, str], PulseResponse] = field(default_factory=dict)
    aggregates: dict[tuple[Period, UUID], PulseAggregateRow] = field(default_factory=dict)
    final: set[tuple[Period, UUID]] = field(default_factory=set)


@dataclass(slots=True)
class MemoryDatabase:
    """Everything that is stored.

    Attributes:
        events: facts with their resolved columns, by table, in the order of arrival; one for each change.
        other_reports: what else was reported of the same changes, by table and content.
        replaced: how often one report of a change took another's place among ``events``.
        natural_keys: first key of a fact, within its table, to its id.
        change_keys: second key of a fact, within its table, to its id.
        facts: every fact by its id.
        ticket_keys: every key that a ticket ever had, and the identities that had it.
        stale: what is to be derived again, oldest mark first; a thing may be marked twice.
        stale_days: streams with days that are to be measured, each with its mark, likewise.
        repositories: the register.
        sprints: the newest report of each sprint by Jira's id; None when only tickets have named it.
        intake_counts: deliveries by (hour, channel, outcome, kind, reason).
        dead_letters: unread payloads, with their sealed bytes where known.
        archive_positions: records of each archive segment that are written.
        versions: every configuration, the current one last; empty before the first.
        verdicts: what people have said of deployments' blame, in the order of arrival.
        manual_links: tickets that people gave to pull requests, in the order of arrival.
        sprint_corrections: what people have said of sprints, in the order of arrival.
        surveys: answers to surveys, and their aggregates.
        available: set to False to make every store of this database raise ``Unavailable``.
    """

    events: dict[str, list[ResolvedEvent]] = field(default_factory=lambda: {table: [] for table in EVENT_TABLES})
    natural_keys: dict[tuple[str, tuple[object, ...]], UUID] = field(default_factory=dict)
    change_keys: dict[tuple[str, tuple[object, ...]], UUID] = field(default_factory=dict)
    facts: dict[UUID, ResolvedEvent] = field(default_factory=dict)
    other_reports: dict[tuple[str, str], ResolvedEvent] = field(default_factory=dict)
    replaced: int = 0
    ticket_keys: dict[str, set[str]] = field(default_factory=dict)
    stale: list[StaleEntry] = field(default_factory=list)
    stale_days: list[tuple[StreamKey, Mark]] = field(default_factory=list)
    repositories: Repositories = field(default_factory=lambda: Repositories((), (), configuration=Configuration()))
    sprints: dict[str, SprintFact | None] = field(default_factory=dict)
    intake_counts: dict[tuple[datetime, str, str, str, str], IntakeCount] = field(default_factory=dict)
    dead_letters: dict[UUID, tuple[DeadLetter, bytes | None]] = field(default_factory=dict)
    archive_positions: dict[str, int] = field(default_factory=dict)
    versions: list[ConfigurationVersion] = field(default_factory=list)
    verdicts: list[VerdictRow] = field(default_factory=list)
    manual_links: list[ManualLinkRow] = field(default_factory=list)
    sprint_corrections: list[SprintCorrection] = field(default_factory=list)
    surveys: MemorySurveys = field(default_factory=MemorySurveys)
    available: bool = True
    stale_marks: int = 0

    def check_available(self) -> None:
        """Raise ``Unavailable`` when the database was made unavailable."""
        if not self.available:
            raise Unavailable("the memory database was made unavailable")

    @property
    def configuration(self) -> Configuration:
        """The current configuration; version 0, empty, before the first."""
        return self.versions[-1].configuration if self.versions else Configuration()

    def mark_stale(self, key: StaleKey, *, since: datetime | None = None, cause: Cause | None = None) -> None:
        """Queue a thing for derivation, because of something that is about a time, or about any."""
        self.stale_marks += 1
        self.stale.append(StaleEntry(entry_id=self.stale_marks, share=key.group, key=key, since=since, cause=cause))

    def mark_days(self, streams: Iterable[StreamKey], days: StaleDays) -> None:
        """Have days of some streams measured."""
        for stream in sorted(streams):
            self.stale_marks += 1
            self.stale_days.append((stream, Mark(self.stale_marks, days)))
