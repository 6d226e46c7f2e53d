"""As of an earlier moment the platform answers as it would have answered then: later events change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpp.adapters.memory.deliveries_reader import MemoryDeliveryReader
from dpp.adapters.memory.readers import MemoryMetricsReader
from dpp.application.calendars import Calendars
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.trends import Trends
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.events import IncidentEvent
from tests.support.derivation import CONFIGURATION, at
from tests.support.derived_stores import MemoryStores, stores
from tests.support.fake_forecasts import NoHolidays
from tests.support.happenings import Happening, releases

#: A lead time is that of the pull request which a deployment is known to carry now: what was told late of the two, and
#: what was linked by hand, corrects the past.
CORRECTED = frozenset({"lead_time_p50", "lead_time_p85"})


async def _answers(told: Sequence[AcceptedDelivery], hours: float) -> list[object]:
    async with stores(None) as found:
        assert isinstance(found, MemoryStores)
        await found.append(told)
        await found.drain()
        reader = MemoryDeliveryReader(database=found.database, tables=found.tables)
        metrics = MemoryMetricsReader(database=found.database, tables=found.tables)
        view = View(scope=StreamScope.everything(), as_of=at(hours))
        trends = Trends(reader=reader, metrics=metrics, calendars=Calendars(NoHolidays()))
        answer = await trends.trends(view, window_days=5, configuration=CONFIGURATION)
        said: list[object] = [
            (name, trend.figure.value, trend.figure.sample_size, trend.series)
            for name, trend in answer.trends.items()
            if name not in CORRECTED
        ]
        said += [answer.failure_bounds, answer.rework.value, answer.recovery.median.value, answer.recovery.unrecovered]
        incidents = await reader.incidents(view, window=None)
        for row in incidents:
            suspects = [(one.record_id, one.standing, one.standing_since, one.rolled_back_at) for one in row.suspects]
            said.append((row.incident_id, row.resolved_at, suspects))
        return said


def _is_corrected_later(told: Sequence[AcceptedDelivery], moment: datetime) -> bool:
    """Tell whether a change is dated before a moment by one report and after it by another, of which one stands."""
    sides: dict[object, set[bool]] = {}
    for event in (event for one in told for event in one.facts.events):
        # An incident's events are told apart by their episode, which follows from their times.
        by_name = (event.incident_id, event.event_type) if isinstance(event, IncidentEvent) else None
        change = (type(event), by_name or event.change_identity or event.identity)
        sides.setdefault(change, set()).add(event.event_timestamp <= moment)
    return any(len(found) > 1 for found in sides.values())


@settings(max_examples=60, deadline=None)
@given(happening=releases(), hours=st.sampled_from([6.1, 9.1, 11.1, 14.3, 18.2]))
def test_later_events_change_nothing(happening: Happening, hours: float) -> None:
    """Frequency, failures, restores, rework and blame are those that the events up to the moment give by themselves."""
    assume(not _is_corrected_later(happening.told, at(hours)))
    until = [one for one in happening.told if all(event.event_timestamp <= at(hours) for event in one.facts.events)]
    assert asyncio.run(_answers(until, hours)) == asyncio.run(_answers(happening.told, hours))
