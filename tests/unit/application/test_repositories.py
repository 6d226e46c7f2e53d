from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from dpp.application.repositories import SIGHTING_RESOLUTION, Repositories
from dpp.domain.configuration import Configuration, RepositoryOverride, TechStream
from dpp.domain.events import RepositoryFact, RepositoryRef

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def _register(*, configuration: Configuration | None = None) -> Repositories:
    return Repositories((), (), configuration=configuration or Configuration())


def _ref(full_name: str, github_id: int | None = None, **more: str) -> RepositoryRef:
    org, _, name = full_name.partition("/")
    return RepositoryRef(org=org, name=name, github_id=github_id, **more)


def _take_in(register: Repositories, sightings: list[tuple[int, str, int]]) -> None:
    for github_id, name, hour in sightings:
        at = T0 + hour * SIGHTING_RESOLUTION
        if register.is_news(_ref(name, github_id), at=at):
            register.see(_ref(name, github_id), at=at)


def _names(register: Repositories) -> dict[int | None, str]:
    return {repository.github_repo_id: repository.full_name for repository in register.all}


_sightings = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["acme/a", "acme/b", "other/a"]), st.integers(0, 9)),
    min_size=1,
    max_size=8,
    unique_by=lambda sighting: sighting[2],
)


@given(_sightings, st.data())
def test_sightings_may_come_in_any_order(sightings: list[tuple[int, str, int]], data: st.DataObject) -> None:
    """Whatever the order of sightings, every repository ends under the same name and every name leads to the same."""
    straight, shuffled = _register(), _register()
    _take_in(straight, sightings)
    _take_in(shuffled, data.draw(st.permutations(sightings)))
    assert _names(straight) == _names(shuffled)
    for name in ("acme/a", "acme/b", "other/a"):
        assert straight.find(_ref(name)) == shuffled.find(_ref(name))


@given(_sightings)
def test_names_are_those_of_the_latest_sightings(sightings: list[tuple[int, str, int]]) -> None:
    """A repository is called as its latest sighting called it, marked when another was seen so later."""
    register = _register()
    _take_in(register, sightings)
    latest: dict[int, tuple[int, str]] = {}
    for github_id, name, hour in sightings:
        latest[github_id] = max(latest.get(github_id, (-1, "")), (hour, name))
    holders: dict[str, tuple[int, int]] = {}
    for github_id, (hour, name) in latest.items():
        holders[name] = max(holders.get(name, (-1, 0)), (hour, github_id))
    expected = {
        github_id: name if holders[name][1] == github_id else f"{name}@{github_id}"
        for github_id, (_, name) in latest.items()
    }
    assert expected == _names(register)


def test_a_sighting_that_tells_nothing_new_is_no_news() -> None:
    """The same name again within the hour, or without an id, changes nothing; a later hour, branch or name does."""
    register = _register()
    register.see(_ref("acme/a", 1, default_branch="main"), at=T0)
    register.saved()
    soon = T0 + timedelta(minutes=59)
    assert not register.is_news(_ref("acme/a", 1, default_branch="main"), at=soon)
    assert not register.is_news(_ref("acme/a", 1), at=soon)
    assert not register.is_news(_ref("ACME/A"), at=soon)
    assert register.is_news(_ref("acme/a", 1, default_branch="trunk"), at=soon)
    assert register.is_news(_ref("acme/b", 1), at=soon)
    assert register.is_news(_ref("acme/b"), at=soon)
    assert register.is_news(_ref("acme/a", 1), at=T0 + SIGHTING_RESOLUTION)
    assert () == register.changed


def test_of_two_reports_the_later_one_counts() -> None:
    """A repository is active as its latest report says, whenever that comes."""
    reports = [
        RepositoryFact(event_timestamp=T0 + timedelta(days=day), repository=_ref("acme/a", 1), is_active=day == 1)
        for day in range(3)
    ]
    for order in (reports, reports[::-1], [reports[2], reports[0], reports[1]]):
        register = _register()
        for report in order:
            if register.reports_news(report):
                register.report(report)
        assert [False] == [repository.is_active for repository in register.all]


def test_what_people_say_of_a_repository_outlives_its_renaming() -> None:
    """An override under a former name holds while no other repository has that name."""
    core = TechStream(stream_id=UUID(int=1), name="core", display_name="Core", github_org="acme", github_install_id="1")
    override = RepositoryOverride(full_name="Acme/Old", deploy_target="ecs:ledger")
    register = _register(configuration=Configuration(tech_streams=(core,), repositories=(override,)))
    register.see(_ref("acme/old", 1), at=T0)
    register.see(_ref("acme/new", 1), at=T0 + timedelta(days=1))
    assert ["ecs:ledger"] == [repository.deploy_target for repository in register.all]
    assert core.stream_id == register.tech_stream_of_service("ledger")
    register.see(_ref("acme/old", 2), at=T0 + timedelta(days=2))
    assert {1: None, 2: "ecs:ledger"} == {item.github_repo_id: item.deploy_target for item in register.all}


def test_a_repository_that_was_registered_while_the_register_was_read_is_news() -> None:
    """One that is there without its names, since those were read before, makes whoever asks read again."""
    whole = _register()
    whole.see(_ref("acme/a", 1), at=T0)
    half = Repositories(whole.all, (), configuration=Configuration())
    assert half.is_news(_ref("acme/a", 1), at=T0)
    assert not whole.is_news(_ref("acme/a", 1), at=T0)
