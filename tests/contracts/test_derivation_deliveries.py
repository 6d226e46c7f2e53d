"""What reaches users, derived by both stores: deployments, what they carry, and what they are blamed for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dpp.domain.configuration import EnvironmentRule
from dpp.domain.events import CicdEventType, Event, IncidentEventType, PullRequestEventType, WorkItemEventType
from tests.support.derivation import (
    CONFIGURATION,
    CORE,
    PAYMENTS,
    deliveries,
    deployment_event,
    incident_event,
    pull_request_event,
    push_event,
    ticket_event,
)
from tests.support.derived_stores import Stores, Tables, stores

C, I, P = CicdEventType, IncidentEventType, PullRequestEventType  # noqa: E741 - one letter each

Ask = Callable[[Stores], Awaitable[None]]
Run = Callable[[Ask], None]


@pytest.fixture
def run(family: str, request: pytest.FixtureRequest) -> Run:
    """Run something on the stores of one family."""
    url = None if family == "memory" else request.getfixturevalue("database_url")

    def on(ask: Ask) -> None:
        async def asked() -> None:
            async with stores(url) as found:
                await ask(found)

        asyncio.run(asked())

    return on


async def told(store: Stores, *events: Event) -> Tables:
    """Tell facts one by one, derive, and return every row."""
    await store.append(deliveries([[event] for event in events]))
    await store.drain()
    return await store.rows()


def merged(number: int, hours: float, *, branch: str | None = None, base: str = "main") -> list[Event]:
    """A pull request that was opened two hours before it was merged, reviewed an hour before."""
    branch = branch or f"feature/PAY-{number}"
    kinds = ((P.OPENED, hours - 2), (P.REVIEW_SUBMITTED, hours - 1), (P.MERGED, hours))
    return [
        replace(
            pull_request_event(
                kind,
                at,
                number=number,
                branch=branch,
                base=base,
                reviewer="reviewer" if kind is P.REVIEW_SUBMITTED else None,
                change=f"{number}-{kind}",
                merge_sha=f"m{number}" if kind is P.MERGED else None,
            ),
            opened_at=pull_request_event(kind, hours - 2).event_timestamp,
        )
        for kind, at in kinds
    ]


def deployed(run: str, hours: float, **told: Any) -> list[Event]:
    """A deployment that began a quarter of an hour before it succeeded."""
    return [
        deployment_event(C.DEPLOY_STARTED, hours - 0.25, run=run, **told),
        deployment_event(C.DEPLOY_COMPLETED, hours, run=run, **told),
    ]


def carried(rows: Tables) -> dict[int, str | None]:
    """Return the run that carried each change, None while it waits."""
    runs = {row["record_id"]: row["pipeline_run_id"] for row in rows["deployment_records"]}
    return {row["pr_number"]: runs.get(row["record_id"]) for row in rows["change_ledger"]}


def of_run(rows: Tables, run: str) -> Any:
    """Return the record of a run."""
    return next(row for row in rows["deployment_records"] if row["pipeline_run_id"] == run)


def test_a_deployment_is_linked_through_its_commit(run: Run) -> None:
    """A deployment of a merge commit has the pull request, its ticket and stream, and took 3 hours from its opening."""

    async def ask(store: Stores) -> None:
        ticket = ticket_event(WorkItemEventType.CREATED, 0, key="PAY-1", issue="10001", status="Open", change="1")
        rows = await told(store, *deployed("1", 6, commit="m1"), *merged(1, 5), ticket)
        found = of_run(rows, "1")
        assert ("success", CORE, PAYMENTS, 1, "PAY-1", "10001", "main") == (
            found["status"],
            found["tech_stream_id"],
            found["delivery_stream_id"],
            found["linked_pr_number"],
            found["linked_ticket_id"],
            found["linked_issue_id"],
            found["branch"],
        )
        assert (3.0, "pr") == (found["lead_time_hrs"], found["lead_time_method"])

    run(ask)


def test_a_later_merge_is_not_what_was_deployed(run: Run) -> None:
    """A deployment that ended before the merge of its commit was reported to happen is not linked through it."""

    async def ask(store: Stores) -> None:
        rows = await told(store, *deployed("1", 4), *merged(1, 5), *deployed("2", 4.5, commit="m1"))
        assert None is of_run(rows, "2")["linked_pr_number"]

    run(ask)


def test_commit_based_lead_time_begins_with_the_first_push(run: Run) -> None:
    """Where commits count, it is 4.5 hours from the first push since the branch's former pull request."""

    async def ask(store: Stores) -> None:
        streams = tuple(replace(stream, lead_time_method="commit") for stream in CONFIGURATION.tech_streams)
        await store.configure(replace(CONFIGURATION, tech_streams=streams))
        rows = await told(
            store,
            *merged(1, -10, branch="feature/again"),
            push_event(-11, branch="feature/again", last="p0"),
            *deployed("1", 6, commit="m2"),
            *merged(2, 5, branch="feature/again"),
            push_event(2, branch="feature/again", last="p2"),
            push_event(1.5, branch="feature/again", last="p1"),
        )
        assert (4.5, "commit") == (of_run(rows, "1")["lead_time_hrs"], of_run(rows, "1")["lead_time_method"])

    run(ask)


def test_a_failed_deployment_has_no_lead_time(run: Run) -> None:
    """What did not reach users took no time to reach them, and carries nothing."""

    async def ask(store: Stores) -> None:
        failed = deployment_event(C.DEPLOY_FAILED, 6, run="1", commit="m1")
        rows = await told(store, failed, *merged(1, 5))
        assert ("failed", None) == (of_run(rows, "1")["status"], of_run(rows, "1")["lead_time_hrs"])
        assert {1: None} == carried(rows)

    run(ask)


def test_a_named_rollback_takes_back_what_it_names(run: Run) -> None:
    """The deployment that the rollback names is taken back, although a later one succeeded."""

    async def ask(store: Stores) -> None:
        back = deployment_event(C.ROLLBACK_COMPLETED, 9, run="back", rollback_of="1")
        rows = await told(store, back, *deployed("1", 6), *deployed("2", 8))
        assert ["rolled_back", "success"] == [of_run(rows, name)["status"] for name in ("1", "2")]

    run(ask)


def test_a_nameless_rollback_takes_back_the_latest_success(run: Run) -> None:
    """The latest success of the environment before it; one that becomes known later takes its place."""

    async def ask(store: Stores) -> None:
        back = deployment_event(C.ROLLBACK_COMPLETED, 9, run="back")
        rows = await told(store, *deployed("1", 6), back, *deployed("stage", 8.5, environment="staging"))
        assert "rolled_back" == of_run(rows, "1")["status"]
        failed = deployment_event(C.DEPLOY_FAILED, 8.7, run="3")
        rows = await told(store, failed, *deployed("2", 8))
        assert ["success", "rolled_back"] == [of_run(rows, name)["status"] for name in ("1", "2")]

    run(ask)


def test_a_deployment_carries_what_was_merged_since_the_one_before(run: Run) -> None:
    """Each change goes with the first deployment that began after its merge; what was merged since waits."""

    async def ask(store: Stores) -> None:
        rows = await told(
            store, *deployed("1", 4), *merged(2, 5), *deployed("2", 6), *merged(3, 7), *deployed("3", 8), *merged(4, 9)
        )
        assert {2: "2", 3: "3", 4: None} == carried(rows)

    run(ask)


def test_a_late_deployment_takes_over_what_it_carried(run: Run) -> None:
    """A deployment that becomes known later carries what a later one had seemed to."""

    async def ask(store: Stores) -> None:
        rows = await told(store, *deployed("1", 4), *merged(2, 5), *deployed("3", 8))
        assert {2: "3"} == carried(rows)
        assert {2: "2"} == carried(await told(store, *deployed("2", 6)))

    run(ask)


def test_the_first_deployment_carries_only_what_it_names(run: Run) -> None:
    """What was merged before anybody counted deployments may have reached users at any time, and is left out."""

    async def ask(store: Stores) -> None:
        rows = await told(store, *merged(1, 2), *merged(2, 3), *deployed("1", 4, number=2))
        assert {2: "1"} == carried(rows)

    run(ask)


def test_a_change_goes_on_with_its_branch(run: Run) -> None:
    """A change merged into another branch waits until that branch is merged into the deployed one."""

    async def ask(store: Stores) -> None:
        rows = await told(
            store, *deployed("1", 4), *merged(2, 5, base="develop"), *deployed("2", 6), *merged(3, 7, branch="develop")
        )
        assert {2: None, 3: None} == carried(rows)
        assert {2: "3", 3: "3"} == carried(await told(store, *deployed("3", 8)))

    run(ask)


def test_a_change_takes_its_time_in_parts(run: Run) -> None:
    """Pushed at 2, opened at 3, reviewed at 4, merged at 5, deployed at 6: an hour each, and 3 from its opening."""

    async def ask(store: Stores) -> None:
        rows = await told(
            store,
            *deployed("1", 1),
            push_event(2, branch="feature/PAY-2", last="p"),
            *merged(2, 5),
            *deployed("2", 6),
        )
        (change,) = rows["change_ledger"]
        parts = [change[f"{part}_hrs"] for part in ("coding", "pickup", "review", "deploy", "lead_time")]
        assert [1.0, 1.0, 1.0, 1.0, 3.0] == parts

    run(ask)


def test_an_incident_blames_the_latest_deployment_of_the_hour_before(run: Run) -> None:
    """The deployment of 0.5 hours before is blamed, and the one of 3 hours before is no candidate; either way round."""

    async def ask(store: Stores) -> None:
        rows = await told(store, incident_event(I.ALARM_TRIGGERED, 7), *deployed("1", 4), *deployed("2", 6.5))
        assert [False, True] == [of_run(rows, name)["caused_incident"] for name in ("1", "2")]
        assert "INC-1" == of_run(rows, "2")["incident_id"]
        rows = await told(store, *deployed("3", 6.75))
        assert [False, True] == [of_run(rows, name)["caused_incident"] for name in ("2", "3")]

    run(ask)


def test_staging_is_never_blamed(run: Run) -> None:
    """Nothing that users do not see can have caused what they do."""

    async def ask(store: Stores) -> None:
        rows = await told(store, incident_event(I.ALARM_TRIGGERED, 7), *deployed("1", 6.5, environment="staging"))
        assert not of_run(rows, "1")["caused_incident"]

    run(ask)


def test_a_service_is_known_by_its_repository_whenever_that_is_seen(run: Run) -> None:
    """An incident of a service that nothing deploys to yet gets its technology stream when the repository is seen."""

    async def ask(store: Stores) -> None:
        rows = await told(store, incident_event(I.INCIDENT_OPENED, 7, service="ecs:core"))
        assert [None] == [row["tech_stream_id"] for row in rows["incidents"]]
        rows = await told(store, *merged(1, 5))
        assert [CORE] == [row["tech_stream_id"] for row in rows["incidents"]]

    run(ask)


def test_a_wider_window_blames_more(run: Run) -> None:
    """With a correlation window of four hours the deployment of three hours before is blamed."""

    async def ask(store: Stores) -> None:
        await told(store, incident_event(I.ALARM_TRIGGERED, 7), *deployed("1", 4))
        platform = replace(CONFIGURATION.platform, correlation_window_minutes=240)
        await store.configure(replace(CONFIGURATION, platform=platform))
        assert of_run(await told(store), "1")["caused_incident"]

    run(ask)


def test_a_mapped_environment_counts_afterwards(run: Run) -> None:
    """A deployment to `prd` becomes one to production once somebody says that it is."""

    async def ask(store: Stores) -> None:
        rows = await told(store, *deployed("1", 4, environment="prd"))
        assert "prd" == of_run(rows, "1")["environment"]
        rule = EnvironmentRule(pattern="^prd$", environment="production")
        await store.configure(replace(CONFIGURATION, environments=(rule,)))
        assert "production" == of_run(await told(store), "1")["environment"]

    run(ask)
