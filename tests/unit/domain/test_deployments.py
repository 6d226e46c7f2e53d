"""A deployment as the events of its run tell it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.deployments import deployment_of
from dpp.domain.errors import InvalidInput
from dpp.domain.events import CicdEvent, CicdEventType, RepositoryRef, Source

T = CicdEventType
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(kind: CicdEventType, minutes: float, **told: object) -> CicdEvent:
    """A step of one run, so many minutes after noon."""
    plain = CicdEvent(
        event_type=kind,
        event_timestamp=NOON + timedelta(minutes=minutes),
        pipeline_id="ship",
        pipeline_run_id="7",
        environment="prod-eu",
        status="success",
        source=Source.DEPLOYMENT,
        repository=RepositoryRef(org="acme", name="shop"),
    )
    return replace(plain, **told)  # type: ignore[arg-type]


def test_a_deployment_has_a_start_and_an_end() -> None:
    """A run from 12:00 to 12:08 that completed has succeeded."""
    found = deployment_of([event(T.DEPLOY_COMPLETED, 8), event(T.DEPLOY_STARTED, 0)])
    assert found is not None
    assert (NOON, NOON + timedelta(minutes=8), True) == (found.started_at, found.deployed_at, found.has_succeeded)


def test_while_it_runs_it_is_none() -> None:
    """A start alone is no deployment yet."""
    assert None is deployment_of([event(T.DEPLOY_STARTED, 0)])


def test_a_cancelled_one_is_none() -> None:
    """What was cancelled is neither success nor failure."""
    assert None is deployment_of([event(T.DEPLOY_STARTED, 0, status="cancelled")])
    assert None is deployment_of([event(T.DEPLOY_COMPLETED, 0, status="cancelled")])


def test_builds_and_rollbacks_are_none() -> None:
    """Only the steps of a deployment make one."""
    assert None is deployment_of([event(T.BUILD_COMPLETED, 0), event(T.ROLLBACK_COMPLETED, 5)])


def test_the_latest_end_counts() -> None:
    """A run that failed at 12:05 and completed at 12:20 has succeeded, at 12:20."""
    found = deployment_of([event(T.DEPLOY_FAILED, 5), event(T.DEPLOY_COMPLETED, 20)])
    assert found is not None
    assert (True, NOON + timedelta(minutes=20)) == (found.has_succeeded, found.deployed_at)


def test_a_failure_is_one() -> None:
    """A run that only failed has not succeeded; without a start it began when it ended."""
    found = deployment_of([event(T.DEPLOY_FAILED, 5)])
    assert found is not None
    assert (False, found.deployed_at) == (found.has_succeeded, found.started_at)


def test_a_told_start_counts() -> None:
    """An end that tells when the run began, 11:50, is believed; one that tells a later time is not."""
    early = deployment_of([event(T.DEPLOY_COMPLETED, 5, started_at=NOON - timedelta(minutes=10))])
    late = deployment_of([event(T.DEPLOY_COMPLETED, 5, started_at=NOON + timedelta(minutes=10))])
    assert early is not None
    assert late is not None
    assert NOON - timedelta(minutes=10) == early.started_at
    assert late.deployed_at == late.started_at


def test_what_only_one_step_tells_is_known() -> None:
    """The commit of the start and the pull request of the end belong to one deployment."""
    found = deployment_of(
        [
            event(T.DEPLOY_STARTED, 0, commit_sha="abc", is_config_only=True),
            event(T.DEPLOY_COMPLETED, 5, linked_pr_number=9),
        ]
    )
    assert found is not None
    assert ("abc", 9, True) == (found.commit_sha, found.linked_pr_number, found.is_config_only)


def test_steps_of_several_runs_are_refused() -> None:
    """One run at a time."""
    with pytest.raises(InvalidInput, match="several runs"):
        deployment_of([event(T.DEPLOY_STARTED, 0), event(T.DEPLOY_COMPLETED, 0, pipeline_run_id="8")])


steps = st.lists(
    st.builds(
        event,
        st.sampled_from([T.DEPLOY_STARTED, T.DEPLOY_COMPLETED, T.DEPLOY_FAILED]),
        st.integers(0, 5),
        branch=st.sampled_from([None, "main", "next"]),
        commit_sha=st.sampled_from([None, "abc", "def"]),
    ),
    max_size=6,
)


@given(steps.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_of_steps_does_not_matter(pair: tuple[list[CicdEvent], list[CicdEvent]]) -> None:
    """Any order, and any repetition, of the same steps gives the same one, which does not end before it begins."""
    told, heard = pair
    found = deployment_of(told)
    assert found == deployment_of(heard + heard[:2])
    assert found is None or found.started_at <= found.deployed_at
