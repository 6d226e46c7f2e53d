"""Figures of a view do not depend on anything that the view does not show, whatever that is."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.application.readers import MetricsReader
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from tests.support.reading import MemoryReading, Ticket, at, micros, pull_request, view

T = TypeVar("T")

DELIVERY = tuple(UUID(int=number) for number in (1, 2, 3))
TECH = tuple(UUID(int=number) for number in (11, 12))
REPOSITORY = UUID(int=99)
PLACES = (("backlog", False), ("dev", True), ("qa", False), ("unmapped", False), ("done", False), ("cancelled", False))
LONG = Window(start=at(-1), end=at(100))

hours = st.integers(0, 40).map(float)
deliveries = st.sampled_from((None, *DELIVERY))
tech_sets = st.sampled_from(((), TECH[:1], TECH[1:], TECH))


@st.composite
def tickets(draw: st.DrawFn, *, number: int) -> Ticket:
    """Draw a ticket that changes streams and places at random, and was completed or not."""
    changes = draw(st.lists(hours, unique=True, min_size=1, max_size=3).map(sorted))
    moves = draw(st.lists(hours, unique=True, min_size=1, max_size=3).map(sorted))
    done = draw(st.lists(hours, unique=True, max_size=3).map(sorted))
    # A completion is taken back just before the next one.
    ends = [*(later - 0.5 for later in done[1:]), draw(st.sampled_from((None, 41.0)))] if done else []
    first = min(changes[0], moves[0], *(done or [40.0]))
    return Ticket(
        str(number),
        streams=[
            (first if at_ == changes[0] else at_, f"K-{number}", draw(deliveries), draw(tech_sets)) for at_ in changes
        ],
        stays=[(at_, *draw(st.sampled_from(PLACES))) for at_ in moves],
        cycles=[
            (completed, end, draw(st.sampled_from((None, 0.5, 2.0))), None, {"dev": 0.25})
            for completed, end in zip(done, ends, strict=True)
        ],
    )


worlds = st.integers(0, 6).flatmap(lambda count: st.tuples(*(tickets(number=number) for number in range(count))))
scopes = st.builds(
    StreamScope,
    delivery_streams=st.frozensets(st.sampled_from(DELIVERY)),
    tech_streams=st.frozensets(st.sampled_from(TECH)),
) | st.just(StreamScope.everything())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run something to its end."""
    return asyncio.run(coroutine)


async def everything(reader: MetricsReader, looking: View) -> tuple[object, ...]:
    """Return all that a view shows, in a form that compares."""
    cycles = await reader.cycles(looking, window=LONG)
    return (
        sorted(await reader.wip(looking)),
        list(cycles.ticket_ids),
        cycles.completed_at.tolist(),
        [None if days != days else days for days in cycles.cycle_days.tolist()],  # noqa: PLR0124 - nan
        list(await reader.label_times(looking, window=LONG)),
        dict(await reader.quality(looking)),
    )


async def store(*rows: Ticket, pull_requests: bool = True) -> MemoryReading:
    """Return a store with these tickets, and a linked pull request for each."""
    reading = MemoryReading()
    linked = [
        pull_request(
            REPOSITORY,
            int(row.issue_id),
            linked_ticket_id=row.work_item.ticket_id,
            delivery_stream_id=row.work_item.delivery_stream_id,
            tech_stream_id=next(iter(row.work_item.tech_stream_ids), None),
        )
        for row in rows
    ]
    await reading.put(*rows, pull_requests=linked if pull_requests else ())
    return reading


def was_ever_shown(row: Ticket, looking: View) -> bool:
    """Whether a ticket belonged at any time to what a view shows."""
    return any(looking.shows(delivery_stream_id=delivery, tech_stream_ids=tech) for _, _, delivery, tech in row.streams)


@settings(max_examples=50, deadline=None)
@given(
    world=worlds,
    scope=scopes,
    moment=hours,
    delivery=st.none() | st.sampled_from(DELIVERY),
    tech=st.none() | st.sampled_from(TECH),
)
def test_what_a_view_does_not_show_changes_nothing_in_it(
    world: tuple[Ticket, ...], scope: StreamScope, moment: float, delivery: UUID | None, tech: UUID | None
) -> None:
    """A store without the tickets that a view never shows gives the same rows as one with them."""
    looking = View(scope=scope, as_of=at(moment), delivery_stream_id=delivery, tech_stream_id=tech)

    async def compare() -> None:
        whole = await store(*world)
        shown = await store(*(row for row in world if was_ever_shown(row, looking)))
        assert await everything(shown.metrics, looking) == await everything(whole.metrics, looking)

    run(compare())


@settings(max_examples=40, deadline=None)
@given(world=worlds, moment=hours)
def test_delivery_streams_and_what_has_none_make_up_the_whole(world: tuple[Ticket, ...], moment: float) -> None:
    """Every ticket is in one delivery stream or in none, so the parts add up to all."""

    async def compare() -> None:
        reader = (await store(*world)).metrics
        whole = sum(row.tickets for row in await reader.wip(view(moment)))
        parts = [
            sum(row.tickets for row in await reader.wip(view(moment, delivery_stream_id=stream))) for stream in DELIVERY
        ]
        unassigned = sum(
            1
            for row in world
            for stay in row.stay_rows
            for held in row.attribution_rows
            if stay.entered_at <= micros(moment) < stay.left_at
            and held.valid_from <= micros(moment) < held.valid_to
            and held.delivery_stream_id is None
            and stay.stage not in ("done", "cancelled")
        )
        assert whole == sum(parts) + unassigned
        every = StreamScope(delivery_streams=frozenset(DELIVERY))
        assert sum(parts) == sum(row.tickets for row in await reader.wip(view(moment, scope=every)))

    run(compare())
