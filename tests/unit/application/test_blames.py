"""Verdicts that cannot be taken down."""

from uuid import UUID

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.verdicts import MemoryVerdicts
from dpp.application.blames import Blames
from dpp.domain.access import Grant, Role, user_principal
from dpp.domain.errors import InvalidInput
from tests.support.access import CountedIds, HandClock
from tests.support.delivering import Incident, deliver, delivery_reader, deployment, record
from tests.support.reading import MemoryReading, at, view

pytestmark = pytest.mark.anyio

ADMIN = user_principal(user_id=UUID(int=9), name="Lee", grants=[Grant(role=Role.PLATFORM_ADMIN)])


async def blames_of(store: MemoryReading) -> Blames:
    """Return blames over a store with one incident, blamed on one deployment."""
    outage = Incident("i", 2, blames=(("a", "blamed", 2, None),))
    await deliver(store, deployments=[deployment("a", 1)], incidents=[outage])
    verdicts = MemoryVerdicts(database=store.database, log=MemoryAccessStore())
    return Blames(reader=delivery_reader(store), verdicts=verdicts, clock=HandClock(at(10)), ids=CountedIds())


@pytest.mark.parametrize(
    ("verdict", "reason"), [("guilty", None), ("confirmed", "x" * 1001), ("rejected", "a\x00b"), ("confirmed", "\x1b")]
)
async def test_a_verdict_has_its_words(verdict: str, reason: str | None) -> None:
    """Another verdict, too long a reason and control characters are refused, and nothing is kept."""
    store = MemoryReading()
    blames = await blames_of(store)
    with pytest.raises(InvalidInput):
        await blames.judge(ADMIN, incident_id="i", record_id=record("a"), verdict=verdict, reason=reason)
    assert [] == store.database.verdicts


async def test_a_reason_is_kept_without_the_people_in_it() -> None:
    """Addresses and mentions are taken out; a blank reason is none; the incident waits to be derived again."""
    store = MemoryReading()
    blames = await blames_of(store)
    for reason in ("ask ada@example.org", "  "):
        await blames.judge(ADMIN, incident_id="i", record_id=record("a"), verdict="confirmed", reason=reason)
    assert ["ask (removed)", None] == [row.reason for row in store.database.verdicts]
    assert ["i", "i"] == [entry.key.key for entry in store.database.stale]


async def test_incidents_are_those_that_began_in_the_window() -> None:
    """A window of one day back from hour 26 has the incident of hour 2, one back from hour 27 has not."""
    blames = await blames_of(MemoryReading())
    assert 1 == len((await blames.incidents(view(26), window_days=1)).incidents)
    assert 0 == len((await blames.incidents(view(26.5), window_days=1)).incidents)
    with pytest.raises(InvalidInput):
        await blames.incidents(view(26), window_days=0)
