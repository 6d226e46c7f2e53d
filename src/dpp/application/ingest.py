"""The way in: a verified payload becomes an archived record, then rows, then an acknowledgement.

Two stages run side by side, each taking whatever waits: the first writes records to the archive with one sync for all
of them, the second writes the same deliveries to the event store in one transaction. A lone delivery waits for nobody;
one among many waits some milliseconds until half of them have come as far, since each transaction costs the same again.
While the event store is away the second stage lets go of what it holds (the archive has it), acknowledgements come from
the first stage alone, and when the store answers again the archive is read on from where the store had got to. An
acknowledgement therefore always means that the delivery survives a power cut.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from dpp.application.archive import Position
from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.draining import Draining
from dpp.application.ports import Archive, Clock, DeliveryCodec, EventStore, Ids, RepairBox, Sealer
from dpp.application.reading import Verified
from dpp.application.settling import Settling
from dpp.domain.errors import Unavailable
from dpp.domain.events import Normalised, Outcome, Source

log = structlog.get_logger(__name__)

MAX_BATCH = 500
#: A delivery waits so long at most until half of those under way have come as far: a transaction costs what it costs.
COMPANY_SECONDS = 0.005


@dataclass(slots=True)
class _Waiting:
    """A delivery on its way; ``done`` gets what became of it, unless nobody waits for that (any more)."""

    delivery: AcceptedDelivery
    record: bytes | None
    done: asyncio.Future[Appended] | None = None
    position: Position | None = None
    is_over: bool = False


class Intake:
    """Takes deliveries in; one per process. ``start`` before the first, ``stop`` after the last."""

    def __init__(
        self,
        *,
        archive: Archive,
        store: EventStore,
        codec: DeliveryCodec,
        sealer: Sealer,
        repair_box: RepairBox,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._archive = archive
        self._codec = codec
        self._sealer = sealer
        self._repair_box = repair_box
        self._clock = clock
        self._ids = ids
        self._settling = Settling(store=store, repair_box=repair_box)
        self._draining = Draining(archive=archive, store=store, codec=codec, clock=clock, settling=self._settling)
        self._to_archive: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._to_store: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._archived = asyncio.Event()
        self._behind = False
        self._in_flight = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Deliveries of this process by channel and outcome."""

    @property
    def pending(self) -> int:
        """Deliveries accepted by this process that are not in the event store yet."""
        return max(self._settling.lag, self._in_flight)

    @property
    def is_running(self) -> bool:
        """Whether deliveries are taken."""
        return bool(self._tasks)

    @property
    def store_is_away(self) -> bool:
        """Whether the archive alone is taking deliveries at the moment."""
        return self._behind

    async def start(self) -> None:
        """Begin to take deliveries, and to write what dead processes left in the archive."""
        self._tasks = [
            asyncio.create_task(self._archive_stage(), name="intake-archive"),
            asyncio.create_task(self._store_stage(), name="intake-store"),
            asyncio.create_task(self._draining.watch(), name="intake-drain"),
        ]

    async def stop(self) -> None:
        """Finish what is under way and end; what the store did not take lies in the archive."""
        while self._in_flight and self._tasks:
            await asyncio.sleep(0.01)
        # From here on nothing is accepted: nobody would look into the queues.
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def accept(self, verified: Verified, normalised: Normalised, *, channel: str) -> Appended:
        """Keep one payload for good and return what was new in it.

        A payload ignored on purpose is counted and not kept. While the event store is away everything counts as
        accepted: what of it was there already shows later.

        Raises:
            Unavailable: the archive could not write; the sender should try again.
        """
        self._check_running()
        delivery = self._delivery(verified, normalised, channel=channel)
        self.outcomes[channel, normalised.outcome] += 1
        if normalised.outcome is Outcome.IGNORED:
            self._count(delivery)
            return Appended()
        if normalised.outcome is Outcome.UNKNOWN:
            await self._keep_for_repair(delivery, verified.body)
            self._check_running()  # it may have ended meanwhile, and then nobody would ever look into the queue
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(
            delivery=delivery,
            record=self._codec.encode(delivery),
            done=done,
        )
        self._in_flight += 1
        self._to_archive.put_nowait(waiting)
        # A client that hangs up cancels its own wait, never the delivery: that is in the queue.
        return await done

    def refused(self, *, channel: str, reason: str) -> None:
        """Count a delivery that was turned away; nothing of it is kept."""
        self.outcomes[channel, Outcome.REFUSED] += 1
        self._count(
            AcceptedDelivery(
                delivery_uid=self._ids.new(),
                received_at=self._clock.now(),
                channel=channel,
                source=Source.JIRA if channel == "jira" else Source.GITHUB,
                outcome=Outcome.REFUSED,
                reason=reason,
            )
        )

    def _check_running(self) -> None:
        if not self._tasks:
            raise Unavailable("The platform is ending; send the delivery again")

    def _resolve(self, waiting: _Waiting, appended: Appended) -> None:
        if (done := self._over(waiting)) is not None:
            done.set_result(appended)

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if (done := self._over(waiting)) is not None:
            done.set_exception(error)
            done.exception()  # whoever waited may be gone; what failed was logged where it failed

    def _over(self, waiting: _Waiting) -> asyncio.Future[Appended] | None:
        """Note that a delivery is on its way no longer; return where somebody waits to hear of it."""
        if waiting.is_over:
            return None
        waiting.is_over = True
        self._in_flight -= 1
        done = waiting.done
        return None if done is None or done.done() else done

    def _delivery(self, verified: Verified, normalised: Normalised, *, channel: str) -> AcceptedDelivery:
        return AcceptedDelivery(
            delivery_uid=self._ids.new(),
            received_at=self._clock.now(),
            channel=channel,
            source=verified.source,
            outcome=normalised.outcome,
            kind=verified.kind,
            delivery_id=verified.delivery_id,
            reason=normalised.reason,
            facts=normalised.facts,
        )

    async def _keep_for_repair(self, delivery: AcceptedDelivery, body: bytes) -> None:
        sealed = self._sealer.seal(body, associated=delivery.delivery_uid.bytes)
        await asyncio.to_thread(self._repair_box.put, delivery.delivery_uid, sealed)

    def _count(self, delivery: AcceptedDelivery) -> None:
        """Let the store count a delivery; while it is away, that count is lost and nothing else."""
        if not self._behind:
            self._in_flight += 1
            self._to_store.put_nowait(_Waiting(delivery=delivery, record=None))

    async def _archive_stage(self) -> None:
        while True:
            await self._keep(await _whatever_waits(self._to_archive))

    async def _keep(self, batch: Sequence[_Waiting]) -> None:
        try:
            positions = await self._archive.append([waiting.record or b"" for waiting in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Unavailable):
                # One record that the archive refuses must not keep the others out.
                for waiting in batch:
                    await self._keep([waiting])
                return
            log.error("archive_append_failed", deliveries=len(batch), reason=str(error))
            for waiting in batch:
                self._fail(waiting, error)
            return
        for waiting, position in zip(batch, positions, strict=True):
            waiting.position = position
            self._settling.keep(position)
            self._hand_on(waiting, position)
        self._archived.set()

    def _hand_on(self, waiting: _Waiting, position: Position) -> None:
        # Catching up may have read the record before its append was heard of here: it must not be counted twice.
        if self._behind or self._settling.has(position):
            self._resolve(waiting, _all_of(waiting.delivery))
        else:
            self._to_store.put_nowait(waiting)

    async def _store_stage(self) -> None:
        while True:
            batch = await self._company()
            try:
                await self._write(batch)
            except Unavailable as error:
                log.warning("event_store_away", reason=str(error))
                self._let_go(batch)
                await self._draining.catch_up()
                # Nothing has run since it looked last, so no delivery can fall between the two ways.
                self._behind = False
                log.info("event_store_back")

    async def _company(self) -> list[_Waiting]:
        """Take what is to be stored next: one that is under way alone at once, else half of all, if that is soon."""
        batch = await _whatever_waits(self._to_store)
        with suppress(TimeoutError):
            async with asyncio.timeout(COMPANY_SECONDS):
                while 2 * len(batch) < min(self._in_flight, MAX_BATCH):
                    self._archived.clear()
                    await self._archived.wait()
                    _fill(batch, self._to_store)
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        positions = _last_positions(waiting.position for waiting in batch if waiting.position)
        try:
            results = await self._settling.write([waiting.delivery for waiting in batch], positions)
        except Unavailable:
            raise
        except Exception:
            # One delivery that the store cannot take must not keep the others out; it is in the archive.
            log.exception("append_failed", deliveries=len(batch))
            for waiting in batch:
                at = [waiting.position] if waiting.position else []
                self._resolve(waiting, await self._settling.write_or_set_aside(waiting.delivery, at))
            return
        for waiting, appended in zip(batch, results, strict=True):
            self._resolve(waiting, appended)

    def _let_go(self, batch: Sequence[_Waiting]) -> None:
        self._behind = True
        for waiting in (*batch, *_drained(self._to_store)):
            self._resolve(waiting, _all_of(waiting.delivery))


async def _whatever_waits(queue: asyncio.Queue[_Waiting]) -> list[_Waiting]:
    batch = [await queue.get()]
    _fill(batch, queue)
    return batch


def _fill(batch: list[_Waiting], queue: asyncio.Queue[_Waiting]) -> None:
    while len(batch) < MAX_BATCH and not queue.empty():
        batch.append(queue.get_nowait())


def _drained(queue: asyncio.Queue[_Waiting]) -> list[_Waiting]:
    waiting = []
    while not queue.empty():
        waiting.append(queue.get_nowait())
    return waiting


def _last_positions(positions: Iterable[Position]) -> list[Position]:
    last: dict[str, int] = {}
    for position in positions:
        last[position.segment] = max(position.record, last.get(position.segment, 0))
    return [Position(segment=segment, record=record) for segment, record in last.items()]


def _all_of(delivery: AcceptedDelivery) -> Appended:
    return Appended(accepted=len(delivery.facts.events) + len(delivery.facts.pulses))
