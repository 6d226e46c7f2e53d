"""History that was asked for is archived and stored like a delivery, by a process that may do nothing else."""

from __future__ import annotations

import asyncio

import pytest

from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import Appended
from dpp.application.taking_in import TakingIn
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Facts
from tests.unit.application.test_doors import House, incident


def page(facts: Facts) -> HistoryPage:
    """Return a page with these facts."""
    return HistoryPage(facts=facts, cursor=None, things=1)


FACTS = incident("shop").facts


def test_a_page_is_archived_and_stored_through_a_door_of_its_own() -> None:
    """The intake begins with the first page and ends with the process; a second reading of a page adds nothing."""

    async def story() -> tuple[list[Appended], dict[tuple[str, str], int], bool, bool]:
        house = House()
        await house.configuration.refresh()
        taking = TakingIn(intake=house.intake)
        empty = await taking("jira", page(Facts()))
        begun = house.intake.is_running
        told = [empty, await taking("jira", page(FACTS)), await taking("jira", page(FACTS))]
        await taking.end()
        return told, house.store.counted("jira_history"), begun, house.intake.is_running

    told, counted, begun, runs = asyncio.run(story())
    assert [Appended(), Appended(accepted=1), Appended(duplicates=1)] == told
    assert {("understood", ""): 2} == counted
    assert (False, False) == (begun, runs)


def test_an_intake_of_somebody_else_is_left_running() -> None:
    """Who has not begun it does not end it."""

    async def story() -> bool:
        house = House()
        await house.configuration.refresh()
        await house.intake.start()
        try:
            taking = TakingIn(intake=house.intake)
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
        await TakingIn(intake=house.intake)("gitlab", page(FACTS))

    with pytest.raises(InvalidInput, match="gitlab"):
        asyncio.run(story())
