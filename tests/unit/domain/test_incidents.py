"""Incidents: how often, how long, and which deployment is blamed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.domain.events import IncidentEvent, IncidentEventType
from dpp.domain.incidents import Candidate, Fault, Standing, Verdict, blames, episodes

T = IncidentEventType
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def event(kind: IncidentEventType, minutes: float, *, incident: str = "INC-1") -> IncidentEvent:
    """A report about an incident."""
    return IncidentEvent(event_type=kind, event_timestamp=at(minutes), incident_id=incident, service_name="shop")


def restores(*events: IncidentEvent) -> list[list[tuple[float, datetime]]]:
    """Minutes and the moment from which they were known, by episode."""
    return [[(restore.minutes, restore.known_at) for restore in one.restores] for one in episodes(events)]


def test_a_pair_is_one_restore() -> None:
    """An alarm from 12:00 to 12:45 took 45 minutes, known from its end."""
    assert [[(45.0, at(45))]] == restores(event(T.ALARM_TRIGGERED, 0), event(T.ALARM_RESOLVED, 45))


def test_both_pairs_are_one_restore_from_the_earliest_start_to_the_latest_end() -> None:
    """An alarm of 12:00 to 12:30 with its incident of 12:05 to 13:00 took 30 minutes at first and 60 in the end."""
    found = restores(
        event(T.INCIDENT_RESOLVED, 60),
        event(T.ALARM_TRIGGERED, 0),
        event(T.INCIDENT_OPENED, 5),
        event(T.ALARM_RESOLVED, 30),
    )
    assert [[(30.0, at(30)), (60.0, at(60))]] == found


def test_what_is_opened_again_is_another_episode() -> None:
    """Two alarms of one id are two restores, of which the second has a name of its own."""
    found = episodes(
        [
            event(T.ALARM_TRIGGERED, 0),
            event(T.ALARM_RESOLVED, 10),
            event(T.ALARM_TRIGGERED, 100),
            event(T.ALARM_RESOLVED, 130),
        ]
    )
    assert ["INC-1", "INC-1#2"] == [one.name("INC-1") for one in found]
    assert [10.0, 30.0] == [one.restores[-1].minutes for one in found]


def test_a_start_while_it_is_open_tells_nothing_new() -> None:
    """An alarm that is raised twice and cleared once began with the first."""
    assert [[(20.0, at(20))]] == restores(
        event(T.ALARM_TRIGGERED, 0), event(T.ALARM_TRIGGERED, 5), event(T.ALARM_RESOLVED, 20)
    )


def test_an_open_incident_has_no_restore() -> None:
    """While nothing has ended, there is a start and no fault."""
    (found,) = episodes([event(T.INCIDENT_OPENED, 3)])
    assert (at(3), (), None) == (found.started_at, found.restores, found.fault)


def test_an_end_before_its_start_is_a_fault() -> None:
    """An end at 12:00 and a start at 12:10 are not counted, and said to be wrong."""
    (found,) = episodes([event(T.ALARM_RESOLVED, 0), event(T.ALARM_TRIGGERED, 10)])
    assert (at(10), (), Fault.ENDS_BEFORE_START) == (found.started_at, found.restores, found.fault)


def test_an_end_without_a_start_is_a_fault() -> None:
    """What never started cannot have been restored."""
    (found,) = episodes([event(T.ALARM_RESOLVED, 0)])
    assert (None, (), Fault.NEVER_STARTED) == (found.started_at, found.restores, found.fault)


def test_nothing_is_no_episode() -> None:
    """Without reports nothing happened."""
    assert () == episodes([])


def test_reports_of_several_incidents_are_refused() -> None:
    """One incident at a time."""
    with pytest.raises(InvalidInput, match="several incidents"):
        episodes([event(T.ALARM_TRIGGERED, 0), event(T.ALARM_TRIGGERED, 0, incident="INC-2")])


reports = st.lists(st.builds(event, st.sampled_from(list(T)), st.integers(0, 30)), max_size=10)


@given(reports.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_of_reports_does_not_matter(pair: tuple[list[IncidentEvent], list[IncidentEvent]]) -> None:
    """Any order, and any repetition, of the same reports gives the same episodes."""
    told, heard = pair
    assert episodes(told) == episodes(heard + heard[:3])


@given(reports)
def test_every_restore_is_within_what_was_reported(told: list[IncidentEvent]) -> None:
    """A restore begins and ends with reports, never ends before it begins, and each later one ends later."""
    times = {one.event_timestamp for one in told}
    for episode in episodes(told):
        ends = [restore.resolved_at for restore in episode.restores]
        assert ends == sorted(set(ends))
        for restore in episode.restores:
            assert {restore.started_at, restore.resolved_at} <= times
            assert restore.minutes >= 0


def candidate(record: UUID, minutes: float, *, serves: bool = False) -> Candidate:
    """A deployment so many minutes after noon."""
    return Candidate(record_id=record, deployed_at=at(minutes), serves=serves)


def verdict(record: UUID, minutes: float, *, is_confirmed: bool) -> Verdict:
    """What somebody said so many minutes after noon."""
    return Verdict(record_id=record, is_confirmed=is_confirmed, decided_at=at(minutes))


def standings(candidates: list[Candidate], verdicts: list[Verdict]) -> dict[int, list[tuple[str, float]]]:
    """What was thought of each, with the minutes after noon from when on; the incident began at 13:00."""
    found: dict[int, list[tuple[str, float]]] = {}
    for blame in blames(candidates, verdicts, started_at=at(60)):
        since = (blame.valid_from - NOON) / timedelta(minutes=1)
        found.setdefault(blame.record_id.int, []).append((blame.standing.value, since))
    return found


def test_the_latest_deployment_is_blamed() -> None:
    """Of two deployments before the incident the later one is blamed, the other stays a candidate."""
    found = standings([candidate(FIRST, 10), candidate(SECOND, 40)], [])
    assert {2: [("blamed", 60.0)], 1: [("candidate", 60.0)]} == found


def test_a_deployment_of_the_very_service_goes_first() -> None:
    """An earlier deployment of the repository that serves the service is likelier than a later one of another."""
    found = standings([candidate(FIRST, 10, serves=True), candidate(SECOND, 40)], [])
    assert {1: [("blamed", 60.0)], 2: [("candidate", 60.0)]} == found


def test_a_rejected_blame_goes_to_the_next() -> None:
    """From the rejection at 14:00 on the other one is blamed; before, it was as it was."""
    found = standings([candidate(FIRST, 10), candidate(SECOND, 40)], [verdict(SECOND, 120, is_confirmed=False)])
    assert {
        2: [("blamed", 60.0), ("rejected", 120.0)],
        1: [("candidate", 60.0), ("blamed", 120.0)],
    } == found


def test_a_confirmed_blame_clears_the_others() -> None:
    """A person who confirms the less likely one says that it was none of the others."""
    found = standings([candidate(FIRST, 10), candidate(SECOND, 40)], [verdict(FIRST, 90, is_confirmed=True)])
    assert {
        1: [("candidate", 60.0), ("confirmed", 90.0)],
        2: [("blamed", 60.0), ("rejected", 90.0)],
    } == found


def test_the_latest_word_counts() -> None:
    """A confirmation that is taken back leaves the others to be blamed again."""
    said = [verdict(FIRST, 90, is_confirmed=True), verdict(FIRST, 100, is_confirmed=False)]
    assert ("blamed", 100.0) == standings([candidate(FIRST, 10), candidate(SECOND, 40)], said)[2][-1]


def test_a_word_about_another_deployment_tells_nothing() -> None:
    """A verdict on a deployment that is no candidate changes nothing."""
    said = [verdict(THIRD, 90, is_confirmed=True)]
    assert {1: [("blamed", 60.0)]} == standings([candidate(FIRST, 10)], said)


def test_nobody_is_blamed_without_a_candidate() -> None:
    """An incident that no deployment came before blames none."""
    assert () == blames([], [], started_at=NOON)


said = st.lists(
    st.builds(verdict, st.sampled_from([FIRST, SECOND, THIRD]), st.integers(50, 100), is_confirmed=st.booleans()),
    max_size=5,
)


@given(said, st.integers(60, 110))
def test_at_any_time_at_most_one_is_blamed(told: list[Verdict], minute: int) -> None:
    """Whoever says what: since the start each candidate always has one standing, and one at most is at fault."""
    candidates = [candidate(FIRST, 10), candidate(SECOND, 20, serves=True), candidate(THIRD, 30)]
    holding = [
        blame
        for blame in blames(candidates, told, started_at=at(60))
        if blame.valid_from <= at(minute) and (blame.valid_to is None or at(minute) < blame.valid_to)
    ]
    assert [FIRST, SECOND, THIRD] == sorted(blame.record_id for blame in holding)
    assert sum(blame.standing in {Standing.BLAMED, Standing.CONFIRMED} for blame in holding) <= 1
