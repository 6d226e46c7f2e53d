"""What every store of the configuration promises, asked of the one in memory and of PostgreSQL's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.domain.bottlenecks import BottleneckSeverity, SeverityRow
from dpp.domain.configuration import (
    CalendarRules,
    Configuration,
    DeliveryStream,
    EnvironmentRule,
    GitHubConnection,
    GroupRole,
    JiraConnection,
    JiraFields,
    JiraProject,
    PlatformSettings,
    RepositoryOverride,
    TechStream,
)
from dpp.domain.errors import Conflict
from dpp.domain.events import Facts
from dpp.domain.stages import Stage, StatusMapping
from tests.contracts.stores import CORE, ORGANISATION, T0, WEB, Platform, moved_to, reviewed
from tests.support.postgres import TestServer

pytestmark = pytest.mark.anyio


async def test_nothing_configured_is_version_0(platform: Platform) -> None:
    """Before the first save the configuration is empty, with version 0."""
    assert Configuration() == await platform.configuration.load()


async def test_each_save_makes_a_version(platform: Platform) -> None:
    """A saved configuration is read back as it was, its version one higher than before."""
    saved = await platform.configure(ORGANISATION)
    assert replace(ORGANISATION, version=1) == saved == await platform.configuration.load()
    assert 2 == (await platform.configure(Configuration())).version
    assert Configuration(version=2) == await platform.configuration.load()


async def test_a_change_that_others_overtook_is_refused(platform: Platform) -> None:
    """Of two changes made from one version the second is a conflict and leaves no trace."""
    await platform.configure(ORGANISATION)
    with pytest.raises(Conflict, match="version 1 and not 0"):
        await platform.configuration.save(Configuration(), expected_version=0, actor="late", at=T0)
    assert replace(ORGANISATION, version=1) == await platform.configuration.load()


async def test_of_many_changes_at_once_one_wins(platform: Platform) -> None:
    """Of several changes made from one version at the same time exactly one is saved."""
    saves = (
        platform.configuration.save(ORGANISATION, expected_version=0, actor=f"person {number}", at=T0)
        for number in range(5)
    )
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert 4 == sum(isinstance(result, Conflict) for result in results)
    assert 1 == (await platform.configuration.load()).version


async def test_repositories_follow_the_configuration(platform: Platform) -> None:
    """A change resolves technology streams and overrides of the repositories anew, also of those known before it."""
    await platform.append(Facts(pull_requests=(reviewed(),)))
    assert None is (await platform.inside.repositories())["acme/ledger"].tech_stream_id
    await platform.configure(ORGANISATION)
    ledger = (await platform.inside.repositories())["acme/ledger"]
    assert (CORE, "ecs:ledger", True) == (ledger.tech_stream_id, ledger.deploy_target, ledger.is_deployable)
    library = RepositoryOverride(full_name="Acme/Ledger", is_deployable=False, default_branch="trunk")
    await platform.configure(replace(ORGANISATION, repositories=(library,)))
    ledger = (await platform.inside.repositories())["acme/ledger"]
    assert (None, False, "trunk") == (ledger.deploy_target, ledger.is_deployable, ledger.default_branch)


async def _marks_of(platform: Platform, configuration: Configuration) -> set[str]:
    """Return what a change marks, of tickets and pull requests by their number."""
    await platform.inside.forget_stale()
    await platform.configure(configuration)
    marks = await platform.inside.stale()
    assert len(set(marks)) == len(marks)
    return {key.rpartition("/")[2] if kind == "pull_request" else key for _, kind, key in marks}


async def test_a_change_marks_what_it_makes_stale(platform: Platform) -> None:
    """A change marks the tickets and pull requests whose derived rows follow from it, and no others."""
    tickets = (
        moved_to("In Dev", ticket="PAY-1", issue="pay"),
        moved_to("In Dev", ticket="OPS-1", issue="ops"),
        moved_to("x", ticket="OPS-2", issue="gone", from_ticket_id="PAY-2"),
    )
    pulls = (reviewed(number=1), reviewed("acme-web/shop", github_id=6, number=2))
    await platform.append(Facts(work_items=tickets, pull_requests=pulls))
    everything = {"pay", "ops", "gone", "1", "2"}
    assert everything == await _marks_of(platform, ORGANISATION)
    now = ORGANISATION
    assert set() == await _marks_of(platform, now)

    now = replace(now, platform=replace(now.platform, minimum_contributors=9), environments=())
    assert set() == await _marks_of(platform, now)
    now = replace(now, status_mappings=now.status_mappings[:1])
    assert {"pay", "gone"} == await _marks_of(platform, now)
    now = replace(now, jira_projects=(replace(now.jira_projects[0], cancelled_resolutions=("Duplicate",)),))
    assert {"pay", "gone"} == await _marks_of(platform, now)
    now = replace(now, jira_projects=(*now.jira_projects, JiraProject(key="OPS")))
    assert {"ops", "gone", "1", "2"} == await _marks_of(platform, now)
    core, web = now.tech_streams
    now = replace(now, tech_streams=(core, replace(web, branch_pattern=None)))
    assert {"2"} == await _marks_of(platform, now)
    now = replace(now, tech_streams=(core, replace(web, display_name="Web shop", branch_pattern=None)))
    assert {"pay", "ops", "gone"} == await _marks_of(platform, now)
    now = replace(now, delivery_streams=(replace(now.delivery_streams[0], team_size=4), now.delivery_streams[1]))
    assert set() == await _marks_of(platform, now)
    now = replace(now, platform=replace(now.platform, calendar=CalendarRules(time_zone="Europe/London")))
    assert everything == await _marks_of(platform, now)


async def test_pull_requests_of_an_organisation_that_changes_streams_are_marked(platform: Platform) -> None:
    """Pull requests of a repository that comes to another technology stream, or to none, are stale."""
    await platform.configure(ORGANISATION)
    await platform.append(Facts(pull_requests=(reviewed(number=1), reviewed("acme-web/shop", github_id=6, number=2))))
    core, web = ORGANISATION.tech_streams
    moved = replace(ORGANISATION, tech_streams=(replace(core, github_org="other"), web))
    assert {"1"} == await _marks_of(platform, moved)


async def test_streams_may_swap_names_and_give_them_up(platform: Platform) -> None:
    """Streams exchange names in one change, and a new stream may take the name and organisation of a removed one."""
    core, web = ORGANISATION.tech_streams
    await platform.configure(ORGANISATION)
    swapped = replace(
        ORGANISATION,
        tech_streams=(
            replace(core, name="web", github_org="acme-web", github_install_id="1002"),
            replace(web, name="core", github_org="acme", github_install_id="1001"),
        ),
    )
    await platform.append(Facts(pull_requests=(reviewed(),)))
    assert (await platform.configure(swapped)).tech_streams == swapped.tech_streams
    assert WEB == (await platform.inside.repositories())["acme/ledger"].tech_stream_id
    successor = replace(core, stream_id=UUID(int=99))
    for _ in range(2):
        await platform.configure(replace(ORGANISATION, tech_streams=(successor,)))
    assert UUID(int=99) == (await platform.inside.repositories())["acme/ledger"].tech_stream_id
    await platform.configure(ORGANISATION)
    assert CORE == (await platform.inside.repositories())["acme/ledger"].tech_stream_id


async def test_removed_streams_stay_for_what_refers_to_them(database_url: str) -> None:
    """On PostgreSQL a stream that is no longer configured is inactive and still there; one that returns is active."""
    async with Database(database_url) as database:
        store = PostgresConfigurationStore(database=database)
        for version, configuration in enumerate((ORGANISATION, Configuration(), ORGANISATION)):
            await store.save(configuration, expected_version=version, actor="a test", at=T0)
            async with database.transaction() as connection:
                rows = await connection.execute("SELECT name, is_active FROM tech_streams ORDER BY stream_id")
                active = version != 1
                names = ["core", "web"] if active else [f"core~{CORE}", f"web~{WEB}"]
                assert [(name, active) for name in names] == await rows.fetchall()


# --- any configuration ------------------------------------------------------------------------------------------------

_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_maybe = st.none() | _words
_numbers = st.integers(-(2**31), 2**31 - 1)
_ids = st.integers(1, 6).map(lambda number: UUID(int=number))
_calendars = st.builds(
    CalendarRules,
    time_zone=_words,
    weekend=st.frozensets(st.integers(0, 6)),
    holidays=st.lists(_words, max_size=2).map(tuple),
    extra_holidays=st.lists(st.dates(date(1970, 1, 1)), max_size=2).map(tuple),
)
_texts = st.lists(_words, max_size=3).map(tuple)
_configurations = st.builds(
    Configuration,
    platform=st.builds(
        PlatformSettings,
        calendar=_calendars,
        correlation_window_minutes=_numbers,
        minimum_contributors=_numbers,
        window_days=_numbers,
    ),
    delivery_streams=st.lists(
        st.builds(
            DeliveryStream,
            stream_id=_ids,
            name=_words,
            display_name=_words,
            description=_maybe,
            team_size=st.none() | _numbers,
            is_active=st.booleans(),
            calendar=st.none() | _calendars,
            minimum_contributors=st.none() | _numbers,
        ),
        max_size=3,
        unique_by=(lambda stream: stream.stream_id, lambda stream: stream.name),
    ).map(tuple),
    tech_streams=st.lists(
        st.builds(
            TechStream,
            stream_id=_ids,
            name=_words,
            display_name=_words,
            github_org=_words,
            github_install_id=_words,
            description=_maybe,
            is_active=st.booleans(),
            lead_time_method=st.sampled_from(["pr", "commit"]),
            branch_pattern=_maybe,
            minimum_contributors=st.none() | _numbers,
        ),
        max_size=3,
        unique_by=(lambda stream: stream.stream_id, lambda stream: stream.name, lambda stream: stream.github_org),
    ).map(tuple),
    repositories=st.lists(
        st.builds(
            RepositoryOverride,
            full_name=_words,
            deploy_target=_maybe,
            is_deployable=st.none() | st.booleans(),
            default_branch=_maybe,
        ),
        max_size=3,
    ).map(tuple),
    jira_projects=st.lists(
        st.builds(
            JiraProject,
            key=_words,
            delivery_stream_from=_texts,
            delivery_stream=_maybe,
            fields=st.builds(JiraFields, sprint=_maybe, flagged=_maybe),
            cancelled_resolutions=_texts,
        ),
        max_size=3,
    ).map(tuple),
    status_mappings=st.lists(
        st.builds(
            StatusMapping,
            project=_words,
            status=_words,
            stage=st.sampled_from(Stage),
            active=st.booleans(),
            order=_numbers,
        ),
        max_size=3,
    ).map(tuple),
    environments=st.lists(st.builds(EnvironmentRule, pattern=_words, environment=_words), max_size=2).map(tuple),
    severities=st.lists(
        st.builds(
            SeverityRow,
            severity=st.sampled_from(BottleneckSeverity),
            impacted_streams=_numbers,
            confidence_below=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=3,
    ).map(tuple),
    group_roles=st.lists(
        st.builds(GroupRole, role=_words, group=_maybe, pattern=_maybe, delivery_stream=_maybe, tech_stream=_maybe),
        max_size=2,
    ).map(tuple),
    github=st.builds(GitHubConnection, api_url=_words, app_id=_maybe),
    jira=st.builds(JiraConnection, base_url=_maybe, user=_maybe),
)


def test_any_configuration_is_read_back_as_it_was_saved(postgres_server: TestServer) -> None:
    """Whatever was saved, over whatever was there before, is read back equal from PostgreSQL."""
    saved_at = datetime(2026, 3, 2, tzinfo=UTC)
    with postgres_server.database(template=postgres_server.template) as url:

        async def save_and_load(configuration: Configuration) -> tuple[Configuration, Configuration]:
            async with Database(url, max_size=1) as database:
                store = PostgresConfigurationStore(database=database)
                version = (await store.load()).version
                at = saved_at + timedelta(seconds=version)
                saved = await store.save(configuration, expected_version=version, actor="a test", at=at)
                return saved, await store.load()

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(_configurations)
        def any_configuration(configuration: Configuration) -> None:
            saved, loaded = asyncio.run(save_and_load(configuration))
            assert replace(configuration, version=loaded.version) == saved == loaded

        any_configuration()
