"""Confirmed and possible failures, recovery from them, and rework."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.change_failures import MENDING_DAYS, failure_bounds, recovery_time, rework_rate
from dpp.domain.dora import change_failure_rate
from dpp.domain.incidents import Standing
from tests.support.delivery_columns import Blamed, Deployed, blames, deployments, hour, moments


def test_the_rate_lies_between_what_is_confirmed_and_what_may_be() -> None:
    """One taken back, one confirmed, one blamed, one only possible, one cleared: 2 to 4 of 5, and 3 count."""
    columns = deployments(Deployed(1, undone=2), Deployed(2), Deployed(3), Deployed(4), Deployed(5))
    pairs = blames(
        Blamed(1, 6, standing=Standing.CONFIRMED),
        Blamed(2, 6),
        Blamed(3, 6, standing=Standing.CANDIDATE),
        Blamed(4, 6, standing=Standing.REJECTED),
    )
    found = failure_bounds(columns, pairs, moment=hour(24), days=1)
    assert (40.0, 80.0) == (found.confirmed_pct, found.at_most_pct)
    assert 60.0 == change_failure_rate(columns, pairs, moments=moments(24), days=1).value()


def test_there_are_no_bounds_where_nothing_was_deployed() -> None:
    """Without a deployment neither bound is a number."""
    found = failure_bounds(deployments(), blames(), moment=hour(24), days=1)
    assert (None, None) == (found.confirmed_pct, found.at_most_pct)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.sampled_from(list(Standing))), max_size=10),
    st.integers(1, 40),
)
def test_the_rate_never_leaves_its_bounds(drawn: list[tuple[int, int, Standing]], moment: int) -> None:
    """Whatever is thought of whichever deployment, confirmed ≤ the rate ≤ at most."""
    columns = deployments(*(Deployed(place, undone=20 if place == 1 else None) for place in range(4)))
    pairs = blames(*(Blamed(place, since, standing=standing) for place, since, standing in drawn))
    bounds = failure_bounds(columns, pairs, moment=hour(moment), days=2)
    rate = change_failure_rate(columns, pairs, moments=moments(moment), days=2).value()
    assert rate is not None
    assert bounds.confirmed_pct is not None
    assert bounds.at_most_pct is not None
    assert bounds.confirmed_pct <= rate <= bounds.at_most_pct


def test_recovery_takes_until_the_last_incident_has_ended() -> None:
    """Two incidents that ended 2 and 5 hours after the deployment took 300 minutes, an earlier rollback or not."""
    columns = deployments(Deployed(1, undone=2))
    pairs = blames(Blamed(0, 1.5, began=1.5, ended=3), Blamed(0, 1.5, began=1.5, ended=6))
    found = recovery_time(columns, pairs, moment=hour(24), days=1)
    assert (300.0, 1, "minutes", 0) == (
        found.median.value,
        found.median.sample_size,
        found.median.unit,
        found.unrecovered,
    )


def test_recovery_without_an_incident_takes_until_the_rollback() -> None:
    """Taken back after 20 and after 40 minutes: the median is 30; what does no harm takes no part."""
    columns = deployments(
        Deployed(1, undone=1 + 1 / 3), Deployed(2, undone=2 + 2 / 3), Deployed(3), Deployed(4, ok=False)
    )
    found = recovery_time(columns, blames(), moment=hour(24), days=1)
    assert pytest.approx(30.0) == found.median.value
    assert (2, 0) == (found.median.sample_size, found.unrecovered)


def test_what_still_hurts_is_not_recovered_from() -> None:
    """An open incident has no recovery time, even after the rollback; a cleared deployment did not fail."""
    columns = deployments(Deployed(1, undone=2), Deployed(3), Deployed(4))
    pairs = blames(Blamed(0, 1.5), Blamed(1, 4, 5), Blamed(1, 5, standing=Standing.REJECTED), Blamed(2, 5, ended=30))
    found = recovery_time(columns, pairs, moment=hour(24), days=1)
    assert (None, 0, 2) == (found.median.value, found.median.sample_size, found.unrecovered)


def test_rework_begins_while_an_incident_of_its_repository_is_open() -> None:
    """Of five after the harmful one, two begin within the incident in the same repository, one of which fails."""
    columns = deployments(
        Deployed(1),
        Deployed(3, ok=False),
        Deployed(4),
        Deployed(4.5, repo=1),
        Deployed(5.2, took=0.1),
        Deployed(6),
    )
    pairs = blames(Blamed(0, 2, began=2, ended=5))
    found = rework_rate(columns, pairs, moment=hour(24), days=1)
    assert pytest.approx(100 * 2 / 6) == found.value
    assert (6, "percent") == (found.sample_size, found.unit)


def test_rework_counts_one_that_began_in_time_and_ended_later() -> None:
    """What counts is the beginning: before the end of the incident it mends, before its beginning it does not."""
    columns = deployments(Deployed(2.5, took=1), Deployed(6, took=2), Deployed(6.5, took=0.5))
    found = rework_rate(columns, blames(Blamed(-1, 2, began=2, ended=5)), moment=hour(24), days=1)
    assert pytest.approx(100 / 3) == found.value


def test_an_incident_without_an_end_does_not_make_everything_rework() -> None:
    """So many days after its beginning an incident that nobody ended is taken to be over."""
    late = 24.0 * MENDING_DAYS + 1
    columns = deployments(Deployed(late - 2), Deployed(late + 2))
    found = rework_rate(columns, blames(Blamed(-1, 1, began=1)), moment=hour(late + 3), days=30)
    assert (50.0, 2) == (found.value, found.sample_size)


def test_rework_follows_the_blame_as_of_the_moment() -> None:
    """Before the blame, after its rejection and as a mere candidate nothing is mended."""
    columns = deployments(Deployed(3))
    pairs = blames(Blamed(-1, 4, 6, began=2), Blamed(-1, 6, standing=Standing.CANDIDATE, began=2))
    found = [rework_rate(columns, pairs, moment=hour(moment), days=1).value for moment in (3.5, 5, 7)]
    assert [0.0, 100.0, 0.0] == found
    assert None is rework_rate(deployments(), pairs, moment=hour(5), days=1).value


_ROW = st.tuples(st.integers(0, 40), st.integers(-1, 2), st.integers(0, 6), st.integers(0, 5))
_BLAME = st.tuples(st.integers(-1, 2), st.integers(0, 40), st.one_of(st.none(), st.integers(0, 20)))


@given(st.lists(_ROW, max_size=10), st.lists(_BLAME, max_size=6))
def test_rework_is_what_looking_at_every_pair_gives(
    rows: list[tuple[int, int, int, int]], incidents: list[tuple[int, int, int | None]]
) -> None:
    """A deployment is rework when any incident of its repository was open when it began."""
    done = [
        Deployed(at, repo=repo, took=took, config=kind == 0)
        for at, repo, took, kind in sorted(rows, key=lambda row: row[0])
    ]
    told = [
        Blamed(-1, began, began=began, ended=None if took is None else began + took, repo=repo)
        for repo, began, took in incidents
    ]
    found = rework_rate(deployments(*done), blames(*told), moment=hour(41), days=2)
    counted = [row for row in done if not row.config]
    mends = [
        any(
            incident.repo == row.repo >= 0
            and incident.began <= row.at - row.took < (incident.ended if incident.ended is not None else np.inf)
            for incident in told
        )
        for row in counted
    ]
    assert (len(counted), pytest.approx(100 * sum(mends) / len(counted)) if counted else None) == (
        found.sample_size,
        found.value,
    )
