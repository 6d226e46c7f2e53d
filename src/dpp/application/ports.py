"""What the application needs from outside, as plain nouns.

Each port has two families of adapters, memory and PostgreSQL (or files), and one contract suite that both pass.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dpp.application.archive import Archive, Position
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.reading import WebhookReader
from dpp.application.secrets import Secrets
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts

__all__ = [
    "Archive",
    "ChangeFeed",
    "Clock",
    "ConfigurationStore",
    "DeliveryCodec",
    "EventStore",
    "Ids",
    "RepairBox",
    "Sealer",
    "Secrets",
    "WebhookReader",
]


class Clock(Protocol):
    """Tells the time."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class Ids(Protocol):
    """Makes ids that nobody has used before."""

    @abstractmethod
    def new(self) -> UUID:
        """Return a new id."""


class DeliveryCodec(Protocol):
    """Turns deliveries into the lines of JSON that the archive keeps, and back."""

    @abstractmethod
    def encode(self, delivery: AcceptedDelivery) -> bytes:
        """Return one line of UTF-8 JSON, without the line's end."""

    @abstractmethod
    def decode(self, record: bytes) -> AcceptedDelivery:
        """Read such a line.

        Raises:
            Damaged: the line is not a delivery.
        """


class Sealer(Protocol):
    """Encrypts what may not lie in the clear."""

    @abstractmethod
    def seal(self, payload: bytes, *, associated: bytes) -> bytes:
        """Return the payload encrypted; it opens only together with the same associated bytes."""

    @abstractmethod
    def open(self, sealed: bytes, *, associated: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            Damaged: the bytes were changed, or sealed under another key or with other associated bytes.
        """


class RepairBox(Protocol):
    """Keeps sealed payloads on disk until the database has them."""

    @abstractmethod
    def put(self, letter: UUID, sealed: bytes) -> None:
        """Keep a sealed payload; when this returns it survives a power cut."""

    @abstractmethod
    def take(self, letter: UUID) -> bytes | None:
        """Return a sealed payload, or None when it is not there (any more)."""

    @abstractmethod
    def remove(self, letter: UUID) -> None:
        """Forget a sealed payload; nothing happens when it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A payload that nobody could read, waiting for repair."""

    delivery_uid: UUID
    received_at: datetime
    channel: str
    kind: str | None
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Deliveries to be written together, and what of the archive that settles.

    ``position`` is the last record of a segment that the batch covers: everything up to it is then written. ``sealed``
    holds the encrypted payloads of the batch's unknown deliveries.
    """

    deliveries: Sequence[AcceptedDelivery]
    positions: Sequence[Position] = ()
    sealed: Mapping[UUID, bytes] = field(default_factory=dict)


class EventStore(Protocol):
    """Keeps every fact, once, for ever, and remembers what they make stale."""

    @abstractmethod
    async def append(self, batch: Batch) -> tuple[Appended, ...]:
        """Write a batch in one transaction: all of it or nothing.

        New facts go to their tables with the columns that the current configuration resolves; repositories and sprints
        are registered on sight; what the new facts make stale is queued; unread payloads are kept with their expiry;
        deliveries are counted by channel, outcome, kind and reason; the archive positions advance.

        Returns:
            For each delivery, in order, how many facts were new and how many were there already.

        Raises:
            Unavailable: the store does not answer; nothing was written.
        """

    @abstractmethod
    async def holds(self, facts: Facts) -> tuple[bool, ...]:
        """Say of each event, in the order of ``Facts.events``, whether appending it again would change nothing.

        True is for good: what is held is never given up. Facts that tell news of repositories are all taken not to be
        held.
        """

    @abstractmethod
    async def settled(self) -> Mapping[str, int]:
        """Return how many records of each archive segment are written."""

    @abstractmethod
    async def counts(self) -> Mapping[str, int]:
        """Return the number of facts by table."""

    @abstractmethod
    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the unread payloads that have not expired, newest first."""

    @abstractmethod
    async def dead_letter(self, delivery_uid: UUID) -> bytes | None:
        """Return the sealed payload of one of them."""

    @abstractmethod
    async def expire_dead_letters(self, *, now: datetime) -> int:
        """Delete those whose time is over and return how many they were."""


class ConfigurationStore(Protocol):
    """Keeps the configuration and every earlier version of it."""

    @abstractmethod
    async def load(self) -> Configuration:
        """Return the current configuration; version 0, empty, when nothing was ever configured."""

    @abstractmethod
    async def save(
        self, configuration: Configuration, *, expected_version: int, actor: str, at: datetime
    ) -> Configuration:
        """Replace the configuration as a whole, in one transaction, with every thing that it makes stale marked, and
        with the change on record (§8.4).

        Returns:
            The configuration with its new version.

        Raises:
            Conflict: somebody else has changed it since ``expected_version``.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """News for whoever shows figures.

    ``topic`` says what kind of thing changed (``tickets``, ``pull_requests``, ``configuration``, …); the streams are
    those concerned, both empty when it may be any.
    """

    topic: str
    delivery_streams: frozenset[UUID] = frozenset()
    tech_streams: frozenset[UUID] = frozenset()


class ChangeFeed(Protocol):
    """Carries changes from whoever made them to every process that shows them."""

    @abstractmethod
    async def publish(self, change: Change) -> None:
        """Tell everybody."""

    @abstractmethod
    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """Hear of every change from now on; a change may be told twice, and after a lost connection one without
        streams stands for all that was missed.
        """
