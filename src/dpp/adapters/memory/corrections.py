"""All that people have said, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.corrections import Applied, Correction, Corrections, LinkSaid, SprintSaid, VerdictSaid, about
from dpp.application.delivery_rows import ManualLinkRow, VerdictRow
from dpp.application.enrich import sprint_uuid
from dpp.application.identities import PullRequestId
from dpp.application.measures import Cause
from dpp.application.sprint_corrections import SprintCorrection
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.calendar import from_micros, to_micros
from dpp.domain.configuration import folded


class MemoryCorrections(Corrections):
    """Reads and adds to a memory database."""

    def __init__(self, *, database: MemoryDatabase, log: AuditLog) -> None:
        self._database = database
        self._log = log

    async def all(self) -> Sequence[Correction]:
        """Return everything, oldest first."""
        self._database.check_available()
        base = self._database
        names = {row.repo_id: row.full_name for row in base.repositories.all}
        sprints = {sprint_uuid(number): number for number in base.sprints}
        streams = {row.stream_id: row.name for row in base.configuration.delivery_streams}
        found: list[Correction] = [
            LinkSaid(
                said_id=row.link_id,
                repository=names[row.repo_id],
                pr_number=row.pr_number,
                ticket_id=row.ticket_id,
                said_at=from_micros(row.linked_at),
                said_by=row.linked_by,
                reason=row.reason,
            )
            for row in base.manual_links
        ]
        found += [
            VerdictSaid(
                said_id=row.verdict_id,
                incident_id=row.incident_id,
                source_incident_id=row.source_incident_id,
                record_id=row.record_id,
                verdict=row.verdict,
                said_at=from_micros(row.decided_at),
                said_by=row.decided_by,
                reason=row.reason,
            )
            for row in base.verdicts
        ]
        found += [
            SprintSaid(
                said_id=row.correction_id,
                jira_sprint_id=sprints[row.sprint_id],
                start_date=row.start_date,
                end_date=row.end_date,
                delivery_stream=streams[row.delivery_stream_id] if row.delivery_stream_id else None,
                is_left_out=row.is_left_out,
                said_at=row.corrected_at,
                said_by=row.corrected_by,
                reason=row.reason,
            )
            for row in base.sprint_corrections
        ]
        return sorted(found, key=lambda said: (said.said_at, said.said_id))

    async def add(self, said: Sequence[Correction], *, entry: AuditEntry) -> Applied:
        """Add what is not known by its id."""
        self._database.check_available()
        base = self._database
        known = {row.link_id for row in base.manual_links} | {row.verdict_id for row in base.verdicts}
        known |= {row.correction_id for row in base.sprint_corrections}
        new, unplaced = 0, []
        for one in said:
            if one.said_id in known:
                continue
            if self._place(one):
                new += 1
            else:
                unplaced.append(about(one))
        told = Applied(new, len(said) - new - len(unplaced), tuple(unplaced))
        details = {"new": told.new, "known": told.known, "unplaced": len(told.unplaced)}
        await self._log.record(replace(entry, details=details))
        return told

    def _place(self, said: Correction) -> bool:
        base = self._database
        match said:
            case LinkSaid():
                repository = self._repository(said.repository)
                if repository is None:
                    return False
                row = (said.said_id, repository, said.pr_number, said.ticket_id)
                base.manual_links.append(ManualLinkRow(*row, to_micros(said.said_at), said.said_by, said.reason))
                stale = PullRequestId(repository, said.pr_number).key(StaleKind.PULL_REQUEST)
                base.mark_stale(stale, cause=Cause.MANUAL_LINK)
            case VerdictSaid():
                pair = (said.said_id, said.incident_id, said.source_incident_id, said.record_id, said.verdict)
                base.verdicts.append(VerdictRow(*pair, to_micros(said.said_at), said.said_by, said.reason))
                base.mark_stale(StaleKey(StaleKind.INCIDENT, said.source_incident_id), cause=Cause.VERDICT)
            case SprintSaid():
                stream = base.configuration.delivery_stream(said.delivery_stream)
                if said.jira_sprint_id not in base.sprints or (said.delivery_stream and stream is None):
                    return False
                base.sprint_corrections.append(
                    SprintCorrection(
                        correction_id=said.said_id,
                        sprint_id=sprint_uuid(said.jira_sprint_id),
                        start_date=said.start_date,
                        end_date=said.end_date,
                        delivery_stream_id=stream.stream_id if stream else None,
                        is_left_out=said.is_left_out,
                        corrected_at=said.said_at,
                        corrected_by=said.said_by,
                        reason=said.reason,
                    )
                )
        return True

    def _repository(self, name: str) -> UUID | None:
        """Return the repository that has a name now, or else had it."""
        rows = self._database.repositories
        for one in rows.all:
            if folded(one.full_name) == folded(name):
                return one.repo_id
        return next((one.repo_id for one in rows.all if folded(name) in map(folded, rows.names_of(one.repo_id))), None)
