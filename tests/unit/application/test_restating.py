"""Why a figure of a day that is over is another one now: by what the causes say, not by when they were found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from dpp.application.measures import Cause, DayFigure, MeasuredDays, StaleDays, StoredFigure, StreamKey
from dpp.application.restating import writes
from dpp.application.stale import StaleKind
from dpp.application.stale_days import kind_told
from dpp.domain.metric import Dimension

DAY = date(2026, 3, 2)
OVER = datetime(2026, 3, 3, 0, 15, tzinfo=UTC)
STREAM = StreamKey(Dimension.DELIVERY, UUID(int=1))


def late(detail: str | None, *, hours: int = 0, cause: Cause = Cause.LATE_EVENT) -> StaleDays:
    """Return a cause of that day."""
    return StaleDays(datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(hours=hours), cause, detail)


def told(metric: str, causes: Sequence[StaleDays]) -> StaleDays:
    """Return what is told of a figure that went from 1 to 2, when these causes were found in this order."""
    before = StoredFigure(DayFigure(DAY, metric, None, 1.0, "count", 1), OVER)
    measured = MeasuredDays(
        closes_at={DAY: OVER},
        figures=[DayFigure(DAY, metric, None, 2.0, "count", 2)],
        computed_at=OVER + timedelta(days=1),
        first_days=[(DAY, cause) for cause in causes],
    )
    (found,) = writes(STREAM, measured, stored=[before]).restatements
    return StaleDays(found.since, found.cause, found.detail)


TICKET, INCIDENT, DEPLOYMENTS = late("1 ticket", hours=2), late("1 incident"), late("2 deployments", hours=1)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("wip_by_stage", TICKET),
        ("flow_efficiency", TICKET),
        ("ttr_median", INCIDENT),
        ("deployment_frequency", DEPLOYMENTS),
    ],
)
def test_a_figure_is_restated_for_what_it_is_made_of(metric: str, expected: StaleDays) -> None:
    """In whatever order things were derived, the cause that is told is that of a kind which takes part."""
    assert {expected} == {told(metric, causes) for causes in permutations([TICKET, INCIDENT, DEPLOYMENTS])}


def test_of_causes_alike_the_earliest_is_told() -> None:
    """Time decides, then the words; the order in which they were found never does."""
    causes = [late("2 tickets"), late("1 ticket"), late("1 ticket", hours=-1), late(None, hours=-5)]
    assert {late("1 ticket", hours=-1)} == {told("wip_by_stage", some) for some in permutations(causes)}


def test_the_weightiest_cause_comes_first() -> None:
    """A link by hand is told before what came late, whatever the figure is made of."""
    by_hand = late("1 pull request", hours=5, cause=Cause.MANUAL_LINK)
    assert {by_hand} == {told("wip_by_stage", some) for some in permutations([TICKET, by_hand, INCIDENT])}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 ticket", StaleKind.TICKET),
        ("12 pull requests", StaleKind.PULL_REQUEST),
        ("3 changes", StaleKind.CHANGE),
        ("the status In Dev of PAY", None),
        (None, None),
    ],
)
def test_a_detail_tells_a_kind_of_things(text: str | None, kind: StaleKind | None) -> None:
    """One or several of them; other words tell none."""
    assert kind is kind_told(text)
