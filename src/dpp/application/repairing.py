"""Payloads that nobody could read: looked at without reading about people, and tried again (§5.6, decision 0006)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.current import CurrentConfiguration
from dpp.application.doors import Readers
from dpp.application.ingest import Intake
from dpp.application.payload_outline import outline
from dpp.application.ports import Clock, DeadLetter, Sealer
from dpp.application.reading import PushFormat, PushReader, Reading, Verified
from dpp.domain.access import Principal
from dpp.domain.errors import Conflict, Damaged, InvalidInput, NotFound
from dpp.domain.events import Normalised, Outcome, Source
from dpp.domain.privacy import Pseudonymiser


class LetterNotFound(NotFound):
    """There is no such payload, or none any more: it has expired, or was read after all."""

    code = "dead_letter_not_found"


class LetterUnreadable(Conflict):
    """The payload is on record and its content cannot be had."""

    code = "dead_letter_unreadable"


class SealedLetter(NamedTuple):
    """A payload that waits for repair, with its encrypted content; None while that has not reached the store."""

    letter: DeadLetter
    sealed: bytes | None


class DeadLetterStore(Protocol):
    """Keeps payloads that nobody could read. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def letters(self, *, limit: int = 200) -> Sequence[DeadLetter]:
        """Return them, newest first."""

    @abstractmethod
    async def find(self, delivery_uid: UUID) -> SealedLetter | None:
        """Return one of them."""

    @abstractmethod
    async def remove(self, delivery_uid: UUID) -> bool:
        """Forget one of them, and return whether it was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLetter:
    """
    A payload as it may be looked at.

    Attributes:
        size: of its content, bytes.
        outline: its structure without its values; None when it is no JSON.
    """

    letter: DeadLetter
    size: int
    outline: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """
    What became of a payload that was tried again.

    Attributes:
        outcome: ``unknown`` leaves it where it was; else it is gone.
        accepted: how many facts of it were new.
        duplicates: how many were there already.
        reason: why it is ignored, or still cannot be read.
    """

    delivery_uid: UUID
    outcome: Outcome
    accepted: int
    duplicates: int
    reason: str | None


class Repairing:
    """Looks at unread payloads and tries them again. Who may is for the caller to have checked."""

    def __init__(
        self,
        *,
        letters: DeadLetterStore,
        sealer: Sealer,
        readers: Readers,
        intake: Intake,
        configuration: CurrentConfiguration,
        pseudonymiser: Pseudonymiser,
        log: AuditLog,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._sealer = sealer
        self._readers = readers
        self._intake = intake
        self._configuration = configuration
        self._pseudonymiser = pseudonymiser
        self._log = log
        self._clock = clock

    async def waiting(self, *, limit: int = 200) -> Sequence[DeadLetter]:
        """Return the payloads that wait, newest first."""
        return await self._letters.letters(limit=limit)

    async def open(self, principal: Principal, delivery_uid: UUID) -> OpenedLetter:
        """
        Return the outline of a payload; that somebody looked is on record before they see it.

        Raises:
            LetterNotFound: there is none such.
            LetterUnreadable: it cannot be decrypted.
            Unavailable: the store does not answer.
        """
        letter, body = await self._opened(delivery_uid)
        await self._record(principal, "dead_letter.read", letter)
        return OpenedLetter(letter=letter, size=len(body), outline=outline(body))

    async def retry(self, principal: Principal, delivery_uid: UUID) -> Retried:
        """
        Read a payload again, as it would be read if it came now; what is known already changes nothing.

        Raises:
            LetterNotFound: there is none such.
            LetterUnreadable: it cannot be decrypted.
            Unavailable: archive or store do not answer; it is still there.
        """
        letter, body = await self._opened(delivery_uid)
        verified, normalised = self._read(letter, body)
        accepted = duplicates = 0
        if normalised.outcome is not Outcome.UNKNOWN:
            appended = await self._intake.accept(verified, normalised, channel=letter.channel)
            accepted, duplicates = appended.accepted, appended.duplicates
            # Only now: what is in the archive is never lost, and a payload that is tried twice adds nothing twice.
            await self._letters.remove(delivery_uid)
        retried = Retried(
            delivery_uid=delivery_uid,
            outcome=normalised.outcome,
            accepted=accepted,
            duplicates=duplicates,
            reason=normalised.reason,
        )
        await self._record(principal, "dead_letter.retried", letter, retried)
        return retried

    async def _opened(self, delivery_uid: UUID) -> tuple[DeadLetter, bytes]:
        found = await self._letters.find(delivery_uid)
        if found is None or found.letter.expires_at <= self._clock.now():
            raise LetterNotFound("There is no such payload; it may have expired, or have been read after all")
        if found.sealed is None:
            raise LetterUnreadable("The content of this payload is not in the store, so that it cannot be tried again")
        try:
            return found.letter, self._sealer.open(found.sealed, associated=delivery_uid.bytes)
        except Damaged as error:
            raise LetterUnreadable(
                "This payload cannot be decrypted: the secret anonymisation_key that it was sealed under is not there "
                "any more. Put it back as anonymisation_key.previous and try again"
            ) from error

    def _read(self, letter: DeadLetter, body: bytes) -> tuple[Verified, Normalised]:
        reading = Reading(configuration=self._configuration.value, pseudonymiser=self._pseudonymiser)
        try:
            match letter.channel:
                case "github":
                    verified = Verified(source=Source.GITHUB, kind=letter.kind, body=body)
                    return verified, self._readers.github.normalise(verified, reading=reading)
                case "jira":
                    verified = Verified(source=Source.JIRA, kind=letter.kind, body=body)
                    return verified, self._readers.jira.normalise(verified, reading=reading)
                case _:
                    reader = self._push_reader(letter.channel)
                    verified = reader.verified(body=body, idempotency_key=None)
                    return verified, reader.normalise(verified, reading=reading)
        except InvalidInput as error:
            # At the door this would have been refused; here it is one more reason to keep it.
            source = Source.JIRA if letter.channel == "jira" else Source.GITHUB
            unread = Verified(source=source, kind=letter.kind, body=body)
            return unread, Normalised(outcome=Outcome.UNKNOWN, reason=f"{error.code}: it cannot be read as it is")

    def _push_reader(self, channel: str) -> PushReader:
        named = {
            "deployment": self._readers.deployment,
            "incident": self._readers.incident,
            "survey": self._readers.survey,
            **{form.value: self._readers.formats[form] for form in PushFormat},
        }
        if channel not in named:
            raise LetterUnreadable(f"Nothing reads payloads of the door {channel!r} any more")
        return named[channel]

    async def _record(
        self, principal: Principal, action: str, letter: DeadLetter, retried: Retried | None = None
    ) -> None:
        details: dict[str, object] = {"channel": letter.channel, "kind": letter.kind, "reason": letter.reason}
        if retried is not None:
            details |= {
                "outcome": retried.outcome.value,
                "accepted": retried.accepted,
                "duplicates": retried.duplicates,
            }
        entry = AuditEntry(
            occurred_at=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"delivery:{letter.delivery_uid}",
            details=details,
        )
        await self._log.record(entry)
