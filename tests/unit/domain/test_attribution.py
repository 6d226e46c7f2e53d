"""Which streams a ticket belonged to, and when."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.attribution import Attribution, attributions, delivery_stream_of
from dpp.domain.configuration import Configuration, DeliveryStream, JiraProject, TechStream
from dpp.domain.events import TicketFields, WorkItemEvent, WorkItemEventType

PAYMENTS, ONBOARDING, API, WEB = (UUID(int=number) for number in (1, 2, 11, 12))
CONFIGURATION = Configuration(
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(stream_id=ONBOARDING, name="onboarding", display_name="New Customers"),
    ),
    tech_streams=(
        TechStream(stream_id=API, name="core-api", display_name="Core API", github_org="a", github_install_id="1"),
        TechStream(stream_id=WEB, name="web", display_name="Web", github_org="w", github_install_id="2"),
    ),
    jira_projects=(
        JiraProject(key="PAY", delivery_stream_from=("field", "label", "project"), delivery_stream="payments"),
        JiraProject(key="API", delivery_stream_from=("component", "label")),
    ),
)
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def on(day: float, fields: TicketFields | None = None, key: str = "PAY-1", change: str | None = None) -> WorkItemEvent:
    """A snapshot some days after the start."""
    return WorkItemEvent(
        event_type=WorkItemEventType.UPDATED,
        event_timestamp=START + DAY * day,
        ticket_id=key,
        project_key=key.partition("-")[0],
        issue_id="1",
        source_change_id=change,
        fields=fields,
    )


def span(
    start: float, end: float | None, stream: UUID | None, tech: tuple[UUID, ...] = (), key: str = "PAY-1"
) -> Attribution:
    """An expected attribution, in days after the start."""
    return Attribution(
        valid_from=START + DAY * start,
        valid_to=None if end is None else START + DAY * end,
        ticket_id=key,
        delivery_stream_id=stream,
        tech_stream_ids=tech,
    )


@pytest.mark.parametrize(
    ("project", "fields", "expected"),
    [
        ("PAY", TicketFields(delivery_stream=" new customers ", labels=("payments",)), ONBOARDING),
        ("PAY", TicketFields(delivery_stream="unknown", labels=("x", "Onboarding", "payments")), ONBOARDING),
        ("PAY", TicketFields(components=("onboarding",)), PAYMENTS),
        ("API", TicketFields(delivery_stream="payments"), None),
        ("API", TicketFields(components=("onboarding",), labels=("payments",)), ONBOARDING),
        ("NEW", TicketFields(labels=("payments",)), PAYMENTS),
    ],
)
def test_a_project_says_how_its_streams_are_found(project: str, fields: TicketFields, expected: UUID | None) -> None:
    """The methods of the project are tried in its order, names without regard to case and blanks."""
    assert expected == delivery_stream_of(project_key=project, fields=fields, configuration=CONFIGURATION)


def test_one_snapshot_holds_from_then_on() -> None:
    """A ticket with one event has one attribution without an end."""
    fields = TicketFields(delivery_stream="Payments", tech_streams=("web", "CORE api", "web", "other"))
    assert (span(0, None, PAYMENTS, (API, WEB)),) == attributions([on(0, fields)], configuration=CONFIGURATION)
    assert () == attributions([], configuration=CONFIGURATION)


def test_the_latest_snapshot_counts_as_a_whole() -> None:
    """A field that the latest snapshot lacks is empty, and equal neighbours are one."""
    events = [
        on(0, TicketFields(delivery_stream="onboarding", tech_streams=("web",))),
        on(1, TicketFields(delivery_stream="New Customers", tech_streams=("Web",))),
        on(2, None),
        on(3, TicketFields()),
    ]
    expected = (span(0, 3, ONBOARDING, (WEB,)), span(3, None, PAYMENTS))
    assert expected == attributions(events, configuration=CONFIGURATION)


def test_a_move_changes_key_and_rules() -> None:
    """A ticket in another project has another key and is read by that project's rules, even without new fields."""
    events = [on(0, TicketFields(components=("onboarding",))), on(1, None, key="API-7")]
    expected = (span(0, 1, PAYMENTS), span(1, None, ONBOARDING, key="API-7"))
    assert expected == attributions(events, configuration=CONFIGURATION)


def test_linked_pull_requests_count_from_their_opening() -> None:
    """Without a known stream in the field, each linked pull request brings its stream from when it was opened."""
    linked = [(START + DAY * 3, API), (START + DAY, WEB), (START + DAY * 2, WEB)]
    expected = (span(0, 1, PAYMENTS), span(1, 3, PAYMENTS, (WEB,)), span(3, None, PAYMENTS, (API, WEB)))
    assert expected == attributions(
        [on(0, TicketFields(tech_streams=("?",)))], configuration=CONFIGURATION, linked=linked
    )


def test_the_field_overrules_pull_requests() -> None:
    """While the field names a known stream, linked pull requests do not count."""
    events = [on(0, TicketFields()), on(2, TicketFields(tech_streams=("web",)))]
    expected = (span(0, 2, PAYMENTS, (API,)), span(2, None, PAYMENTS, (WEB,)))
    assert expected == attributions(events, configuration=CONFIGURATION, linked=[(START - DAY, API)])


def test_the_later_change_of_an_instant_counts() -> None:
    """Of two snapshots of one instant the one with the later change number counts, and the other leaves no trace."""
    events = [on(0, TicketFields(), change="9"), on(0, TicketFields(delivery_stream="onboarding"), change="10")]
    expected = (span(0, None, ONBOARDING),)
    assert expected == attributions(events, configuration=CONFIGURATION)
    assert expected == attributions(events[::-1], configuration=CONFIGURATION)


snapshots = st.builds(
    on,
    st.integers(0, 5),
    st.one_of(
        st.none(),
        st.builds(
            TicketFields,
            delivery_stream=st.sampled_from((None, "payments", "onboarding")),
            tech_streams=st.sampled_from(((), ("web",), ("web", "core-api"))),
        ),
    ),
    st.sampled_from(("PAY-1", "API-7")),
    st.one_of(st.none(), st.integers(1, 4).map(str)),
)


@given(
    st.lists(snapshots, max_size=8).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events * 2))),
    st.lists(st.tuples(st.integers(-1, 6).map(lambda day: START + DAY * day), st.sampled_from((API, WEB))), max_size=3),
)
def test_order_and_repetition_change_nothing(
    events: tuple[list[WorkItemEvent], list[WorkItemEvent]], linked: list[tuple[datetime, UUID]]
) -> None:
    """Attributions depend on the set of events, follow each other without gaps, and differ from their neighbours."""
    plain, mixed = events
    found = attributions(plain, configuration=CONFIGURATION, linked=linked)
    assert found == attributions(mixed, configuration=CONFIGURATION, linked=linked[::-1])
    assert [one.valid_to for one in found[:-1]] == [one.valid_from for one in found[1:]]
    assert all(one.valid_to is None for one in found[-1:])
    for one, other in pairwise(found):
        assert (one.ticket_id, one.delivery_stream_id, one.tech_stream_ids) != (
            other.ticket_id,
            other.delivery_stream_id,
            other.tech_stream_ids,
        )
