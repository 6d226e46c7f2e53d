"""The API's histories give what the webhooks gave (A change is one event, by whichever way it comes)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.adapters.jira.backfill import JiraHistory
from dpp.adapters.simulation.jira_api import Style
from dpp.application.backfill import HistoryPage
from dpp.application.deliveries import AcceptedDelivery
from dpp.domain.events import Event, Facts, SprintFact
from tests.contracts.stores import delivery
from tests.support.derived_stores import MemoryStores, Tables
from tests.support.simulated_jira import configuration, heard, organisation, wired

DERIVED = ("work_items", "work_item_stays", "work_item_attributions", "work_item_cycles", "superseded_cycles")


def told(style: Style, *, page_size: int = 50, inline_changes: int = 40) -> list[HistoryPage]:
    """Return every page of every project's history."""
    history = JiraHistory(
        source=wired(style, page_size=page_size, inline_changes=inline_changes).source, configuration=configuration
    )

    async def read() -> list[HistoryPage]:
        pages = []
        for project in history.organisations():
            cursor: str | None = None
            while True:
                pages.append(await history.page(project, cursor=cursor))
                cursor = pages[-1].cursor
                if cursor is None:
                    break
        return pages

    return asyncio.run(read())


def by_change(parts: Iterable[Facts]) -> dict[object, Event]:
    """Return events by the change that they tell."""
    return {(event.kind, event.change_identity): event for part in parts for event in part.events}


@pytest.mark.parametrize(("style", "inline"), [("cloud", 40), ("cloud", 2), ("datacenter", 40)])
def test_history_tells_the_events_that_webhooks_told(style: Style, inline: int) -> None:
    """Each change of each ticket, also of those with more changes than a page holds, is the very event of its webhook.

    One thing alone differs: a parent that was moved to another project since goes by the key that it has now.
    """
    pages = told(style, inline_changes=inline, page_size=7)
    assert not [reason for page in pages for reason in page.unreadable]
    by_webhook, by_api = by_change(heard()), by_change(page.facts for page in pages)
    assert by_webhook.keys() == by_api.keys()
    assert [] == [key for key in by_webhook if _but_parent(by_webhook[key]) != _but_parent(by_api[key])]


def _but_parent(event: Any) -> Any:
    if event.kind == "defect":
        return replace(event, linked_work_item_id=None)
    return replace(event, fields=replace(event.fields, parent_ticket_id=None)) if event.fields else event


async def _rows(parts: Sequence[Facts]) -> tuple[MemoryStores, Tables]:
    stores = MemoryStores()
    await stores.configure(configuration())
    await stores.append([_delivery(part) for part in parts])
    await stores.drain()
    return stores, await stores.rows()


def _delivery(facts: Facts) -> AcceptedDelivery:
    return delivery(facts)


def _but_parents(rows: Tables) -> dict[str, list[dict[str, Any]]]:
    return {name: [{**row, "parent_ticket_id": None} for row in rows[name]] for name in DERIVED}


def test_a_backfill_gives_the_derived_tables_of_the_webhooks() -> None:
    """The rows of tickets are the same, but for the key of a parent that was moved since."""
    _, by_webhook = asyncio.run(_rows(list(heard())))
    _, by_api = asyncio.run(_rows([page.facts for page in told("cloud")]))
    assert _but_parents(by_webhook) == _but_parents(by_api)
    assert len(by_webhook["work_item_cycles"]) > 20


def test_a_backfill_knows_every_sprint_of_the_boards() -> None:
    """Sprints of closed boards too, with the state that they are in now; the closed ones as of their closing."""
    stores, _ = asyncio.run(_rows([page.facts for page in told("cloud")]))
    states = [fact.state for fact in stores.database.sprints.values() if fact is not None]
    assert {"active", "closed", "future"} == set(states)
    assert 3 == states.count("active")
    closed = [fact for fact in stores.database.sprints.values() if fact is not None and fact.state == "closed"]
    assert all(fact.event_timestamp < organisation().end for fact in closed)
    assert all(fact.end_date == fact.event_timestamp.date() for fact in closed)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32), later=st.sampled_from([0, 700]))
def test_whichever_comes_first_there_is_one_event(seed: int, later: int) -> None:
    """Webhooks and pages of history in any order and mixture leave one and the same event for each change.

    Also where the history tells the time of a change by some hundred milliseconds otherwise.
    """
    lately = organisation().end - timedelta(days=30)
    parts = [part for part in heard() if all(event.event_timestamp < lately for event in part.events)]
    issues = {event.item for part in parts for event in part.work_items}
    pages = [_of(page.facts, issues, lately, timedelta(milliseconds=later)) for page in told("cloud")]
    one, two = [*parts, *pages], [*pages, *parts]
    random.Random(seed).shuffle(two)

    async def tables(order: Sequence[Facts]) -> dict[str, dict[object, object]]:
        stores = MemoryStores()
        await stores.configure(configuration())
        for start in range(0, len(order), 40):
            await stores.append([_delivery(part) for part in order[start : start + 40]])
        return {
            table: {row.change_key: row.event for row in rows} for table, rows in stores.database.events.items() if rows
        }

    first, second = asyncio.run(tables(one)), asyncio.run(tables(two))
    assert first == second
    assert len(by_change(parts)) == sum(map(len, first.values()))


def _of(facts: Facts, issues: set[str], before: datetime, later: timedelta) -> Facts:
    kept: dict[str, tuple[Any, ...]] = {
        name: tuple(
            replace(event, event_timestamp=event.event_timestamp + later)
            for event in getattr(facts, name)
            if event.item in issues and event.event_timestamp < before
        )
        for name in ("work_items", "defects")
    }
    return Facts(**kept)


def test_nobody_is_named() -> None:
    """Neither names nor addresses nor account ids of anybody are in what the history tells."""
    text = repr([page.facts for page in told("cloud")])
    for person in organisation().people:
        assert person.name not in text
        assert person.email not in text
        assert person.account_id not in text


def test_sprints_are_told_first() -> None:
    """The first page of a project has its sprints and no ticket."""
    first = told("datacenter")[0]
    assert 0 == first.things
    assert all(isinstance(fact, SprintFact) for fact in first.facts.sprints)
    assert first.facts.sprints
