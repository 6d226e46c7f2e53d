"""Whoever sends API keys that are not valid is slowed down, before a store is asked about the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from dpp.application.rates import Allowance

#: A pipeline with an old key tries again at once, some times, and so do its neighbours behind the same address.
BURST = 30
PER_SECOND = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


class FailedKeys:
    """
    Counts keys that were not valid, by the address that they came from.

    A key that was good a moment ago passes whatever its neighbours send, so that nobody can shut out others who share
    an address with them. One that nobody has shown to this process lately waits, two seconds after the last failure.
    """

    def __init__(self, *, now: Callable[[], datetime] = _now) -> None:
        self._allowance = Allowance(burst=BURST, per_second=PER_SECOND)
        self._now = now

    def check(self, address: str, *, is_known: Callable[[], bool]) -> None:
        """Let a key pass on to be verified.

        Raises:
            TooManyRequests: too many others from that address were not valid, and the key is not known here.
        """
        now = self._now()
        if self._allowance.wait(address, now) and not is_known():
            self._allowance.check(address, now)

    def note(self, address: str) -> None:
        """Count a key that was not valid."""
        self._allowance.use(address, self._now())
