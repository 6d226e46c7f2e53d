"""What may be asked for, and what is never told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.application.views import MAX_WINDOW_DAYS, UnknownStream, View, Window, may_name, view_of
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.errors import InvalidInput

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAYMENTS, LENDING, CORE, WEB = UUID(int=1), UUID(int=2), UUID(int=11), UUID(int=12)
EVERYTHING = StreamScope.everything()
CONFIGURATION = Configuration(
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
        DeliveryStream(stream_id=LENDING, name="lending", display_name="Lending"),
    ),
    tech_streams=(
        TechStream(stream_id=CORE, name="core", display_name="Core", github_org="acme", github_install_id="1"),
        TechStream(stream_id=WEB, name="web", display_name="Web", github_org="acme-web", github_install_id="2"),
    ),
)


def resolve(scope: StreamScope = EVERYTHING, *, stream: str | None = None, tech_stream: str | None = None) -> View:
    """Resolve a request for streams."""
    return view_of(scope=scope, configuration=CONFIGURATION, as_of=NOW, stream=stream, tech_stream=tech_stream)


def test_streams_are_found_by_name_and_by_id() -> None:
    """Both lead to the same stream, whatever the case."""
    assert [PAYMENTS] * 3 == [
        resolve(stream=name).delivery_stream_id for name in ("payments", str(PAYMENTS), str(PAYMENTS).upper())
    ]
    assert [CORE] * 2 == [resolve(tech_stream=name).tech_stream_id for name in ("core", str(CORE))]
    both = resolve(stream="payments", tech_stream="core")
    assert (PAYMENTS, CORE) == (both.delivery_stream_id, both.tech_stream_id)
    assert (None, None) == (resolve().delivery_stream_id, resolve().tech_stream_id)


@pytest.mark.parametrize(("stream", "tech_stream"), [("core", None), (None, "payments"), (str(CORE), None)])
def test_a_stream_of_the_other_kind_is_no_stream(stream: str | None, tech_stream: str | None) -> None:
    """A technology stream's name is no delivery stream, nor the other way round."""
    with pytest.raises(UnknownStream):
        resolve(stream=stream, tech_stream=tech_stream)


def test_a_hidden_stream_and_none_at_all_get_the_same_answer() -> None:
    """Apart from the name that was asked for, nothing tells that a stream exists."""
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}))
    said = []
    for name in ("lending", "nothing"):
        with pytest.raises(UnknownStream) as raised:
            resolve(scope, stream=name)
        said.append(str(raised.value).replace(name, "…"))
    assert said[0] == said[1]
    with pytest.raises(UnknownStream):
        resolve(scope, tech_stream=str(WEB))
    assert PAYMENTS == resolve(scope, stream="payments").delivery_stream_id


def test_a_scope_may_name_its_own_streams_alone() -> None:
    """Neither kind of stream opens the names of the other kind."""
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({WEB}))
    streams: tuple[DeliveryStream | TechStream, ...] = (
        *CONFIGURATION.delivery_streams,
        *CONFIGURATION.tech_streams,
    )
    assert [True, False, False, True] == [may_name(stream, scope=scope) for stream in streams]
    assert [True] * 4 == [may_name(stream, scope=EVERYTHING) for stream in streams]
    assert [False] * 4 == [may_name(stream, scope=StreamScope()) for stream in streams]


def test_a_moment_needs_a_zone() -> None:
    """Nine o'clock somewhere is no moment."""
    with pytest.raises(InvalidInput):
        view_of(scope=EVERYTHING, configuration=CONFIGURATION, as_of=NOW.replace(tzinfo=None))


def test_a_window_ends_where_it_is_counted_back_from() -> None:
    """A day is 24 hours, whatever the clocks do."""
    found = Window.back_from(NOW, days=30)
    assert (NOW - timedelta(hours=720), NOW) == (found.start, found.end)


@pytest.mark.parametrize("days", [0, -5, MAX_WINDOW_DAYS + 1])
def test_a_window_has_a_length(days: int) -> None:
    """Nothing, less than nothing and more than is kept are refused."""
    with pytest.raises(InvalidInput):
        Window.back_from(NOW, days=days)


delivery_ids, tech_ids = st.sampled_from([PAYMENTS, LENDING]), st.sampled_from([CORE, WEB])
scopes = st.builds(
    StreamScope,
    is_all=st.booleans(),
    delivery_streams=st.frozensets(delivery_ids),
    tech_streams=st.frozensets(tech_ids),
)
views = st.builds(
    View,
    scope=scopes,
    as_of=st.just(NOW),
    delivery_stream_id=st.none() | delivery_ids,
    tech_stream_id=st.none() | tech_ids,
)


@given(view=views, delivery=st.none() | delivery_ids, tech=st.lists(tech_ids, unique=True).map(tuple))
def test_a_view_shows_nothing_outside_its_scope_and_filters(
    view: View, delivery: UUID | None, tech: tuple[UUID, ...]
) -> None:
    """What is shown belongs to every stream that is asked for, and to one that the scope opens."""
    expected = (
        view.delivery_stream_id in (None, delivery)
        and (view.tech_stream_id is None or view.tech_stream_id in tech)
        and (
            view.scope.is_all or delivery in view.scope.delivery_streams or not view.scope.tech_streams.isdisjoint(tech)
        )
    )
    assert expected == view.shows(delivery_stream_id=delivery, tech_stream_ids=tech)
