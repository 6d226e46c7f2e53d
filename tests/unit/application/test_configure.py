"""Applying a configuration, and the lines that say what it changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.configure import Applied, InvalidConfiguration, apply, difference
from dpp.domain.bottlenecks import DEFAULT_SEVERITY_ROWS, BottleneckSeverity, SeverityRow
from dpp.domain.configuration import (
    CalendarRules,
    Configuration,
    DeliveryStream,
    EnvironmentRule,
    GitHubConnection,
    GroupRole,
    JiraFields,
    JiraProject,
    PlatformSettings,
    RepositoryOverride,
)
from dpp.domain.stages import Stage, StatusMapping

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILE = TomlConfigurationFile(LibraryHolidays())
TEXT = '[[delivery_streams]]\nname = "payments"\nteam_size = 8\n'

PAYMENTS = DeliveryStream(stream_id=UUID(int=1), name="payments", display_name="Payments", team_size=8)
READY = StatusMapping(project="PAY", status="Ready for QA", stage=Stage.QA, active=False, order=6)


class Setting:
    def __init__(self) -> None:
        self.store = MemoryConfigurationStore(database=MemoryDatabase(), feed=MemoryChangeFeed())

    async def apply(self, text: str, *, dry_run: bool = False) -> Applied:
        return await apply(text, file=FILE, store=self.store, actor="test", now=NOW, dry_run=dry_run)


def test_a_file_is_applied_once() -> None:
    """The first application makes a version and says what is new; the second changes nothing."""

    async def story() -> None:
        setting = Setting()
        first = await setting.apply(TEXT)
        assert (("delivery stream payments: added",), 1) == (first.changes, first.configuration.version)
        second = await setting.apply(TEXT)
        assert ((), 1) == (second.changes, second.configuration.version)
        third = await setting.apply(TEXT.replace("8", "9"))
        assert (("delivery stream payments: team_size 8 → 9",), 2) == (third.changes, third.configuration.version)
        assert third.configuration == await setting.store.load()

    asyncio.run(story())


def test_a_dry_run_changes_nothing() -> None:
    """A dry run says the same and leaves the configuration as it is."""

    async def story() -> None:
        setting = Setting()
        found = await setting.apply(TEXT, dry_run=True)
        assert ("delivery stream payments: added",) == found.changes
        assert Configuration() == await setting.store.load()

    asyncio.run(story())


def test_a_faulty_file_changes_nothing() -> None:
    """A file with one fault and one good section is refused whole."""

    async def story() -> None:
        setting = Setting()
        with pytest.raises(InvalidConfiguration):
            await setting.apply(TEXT + "[platform]\nx = 1\n")
        assert Configuration() == await setting.store.load()

    asyncio.run(story())


def test_an_export_changes_nothing() -> None:
    """What is exported can be applied as it is."""

    async def story() -> None:
        setting = Setting()
        await setting.apply(TEXT)
        exported = FILE.render(await setting.store.load())
        assert () == (await setting.apply(exported)).changes

    asyncio.run(story())


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            Configuration(),
            Configuration(status_mappings=(READY,)),
            ["status PAY/Ready for QA: added as qa, waiting"],
        ),
        (
            Configuration(status_mappings=(READY,)),
            Configuration(status_mappings=(replace(READY, active=True, stage=Stage.UAT),)),
            ["status PAY/Ready for QA: stage qa → uat", "status PAY/Ready for QA: active no → yes"],
        ),
        (Configuration(status_mappings=(READY,)), Configuration(), ["status PAY/Ready for QA: removed"]),
        (
            Configuration(delivery_streams=(PAYMENTS,)),
            Configuration(delivery_streams=(replace(PAYMENTS, name="money", is_active=False),)),
            ["delivery stream payments: name payments → money", "delivery stream payments: archived"],
        ),
        (
            Configuration(delivery_streams=(replace(PAYMENTS, is_active=False),)),
            Configuration(delivery_streams=(PAYMENTS,)),
            ["delivery stream payments: brought back"],
        ),
        (
            Configuration(delivery_streams=(PAYMENTS,)),
            Configuration(delivery_streams=(replace(PAYMENTS, calendar=CalendarRules(time_zone="Asia/Dubai")),)),
            ["delivery stream payments: calendar none → (time_zone Asia/Dubai; weekend saturday, sunday)"],
        ),
        (
            Configuration(),
            Configuration(
                platform=PlatformSettings(
                    calendar=CalendarRules(
                        time_zone="Europe/London", holidays=("GB-ENG",), extra_holidays=(date(2026, 12, 24),)
                    ),
                    window_days=14,
                )
            ),
            [
                "platform: calendar.time_zone UTC → Europe/London",
                "platform: calendar.holidays none → GB-ENG",
                "platform: calendar.extra_holidays none → 2026-12-24",
                "platform: window_days 30 → 14",
            ],
        ),
        (
            Configuration(jira_projects=(JiraProject(key="PAY"),)),
            Configuration(jira_projects=(JiraProject(key="PAY", fields=JiraFields(sprint="customfield_1")),)),
            ["Jira project PAY: fields.sprint none → customfield_1"],
        ),
        (
            Configuration(
                environments=(
                    EnvironmentRule(pattern="a", environment="dev"),
                    EnvironmentRule(pattern="b", environment="dev"),
                )
            ),
            Configuration(
                environments=(
                    EnvironmentRule(pattern="b", environment="dev"),
                    EnvironmentRule(pattern="a", environment="dev"),
                )
            ),
            ["environment patterns: order is now b, a"],
        ),
        (
            Configuration(),
            Configuration(
                severities=(
                    *DEFAULT_SEVERITY_ROWS[1:4],
                    replace(DEFAULT_SEVERITY_ROWS[4], severity=BottleneckSeverity.MEDIUM),
                    SeverityRow(severity=BottleneckSeverity.CRITICAL, impacted_streams=5),
                )
            ),
            [
                "severity of 1 or more streams: severity low → medium",
                "severity of 5 or more streams: added as critical",
                "severity of 3 or more streams with confidence below 60 %: removed",
            ],
        ),
        (
            Configuration(),
            Configuration(
                environments=(EnvironmentRule(pattern="^p", environment="production"),),
                group_roles=(
                    GroupRole(role="viewer", group="g", tech_stream="core"),
                    GroupRole(role="viewer", group="h"),
                ),
                repositories=(RepositoryOverride(full_name="a/b"),),
                github=GitHubConnection(app_id="1"),
            ),
            [
                "repository a/b: added",
                "environment pattern ^p: added as production",
                "group g: added as viewer of core",
                "group h: added as viewer of all streams",
                "GitHub: app_id none → 1",
            ],
        ),
    ],
)
def test_differences_read_well(before: Configuration, after: Configuration, lines: list[str]) -> None:
    """Each change is a line that names the thing, what of it, and both values."""
    assert lines == difference(before, after)


def test_order_alone_is_no_change_but_for_environments() -> None:
    """Streams listed in another order mean the same."""
    other = replace(PAYMENTS, stream_id=UUID(int=2), name="identity", display_name="Identity")
    one, two = Configuration(delivery_streams=(PAYMENTS, other)), Configuration(delivery_streams=(other, PAYMENTS))
    assert [] == difference(one, two)


def test_a_pattern_that_cannot_be_used_is_told_all_the_same() -> None:
    """What changes is told of any configuration, also of one that no check would let through."""
    after = Configuration(group_roles=(GroupRole(role="viewer", pattern="?"),))
    assert ["group ?: added as viewer of all streams"] == difference(Configuration(), after)
