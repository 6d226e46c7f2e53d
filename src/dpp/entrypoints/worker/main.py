"""The worker's loop: derives what is stale until nothing is, then waits to be woken."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from dpp.application.collector import collector_paused
from dpp.application.derivation import DerivationStore, Derive, DeriveResult
from dpp.application.ports import Clock
from dpp.application.stale import StaleKey
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)

#: Entries in one transaction: few, so that news come soon; more while batches come back full.
FIRST_BATCH = 500
LARGEST_BATCH = 8_000

#: Nobody may have told of what became stale, so it is looked for this often.
IDLE_SECONDS = 1.0

FIRST_BACK_OFF_SECONDS = 0.1
LONGEST_BACK_OFF_SECONDS = 5.0

#: What cannot be derived is tried again after this time, and after twice as long each time that it fails again.
FIRST_PARKING = timedelta(minutes=1)
LONGEST_PARKING = timedelta(hours=1)


class StaleSignal(Protocol):
    """Wakes whoever derives."""

    @abstractmethod
    async def wait_for_stale(self, *, after: int, timeout: float) -> int:
        """Wait until something became stale, ``timeout`` seconds at most; see the change feeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A thing that could not be derived: why, how often it was tried, and when it will be tried again."""

    reason: str
    attempts: int
    until: datetime


class Worker:
    """Derives; one or more of them, in as many processes as there are.

    Args:
        store: of the queue and the derived rows.
        derive: calculates the rows.
        signal: wakes the worker.
        clock: tells when what was parked is tried again.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *,
        store: DerivationStore,
        derive: Derive,
        signal: StaleSignal,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._derive = derive
        self._signal = signal
        self._clock = clock
        self._sleep = sleep
        self._parked: dict[StaleKey, Parked] = {}

    def parked(self) -> Mapping[StaleKey, Parked]:
        """Return what this worker could not derive and has not derived since."""
        return dict(self._parked)

    async def run(self) -> None:
        """Work until cancelled; a database that is away is waited for."""
        generation, back_off = 0, FIRST_BACK_OFF_SECONDS
        while True:
            try:
                await self.drain()
                generation = await self._signal.wait_for_stale(after=generation, timeout=IDLE_SECONDS)
                back_off = FIRST_BACK_OFF_SECONDS
            except Unavailable as error:
                log.warning("derivation_waits", reason=str(error), seconds=back_off)
                back_off = await self._rest(back_off)
            except Exception:
                # Whatever it is, the entries are still there, and another attempt may find better conditions.
                log.exception("derivation_failed", seconds=back_off)
                back_off = await self._rest(back_off)

    async def drain(self) -> int:
        """Derive until nothing is left that is not parked or in another worker's hands; return how many things.

        Raises:
            Unavailable: the store does not answer.
        """
        derived, limit = 0, FIRST_BATCH
        while True:
            with collector_paused():
                result = await self._store.derive_stale(self._derive, limit=limit, skip=self._resting())
            self._note(result)
            derived += result.derived
            if not result.entries and not result.failed:
                return derived
            limit = min(2 * limit, LARGEST_BATCH) if 2 * result.entries >= limit else FIRST_BATCH

    async def _rest(self, seconds: float) -> float:
        await self._sleep(seconds)
        return min(2 * seconds, LONGEST_BACK_OFF_SECONDS)

    def _resting(self) -> frozenset[StaleKey]:
        now = self._clock.now()
        return frozenset(key for key, parked in self._parked.items() if parked.until > now)

    def _note(self, result: DeriveResult) -> None:
        now = self._clock.now()
        for key, reason in result.failed.items():
            attempts = self._parked[key].attempts + 1 if key in self._parked else 1
            rest = min(FIRST_PARKING * 2 ** min(attempts - 1, 10), LONGEST_PARKING)
            self._parked[key] = Parked(reason=reason, attempts=attempts, until=now + rest)
            log.error("thing_parked", kind=key.kind.value, key=key.key, reason=reason, attempts=attempts)
        if result.entries:
            # Whatever was tried again and did not fail is well now.
            self._parked = {
                key: parked for key, parked in self._parked.items() if parked.until > now or key in result.failed
            }
