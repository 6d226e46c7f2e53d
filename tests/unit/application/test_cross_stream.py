"""Shared bottlenecks: who is impacted, how severely, and who may see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from dpp.adapters.memory.bottlenecks import MemoryCorrelations
from dpp.adapters.memory.database import MemoryDatabase
from dpp.application.bottleneck_ports import BottleneckReader, CorrelationRow, DependencyRow, FlagRow
from dpp.application.correlation import Correlation
from dpp.application.cross_stream import CrossStream, SprintConfidences
from dpp.application.cross_stream_answers import SharedBottlenecks
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.arrays import FloatArray
from dpp.domain.bottlenecks import BottleneckSeverity, SeverityRow
from dpp.domain.calendar import to_micros
from dpp.domain.events import WorkItemEventType
from dpp.domain.quality import ConfidenceLevel
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB
from tests.support.fake_reader import NOW, FakeReader

pytestmark = pytest.mark.anyio

T = WorkItemEventType
PAYMENTS_ONLY = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({CORE, WEB}))


def flag(
    issue: str,
    stream: UUID | None,
    blocking: UUID | None = None,
    *,
    days_ago: float = 1,
    kind: WorkItemEventType = T.BLOCKED,
    is_unfinished: bool = True,
) -> FlagRow:
    """Return a flag so many days ago."""
    at = to_micros(NOW - timedelta(days=days_ago))
    return FlagRow(issue, stream, is_unfinished, at, 0, kind, blocking)


@dataclass
class Rows(BottleneckReader):
    """Shows a view what it holds of that view's delivery streams."""

    rows: Sequence[FlagRow]
    days: Mapping[UUID, Sequence[float]] = field(default_factory=dict)
    touching: Sequence[DependencyRow] = ()
    asked: list[tuple[View, Window, set[UUID]]] = field(default_factory=list)

    async def flags(self, view: View, *, since: datetime) -> Sequence[FlagRow]:
        return [row for row in self.rows if view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=())]

    async def cycle_times(
        self, view: View, *, window: Window, delivery_streams: Collection[UUID]
    ) -> Mapping[UUID, FloatArray]:
        self.asked.append((view, window, set(delivery_streams)))
        return {stream: np.array(days) for stream, days in self.days.items() if stream in delivery_streams}

    async def dependencies(self, view: View) -> Sequence[DependencyRow]:
        return [
            row for row in self.touching if view.shows(delivery_stream_id=row.delivery_stream_id, tech_stream_ids=())
        ]


@dataclass
class Confidences(SprintConfidences):
    """Knows some, and who was asked for."""

    known: Mapping[UUID, float]
    asked: list[UUID | None] = field(default_factory=list)

    async def confidence_of(self, view: View) -> float | None:
        self.asked.append(view.delivery_stream_id)
        return None if view.delivery_stream_id is None else self.known.get(view.delivery_stream_id)


BLOCKS = (
    flag("1", PAYMENTS, CORE, days_ago=3),
    flag("1", PAYMENTS, days_ago=2, kind=T.UNBLOCKED),
    flag("2", PAYMENTS, CORE),
    flag("3", IDENTITY, CORE, is_unfinished=False),
    flag("4", IDENTITY, WEB, days_ago=13.9),
    flag("5", IDENTITY, WEB, days_ago=14.1),
    flag("6", None, WEB),
    flag("7", PAYMENTS, None),
)


async def assessed(
    reader: BottleneckReader,
    *,
    scope: StreamScope | None = None,
    confidences: SprintConfidences | None = None,
    severities: tuple[SeverityRow, ...] = ORGANISATION.severities,
    **asked: Any,
) -> SharedBottlenecks:
    """Return the bottlenecks of a view."""
    view = View(scope=scope or StreamScope.everything(), as_of=NOW, **asked)
    cross_stream = CrossStream(reader=reader, metrics=FakeReader(), confidences=confidences)
    return await cross_stream.bottlenecks(
        view, configuration=replace(ORGANISATION, severities=severities), window_days=30
    )


def told(found: SharedBottlenecks) -> list[tuple[str, list[str], int, str]]:
    """Return name, impacted streams, blocks and severity of each technology stream."""
    return [
        (row.tech_stream.name, [it.name for it in row.impacted], row.bottleneck.block_count, row.bottleneck.severity)
        for row in found.tech_streams
    ]


async def test_blocks_of_fourteen_days_are_put_down_to_technology_streams() -> None:
    """Core has blocked payments twice and identity once; of web's blocks one is too old, one of no stream."""
    found = await assessed(Rows(BLOCKS))
    assert [
        ("core", ["payments", "identity"], 3, "medium"),
        ("web", ["identity"], 2, "low"),
    ] == told(found)
    assert 1 == found.unnamed_block_count
    assert "core" == (found.root_cause and found.root_cause.tech_stream.name)
    assert (2.0, "severity", 5) == (found.figure.value, found.figure.unit, found.figure.sample_size)
    assert ConfidenceLevel.REDUCED == found.figure.confidence.level


async def test_actively_blocked_is_who_has_an_unfinished_ticket_with_its_flag_up() -> None:
    """Ticket 1 was freed, 3 is finished with its flag up: only payments is held up by core, by ticket 2."""
    core = (await assessed(Rows(BLOCKS))).tech_streams[0].bottleneck
    assert [(PAYMENTS, 2, 1), (IDENTITY, 1, 0)] == [
        (it.delivery_stream_id, it.block_count, it.blocked_tickets) for it in core.impacts
    ]


async def test_averages_are_over_the_impacted_streams_as_a_whole() -> None:
    """Confidences 50 and 70 average 60; p85 of 1 and 3 days is 2.7, of 5 days 5: 3.85 on average."""
    reader = Rows(BLOCKS, days={PAYMENTS: [1.0, 3.0], IDENTITY: [5.0]})
    confidences = Confidences({PAYMENTS: 50.0, IDENTITY: 70.0})
    core = (await assessed(reader, confidences=confidences)).tech_streams[0].bottleneck
    assert (60.0, "high") == (core.average_confidence, core.severity)
    assert 3.85 == pytest.approx(core.average_cycle_time_p85)
    ((view, window, streams),) = reader.asked
    assert {PAYMENTS, IDENTITY} == streams == set(confidences.asked)
    assert (None, None, NOW, NOW - timedelta(days=30)) == (
        view.delivery_stream_id,
        view.tech_stream_id,
        window.end,
        window.start,
    )


async def test_no_confidence_counts_as_good_and_is_said() -> None:
    """With nobody to ask, core is medium and assumed so; who impacts nobody assumes nothing."""
    found = await assessed(Rows(BLOCKS[:4]))
    assert [True, False] == [row.bottleneck.confidence_is_assumed for row in found.tech_streams]


async def test_the_severity_table_is_the_configured_one() -> None:
    """A single row makes every impact critical."""
    rows = (SeverityRow(severity=BottleneckSeverity.CRITICAL, impacted_streams=1),)
    assert ["critical"] * 2 == [row[3] for row in told(await assessed(Rows(BLOCKS), severities=rows))]
    assert ["none"] * 2 == [row[3] for row in told(await assessed(Rows(BLOCKS), severities=()))]


async def test_a_hidden_delivery_stream_is_neither_named_nor_counted() -> None:
    """Whoever sees payments sees core impact payments alone, whatever identity's tickets and figures are."""
    confidences = Confidences({PAYMENTS: 90.0, IDENTITY: 1.0})
    reader = Rows(BLOCKS, days={PAYMENTS: [1.0], IDENTITY: [99.0]})
    found = await assessed(reader, scope=PAYMENTS_ONLY, confidences=confidences)
    without = await assessed(
        Rows([row for row in BLOCKS if row.delivery_stream_id == PAYMENTS], days={PAYMENTS: [1.0]}),
        scope=PAYMENTS_ONLY,
        confidences=Confidences({PAYMENTS: 90.0}),
    )
    assert without == found
    assert [("core", ["payments"], 2, "low"), ("web", [], 0, "none")] == told(found)
    assert [PAYMENTS] == confidences.asked
    assert "identity" not in repr(found)


async def test_a_hidden_technology_stream_is_not_named() -> None:
    """Whoever sees payments and no technology learns that its tickets were blocked, and not by what."""
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    found = await assessed(Rows(BLOCKS), scope=scope)
    assert ([], 3, None, None) == (told(found), found.unnamed_block_count, found.root_cause, found.figure.value)


async def test_a_technology_stream_asked_for_is_shown_alone() -> None:
    """It is what holds up, so that tickets of other technologies count all the same."""
    found = await assessed(Rows(BLOCKS), tech_stream_id=WEB)
    assert [("web", ["identity"], 2, "low")] == told(found)
    assert (1.0, 2, WEB) == (found.figure.value, found.figure.sample_size, found.asked.tech_stream_id)
    assert "web" == (found.root_cause and found.root_cause.tech_stream.name)


async def test_a_delivery_stream_asked_for_is_impacted_alone() -> None:
    """Of identity's tickets core has blocked one, web one in the 14 days, which it blocks still."""
    assert [("web", ["identity"], 1, "low"), ("core", ["identity"], 1, "low")] == told(
        await assessed(Rows(BLOCKS), delivery_stream_id=IDENTITY)
    )


async def test_the_matrix_has_who_depends_and_who_is_blocked() -> None:
    """Lines in the order of the technology streams, then of the delivery streams; hidden ones have no field."""
    reader = Rows(BLOCKS, touching=[DependencyRow(CORE, PAYMENTS, 7), DependencyRow(WEB, PAYMENTS, 2)])

    def fields(found: SharedBottlenecks) -> list[tuple[str, str, int, int, int]]:
        return [
            (it.tech_stream.name, it.delivery_stream.name, it.open_tickets, it.block_count, it.blocked_tickets)
            for it in found.dependencies
        ]

    everything = [
        ("core", "payments", 7, 2, 1),
        ("core", "identity", 0, 1, 0),
        ("web", "payments", 2, 0, 0),
        ("web", "identity", 0, 1, 2),
    ]
    assert everything == fields(await assessed(reader))
    assert everything[2:] == fields(await assessed(reader, tech_stream_id=WEB))
    assert [everything[0], everything[2]] == fields(await assessed(reader, scope=PAYMENTS_ONLY))


async def test_without_blocks_every_technology_stream_is_listed_with_none() -> None:
    """Nothing held up: no severity, no root cause."""
    found = await assessed(Rows(()))
    assert [("core", [], 0, "none"), ("web", [], 0, "none")] == told(found)
    assert (0.0, 0, None) == (found.figure.value, found.figure.sample_size, found.root_cause)


async def test_an_archived_technology_stream_is_listed_while_it_has_blocks() -> None:
    """Web is archived: it is listed for its two blocks, and no more without them."""
    archived = replace(
        ORGANISATION,
        tech_streams=(ORGANISATION.tech_streams[0], replace(ORGANISATION.tech_streams[1], is_active=False)),
    )
    view = View(scope=StreamScope.everything(), as_of=NOW)
    for rows, names in ((BLOCKS, ["core", "web"]), (BLOCKS[:4], ["core"])):
        cross_stream = CrossStream(reader=Rows(rows), metrics=FakeReader())
        found = await cross_stream.bottlenecks(view, configuration=archived, window_days=30)
        assert names == [row.tech_stream.name for row in found.tech_streams]


async def test_assessments_are_written_for_the_day_by_the_platforms_clock() -> None:
    """Once; half an hour later nothing has changed, the next day they are written again."""
    kept = MemoryCorrelations(MemoryDatabase())
    correlation = Correlation(cross_stream=CrossStream(reader=Rows(BLOCKS), metrics=FakeReader()), correlations=kept)
    written = [
        await correlation.correlate(now=now, configuration=ORGANISATION)
        for now in (NOW, NOW + timedelta(minutes=30), NOW + timedelta(days=1))
    ]
    assert [2, 0, 2] == written
    core, web = await kept.of(date(2026, 3, 16))
    assert CorrelationRow(CORE, (PAYMENTS, IDENTITY), (PAYMENTS,), 3, None, None, BottleneckSeverity.MEDIUM) == core
    assert (WEB, (IDENTITY,), (IDENTITY,)) == (
        web.tech_stream_id,
        web.impacted_delivery_streams,
        web.blocked_delivery_streams,
    )
