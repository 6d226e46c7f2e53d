"""Whether the sources still speak: a page whose figures no longer change must not look as if nothing happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from dpp.application.calendars import Calendars
from dpp.application.readers import OperationsReader
from dpp.domain.configuration import Configuration

SILENCE_DAYS = 1.0
"""Working days without a word after which a source counts as silent: teams rest on weekends and holidays, webhooks
rest with them, and a whole working day without one is a broken webhook rather than a calm day."""

STEADY: Mapping[str, str] = MappingProxyType({"jira": "Jira", "github": "GitHub"})
"""The doors through which something comes on every working day, and what people call them. Deployments, incidents and
surveys have no such rhythm: their silence says nothing."""


class Source(NamedTuple):
    """
    A source of steady news.

    Attributes:
        door: through which it comes.
        title: what people call it.
        last_at: when something readable last came; None when nothing ever did.
        silent_days: working days since then, 0 without a first word.
    """

    door: str
    title: str
    last_at: datetime | None
    silent_days: float

    @property
    def is_stale(self) -> bool:
        """Whether it once spoke and has stopped."""
        return self.silent_days > SILENCE_DAYS


class Freshness:
    """Tells how fresh the steady sources are.

    Args:
        reader: knows when each was heard last.
        calendars: tell a quiet weekend from a broken webhook.
    """

    def __init__(self, reader: OperationsReader, calendars: Calendars) -> None:
        self._reader = reader
        self._calendars = calendars

    async def sources(self, *, now: datetime, configuration: Configuration) -> tuple[Source, ...]:
        """Return the steady sources in a fixed order, those never heard included.

        Raises:
            Unavailable: the store does not answer.
        """
        last = await self._reader.last_event_at()
        calendar = self._calendars.of(configuration.platform.calendar)

        def silent(since: datetime | None) -> float:
            return calendar.working_days_between(since, now) if since is not None and since < now else 0.0

        return tuple(Source(door, title, last.get(door), silent(last.get(door))) for door, title in STEADY.items())
