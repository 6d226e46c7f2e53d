"""Which deployments are blamed for incidents, and what people say of it (§5.4.4, decision 0024).

A verdict is a fact of its own: it is added, never changed, and of two on one pair the later one counts.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from unicodedata import category
from uuid import UUID

from dpp.application.access_ports import AuditEntry
from dpp.application.answers import Asked
from dpp.application.delivery_reader import BlamedIncident, DeliveryReader
from dpp.application.delivery_rows import VerdictRow
from dpp.application.ports import Clock, Ids
from dpp.application.views import View, Window
from dpp.domain.access import Permission, Principal
from dpp.domain.calendar import to_micros
from dpp.domain.errors import InvalidInput, NotFound
from dpp.domain.scrubbing import scrub

VERDICTS = ("confirmed", "rejected")
MAX_REASON = 1000
_BREAKS = str.maketrans("\r\n\t", "   ")


class UnknownSuspect(NotFound):
    """There is no such incident, or no such deployment among its suspects, or none that the caller may judge."""

    code = "suspect_not_found"


class Verdicts(Protocol):
    """Keeps what people say."""

    @abstractmethod
    async def add(self, verdict: VerdictRow, *, entry: AuditEntry) -> None:
        """Add a verdict and put it on record, and mark the incident for derivation, all of it or nothing.

        Raises:
            Unavailable: the store does not answer; nothing was written.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedIncidents:
    """Incidents with their suspects, the latest begun first."""

    asked: Asked
    incidents: Sequence[BlamedIncident]


class Blames:
    """Shows suspects, and takes down verdicts.

    Args:
        reader: has incidents and suspects.
        verdicts: where verdicts go.
    """

    def __init__(self, *, reader: DeliveryReader, verdicts: Verdicts, clock: Clock, ids: Ids) -> None:
        self._reader = reader
        self._verdicts = verdicts
        self._clock = clock
        self._ids = ids

    async def incidents(self, view: View, *, window_days: int) -> BlamedIncidents:
        """Return the incidents that began in a window, each with the deployments that may have caused it.

        Raises:
            InvalidInput: the window is too short or too long.
        """
        window = Window.back_from(view.as_of, days=window_days)
        found = await self._reader.incidents(view, window=window)
        return BlamedIncidents(asked=Asked.of(view, window_days=window_days), incidents=found)

    async def judge(
        self,
        principal: Principal,
        *,
        incident_id: str,
        record_id: UUID,
        verdict: str,
        reason: str | None = None,
    ) -> VerdictRow:
        """Record that a deployment did, or did not, cause an incident.

        Args:
            principal: whoever says so; for both the incident and the deployment they need ``streams:manage``.
            incident_id: as shown, with the number of its episode.
            record_id: one of the suspects.
            verdict: ``confirmed`` or ``rejected``.
            reason: in words, at most 1000 characters; addresses and mentions of people are taken out.

        Returns:
            The verdict. It counts once the incident is derived again, moments later.

        Raises:
            InvalidInput: the verdict or the reason cannot be used.
            UnknownSuspect: there is no such pair that the caller may judge.
        """
        if verdict not in VERDICTS:
            raise InvalidInput(f"verdict is {verdict!r}; give {' or '.join(VERDICTS)}", field="verdict")
        told = checked_reason(reason)
        incident = await self._judged(principal, incident_id=incident_id, record_id=record_id)
        now = self._clock.now()
        row = VerdictRow(
            verdict_id=self._ids.new(),
            incident_id=incident.incident_id,
            source_incident_id=incident.source_incident_id,
            record_id=record_id,
            verdict=verdict,
            decided_at=to_micros(now),
            decided_by=principal.actor,
            reason=told,
        )
        entry = AuditEntry(
            occurred_at=now,
            actor=principal.actor,
            action=f"blame.{verdict}",
            subject=f"deployment:{record_id}",
            details={"incident_id": incident.incident_id, "verdict_id": str(row.verdict_id)},
        )
        await self._verdicts.add(row, entry=entry)
        return row

    async def _judged(self, principal: Principal, *, incident_id: str, record_id: UUID) -> BlamedIncident:
        scope = principal.scope_of(Permission.STREAMS_MANAGE)
        view = View(scope=scope, as_of=self._clock.now(), is_live=True)
        is_id = is_storable(incident_id)
        found = await self._reader.incidents(view, window=None, incident_id=incident_id) if is_id else ()
        for incident in found:
            if any(suspect.record_id == record_id for suspect in incident.suspects):
                return incident
        raise UnknownSuspect(
            "There is no such deployment among the suspects of that incident that you may judge "
            "(GET /api/v1/incidents/blames)"
        )


def checked_reason(reason: str | None) -> str | None:
    """Return a reason as it may be kept, None for an empty one; raises ``InvalidInput`` for one that may not."""
    told = scrub((reason or "").strip())
    if len(told) > MAX_REASON:
        raise InvalidInput(f"reason has {len(told)} characters; give {MAX_REASON} at most", field="reason")
    if not is_storable(told.translate(_BREAKS)):
        raise InvalidInput("reason holds control characters; give plain text", field="reason")
    return told or None


def is_storable(text: str) -> bool:
    """Whether a text has no control characters and no halves of characters: no store keeps them all."""
    return not any(category(character) in ("Cc", "Cs") for character in text)
