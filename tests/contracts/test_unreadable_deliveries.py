"""Every store takes what draining and odd senders give it, so that neither can keep other deliveries out."""

from __future__ import annotations

import pytest

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive
from dpp.application.counting import MAX_KIND
from dpp.application.draining import Draining
from dpp.application.settling import Settling
from dpp.domain.events import Outcome
from tests.contracts.stores import Platform, delivery
from tests.support.access import HandClock
from tests.support.intake import UNREADABLE, Box

pytestmark = pytest.mark.anyio


async def test_records_that_cannot_be_read_are_counted(platform: Platform) -> None:
    """Records that are no deliveries are counted and shown once each, and the drain gets past them."""
    archive, codec = MemoryArchive(), JsonDeliveryCodec()
    settling = Settling(store=platform.events, repair_box=Box())
    draining = Draining(archive=archive, store=platform.events, codec=codec, clock=HandClock(), settling=settling)
    positions = await archive.append([UNREADABLE, codec.encode(delivery(kind="sound")), UNREADABLE])
    settling.keep(positions[-1])
    await draining.catch_up()
    segment = positions[-1].segment
    reason = f"a record of the archive is no delivery (segment {segment})"
    assert {
        ("archive", "unknown", "", reason): (2, 0, 0),
        ("jira", "understood", "sound", ""): (1, 0, 0),
    } == await platform.inside.intake()
    assert [("archive", reason)] * 2 == [(row.channel, row.reason) for row in await platform.events.dead_letters()]
    assert {segment: 3} == await platform.events.settled()


@pytest.mark.parametrize(("kind", "stored"), [("a\0b", "ab"), ("".join(map(chr, range(300, 9300))), None)])
async def test_a_kind_of_any_shape_is_stored(platform: Platform, kind: str, stored: str | None) -> None:
    """A kind that no key of a database takes is cut to one that it does."""
    settling = Settling(store=platform.events, repair_box=Box())
    await settling.write([delivery(kind=kind, outcome=Outcome.UNKNOWN, reason="odd")])
    expected = stored or kind[:MAX_KIND]
    assert {("jira", "unknown", expected, "odd"): (1, 0, 0)} == await platform.inside.intake()
    assert [expected] == [row.kind for row in await platform.events.dead_letters()]
