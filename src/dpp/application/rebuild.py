"""Derived rows anew from the events, while events come in (§7.5, decision 0003)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from dpp.application.collector import collector_paused
from dpp.application.derivation import DerivationStore, Derive
from dpp.application.stale import StaleKey, StaleKind

#: Entries in one transaction: many, so that their histories are read at one go; few enough to fit into memory.
BATCH = 20_000

#: One thing makes another stale, and that a third: from a ticket by its pull request to a deployment, an incident, and
#: back to the deployment. What is stale after so many steps is so by what came in meanwhile.
GENERATIONS = 8

#: Other workers need about so long for a batch.
OTHERS_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rebuild is: things derived, of how many; more may come in meanwhile."""

    derived: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to."""

    derived: int
    failed: dict[StaleKey, str]


async def rebuild(
    store: DerivationStore,
    derive: Derive,
    *,
    kinds: Sequence[StaleKind] = tuple(StaleKind),
    progress: Callable[[Progress], None] = lambda _: None,
    batch: int = BATCH,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Rebuilt:
    """
    Derive everything of some kinds again; rows of things whose events are gone are removed.

    It ends when everything that was there at the beginning is derived, by whichever worker, with whatever that made
    stale and so on; unless ever more comes in, when nothing else is left to do.

    Args:
        store: of the queue and the rows.
        derive: calculates the rows.
        kinds: what is to be derived again.
        progress: told after each batch.
        batch: entries in one transaction.
        sleep: waits for so many seconds, while other workers are at the rest.

    Raises:
        Unavailable: the store does not answer; what was marked stays marked, and workers go on.
    """
    marks = [await store.mark_all(kind) for kind in kinds]
    total, last = sum(mark.things for mark in marks), max((mark.last_entry for mark in marks), default=0)
    derived, generation = 0, 1
    failed: dict[StaleKey, str] = {}
    while True:
        progress(Progress(derived=derived, total=max(total, derived)))
        with collector_paused():
            result = await store.derive_stale(derive, limit=batch, skip=failed.keys())
        failed.update(result.failed)
        derived += result.derived
        is_idle = not result.entries and not result.failed
        if (is_idle or derived >= total) and not (await store.pending(up_to=last, skip=failed.keys())).entries:
            rest = await store.pending(skip=failed.keys())
            if not rest.entries or generation == GENERATIONS:
                progress(Progress(derived=derived, total=max(total, derived)))
                return Rebuilt(derived=derived, failed=failed)
            # What was made stale meanwhile, by the rebuild or by intake, is another generation.
            last, generation = rest.last_entry, generation + 1
        if is_idle:
            await sleep(OTHERS_SECONDS)
