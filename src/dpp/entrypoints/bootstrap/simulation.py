"""A simulated organisation at the front door of a running platform."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import structlog

from dpp.adapters.simulation import Delivery, SimulatedOrganisation, Size, paced, shuffled, signed
from dpp.domain.errors import InvalidInput, Unavailable

__all__ = [
    "Delivery",
    "Disorder",
    "Memory",
    "Plan",
    "Proofs",
    "Sender",
    "TargetAway",
    "continued",
    "keep_telling",
    "keep_telling_at",
    "sender",
]

log = structlog.get_logger(__name__)

AT_ONCE = 16
RETRY_SECONDS = 1.0
#: After a restart of a demonstration this much is told again: what was under way may not have arrived.
RETOLD = timedelta(days=1)


class TargetAway(Unavailable):
    """The platform that deliveries were to be sent to does not answer, or refuses them."""

    code = "target_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What senders prove themselves with."""

    github_secret: bytes
    jira_secret: bytes
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """Shares, 0 to 1, of deliveries that come late and that come twice."""

    late: float = 0.0
    doubled: float = 0.0
    seed: int = 0

    def applied(self, deliveries: Iterable[Delivery]) -> Iterable[Delivery]:
        """Return the deliveries in the order in which they arrive."""
        if not self.late and not self.doubled:
            return deliveries
        rng = random.Random(self.seed)  # noqa: S311 - guards nothing
        return shuffled(deliveries, rng, late_share=self.late, duplicate_share=self.doubled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which organisation, from when on, for how long."""

    seed: int
    start: datetime
    weeks: int
    size: str

    @classmethod
    def until(cls, now: datetime, *, seed: int, weeks: int, size: str) -> Plan:
        """Plan a history that ends now, to the hour.

        Raises:
            InvalidInput: the size is unknown or there are no weeks.
        """
        if size.upper() not in Size.__members__:
            raise InvalidInput(f"size is {size!r}; give small, medium or large", field="size")
        if not 1 <= weeks <= 260:
            raise InvalidInput(f"weeks is {weeks}; give 1 to 260", field="weeks")
        end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(seed=seed, start=end - timedelta(weeks=weeks), weeks=weeks, size=size.upper())

    @property
    def end(self) -> datetime:
        """When the history ends and the present begins."""
        return self.start + timedelta(weeks=self.weeks)

    def organisation(self) -> SimulatedOrganisation:
        """Make the organisation."""
        return SimulatedOrganisation(self.seed, start=self.start, weeks=self.weeks, size=Size[self.size])


@dataclass(frozen=True, slots=True)
class Memory:
    """Remembers in a file which organisation a demonstration shows, and how far it has told its story."""

    path: Path

    def load(self) -> tuple[Plan, datetime] | None:
        """Return what was saved; None the first time."""
        if not self.path.exists():
            return None
        saved = json.loads(self.path.read_text(encoding="utf-8"))
        plan = Plan(
            seed=saved["seed"],
            start=datetime.fromisoformat(saved["start"]),
            weeks=saved["weeks"],
            size=saved["size"],
        )
        return plan, datetime.fromisoformat(saved["told"])

    def save(self, plan: Plan, told: datetime) -> None:
        """Save, so that a crash leaves the old or the new."""
        saved = {
            "seed": plan.seed,
            "start": plan.start.isoformat(),
            "weeks": plan.weeks,
            "size": plan.size,
            "told": told.isoformat(),
        }
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(saved), encoding="utf-8")
        draft.replace(self.path)


class Sender:
    """Posts deliveries, several at a time."""

    def __init__(self, client: httpx.AsyncClient, proofs: Proofs) -> None:
        self._client = client
        self._proofs = proofs
        self.sent = 0

    async def send_all(
        self, deliveries: Iterable[Delivery], *, rate: float | None = None, told: Callable[[Delivery], None]
    ) -> None:
        """Send deliveries as fast as the target takes them, or at ``rate`` a second; tell of each that arrived.

        Raises:
            TargetAway: the target does not answer, or refuses a delivery.
        """
        queue: asyncio.Queue[Delivery | None] = asyncio.Queue(maxsize=2 * AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send_from(queue, told))
            async for delivery in _at_rate(deliveries, rate):
                await queue.put(delivery)
            for _ in range(AT_ONCE):
                await queue.put(None)

    async def send(self, delivery: Delivery) -> None:
        """Send one.

        Raises:
            TargetAway: the target does not answer, or refuses it.
        """
        proved = signed(
            delivery,
            github_secret=self._proofs.github_secret,
            jira_secret=self._proofs.jira_secret,
            api_key=self._proofs.api_key,
        )
        try:
            answer = await self._client.post(proved.path, content=proved.body, headers=proved.headers)
        except httpx.HTTPError as error:
            raise TargetAway(f"{self._client.base_url} does not answer: {type(error).__name__}") from error
        if answer.status_code != 202:
            raise TargetAway(f"{proved.path} answered {answer.status_code}: {answer.text[:200]}")
        self.sent += 1

    async def _send_from(self, queue: asyncio.Queue[Delivery | None], told: Callable[[Delivery], None]) -> None:
        while (delivery := await queue.get()) is not None:
            await self.send(delivery)
            told(delivery)


@asynccontextmanager
async def sender(target: str, proofs: Proofs) -> AsyncIterator[Sender]:
    """Open connections to a platform."""
    async with httpx.AsyncClient(base_url=target, timeout=30, trust_env=False) as client:
        yield Sender(client, proofs)


async def keep_telling(sender: Sender, deliveries: Iterator[Delivery], *, told: Callable[[Delivery], None]) -> None:
    """Send each delivery when its time comes, for ever; while the platform is away, wait for it."""
    for delivery in deliveries:
        wait = (delivery.at - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(0.0, wait))
        while True:
            try:
                await sender.send(delivery)
                break
            except TargetAway as error:
                log.warning("delivery_waits", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
        told(delivery)


async def keep_telling_at(
    sender: Sender, deliveries: Iterator[Delivery], *, speed: float, told: Callable[[Delivery], None]
) -> None:
    """Send deliveries at a multiple of their own pace, for ever."""
    for wait, delivery in paced(deliveries, speed=speed):
        await asyncio.sleep(wait)
        await sender.send(delivery)
        told(delivery)


def continued(plan: Plan, told: datetime) -> Iterator[Delivery]:
    """Return what follows in a story that was told up to a moment, with a little of it again."""
    organisation = plan.organisation()
    since = max(organisation.start, told - RETOLD)
    return organisation.live(since=since)


async def _at_rate(deliveries: Iterable[Delivery], rate: float | None) -> AsyncIterator[Delivery]:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number, delivery in enumerate(deliveries):
        if rate is not None:
            await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
        yield delivery
