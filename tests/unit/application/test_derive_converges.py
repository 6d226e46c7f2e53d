"""Decision 0003: derived rows depend on the set of facts alone, whatever the order of deliveries and derivations."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from dpp.application.rebuild import rebuild
from tests.support.derivation import DERIVE
from tests.support.derived_stores import MemoryStores, Tables
from tests.support.happenings import Happening, happenings, releases


async def _told_at_once(happening: Happening) -> Tables:
    found = MemoryStores()
    await found.configure()
    await found.append(happening.told)
    await found.drain()
    return await found.rows()


async def _heard(happening: Happening, *, limit: int) -> MemoryStores:
    found = MemoryStores()
    await found.configure()
    for batch in happening.batched():
        await found.append(batch)
        await found.derivations.derive_stale(DERIVE, limit=limit)
    await found.drain(limit=limit)
    return found


@given(happenings() | releases(), st.integers(1, 4))
def test_any_order_gives_the_same_rows(happening: Happening, limit: int) -> None:
    """Any order, repetition and batching of deliveries, with derivation in between, gives the same rows."""

    async def rows() -> tuple[Tables, Tables]:
        return await _told_at_once(happening), await (await _heard(happening, limit=limit)).rows()

    expected, found = asyncio.run(rows())
    assert expected == found


@given(happenings() | releases())
def test_rebuilding_changes_nothing(happening: Happening) -> None:
    """A rebuild comes to the rows that incremental derivation had produced."""

    async def rows() -> tuple[Tables, Tables]:
        found = await _heard(happening, limit=2)
        before = await found.rows()
        outcome = await rebuild(found.derivations, DERIVE, batch=3)
        assert not outcome.failed
        return before, await found.rows()

    before, after = asyncio.run(rows())
    assert before == after
