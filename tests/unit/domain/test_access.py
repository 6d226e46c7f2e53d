"""Roles, permissions and stream scopes."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.access import (
    KEY_PERMISSIONS,
    Grant,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    StreamScope,
    union,
    user_principal,
)

PAYMENTS, IDENTITY, CORE, WEB = (UUID(int=number) for number in (1, 2, 11, 12))

ids = st.sampled_from([PAYMENTS, IDENTITY, CORE, WEB])
scopes = st.builds(
    StreamScope, is_all=st.booleans(), delivery_streams=st.frozensets(ids), tech_streams=st.frozensets(ids)
)


def principal(*grants: Grant) -> Principal:
    """Return a person with these grants."""
    return user_principal(user_id=UUID(int=99), name="Ada", grants=grants)


def test_each_role_has_what_the_one_before_has_and_more() -> None:
    """The roles of §3.3 form a chain."""
    chain = [role.permissions for role in (Role.VIEWER, Role.TEAM_MEMBER, Role.STREAM_LEAD, Role.PLATFORM_ADMIN)]
    assert all(lower < higher for lower, higher in pairwise(chain))
    assert frozenset(Permission) == Role.PLATFORM_ADMIN.permissions


@pytest.mark.parametrize(
    ("role", "permission", "may"),
    [
        (Role.VIEWER, Permission.METRICS_READ, True),
        (Role.VIEWER, Permission.SURVEY_SUBMIT, False),
        (Role.TEAM_MEMBER, Permission.SURVEY_SUBMIT, True),
        (Role.TEAM_MEMBER, Permission.STREAMS_MANAGE, False),
        (Role.STREAM_LEAD, Permission.STREAMS_MANAGE, True),
        (Role.STREAM_LEAD, Permission.DIAGNOSTICS_READ, True),
        (Role.STREAM_LEAD, Permission.ADMIN_READ, False),
        (Role.STREAM_LEAD, Permission.EVENTS_WRITE, False),
    ],
)
def test_roles_allow_what_the_table_says(role: Role, permission: Permission, may: bool) -> None:
    """A role has the permissions of its row in §3.3."""
    assert may == (permission in role.permissions)


def test_keys_submit_no_surveys() -> None:
    """What is for people only is no permission of a key."""
    assert {"events:write", "metrics:read", "admin:read", "admin:write"} == set(KEY_PERMISSIONS)


def test_a_scope_opens_its_own_streams_only() -> None:
    """A delivery stream and a technology stream each open what is theirs, and nothing else."""
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({CORE}))
    assert scope.sees(delivery_stream_id=PAYMENTS, tech_stream_ids=())
    assert scope.sees(delivery_stream_id=IDENTITY, tech_stream_ids=(WEB, CORE))
    assert not scope.sees(delivery_stream_id=IDENTITY, tech_stream_ids=(WEB,))
    assert not scope.sees(delivery_stream_id=CORE, tech_stream_ids=(PAYMENTS,))
    assert not scope.sees(delivery_stream_id=None, tech_stream_ids=())


def test_what_has_no_stream_is_seen_by_all_only() -> None:
    """A row without a stream is open to whoever sees everything."""
    assert StreamScope.everything().sees(delivery_stream_id=None, tech_stream_ids=())
    assert not StreamScope().sees(delivery_stream_id=None, tech_stream_ids=())


def test_grants_add_up() -> None:
    """Somebody with roles in two streams sees both, and may manage only the one that is led."""
    found = principal(
        Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS), Grant(role=Role.VIEWER, tech_stream_id=CORE)
    )
    assert StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({CORE})) == found.scope
    assert StreamScope(delivery_streams=frozenset({PAYMENTS})) == found.scope_of(Permission.STREAMS_MANAGE)
    assert StreamScope() == found.scope_of(Permission.ADMIN_WRITE)


def test_viewing_everything_does_not_widen_what_may_be_managed() -> None:
    """The scope of a permission is that of the grants that have it."""
    found = principal(Grant(role=Role.VIEWER), Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS))
    assert found.scope.is_all
    assert StreamScope(delivery_streams=frozenset({PAYMENTS})) == found.scope_of(Permission.STREAMS_MANAGE)


def test_an_administrator_of_one_stream_leads_it() -> None:
    """A row that limits administration to a stream gives no administration."""
    found = principal(Grant(role=Role.PLATFORM_ADMIN, delivery_stream_id=PAYMENTS))
    assert Role.STREAM_LEAD.permissions == found.permissions
    assert not found.scope.is_all


def test_without_a_grant_nothing_is_open() -> None:
    """A user without roles may do nothing and sees nothing."""
    found = principal()
    assert frozenset() == found.permissions
    assert found.scope.is_empty


def test_a_key_has_its_permissions_for_its_whole_scope() -> None:
    """A key has no grants: each of its permissions holds wherever it may look."""
    scope = StreamScope(tech_streams=frozenset({CORE}))
    key = Principal(
        kind=PrincipalKind.KEY,
        id=UUID(int=7),
        name="pipeline",
        permissions=frozenset({Permission.EVENTS_WRITE}),
        scope=scope,
    )
    assert scope == key.scope_of(Permission.EVENTS_WRITE)
    assert StreamScope() == key.scope_of(Permission.METRICS_READ)
    assert "key:00000000-0000-0000-0000-000000000007" == key.actor


@given(one=scopes, other=scopes, delivery=st.none() | ids, tech=st.frozensets(ids))
def test_a_union_sees_what_either_sees(
    one: StreamScope, other: StreamScope, delivery: UUID | None, tech: frozenset[UUID]
) -> None:
    """Joining scopes opens exactly what one of them opens."""
    either = one.sees(delivery_stream_id=delivery, tech_stream_ids=tech) or other.sees(
        delivery_stream_id=delivery, tech_stream_ids=tech
    )
    assert either == union([one, other]).sees(delivery_stream_id=delivery, tech_stream_ids=tech)


@given(one=scopes, other=scopes)
def test_cache_keys_tell_scopes_apart(one: StreamScope, other: StreamScope) -> None:
    """Two scopes share a cache key exactly when they are equal."""
    assert (one == other) == (one.cache_key() == other.cache_key())


def test_cache_keys_are_the_same_in_every_process() -> None:
    """The cache key of a scope is stable: SHA-256 over the sorted ids, worked out with another tool."""
    scope = StreamScope(delivery_streams=frozenset({PAYMENTS, IDENTITY}), tech_streams=frozenset({CORE}))
    assert "49397f804af412502f30c0b8c75cd331" == scope.cache_key()
    assert ("all", "none") == (StreamScope.everything().cache_key(), StreamScope().cache_key())
