"""Derived rows anew from the events, while events come in (§7.5, decision 0003)."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dpp.application.derivation import DerivationStore, Derive
from dpp.application.stale import StaleKey, StaleKind

#: Entries in one transaction: many, so that their histories are read at one go; few enough to fit into memory.
BATCH = 20_000


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
) -> Rebuilt:
    """
    Derive everything of some kinds again; rows of things whose events are gone are removed.

    It ends when nothing is left that this worker could take; things that another worker is at are left to it.

    Args:
        store: of the queue and the rows.
        derive: calculates the rows.
        kinds: what is to be derived again.
        progress: told after each batch.
        batch: entries in one transaction.

    Raises:
        Unavailable: the store does not answer; what was marked stays marked, and workers go on.
    """
    total = sum([await store.mark_all(kind) for kind in kinds])
    derived = 0
    failed: dict[StaleKey, str] = {}
    progress(Progress(derived=derived, total=total))
    while True:
        with _collector_paused():
            result = await store.derive_stale(derive, limit=batch, skip=failed.keys())
        failed.update(result.failed)
        derived += result.derived
        if not result.entries and not result.failed:
            return Rebuilt(derived=derived, failed=failed)
        progress(Progress(derived=derived, total=max(total, derived)))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Look for no garbage meanwhile: a batch makes a million objects in no cycles, and looking at them again and again
    would take a third of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
