"""A preview of what other meanings of statuses would do says what applying them then does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from dpp.adapters.memory.derivations import MemoryDerivationStore
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.adapters.memory.ticket_histories import MemoryTicketHistories
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.mapping_preview import MappingPreview, MappingPreviews, PreviewedFigures
from dpp.application.queries import Queries
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration
from dpp.domain.figures import Figure
from dpp.domain.stages import Stage, StatusMapping
from tests.support.derivation import (
    CONFIGURATION,
    DERIVE,
    LOGISTICS,
    PAYMENTS,
    STATUSES,
    at,
    delivery,
    finished_ticket,
    ticket_event,
)
from tests.support.derived_stores import MemoryStores
from tests.support.happenings import Happening, happenings

LATER = at(24 * 60)


def _view(moment: float = 24 * 60, **streams: UUID) -> View:
    return View(scope=StreamScope.everything(), as_of=at(moment), is_live=True, **streams)


async def _platform(deliveries: Sequence[AcceptedDelivery], configuration: Configuration) -> MemoryStores:
    stores = MemoryStores()
    await stores.configure(configuration)
    await stores.append(deliveries)
    await stores.drain()
    return stores


async def _previewed(stores: MemoryStores, after: Configuration, view: View) -> MappingPreview:
    assert isinstance(stores.derivations, MemoryDerivationStore)
    previews = MappingPreviews(
        histories=MemoryTicketHistories(database=stores.database, derivations=stores.derivations),
        derive=DERIVE,
        reader=MemoryMetricsReader(database=stores.database, tables=stores.tables),
    )
    return await previews.preview(view, before=await stores.configurations.load(), after=after)


async def _asked(stores: MemoryStores, view: View) -> PreviewedFigures:
    """Return the same figures by the way that pages and scripts get them."""
    queries = Queries(reader=MemoryMetricsReader(database=stores.database, tables=stores.tables))
    realtime = await queries.realtime(view, window_days=90)
    diagnostic = await queries.diagnostic(view, window_days=90)
    return PreviewedFigures(
        stages=realtime.stages,
        cycle_times={name: _bare(figure) for name, figure in realtime.cycle_times.items()},
        flow_efficiency=_bare(diagnostic.flow_efficiency),
    )


def _bare(figure: Figure) -> Figure:
    return Figure(value=figure.value, unit=figure.unit, sample_size=figure.sample_size)


def _mapped(*rows: tuple[str, Stage, bool], project: str = "PAY") -> Configuration:
    others = [row for row in CONFIGURATION.status_mappings if row.project != project]
    return replace(
        CONFIGURATION,
        status_mappings=(
            *others,
            *(
                StatusMapping(project=project, status=status, stage=stage, active=active)
                for status, stage, active in rows
            ),
        ),
    )


_rows = st.lists(
    st.tuples(st.sampled_from([status for status, *_ in STATUSES]), st.sampled_from(Stage), st.booleans()),
    unique_by=lambda row: row[0],
)


@settings(max_examples=50, deadline=None)
@given(happenings(), st.sampled_from(["PAY", "LOG"]), _rows, _rows, st.integers(0, 24 * 40))
def test_a_preview_is_what_applying_gives(
    happening: Happening,
    project: str,
    before: list[tuple[str, Stage, bool]],
    after: list[tuple[str, Stage, bool]],
    hour: int,
) -> None:
    """For any deliveries, mappings and moment: before is what figures are, after what they are once it is applied."""
    was, becomes = _mapped(*before, project=project), _mapped(*after, project=project)

    async def compare() -> None:
        stores = await _platform(happening.told, was)
        found = await _previewed(stores, becomes, _view(hour))
        views = {None: _view(hour)} | {
            one.delivery_stream_id: _view(hour, delivery_stream_id=one.delivery_stream_id)
            for one in found.streams
            if one.delivery_stream_id is not None
        }
        wholes = {None: found.whole} | {one.delivery_stream_id: one for one in found.streams}
        for stream, view in views.items():
            assert await _asked(stores, view) == wholes[stream].before
        rows_before = await stores.rows()
        await stores.configure(becomes)
        await stores.drain()
        for stream, view in views.items():
            assert await _asked(stores, view) == wholes[stream].after
        if not (found.moved or found.cycles_changed):
            assert found.whole.before == found.whole.after
        if rows_before == await stores.rows():
            assert (0, 0, ()) == (found.moved, found.cycles_changed, found.streams)

    asyncio.run(compare())


def test_a_preview_counts_what_changes() -> None:
    """Of three tickets the waiting one becomes active and the finished one spends its wait as work."""
    tickets = [
        *finished_ticket(number=1),
        *finished_ticket(number=2)[:3],
        *finished_ticket(number=3, project="LOG"),
    ]
    after = _mapped(*(row if row[0] != "Waiting for QA" else ("Waiting for QA", Stage.QA, True) for row in STATUSES))

    async def story() -> None:
        stores = await _platform([delivery(*tickets)], CONFIGURATION)
        rows = await stores.rows()
        found = await _previewed(stores, after, _view())
        assert (2, 1, 1, 90) == (found.tickets, found.moved, found.cycles_changed, found.window_days)
        assert [PAYMENTS] == [one.delivery_stream_id for one in found.streams]
        [pay] = found.streams
        assert (0, 1) == (pay.before.stages.stages[Stage.QA].active, pay.after.stages.stages[Stage.QA].active)
        # 36 hours of cycle: 24 + 6 of them active before, all of them after; the calendar has no nights.
        assert (30 / 36 * 100, 100.0) == (pay.before.flow_efficiency.value, pay.after.flow_efficiency.value)
        assert (1.5, 1.5) == (
            pay.before.cycle_times["cycle_time_p85"].value,
            pay.after.cycle_times["cycle_time_p85"].value,
        )
        assert 2 == found.whole.after.flow_efficiency.sample_size
        assert rows == await stores.rows()

    asyncio.run(story())


def test_a_preview_tells_of_nothing_beyond_the_view() -> None:
    """Who leads one stream sees a preview that tickets of another one have no part in."""
    own = [*finished_ticket(number=1)]
    foreign = [
        ticket_event(event.event_type, 1, key="PAY-9", issue="9", status=event.to_status, change=event.source_change_id)
        for event in finished_ticket(number=9, project="LOG")[:1]
    ]
    view = View(scope=StreamScope(delivery_streams=frozenset({LOGISTICS})), as_of=LATER, is_live=True)
    after = _mapped(("Open", Stage.DEV, True))

    async def story() -> None:
        found = await _previewed(await _platform([delivery(*own, *foreign)], CONFIGURATION), after, view)
        assert (0, 0, 0, ()) == (found.tickets, found.moved, found.cycles_changed, found.streams)
        assert 0 == found.whole.after.stages.unfinished

    asyncio.run(story())
