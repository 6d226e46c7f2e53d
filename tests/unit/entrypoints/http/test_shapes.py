"""The JSON that scripts rely on, to the letter."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig

from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application.answers import Asked
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.ports import Clock
from dpp.application.queries import Queries
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration
from dpp.domain.quality import QualityRate
from dpp.domain.small_teams import Contribution
from dpp.entrypoints.http import diagnostic_shapes, metrics, shapes
from dpp.entrypoints.http.auth import provide_principal
from dpp.entrypoints.http.metrics import Answering
from tests.support.fake_diagnostics import FakeDiagnosticsReader
from tests.support.fake_forecasts import memory_forecasts
from tests.support.fake_reader import NOW, FakeReader

pytestmark = pytest.mark.anyio

VIEW = View(scope=StreamScope.everything(), as_of=NOW)
TAGGING = {
    "level": "reduced",
    "reasons": [{"rate": "ticket_stream_tagging_rate", "value": 71.5, "target": 95.0}],
}
FULL = {"level": "full", "reasons": []}


def sent(data: object) -> Any:
    """Return what arrives at a script."""
    return json.loads(msgspec.json.encode(data))


async def shown(reader: FakeReader) -> Any:
    """Return the real-time figures as they arrive at a script; no sprint runs."""
    found = await Queries(reader=reader).realtime(VIEW)
    return sent(shapes.realtime(found, await memory_forecasts(reader).sprint_confidence(VIEW)))


async def diagnosed(reader: FakeReader, diagnostics: FakeDiagnosticsReader, *, view: View = VIEW) -> Any:
    """Return the diagnostic figures of a month as they arrive at a script."""
    flow = await Queries(reader=reader).diagnostic(view, window_days=30)
    found = await Diagnostics(reader=diagnostics, metrics=reader).diagnose(
        view, window_days=30, configuration=Configuration()
    )
    return sent(diagnostic_shapes.diagnostic(flow, found))


async def test_realtime_figures_are_keyed_by_metric_with_everything_beside_them() -> None:
    """WIP with its stages, sprint confidence, three percentiles, and the points behind them."""
    reader = FakeReader(cycle_times=(2.0, None, 4.0))
    data = await shown(reader)
    assert [
        "wip_by_stage",
        "sprint_confidence",
        "cycle_time_p50",
        "cycle_time_p85",
        "cycle_time_p95",
        "cycle_time_scatter",
    ] == list(data)
    assert set(data) <= set(METRICS)
    assert {
        "value": 33,
        "unit": "count",
        "sample_size": 33,
        "confidence": TAGGING,
        "stages": {
            "backlog": {"active": 0, "queue": 34},
            "ba": {"active": 3, "queue": 1},
            "dev": {"active": 6, "queue": 2},
            "code_review": {"active": 2, "queue": 4},
            "qa": {"active": 2, "queue": 9},
            "uat": {"active": 1, "queue": 3},
        },
        "unmapped": 2,
    } == data["wip_by_stage"]
    assert {
        "value": None,
        "unit": "percent",
        "sample_size": 0,
        "confidence": FULL,
        "remaining": None,
        "remaining_as_of": None,
        "working_days_left": None,
        "sprint": None,
        "reason": "no_delivery_stream",
    } == data["sprint_confidence"]
    assert {"value": 3.0, "unit": "days", "sample_size": 2, "confidence": TAGGING} == data["cycle_time_p50"]
    assert {
        "value": 2,
        "unit": "count",
        "sample_size": 2,
        "confidence": TAGGING,
        "points": [
            {"ticket_id": "PAY-1198", "completed_at": "2026-03-15T01:30:00Z", "cycle_time_days": 4.0},
            {"ticket_id": "PAY-1200", "completed_at": "2026-03-16T07:30:00Z", "cycle_time_days": 2.0},
        ],
        "unmeasured": 1,
    } == data["cycle_time_scatter"]


async def test_flow_efficiency_has_the_average_days_by_label_beside_it() -> None:
    """Each label is averaged over the tickets that have been there, and says how many they are."""
    data = await diagnosed(FakeReader(), FakeDiagnosticsReader())
    flow = data["flow_efficiency"]
    assert ("percent", TAGGING) == (flow["unit"], flow["confidence"])
    assert 1.9 == pytest.approx(flow["stage_durations"]["dev"])
    assert 44 == flow["stage_samples"]["dev"]
    assert list(flow["stage_durations"]) == list(flow["stage_samples"])


async def test_defects_have_their_pairs_of_stages_beside_the_rate() -> None:
    """Two of five escaped, one more may have; four have an origin."""
    rate = (await diagnosed(FakeReader(), FakeDiagnosticsReader()))["defect_escape_rate"]
    assert {
        "value": 40.0,
        "unit": "percent",
        "sample_size": 5,
        "confidence": TAGGING,
        "matrix": [
            {"introduced_in_stage": "ba", "found_in_stage": "uat", "count": 1},
            {"introduced_in_stage": "dev", "found_in_stage": "production", "count": 1},
            {"introduced_in_stage": "dev", "found_in_stage": "qa", "count": 2},
        ],
        "unattributed_pct": 20.0,
        "unknown_found": 1,
        "bounds": {"low": 40.0, "high": 60.0, "missing": 1},
    } == rate


async def test_review_turnaround_is_two_figures_in_hours() -> None:
    """The median of 1, 2, 4 and 9 hours is 3; what was never reviewed is in no sample."""
    data = await diagnosed(FakeReader(), FakeDiagnosticsReader())
    assert {"value": 3.0, "unit": "hours", "sample_size": 4, "confidence": FULL} == data["review_turnaround_p50"]
    assert 6.75 == pytest.approx(data["review_turnaround_p85"]["value"])


async def test_reviewers_are_told_by_labels() -> None:
    """Of six people one has reviewed three times, two once."""
    reviews = {"aa" * 32: 3, "bb" * 32: 1, "cc" * 32: 1, "dd": 0, "ee": 0, "ff": 0}
    rows = [(1.0, Contribution(None, (), person, count)) for person, count in reviews.items()]
    data = await diagnosed(FakeReader(), FakeDiagnosticsReader(contributed=rows), view=replace(VIEW, is_live=True))
    assert {
        "value": 60.0,
        "unit": "percent",
        "sample_size": 5,
        "confidence": FULL,
        "suppressed": False,
        "uneven": True,
        "reviewers": [
            {"reviewer": "reviewer 1", "share_pct": 60.0},
            {"reviewer": "reviewer 2", "share_pct": 20.0},
            {"reviewer": "reviewer 3", "share_pct": 20.0},
        ],
    } == data["reviewer_concentration"]


async def test_a_small_team_has_no_reviewers_at_all() -> None:
    """Of five people only that reviewing is uneven is told; there is no list, not even an empty one."""
    rows = [
        (1.0, Contribution(None, (), person, count)) for person, count in zip("abcde", (3, 1, 1, 0, 0), strict=True)
    ]
    data = await diagnosed(FakeReader(), FakeDiagnosticsReader(contributed=rows), view=replace(VIEW, is_live=True))
    assert {
        "value": None,
        "unit": "percent",
        "sample_size": 5,
        "confidence": FULL,
        "suppressed": True,
        "uneven": True,
    } == data["reviewer_concentration"]


async def test_an_empty_store_sends_null_for_what_it_does_not_know() -> None:
    """Percentiles and shares are null with a sample of none, counts are zero."""
    realtime = await shown(FakeReader.empty())
    diagnostic = await diagnosed(FakeReader.empty(), FakeDiagnosticsReader(found=(), hours=()))
    nothing = {"value": None, "unit": "days", "sample_size": 0, "confidence": FULL}
    assert [nothing] * 3 == [realtime[f"cycle_time_p{p}"] for p in (50, 85, 95)]
    assert (0, 0) == (realtime["wip_by_stage"]["value"], realtime["cycle_time_scatter"]["value"])
    assert (None, {}) == (diagnostic["flow_efficiency"]["value"], diagnostic["flow_efficiency"]["stage_durations"])


async def test_rates_are_figures_in_percent_with_their_targets() -> None:
    """All five are there, and the one that nobody has measured is null."""
    data = sent(shapes.data_quality(await Queries(reader=FakeReader()).data_quality(VIEW)))
    assert [rate.value for rate in QualityRate] == list(data)
    assert {
        "value": 71.5,
        "unit": "percent",
        "sample_size": 200,
        "confidence": FULL,
        "target": 95.0,
        "below_target": True,
    } == data["ticket_stream_tagging_rate"]
    assert (None, 0) == (data["pulse_response_rate"]["value"], data["pulse_response_rate"]["sample_size"])


@pytest.mark.parametrize(
    ("delivery", "tech", "expected"),
    [
        (None, None, ("all", None, None)),
        (UUID(int=1), None, ("delivery", str(UUID(int=1)), None)),
        (None, UUID(int=2), ("tech", str(UUID(int=2)), str(UUID(int=2)))),
        (UUID(int=1), UUID(int=2), ("delivery", str(UUID(int=1)), str(UUID(int=2)))),
    ],
)
def test_the_envelope_says_which_stream_an_answer_is_about(
    delivery: UUID | None, tech: UUID | None, expected: tuple[str | None, ...]
) -> None:
    """A delivery stream gives the type when both are asked for."""
    asked = Asked(delivery_stream_id=delivery, tech_stream_id=tech, window_days=30, as_of=NOW)
    meta = sent(shapes.meta(asked, computed_at=NOW))
    assert expected == (meta["stream_type"], meta["stream_id"], meta["tech_stream_id"])
    assert (30, "2026-03-16T09:30:00Z", "2026-03-16T09:30:00Z") == (
        meta["window_days"],
        meta["as_of"],
        meta["computed_at"],
    )


def test_what_has_no_window_says_null() -> None:
    """Rates are over everything known."""
    asked = Asked(delivery_stream_id=None, tech_stream_id=None, window_days=0, as_of=NOW)
    assert None is sent(shapes.meta(asked, computed_at=NOW))["window_days"]


@dataclass
class SetClock(Clock):
    """Shows what it was set to."""

    moment: datetime = field(default=NOW)

    def now(self) -> datetime:
        """Return it."""
        return self.moment


def test_an_answer_about_the_present_was_worked_out_at_its_moment() -> None:
    """A kept answer tells its true age; one about the past was worked out now."""
    feed, database = MemoryChangeFeed(), MemoryDatabase()
    current = CurrentConfiguration(store=MemoryConfigurationStore(database=database, feed=feed), feed=feed)
    reader = FakeReader()
    answering = Answering(
        queries=Queries(reader=reader),
        diagnostics=Diagnostics(reader=FakeDiagnosticsReader(), metrics=reader),
        forecasts=memory_forecasts(reader),
        configuration=current,
        clock=SetClock(),
    )
    earlier = NOW - timedelta(seconds=20)
    asked = Asked(delivery_stream_id=None, tech_stream_id=None, window_days=30, as_of=earlier, is_live=True)
    assert earlier == answering.meta(asked)["computed_at"]
    assert NOW == answering.meta(replace(asked, is_live=False))["computed_at"]
    assert datetime(2026, 3, 1, 9, tzinfo=UTC) == answering.moment("2026-03-01T09:00:00Z")


def test_the_published_description_names_every_figure() -> None:
    """The schema of the answers has the metric names and the parts of a figure."""
    routes = metrics.routes(lambda: pytest.fail("nothing is asked"))
    app = Litestar(
        [Router("/api/v1", route_handlers=routes)],
        openapi_config=OpenAPIConfig(title="t", version="1"),
        dependencies={"principal": Provide(provide_principal)},
    )
    document = app.openapi_schema.to_schema()
    content = document["paths"]["/api/v1/metrics/realtime"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"]["$ref"].endswith("RealtimeAnswer")
    schemas = document["components"]["schemas"]
    assert {"wip_by_stage", "cycle_time_p85", "cycle_time_scatter"} <= set(schemas["RealtimeData"]["properties"])
    assert {"value", "unit", "sample_size", "confidence"} <= set(schemas["Wip"]["properties"])
