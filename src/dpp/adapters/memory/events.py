"""The event store in memory: the same keys, counts and consequences, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.memory.pulse import write_answers
from dpp.application.counting import counted, dead_letter_of, tally
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.measures import Cause
from dpp.application.ports import Batch, DeadLetter, EventStore
from dpp.application.reports import content_of, standing
from dpp.application.repositories import DeployTarget, Repositories, Repository
from dpp.application.resolving import ResolvedEvent, repositories_named, resolve, resolve_facts, sprints_named
from dpp.application.stale import StaleKey, StaleKind
from dpp.application.survey_intake import answers_of, latest, news_of, with_answers
from dpp.domain.configuration import Configuration, folded
from dpp.domain.events import Facts, IncidentEvent, Outcome, SprintFact


class MemoryEventStore(EventStore):
    """Keeps facts in a memory database.

    Args:
        database: shared with the other memory stores.
        configuration: gives the current configuration; by default the database's.
        feed: wakes whoever derives; None when nobody waits.
    """

    def __init__(
        self,
        *,
        database: MemoryDatabase,
        configuration: Callable[[], Awaitable[Configuration]] | None = None,
        feed: MemoryChangeFeed | None = None,
    ) -> None:
        self._database = database
        self._configuration = configuration
        self._feed = feed

    async def append(self, batch: Batch) -> tuple[Appended, ...]:
        """Write a batch; nothing else runs in between."""
        self._database.check_available()
        configuration = await self._configuration() if self._configuration else self._database.configuration
        register = self._register(batch.deliveries, configuration)
        resolved = [resolve(delivery, repositories=register) for delivery in batch.deliveries]
        # From here on nothing can fail and nothing waits, so a batch is written as a whole.
        new, concerned = self._add(sorted((item for items in resolved for item in items), key=lambda item: item.order))
        answers = [answers_of(delivery, configuration=configuration) for delivery in batch.deliveries]
        written = write_answers(self._database.surveys, latest(answer for given in answers for answer in given))
        appended = with_answers(counted(resolved, new), answers, written)
        self._add_consequences([*(item for items in resolved for item in items if item.event_id in new), *concerned])
        self._add_sprints(batch.deliveries)
        self._add_dead_letters(batch)
        self._add_positions(batch)
        self._count(batch.deliveries, appended)
        if (news := news_of(written)) is not None and self._feed is not None:
            await self._feed.publish(news)
        return appended

    async def holds(self, facts: Facts) -> tuple[bool, ...]:
        """Say of each event whether it is there already, told the same."""
        database = self._database
        database.check_available()
        register = database.repositories
        if any(register.is_news(ref, at=at) for ref, at in repositories_named(facts)) or any(
            register.reports_news(fact) for fact in facts.repositories
        ):
            return (False,) * len(facts.events)
        return tuple(self._is_held(item) for item in resolve_facts(facts, repositories=register))

    def _is_held(self, item: ResolvedEvent) -> bool:
        if any(one.event == item.event for one in self._known(item)):
            return True
        other = self._database.other_reports.get((item.table, standing(item.table, content_of(item)).text))
        return other is not None and other.event == item.event

    async def settled(self) -> Mapping[str, int]:
        """Return how many records of each archive segment are written."""
        self._database.check_available()
        return dict(self._database.archive_positions)

    async def counts(self) -> Mapping[str, int]:
        """Return the number of facts by table."""
        self._database.check_available()
        return {table: len(rows) for table, rows in self._database.events.items()}

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the unread payloads, newest first."""
        self._database.check_available()
        letters = sorted((letter for letter, _ in self._database.dead_letters.values()), key=lambda it: it.delivery_uid)
        letters.sort(key=lambda letter: letter.received_at, reverse=True)
        return letters[:limit]

    async def dead_letter(self, delivery_uid: UUID) -> bytes | None:
        """Return the sealed payload of one of them."""
        self._database.check_available()
        found = self._database.dead_letters.get(delivery_uid)
        return found[1] if found else None

    async def expire_dead_letters(self, *, now: datetime) -> int:
        """Delete those whose time is over."""
        self._database.check_available()
        letters = self._database.dead_letters
        over = [uid for uid, (letter, _) in letters.items() if letter.expires_at <= now]
        for uid in over:
            del letters[uid]
        return len(over)

    def _register(self, deliveries: Sequence[AcceptedDelivery], configuration: Configuration) -> Repositories:
        register = self._database.repositories
        if register.configuration != configuration:
            register.reconfigure(configuration)
        for delivery in deliveries:
            for ref, at in repositories_named(delivery.facts):
                if register.is_news(ref, at=at):
                    register.see(ref, at=at)
            for fact in delivery.facts.repositories:
                if register.reports_news(fact):
                    register.report(fact)
        known = {item.repo_id for item in register.changed}
        register.saved()
        self._mark_incidents(item for item in register.all if item.repo_id in known)
        return register

    def _mark_incidents(self, repositories: Iterable[Repository]) -> None:
        """Queue the incidents of services whose repositories may only now have been seen."""
        found = [
            DeployTarget(item.repo_id, item.tech_stream_id, item.deploy_target)
            for item in repositories
            if item.deploy_target is not None and item.tech_stream_id is not None
        ]
        services = {name for target in found for name in target.services}
        for row in self._database.events["incident_events"]:
            if isinstance(row.event, IncidentEvent) and folded(row.event.service_name) in services:
                self._database.mark_stale(StaleKey(StaleKind.INCIDENT, row.event.incident_id))

    def _add(self, resolved: Iterable[ResolvedEvent]) -> tuple[set[UUID], list[ResolvedEvent]]:
        """Keep facts; return the ids of those that were not there under any of their keys, and other reports of changes
        of which something follows.
        """
        new: set[UUID] = set()
        concerned: list[ResolvedEvent] = []
        for item in resolved:
            known = self._known(item)
            if not known:
                self._keep(item)
                new.add(item.event_id)
            elif any(one.event != item.event for one in known):
                concerned += self._settle(item, known)
        return new, concerned

    def _known(self, item: ResolvedEvent) -> list[ResolvedEvent]:
        """Return the facts that share a key with one."""
        database = self._database
        ids = {item.event_id, database.natural_keys.get((item.table, item.natural_key))}
        if item.change_key is not None:
            ids.add(database.change_keys.get((item.table, item.change_key)))
        return [database.facts[one] for one in ids if one is not None and one in database.facts]

    def _keep(self, item: ResolvedEvent) -> None:
        database = self._database
        database.events[item.table].append(item)
        database.facts[item.event_id] = item
        database.natural_keys[item.table, item.natural_key] = item.event_id
        if item.change_key is not None:
            database.change_keys[item.table, item.change_key] = item.event_id

    def _give_up(self, item: ResolvedEvent) -> None:
        """Take a fact out of its table: another report stands for the change."""
        database = self._database
        database.events[item.table][:] = [one for one in database.events[item.table] if one is not item]
        del database.facts[item.event_id]
        del database.natural_keys[item.table, item.natural_key]
        if item.change_key is not None:
            del database.change_keys[item.table, item.change_key]
        database.replaced += 1

    def _settle(self, item: ResolvedEvent, known: Sequence[ResolvedEvent]) -> list[ResolvedEvent]:
        """Let the report stand that is to, keep the others apart, and return those of which something follows."""
        ranked = {standing(one.table, content_of(one)): one for one in (item, *known)}
        best = ranked.pop(min(ranked))
        for place, one in ranked.items():
            self._database.other_reports.setdefault((one.table, place.text), one)
        beaten = [one for one in known if one is not best]
        for one in beaten:
            self._give_up(one)
        if best is item:
            self._keep(item)
        if beaten:
            # What followed from them does not follow any more.
            return [best, *beaten]
        return [item] if set(item.ticket_keys) - set(best.ticket_keys) else []

    def _add_consequences(self, new: Iterable[ResolvedEvent]) -> None:
        stale: dict[StaleKey, datetime] = {}
        for item in new:
            for ticket_id, issue_id in item.ticket_keys:
                self._database.ticket_keys.setdefault(ticket_id, set()).add(issue_id)
            if (key := item.makes_stale) is not None:
                at = item.event.event_timestamp
                stale[key] = min(at, stale.get(key, at))
        for key, since in sorted(stale.items()):
            self._database.mark_stale(key, since=since, cause=Cause.LATE_EVENT)
        if stale and self._feed is not None:
            self._feed.wake()

    def _add_sprints(self, deliveries: Sequence[AcceptedDelivery]) -> None:
        sprints = self._database.sprints
        for delivery in deliveries:
            for sprint in sprints_named(delivery):
                sprints.setdefault(sprint, None)
            for fact in delivery.facts.sprints:
                known = sprints.get(fact.jira_sprint_id)
                if known is None or _report_order(fact) > _report_order(known):
                    sprints[fact.jira_sprint_id] = fact

    def _add_dead_letters(self, batch: Batch) -> None:
        for delivery in batch.deliveries:
            if delivery.outcome is Outcome.UNKNOWN:
                letter = dead_letter_of(delivery)
                known, sealed = self._database.dead_letters.get(letter.delivery_uid, (letter, None))
                sealed = sealed if sealed is not None else batch.sealed.get(letter.delivery_uid)
                self._database.dead_letters[letter.delivery_uid] = (known, sealed)

    def _add_positions(self, batch: Batch) -> None:
        positions = self._database.archive_positions
        for position in batch.positions:
            positions[position.segment] = max(position.record, positions.get(position.segment, 0))

    def _count(self, deliveries: Sequence[AcceptedDelivery], appended: Sequence[Appended]) -> None:
        for count in tally(deliveries, appended):
            key = (count.hour, count.channel, count.outcome, count.kind, count.reason)
            known = self._database.intake_counts.setdefault(key, count)
            if known is not count:
                known.deliveries += count.deliveries
                known.accepted += count.accepted
                known.duplicates += count.duplicates
                known.last_at = max(known.last_at, count.last_at)


def _report_order(fact: SprintFact) -> tuple[object, ...]:
    """The newest report counts; of two with one time, the greater one, whichever came first."""
    dates = (fact.start_date or date.max, fact.end_date or date.max)
    return (fact.event_timestamp, fact.name, fact.state or "", fact.goal or "", *dates)
