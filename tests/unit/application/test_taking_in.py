"""History that was asked for is archived and stored like a delivery, by a process that may do nothing else."""

from __future__ import annotations

import asyncio

import pytest

from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.taking_in import TakingIn
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Event, Facts
from tests.contracts.stores import moved_to, reviewed
from tests.unit.application.test_doors import House, incident


def page(facts: Facts) -> HistoryPage:
    """Return a page with these facts."""
    return HistoryPage(facts=facts, cursor=None, things=1)


FACTS = incident("shop").facts


def _archived(house: House) -> int:
    return sum(segment.records or 0 for segment in house.archive.segments())


def test_a_page_is_archived_and_stored_through_a_door_of_its_own() -> None:
    """The intake begins with the first page and ends with the process; a second reading of a page is not archived."""

    async def story() -> tuple[list[Appended], dict[tuple[str, str], int], int, bool, bool]:
        house = House()
        await house.configuration.refresh()
        taking = TakingIn(intake=house.intake, store=house.store)
        empty = await taking("jira", page(Facts()))
        begun = house.intake.is_running
        told = [empty, await taking("jira", page(FACTS)), await taking("jira", page(FACTS))]
        await taking.end()
        archived = _archived(house)
        return told, house.store.counted("jira_history"), archived, begun, house.intake.is_running

    told, counted, archived, begun, runs = asyncio.run(story())
    assert [Appended(), Appended(accepted=1), Appended(duplicates=1)] == told
    assert ({("understood", ""): 1}, 1) == (counted, archived)
    assert (False, False) == (begun, runs)


def test_a_ticket_is_taken_in_as_a_whole_or_not_at_all() -> None:
    """Of a ticket with something new all is taken in again, of another one nothing, and of the rest what is new."""
    known = Facts(
        work_items=(moved_to("In Dev", change="1"), moved_to("In Dev", ticket="PAY-2", issue="102", change="2")),
        pull_requests=(reviewed(source_change_id="7"),),
    )
    more = Facts(
        work_items=(*known.work_items, moved_to("Done", after=5, change="3")),
        pull_requests=(*known.pull_requests, reviewed(source_change_id="8")),
    )

    async def story() -> list[Appended]:
        house = House()
        await house.configuration.refresh()
        taking = TakingIn(intake=house.intake, store=house.store)
        told = [await taking("jira", page(known)), await taking("jira", page(more))]
        await taking.end()
        taken.extend(house.store.batches[-1].deliveries[0].facts.events)
        return told

    taken: list[Event] = []
    assert [Appended(accepted=3), Appended(accepted=2, duplicates=3)] == asyncio.run(story())
    assert [*more.work_items[::2], more.pull_requests[1]] == taken


def test_while_the_store_is_away_everything_is_archived() -> None:
    """Nobody can say then what is held; the archive takes it, and the answer counts it as accepted."""

    async def story() -> Appended:
        house = House()
        await house.configuration.refresh()
        house.database.available = False
        taking = TakingIn(intake=house.intake, store=house.store)
        told = await taking("jira", page(FACTS))
        assert 1 == _archived(house)
        await taking.end()
        return told

    assert Appended(accepted=1) == asyncio.run(story())


def test_an_intake_of_somebody_else_is_left_running() -> None:
    """Who has not begun it does not end it."""

    async def story() -> bool:
        house = House()
        await house.configuration.refresh()
        await house.intake.start()
        try:
            taking = TakingIn(intake=house.intake, store=house.store)
            await taking("jira", page(FACTS))
            await taking.end()
            return house.intake.is_running
        finally:
            await house.intake.stop()

    assert asyncio.run(story())


def test_facts_have_a_known_source() -> None:
    """A name that is no source of facts is refused before anything is written."""

    async def story() -> None:
        house = House()
        await TakingIn(intake=house.intake, store=house.store)("gitlab", page(FACTS))

    with pytest.raises(InvalidInput, match="gitlab"):
        asyncio.run(story())
