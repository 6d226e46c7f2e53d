"""How much a source lets itself be asked yet, where everybody can see it (§5.3.7, §8.5)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LOW = 200
"""Fewer requests than this are a reason to look (§8.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimit:
    """
    A limit as the source told it last.

    Attributes:
        name: of the limit; a source may have several for one organisation.
        remaining: requests, of ``total``, until ``resets_at``.
    """

    source: str
    organisation: str
    name: str
    remaining: int
    total: int
    resets_at: datetime
    told_at: datetime

    def is_low(self, *, now: datetime) -> bool:
        """Whether few requests remain, in an hour that is not over yet."""
        return self.remaining < min(LOW, self.total // 2) and now < self.resets_at


class SourceLimitStore(Protocol):
    """Keeps the latest word on each limit. Any method may raise ``Unavailable``."""

    @abstractmethod
    async def note_limits(self, limits: Sequence[SourceLimit]) -> None:
        """Keep these; what was told earlier than what is known changes nothing."""

    @abstractmethod
    async def limits(self) -> Sequence[SourceLimit]:
        """Return them all, by source, organisation and name."""
