"""Nobody gives more than they have."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.access import Grant, Permission, Principal, PrincipalKind, Role, StreamScope, user_principal
from dpp.domain.granting import covers, may_give

ONE, TWO = UUID(int=1), UUID(int=2)
ADMIN = Grant(role=Role.PLATFORM_ADMIN)
STREAMS = st.none() | st.sampled_from([ONE, TWO])
GRANTS = st.builds(Grant, role=st.sampled_from(list(Role)), delivery_stream_id=STREAMS, tech_stream_id=STREAMS)


def key(*permissions: Permission, scope: StreamScope | None = None) -> Principal:
    """Return a key."""
    return Principal(
        kind=PrincipalKind.KEY,
        id=UUID(int=9),
        name="key",
        permissions=frozenset(permissions),
        scope=scope or StreamScope.everything(),
    )


@given(st.lists(GRANTS))
def test_an_administrator_gives_anything(grants: list[Grant]) -> None:
    """Whoever administers the platform may give every role for every stream."""
    assert may_give(user_principal(user_id=ONE, name="Ada", grants=[ADMIN]), grants=grants)


@pytest.mark.parametrize("role", list(Role))
def test_a_key_for_administration_gives_no_more_than_it_has(role: Role) -> None:
    """A key may write administration and read figures: it gives the viewer's role, and none that answers surveys."""
    found = may_give(key(Permission.ADMIN_WRITE, Permission.METRICS_READ), grants=[Grant(role=role)])
    assert (role is Role.VIEWER) is found


@given(st.lists(GRANTS, min_size=1), st.lists(GRANTS))
def test_one_gives_at_most_what_one_has(held: list[Grant], wanted: list[Grant]) -> None:
    """Whatever is given, whoever gets it can do nothing for a stream for which the giver could not."""
    giver = user_principal(user_id=ONE, name="Ada", grants=held)
    taker = user_principal(user_id=TWO, name="Bob", grants=wanted)
    if may_give(giver, grants=wanted):
        for permission in taker.permissions:
            assert covers(giver.scope_of(permission), other=taker.scope_of(permission))


def test_scopes_cover_what_is_in_them() -> None:
    """All covers everything, some cover their parts, and nothing is covered by anything."""
    some = StreamScope(delivery_streams=frozenset({ONE}), tech_streams=frozenset({TWO}))
    assert covers(StreamScope.everything(), other=some)
    assert covers(some, other=StreamScope(delivery_streams=frozenset({ONE})))
    assert covers(some, other=StreamScope())
    assert not covers(some, other=StreamScope.everything())
    assert not covers(some, other=StreamScope(tech_streams=frozenset({ONE})))
