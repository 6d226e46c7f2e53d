"""Months of simulated surveys through the front door give the pulse that the simulation knows to be true."""

import random
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dpp.adapters.simulation import Delivery, SimulatedOrganisation, Size, shuffled
from dpp.adapters.simulation.true_pulse import PulseMonth
from tests.support.running import RunningPlatform, platform
from tests.support.surveys import shown_pulse, true_pulse

STREAMS = (None, "payments", "onboarding", "insights")
#: On the day after a survey has closed, in the quiet between two, and at the end, where one is open.
MOMENTS = (
    datetime(2026, 6, 8, 0, tzinfo=UTC),
    datetime(2026, 8, 20, 9, tzinfo=UTC),
    datetime(2026, 9, 7, 0, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def organisation() -> SimulatedOrganisation:
    """Some months, of which nothing is sent but the surveys."""
    return SimulatedOrganisation(5, start=datetime(2026, 3, 30, tzinfo=UTC), weeks=23, size=Size.SMALL)


@pytest.fixture(scope="module")
def answers(organisation: SimulatedOrganisation) -> list[Delivery]:
    """What the form tool pushes."""
    return [delivery for delivery in organisation.deliveries() if delivery.source == "survey"]


@pytest.fixture
def running(tmp_path: Path, database_url: str, organisation: SimulatedOrganisation) -> Iterator[RunningPlatform]:
    """A platform that is configured for the organisation."""
    with platform(tmp_path, database_url, configuration=organisation.configuration_toml()) as started:
        yield started


def rows(database_url: str) -> list[tuple[Any, ...]]:
    """Return the answers that are stored, but for when they came."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT event_id, event_timestamp, survey_period, respondent_hash, delivery_stream_id, pace_score,"
            " tooling_score, clarity_score, free_text FROM pulse_responses ORDER BY event_id"
        ).fetchall()


def test_the_pulse_is_true_in_any_order_through_a_killed_server(
    running: RunningPlatform, organisation: SimulatedOrganisation, answers: list[Delivery], database_url: str
) -> None:
    """Shuffled and doubled answers, with a server killed in between, give the true pulse of each team and of all.

    Sent once more, they change no row; there are months that are shown, withheld, open, and with a trend.
    """
    disorder = list(shuffled(answers, random.Random(3), duplicate_share=0.3))
    assert [] == running.send(disorder[: len(disorder) // 2])
    running.kill("serve", signal.SIGKILL)
    running.serve()
    assert [] == running.send(disorder[len(disorder) // 2 :])
    running.wait_until_settled()
    before = rows(database_url)
    assert len(before) > 80
    seen: list[PulseMonth] = []
    for moment in MOMENTS:
        for stream in STREAMS:
            truth = organisation.truth(as_of=moment, delivery_stream=stream).pulse
            asked = {"as_of": moment.isoformat(), "stream": stream}
            assert true_pulse(truth) == shown_pulse(running.ask("/api/v1/metrics/pulse", **asked)), asked
            closed = [month for month in truth if not month.is_open]
            quality = running.ask("/api/v1/admin/data-quality", **asked)["pulse_response_rate"]
            assert pytest.approx(closed[-1].response_rate_pct) == quality["value"], asked
            seen += truth
    assert {True, False} == {month.is_open for month in seen}
    assert any(month.trends for month in seen)
    assert any(not month.averages and not month.is_open for month in seen)
    assert any(month.withheld_teams and month.averages for month in seen)
    assert [] == shown_pulse(running.ask("/api/v1/metrics/pulse", tech_stream="core-api"))[:-1]
    assert [] == running.send(answers)
    running.wait_until_settled()
    assert before == rows(database_url)


def test_answers_survive_a_database_that_is_empty_again(
    running: RunningPlatform, answers: list[Delivery], database_url: str
) -> None:
    """What was acknowledged is in the archive, and a replay makes the same rows again, whoever answered twice."""
    assert [] == running.send(answers)
    running.wait_until_settled()
    before = rows(database_url)
    running.stop()
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE pulse_responses DISABLE TRIGGER USER")
        connection.execute("DELETE FROM pulse_responses")
        connection.execute("ALTER TABLE pulse_responses ENABLE TRIGGER USER")
    assert [] == rows(database_url)
    running.command("archive", "replay")
    assert before == rows(database_url)


def test_answers_of_the_demonstration_are_plausible(organisation: SimulatedOrganisation) -> None:
    """Every month that is closed most of the people answer, and no team is always of one opinion."""
    truth = organisation.truth(as_of=organisation.end + timedelta(days=10)).pulse
    assert len(truth) >= 5
    assert all(60 < month.response_rate_pct <= 100 for month in truth)
    assert max(month.overall or 0 for month in truth) - min(month.overall or 5 for month in truth) > 0.1
