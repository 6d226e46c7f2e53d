"""The configuration file: what it says, what is wrong with it, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.simulation.company import found_company
from dpp.adapters.simulation.configuration import configuration_toml
from dpp.application.calendars import Holidays, UnknownHolidays
from dpp.application.configuration_changes import difference
from dpp.application.configure import InvalidConfiguration
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
from dpp.domain.stages import Stage, StatusMapping

ROOT = Path(__file__).parents[4]
NAMESPACE = UUID("6f1d3c9e-2f0c-5a54-9d0b-3a8f7c1e4b20")
CODES = ("GB-ENG", "DE-BE", "AE")


class KnownHolidays(Holidays):
    """Knows three codes."""

    def dates(self, codes: Sequence[str], years: Iterable[int]) -> frozenset[date]:
        for code in codes:
            if code not in CODES:
                raise UnknownHolidays(f"no public holidays are known for {code!r}")
        return frozenset()


FILE = TomlConfigurationFile(KnownHolidays())
EMPTY = Configuration()

BASE = """\
[[delivery_streams]]
name = "payments"
[[tech_streams]]
name = "core"
github_org = "acme"
github_install_id = "1"
[[jira_projects]]
key = "PAY"
"""


def parse(text: str, current: Configuration = EMPTY) -> Configuration:
    """Read a file on top of a configuration."""
    return FILE.parse(text, current=current)


def faults(text: str, current: Configuration = EMPTY) -> list[str]:
    """Return what is wrong with a file, a line each."""
    with pytest.raises(InvalidConfiguration) as caught:
        parse(text, current)
    return [str(problem) for problem in caught.value.problems]


# what a file says


def test_everything_in_a_file_arrives() -> None:
    """Each key of the format sets the field of its name."""
    found = parse(
        """\
        [platform]
        time_zone = "Europe/London"
        weekend = ["Friday", "saturday"]
        holidays = ["GB-ENG"]
        extra_holidays = ["2026-12-24", 2026-12-31]
        correlation_window_minutes = 45
        minimum_contributors = 5
        window_days = 14
        [[delivery_streams]]
        name = "payments"
        display_name = "Payments"
        description = "Money"
        team_size = 9
        minimum_contributors = 4
        [delivery_streams.calendar]
        holidays = ["AE"]
        [[tech_streams]]
        name = "core"
        display_name = "Core API"
        github_org = "acme"
        github_install_id = "1001"
        description = "APIs"
        lead_time_method = "commit"
        branch_pattern = '^x/([A-Z]+-\\d+)'
        minimum_contributors = 3
        [[repositories]]
        full_name = "acme/pay"
        deploy_target = "ecs:pay"
        is_deployable = false
        default_branch = "trunk"
        [[jira_projects]]
        key = "PAY"
        delivery_stream_from = ["project", "field"]
        delivery_stream = "Payments"
        fields = { sprint = "customfield_1", root_cause_category = "customfield_2" }
        cancelled_resolutions = ["Won't Do"]
        [[status_mappings]]
        project = "PAY"
        status = "Ready for QA"
        stage = "qa"
        active = false
        order = 6
        [github]
        api_url = "https://git.example.org/api/v3"
        app_id = "12"
        [jira]
        base_url = "https://jira.example.org"
        user = "me"
        [[environments]]
        pattern = "(?i)^prod"
        environment = "production"
        [[severities]]
        severity = "high"
        impacted_streams = 2
        confidence_below = 62.5
        [[severities]]
        severity = "low"
        impacted_streams = 1
        [[group_roles]]
        group = "leads"
        role = "stream_lead"
        delivery_stream = "payments"
        """
    )
    expected = Configuration(
        platform=PlatformSettings(
            calendar=CalendarRules(
                time_zone="Europe/London",
                weekend=frozenset({4, 5}),
                holidays=("GB-ENG",),
                extra_holidays=(date(2026, 12, 24), date(2026, 12, 31)),
            ),
            correlation_window_minutes=45,
            minimum_contributors=5,
            window_days=14,
        ),
        delivery_streams=(
            DeliveryStream(
                stream_id=uuid5(NAMESPACE, "delivery-stream\x1fpayments"),
                name="payments",
                display_name="Payments",
                description="Money",
                team_size=9,
                minimum_contributors=4,
                calendar=CalendarRules(
                    time_zone="Europe/London",
                    weekend=frozenset({4, 5}),
                    holidays=("AE",),
                    extra_holidays=(date(2026, 12, 24), date(2026, 12, 31)),
                ),
            ),
        ),
        tech_streams=(
            TechStream(
                stream_id=uuid5(NAMESPACE, "tech-stream\x1fcore"),
                name="core",
                display_name="Core API",
                github_org="acme",
                github_install_id="1001",
                description="APIs",
                lead_time_method="commit",
                branch_pattern=r"^x/([A-Z]+-\d+)",
                minimum_contributors=3,
            ),
        ),
        repositories=(
            RepositoryOverride(
                full_name="acme/pay", deploy_target="ecs:pay", is_deployable=False, default_branch="trunk"
            ),
        ),
        jira_projects=(
            JiraProject(
                key="PAY",
                delivery_stream_from=("project", "field"),
                delivery_stream="Payments",
                fields=JiraFields(sprint="customfield_1", root_cause_category="customfield_2"),
                cancelled_resolutions=("Won't Do",),
            ),
        ),
        status_mappings=(StatusMapping(project="PAY", status="Ready for QA", stage=Stage.QA, active=False, order=6),),
        environments=(EnvironmentRule(pattern="(?i)^prod", environment="production"),),
        severities=(
            SeverityRow(severity=BottleneckSeverity.HIGH, impacted_streams=2, confidence_below=62.5),
            SeverityRow(severity=BottleneckSeverity.LOW, impacted_streams=1),
        ),
        group_roles=(GroupRole(role="stream_lead", group="leads", delivery_stream="payments"),),
        github=GitHubConnection(api_url="https://git.example.org/api/v3", app_id="12"),
        jira=JiraConnection(base_url="https://jira.example.org", user="me"),
    )
    assert expected == found


def test_an_empty_file_changes_nothing() -> None:
    """Without a section everything stays."""
    current = parse(BASE)
    assert current == parse("", current)
    assert current == parse("\ufeff# a comment\r\n", current)


def test_a_section_replaces_itself_and_nothing_else() -> None:
    """What a present section leaves out is gone, what an absent section had stays."""
    current = parse(BASE + '[platform]\nwindow_days = 7\ntime_zone = "Europe/London"\n')
    found = parse("repositories = []\n[platform]\nwindow_days = 8\n", current)
    assert PlatformSettings(window_days=8) == found.platform
    assert current.tech_streams == found.tech_streams
    assert () == parse("jira_projects = []\n", current).jira_projects


# which stream is which


def test_a_stream_that_is_no_longer_there_is_archived() -> None:
    """A missing stream is inactive behind the others, and comes back under its id."""
    both = parse('[[delivery_streams]]\nname = "a"\n[[delivery_streams]]\nname = "b"\n')
    a, b = both.delivery_streams
    found = parse('[[delivery_streams]]\nname = "B"\n', both)
    assert (replace(b, name="B", display_name="B"), replace(a, is_active=False)) == found.delivery_streams
    back = parse('[[delivery_streams]]\nname = "a"\n', found)
    assert a == back.delivery_streams[0]
    assert not back.delivery_streams[1].is_active


def test_a_renamed_stream_keeps_its_id() -> None:
    """The line that renames may stay: applied again it changes nothing."""
    before = parse(BASE)
    text = '[[tech_streams]]\nname = "new"\nrenamed_from = "Core"\ngithub_org = "acme"\n'
    after = parse(text, before)
    assert [before.tech_streams[0].stream_id] == [stream.stream_id for stream in after.tech_streams]
    assert "new" == after.tech_streams[0].name
    assert after == parse(text, after)


def test_a_new_stream_may_take_a_name_that_was_given_up() -> None:
    """A stream that gets the old name of another one is another stream."""
    renamed = parse('[[delivery_streams]]\nname = "new"\nrenamed_from = "payments"\n', parse(BASE))
    found = parse('[[delivery_streams]]\nname = "new"\n[[delivery_streams]]\nname = "payments"\n', renamed)
    assert 2 == len({stream.stream_id for stream in found.delivery_streams})
    assert renamed.delivery_streams[0] == found.delivery_streams[0]


def test_an_empty_platform_gets_the_ids_that_another_one_has() -> None:
    """A platform built anew from the file has the ids of the first one, also of a renamed stream."""
    text = '[[delivery_streams]]\nname = "new"\nrenamed_from = "payments"\n'
    assert parse(text, parse(BASE)).delivery_streams == parse(text).delivery_streams


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[delivery_streams]]\nname = "new"\nrenamed_from = "paymens"\n', r"did you mean 'payments'"),
        (
            '[[delivery_streams]]\nname = "payments"\n[[delivery_streams]]\nname = "b"\nrenamed_from = "payments"\n',
            "is itself a stream of this file",
        ),
        (
            '[[delivery_streams]]\nname = "a"\nrenamed_from = "payments"\n'
            '[[delivery_streams]]\nname = "b"\nrenamed_from = "payments"\n',
            "has been renamed to another stream already",
        ),
    ],
)
def test_impossible_renamings_are_refused(text: str, message: str) -> None:
    """A stream is renamed once, from a name that there is, and not while it also stays."""
    found = faults(text, parse(BASE))
    assert 1 == len(found)
    assert re.search(message, found[0])


def test_two_streams_cannot_become_one() -> None:
    """Renaming a stream to one that there is would merge two histories."""
    two = parse('[[delivery_streams]]\nname = "a"\n[[delivery_streams]]\nname = "b"\n')
    found = faults('[[delivery_streams]]\nname = "a"\nrenamed_from = "b"\n', two)
    assert ["line 3: delivery_streams.renamed_from: there are both 'a' and 'b': streams cannot be merged"] == found


# what is wrong


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[platform]\ntime_zone = 'Europe/Lundon'", r"line 2: platform\.time_zone: .*Lundon.* unknown"),
        ("[platform]\ntimezone = 'UTC'", r"line 2: .*'timezone' is unknown \(did you mean 'time_zone'\?\)"),
        ("[plattform]\n", r"line 1: plattform: .*did you mean 'platform'"),
        (
            "[platform]\nwindow_days = '30'",
            r"line 2: platform\.window_days: must be a whole number, not text in quotes",
        ),
        ("[platform]\nwindow_days = true", r"line 2: .*must be a whole number, not true or false"),
        ("[platform]\nwindow_days = 0", r"line 2: .*must be from 1 to 3650, not 0"),
        ("[platform]\nholidays = ['GB-ENG', 'XX']", r"line 2: platform\.holidays: .*'XX'"),
        ("[platform]\nholidays = [\n 'XX',\n]", r"line 2: platform\.holidays"),
        ("[platform]\nextra_holidays = ['2026-02-30']", r"line 2: .*'2026-02-30' is no date; write it as 2026-12-24"),
        ("[platform]\nextra_holidays = ['20261224']", r"line 2: .*is no date"),
        ("[platform]\nextra_holidays = [2026-12-24T10:00:00]", r"line 2: .*is no date"),
        ("[platform]\nweekend = ['someday']", r"line 2: .*'someday' is no weekday"),
        (
            "[platform]\nweekend = ['monday','tuesday','wednesday','thursday','friday','saturday','sunday']",
            r"line 2: platform\.weekend: .*leave one",
        ),
        ("delivery_streams = 1", r"line 1: delivery_streams: must be a list of tables"),
        ("delivery_streams = [1]", r"line 1: delivery_streams: must be a table"),
        ("platform = 1", r"line 1: platform: must be a table"),
        ("[[delivery_streams]]\nteam_size = 3", r"line 1: delivery_streams\.name: is missing"),
        ("[[delivery_streams]]\nname = ' '", r"line 2: delivery_streams\.name: must not be empty"),
        ('[[delivery_streams]]\nname = "a\\u0000"', r"line 2: .*NUL"),
        (
            "[[delivery_streams]]\nname='a'\n[delivery_streams.calendar]\ntime_zone='X/Y'",
            r"line 4: .*calendar\.time_zone",
        ),
        ("[[delivery_streams]]\nname='a'\n[[delivery_streams]]\nname='A'", r"line 4: delivery_streams\.name: .*'a'"),
        (
            "[[delivery_streams]]\nname='a'\n[[delivery_streams]]\nname='b'\ndisplay_name='A'",
            r"line 5: delivery_streams\.display_name: 'A' is also a name of the stream 'a'",
        ),
        (
            "[[tech_streams]]\nname='a'\ngithub_org='o'\n[[tech_streams]]\nname='b'\ngithub_org='O'",
            r"line 6: tech_streams\.github_org: 'O' belongs to the stream 'a'; an organisation has one stream",
        ),
        (
            "[[tech_streams]]\nname='a'\ngithub_org='o'\ngithub_install_id='7'\n"
            "[[tech_streams]]\nname='b'\ngithub_org='p'\ngithub_install_id='7'",
            r"line 8: tech_streams\.github_install_id: '7' belongs",
        ),
        (
            "[[tech_streams]]\nname='a'\ngithub_org='o'\ngithub_install_id=7",
            r"line 4: .*must be text in quotes, not a whole",
        ),
        (
            "[[tech_streams]]\nname='a'\ngithub_org='o'\nlead_time_method='commits'",
            r"line 4: .*\(did you mean 'commit'\?\); it is one of pr, commit",
        ),
        ("[[tech_streams]]\nname='a'\ngithub_org='o'\nbranch_pattern='[A-Z]+'", r"line 4: .*0 capturing groups"),
        ("[[tech_streams]]\nname='a'\ngithub_org='o'\nbranch_pattern='('", r"line 4: .*position 0"),
        ("[[repositories]]\nfull_name='pay'", r"line 2: repositories\.full_name: .*organisation/repository"),
        ("[[repositories]]\nfull_name='a/b'\n[[repositories]]\nfull_name='A/b'", r"line 4: .*described twice"),
        ("[[jira_projects]]\nkey='pay'", r"line 2: jira_projects\.key: .*capitals"),
        ("[[jira_projects]]\nkey='PAY'\n[[jira_projects]]\nkey='PAY'", r"line 4: .*PAY is described twice"),
        ("[[jira_projects]]\nkey='PAY'\ndelivery_stream='nope'", r"line 3: .*no stream 'nope'; there is none yet"),
        (
            "[[delivery_streams]]\nname='payments'\n[[jira_projects]]\nkey='PAY'\ndelivery_stream='paymnts'",
            r"line 5: .*did you mean 'payments'",
        ),
        ("[[jira_projects]]\nkey='PAY'\ndelivery_stream_from=['labels']", r"line 3: .*did you mean 'label'"),
        ("[[jira_projects]]\nkey='PAY'\ndelivery_stream_from=['label','label']", r"line 3: .*there twice"),
        ("[[jira_projects]]\nkey='PAY'\nfields={ sprnt='x' }", r"line 3: jira_projects\.fields\.sprnt: .*'sprint'"),
        ("[[jira_projects]]\nkey='PAY'\n[jira_projects.fields]\nsprint=1", r"line 4: jira_projects\.fields\.sprint"),
        (
            "[[jira_projects]]\nkey='PAY'\n[[status_mappings]]\nproject='PAY'\nstatus='A'\nstage='qaa'\nactive=true",
            r"line 6: status_mappings\.stage: 'qaa' is no stage \(did you mean 'qa'\?\)",
        ),
        (
            "[[jira_projects]]\nkey='PAY'\n[[status_mappings]]\nproject='PAY'\nstatus='A'\nstage='qa'",
            r"line 3: status_mappings\.active: is missing; true where somebody works",
        ),
        (
            "[[jira_projects]]\nkey='PAY'\n[[status_mappings]]\nproject='PYA'\nstatus='A'\nstage='qa'\nactive=true",
            r"line 4: status_mappings\.project: there is no project 'PYA' \(did you mean 'PAY'\?\)",
        ),
        (
            "[[jira_projects]]\nkey='PAY'\n"
            "[[status_mappings]]\nproject='PAY'\nstatus='In QA'\nstage='qa'\nactive=true\n"
            "[[status_mappings]]\nproject='PAY'\nstatus=' in qa'\nstage='qa'\nactive=true",
            r"line 10: status_mappings\.status: .*mapped twice",
        ),
        ("[[environments]]\npattern='('\nenvironment='dev'", r"line 2: environments\.pattern"),
        ("[[environments]]\npattern='(a+)+'\nenvironment='dev'", r"line 2: environments\.pattern"),
        ("[[environments]]\npattern='a'\nenvironment='prod'", r"line 3: .*'prod' is no environment"),
        (
            "[[environments]]\npattern='a'\nenvironment='dev'\n[[environments]]\npattern='a'\nenvironment='staging'",
            r"line 5: .*there twice",
        ),
        ("[[severities]]\nseverity='none'\nimpacted_streams=1", r"line 2: severities\.severity: 'none' is no severity"),
        ("[[severities]]\nseverity='high'", r"line 1: severities\.impacted_streams: is missing; at least so many"),
        ("[[severities]]\nseverity='high'\nimpacted_streams=0", r"line 3: .*must be from 1 to 1000, not 0"),
        (
            "[[severities]]\nseverity='high'\nimpacted_streams=1\nconfidence_below=0",
            r"line 4: severities\.confidence_below: must be above 0 and at most 100, not 0",
        ),
        (
            "[[severities]]\nseverity='high'\nimpacted_streams=1\nconfidence_below='70'",
            r"line 4: .*must be a number, not text in quotes",
        ),
        (
            "[[severities]]\nseverity='low'\nimpacted_streams=1\n[[severities]]\nseverity='high'\nimpacted_streams=1",
            r"line 6: severities\.impacted_streams: high has the same condition as low",
        ),
        ("[[group_roles]]\nrole='leader'\ngroup='g'", r"line 2: group_roles\.role: 'leader' is no role"),
        ("[[group_roles]]\nrole='viewer'", r"line 1: group_roles: give either group"),
        ("[[group_roles]]\nrole='viewer'\ngroup='g'\npattern='^g$'", r"line 1: group_roles: give either group"),
        ("[[group_roles]]\nrole='viewer'\npattern='g'", r"line 3: .*must begin with \^ and end with \$"),
        ("[[group_roles]]\nrole='viewer'\npattern='^(g$'", r"line 3: group_roles\.pattern"),
        (
            "[[group_roles]]\nrole='viewer'\npattern='^(?P<team>.+)$'",
            r"line 3: .*delivery_stream or tech_stream, not team",
        ),
        ("[[group_roles]]\nrole='platform_admin'\npattern='^(.+)-admins$'", r"line 3: .*must capture none"),
        (
            "[[delivery_streams]]\nname='a'\n[[group_roles]]\nrole='viewer'\ndelivery_stream='a'\n"
            "pattern='^(?P<delivery_stream>.+)$'",
            r"line 6: .*captures the delivery_stream",
        ),
        ("[[group_roles]]\nrole='viewer'\ngroup='g'\ntech_stream='x'", r"line 4: .*no stream 'x'"),
        (
            "[[tech_streams]]\nname='a'\ngithub_org='o'\n[[group_roles]]\nrole='platform_admin'\ngroup='g'\ntech_stream='a'",
            r"line 5: group_roles\.role: platform_admin is for all streams",
        ),
        ("[github]\napi_url='api.github.com'", r"line 2: github\.api_url: .*https://"),
        ("[jira]\nbase_url='jira'", r"line 2: jira\.base_url"),
        ("[jira]\ntoken='x'", r"line 2: jira\.token: the key 'token' is unknown"),
    ],
)
def test_each_fault_is_named_with_its_line(text: str, problem: str) -> None:
    """One fault gives one problem, which has its line, its place and a remedy."""
    found = faults(text)
    assert 1 == len(found), found
    assert re.match(problem, found[0]), found[0]


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    """A file with three faults says all three, and how many they are."""
    text = '[jira]\nbase_url = "x"\n[[environments]]\npattern = "("\nenvironment = "production"\n[platform]\nx = 1\n'
    with pytest.raises(InvalidConfiguration) as caught:
        parse(text)
    assert [2, 4, 7] == [problem.line for problem in caught.value.problems]
    assert str(caught.value).startswith("the configuration has 3 problems; nothing was changed\nline 2: jira.base_url")
    assert "invalid_configuration" == caught.value.code


@pytest.mark.parametrize(
    ("text", "line"), [("a = ", 1), ("[platform]\nx = 1\nx = 2\n", 3), ("[platform\n", 1), ("a = 1\nb = '''\n", 3)]
)
def test_what_is_not_toml_is_refused_with_its_line(text: str, line: int) -> None:
    """A fault of the language itself names the line that the parser stopped at."""
    with pytest.raises(InvalidConfiguration, match="not TOML") as caught:
        parse(text)
    assert [line] == [problem.line for problem in caught.value.problems]


def test_lines_are_found_past_texts_that_look_like_tables() -> None:
    """A header inside of a text of several lines, a comment or a quoted key misleads nobody."""
    text = '[[delivery_streams]]\nname = "a"\ndescription = """\n[[delivery_streams]]\nname = "b"\n"""\n# [[x]]\n'
    text += '[[delivery_streams]] # second\n"name" = "c"\nteam_size = 0\n'
    assert ["line 10: delivery_streams.team_size: must be from 1 to 10000, not 0"] == faults(text)


def test_tables_written_inline_are_found_at_their_key() -> None:
    """A list of inline tables is one place."""
    found = faults(
        'status_mappings = [\n { project = "PAY", status = "A", stage = "x", active = true },\n]\n', parse(BASE)
    )
    assert 1 == len(found)
    assert found[0].startswith("line 1: status_mappings.stage")


def test_a_fault_that_a_file_causes_elsewhere_says_so() -> None:
    """Archiving a stream that a project of another section needs is refused without a line."""
    current = parse(BASE + 'delivery_stream = "payments"\n')
    found = faults('[[delivery_streams]]\nname = "other"\n', current)
    assert [
        "jira_projects.delivery_stream (not in this file, but in the configuration that it changes): "
        "the stream 'payments' is archived; bring it back or name another one"
    ] == found


def test_an_archived_streams_organisation_is_still_its_own() -> None:
    """A new stream for an archived one's organisation is refused, with the way to continue the old one."""
    found = faults('[[tech_streams]]\nname = "new"\ngithub_org = "acme"\n', parse(BASE))
    assert 1 == len(found)
    assert found[0].startswith(
        "line 3: tech_streams.github_org: 'acme' belongs to the stream 'core', which is archived"
    )


# how it is written

words = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()) and "\x00" not in text)
words = words.filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))
maybe = st.none() | words
identities = st.uuids()
calendars = st.builds(
    CalendarRules,
    time_zone=st.sampled_from(["UTC", "Europe/London", "Asia/Kathmandu"]),
    weekend=st.frozensets(st.integers(0, 6), max_size=6),
    holidays=st.lists(st.sampled_from(CODES), unique=True).map(tuple),
    extra_holidays=st.frozensets(st.dates()).map(lambda days: tuple(sorted(days))),
)
people = st.integers(1, 1000)


def folded(text: str) -> str:
    """Compare names as the platform does."""
    return text.strip().casefold()


def by(*names: str) -> Callable[[object], tuple[str, ...]]:
    """Return a key of those attributes for ``unique_by``."""
    return lambda item: tuple(folded(getattr(item, name)) for name in names)


@st.composite
def streams(
    draw: st.DrawFn, kind: st.SearchStrategy[DeliveryStream | TechStream]
) -> tuple[DeliveryStream | TechStream, ...]:
    """Draw streams whose names do not collide."""
    found = draw(st.lists(kind, max_size=4, unique_by=lambda stream: stream.stream_id))
    taken: set[str] = set()
    kept = []
    for stream in found:
        names = {folded(stream.name), folded(stream.display_name)}
        if not names & taken:
            taken |= names
            kept.append(stream)
    return tuple(kept)


delivery = st.builds(
    DeliveryStream,
    stream_id=identities,
    name=words,
    display_name=words,
    description=maybe,
    team_size=st.none() | people,
    is_active=st.booleans(),
    calendar=st.none() | calendars,
    minimum_contributors=st.none() | people,
)
tech = st.builds(
    TechStream,
    stream_id=identities,
    name=words,
    display_name=words,
    github_org=st.uuids().map(str),
    github_install_id=st.just("") | st.uuids().map(str),
    description=maybe,
    is_active=st.booleans(),
    lead_time_method=st.sampled_from(["pr", "commit"]),
    branch_pattern=st.sampled_from([None, r"^([A-Z]+-\d+)", r"'([A-Z]+-\d+)", '"(a)\\\\']),
    minimum_contributors=st.none() | people,
)


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Draw a configuration that could be in force."""
    delivery_streams = draw(streams(delivery))
    tech_streams = draw(streams(tech))
    named = st.sampled_from([None, *(stream.name for stream in delivery_streams if stream.is_active)])
    projects = st.builds(
        JiraProject,
        key=st.sampled_from(["PAY", "ID", "A_1"]),
        delivery_stream_from=st.permutations(["field", "project", "label", "component"]).map(tuple),
        delivery_stream=named,
        fields=st.builds(JiraFields, **{field.name: maybe for field in fields(JiraFields)}),
        cancelled_resolutions=st.lists(words, max_size=3).map(tuple),
    )
    jira_projects = draw(st.lists(projects, max_size=3, unique_by=lambda project: project.key).map(tuple))
    mappings = st.builds(
        StatusMapping,
        project=st.sampled_from([project.key for project in jira_projects] or ["NONE"]),
        status=words,
        stage=st.sampled_from(Stage),
        active=st.booleans(),
        order=st.integers(-5, 99),
    )
    groups = st.builds(GroupRole, role=st.just("viewer"), group=words, delivery_stream=named) | st.just(
        GroupRole(role="platform_admin", pattern=r"^a\.b$")
    )
    return Configuration(
        version=draw(st.integers(0, 9)),
        platform=draw(
            st.builds(
                PlatformSettings,
                calendar=calendars,
                correlation_window_minutes=people,
                minimum_contributors=people,
                window_days=people,
            )
        ),
        delivery_streams=delivery_streams,  # type: ignore[arg-type]  # of the kind that was asked for
        tech_streams=tech_streams,  # type: ignore[arg-type]
        repositories=draw(
            st.lists(
                st.builds(
                    RepositoryOverride,
                    full_name=st.integers(0, 9).map(lambda number: f"acme/r{number}"),
                    deploy_target=maybe,
                    is_deployable=st.none() | st.booleans(),
                    default_branch=maybe,
                ),
                max_size=3,
                unique_by=by("full_name"),
            ).map(tuple)
        ),
        jira_projects=jira_projects,
        status_mappings=draw(st.lists(mappings, max_size=4, unique_by=by("project", "status")).map(tuple))
        if jira_projects
        else (),
        environments=draw(
            st.lists(
                st.builds(
                    EnvironmentRule,
                    pattern=st.sampled_from([r"^p\d", "(?i)^prod", "it's\\b", 'say "x"']),
                    environment=st.sampled_from(["dev", "staging", "production"]),
                ),
                max_size=4,
                unique_by=lambda rule: rule.pattern,
            ).map(tuple)
        ),
        severities=draw(
            st.lists(
                st.builds(
                    SeverityRow,
                    severity=st.sampled_from([it for it in BottleneckSeverity if it is not BottleneckSeverity.NONE]),
                    impacted_streams=st.integers(1, 1000),
                    confidence_below=st.none() | st.floats(0, 100, exclude_min=True),
                ),
                max_size=4,
                unique_by=lambda row: (row.impacted_streams, row.confidence_below),
            ).map(tuple)
        ),
        group_roles=draw(st.lists(groups, max_size=3).map(tuple)),
        github=draw(st.builds(GitHubConnection, api_url=st.just("https://ghe.example.org"), app_id=maybe)),
        jira=draw(
            st.builds(JiraConnection, base_url=st.none() | st.just("https://jira.acme.example:8443/x"), user=maybe)
        ),
    )


@settings(max_examples=60)
@given(configuration=configurations())
def test_what_is_written_reads_back(configuration: Configuration) -> None:
    """A configuration written and read on top of itself is the same, to the last field."""
    assert configuration == parse(FILE.render(configuration), configuration)


def _names(configuration: Configuration) -> set[str]:
    found = {name for stream in configuration.delivery_streams for name in (stream.name, stream.display_name)}
    found |= {name for stream in configuration.tech_streams for name in (stream.name, stream.display_name)}
    return set(map(folded, found))


@settings(max_examples=40)
@given(before=configurations(), after=configurations())
def test_a_written_file_states_everything(before: Configuration, after: Configuration) -> None:
    """Put on top of any other configuration, a file leaves nothing of that one but its archived streams."""
    text = FILE.render(after)
    assume(not _names(before) & _names(after))  # names of archived streams stay taken
    found = parse(text, before)
    counted = len(after.delivery_streams), len(after.tech_streams)
    assert all(not stream.is_active for stream in found.delivery_streams[counted[0] :])
    assert all(not stream.is_active for stream in found.tech_streams[counted[1] :])
    same = (
        "platform",
        "repositories",
        "jira_projects",
        "status_mappings",
        "environments",
        "severities",
        "group_roles",
        "github",
        "jira",
    )
    assert [getattr(after, name) for name in same] == [getattr(found, name) for name in same]
    assert [stream.name for stream in after.delivery_streams] == [
        stream.name for stream in found.delivery_streams[: counted[0]]
    ]


@settings(max_examples=40)
@given(before=configurations(), after=configurations())
def test_there_is_a_difference_where_there_is_one(before: Configuration, after: Configuration) -> None:
    """A configuration does not differ from itself, and every other set of values shows."""
    assert [] == difference(before, before)
    alike = replace(after, version=before.version) == before
    sets_alike = all(
        sorted(map(repr, getattr(before, name))) == sorted(map(repr, getattr(after, name)))
        for name in (
            *("delivery_streams", "tech_streams", "repositories", "jira_projects", "status_mappings", "severities"),
        )
    )
    if not alike and not sets_alike:
        assert difference(before, after)


def test_the_example_of_the_documentation_can_be_applied() -> None:
    """The complete example is valid, uses every section, and states all that it shows."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    found = parse(example)
    for field in fields(Configuration):
        if field.name != "version":
            assert getattr(found, field.name), field.name
    assert [("qa", False), ("qa", True)] == [
        (mapping.stage, mapping.active) for mapping in found.status_mappings if mapping.stage is Stage.QA
    ]
    assert 9 == len([field for field in fields(JiraFields) if getattr(found.jira_projects[0].fields, field.name)])
    assert found == parse(FILE.render(found), found)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=3)
def test_a_simulated_organisations_file_can_be_applied(seed: int) -> None:
    """The simulation writes a file that is in order, and applied twice it changes nothing."""
    company = found_company(Random(seed))
    text = configuration_toml(company, start=datetime(2026, 3, 2, tzinfo=UTC))
    found = parse(text)
    assert found == parse(text, found)
    assert len(company.projects) == len(found.jira_projects)
