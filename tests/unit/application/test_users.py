"""Local users and the names of streams that they are granted."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from dpp.application.access_ports import LastAdministrator
from dpp.application.scopes import named_grants, named_scope
from dpp.domain.access import Grant, Permission, Role, StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from tests.support.access import Access

PASSWORD = "correct horse battery"
PAYMENTS, CORE = UUID(int=501), UUID(int=511)
CONFIGURATION = Configuration(
    delivery_streams=(DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),),
    tech_streams=(
        TechStream(stream_id=CORE, name="core", display_name="Core API", github_org="acme", github_install_id="1"),
    ),
)


def test_the_first_administrator_is_made_once() -> None:
    """A new installation gets one administrator, who signs in; every later start changes nothing."""

    async def story() -> None:
        access = Access()
        made = await access.users.ensure_admin(password=PASSWORD)
        assert made is not None
        assert "admin@localhost" == made.email
        assert await access.users.ensure_admin(password="another long password") is None
        session = await access.signin.sign_in("admin@localhost", PASSWORD, None)
        who = await access.signin.who(session.token)
        assert Permission.ADMIN_WRITE in who.permissions
        assert who.scope.is_all

    asyncio.run(story())


def test_two_processes_make_one_administrator() -> None:
    """When two start at once, one of them makes the administrator and the other goes on."""

    async def story() -> None:
        access = Access()
        made = await asyncio.gather(*(access.users.ensure_admin(password=PASSWORD) for _ in range(2)))
        assert 1 == len(list(filter(None, made)))
        assert 1 == len(await access.store.users())

    asyncio.run(story())


def test_an_ordinary_user_with_the_administrators_address_is_not_promoted() -> None:
    """An address that is taken by somebody without the role is a conflict, not an administrator."""

    async def story() -> None:
        access = Access()
        await access.users.add(
            email="admin@localhost", password=PASSWORD, grants=[Grant(role=Role.VIEWER)], actor="test"
        )
        with pytest.raises(Conflict):
            await access.users.ensure_admin(password=PASSWORD)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("email", "password", "grants", "field"),
    [
        ("ada", PASSWORD, [Grant(role=Role.VIEWER)], "email"),
        ("ada@@example.org", PASSWORD, [Grant(role=Role.VIEWER)], "email"),
        ("a da@example.org", PASSWORD, [Grant(role=Role.VIEWER)], "email"),
        ("ada@example.org", "short", [Grant(role=Role.VIEWER)], "password"),
        ("ada@example.org", "x" * 1025, [Grant(role=Role.VIEWER)], "password"),
        ("ada@example.org", PASSWORD, [], "role"),
        ("ada@example.org", PASSWORD, [Grant(role=Role.PLATFORM_ADMIN, tech_stream_id=CORE)], "role"),
    ],
)
def test_impossible_users_are_refused(email: str, password: str, grants: list[Grant], field: str) -> None:
    """A user has an address, a password of some length and a role that makes sense."""

    async def story() -> None:
        access = Access()
        with pytest.raises(InvalidInput) as caught:
            await access.users.add(email=email, password=password, grants=grants, actor="test")
        assert field == caught.value.field
        assert [] == list(await access.store.users())

    asyncio.run(story())


def test_addresses_are_one_whatever_their_case() -> None:
    """Two spellings of one address are one user."""

    async def story() -> None:
        access = Access()
        grants = [Grant(role=Role.VIEWER)]
        user = await access.users.add(email=" Ada@Example.org", password=PASSWORD, grants=grants, actor="test")
        assert ("ada@example.org", "ada") == (user.email, user.display_name)
        with pytest.raises(Conflict):
            await access.users.add(email="ada@example.org", password=PASSWORD, grants=grants, actor="test")

    asyncio.run(story())


def test_unknown_users_cannot_be_changed() -> None:
    """Changing somebody who is not there says so."""

    async def story() -> None:
        users = Access().users
        with pytest.raises(NotFound):
            await users.set_active(UUID(int=1), is_active=False, actor="test")
        with pytest.raises(NotFound):
            await users.set_password(UUID(int=1), PASSWORD, actor="test")
        with pytest.raises(NotFound):
            await users.set_grants(UUID(int=1), [Grant(role=Role.VIEWER)], actor="test")

    asyncio.run(story())


def test_streams_are_granted_by_name() -> None:
    """Names and display names give the streams' ids; no name gives all streams."""
    assert StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({CORE})) == named_scope(
        CONFIGURATION, delivery_streams=["PAYMENTS"], tech_streams=["core api"]
    )
    assert StreamScope.everything() == named_scope(CONFIGURATION)
    assert (
        Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),
        Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),
    ) == named_grants(CONFIGURATION, role=Role.STREAM_LEAD, delivery_streams=["payments"], tech_streams=["core"])
    assert (Grant(role=Role.VIEWER),) == named_grants(CONFIGURATION, role=Role.VIEWER)


def test_a_name_of_no_stream_grants_nothing() -> None:
    """A misspelt stream is an error and never all streams."""
    with pytest.raises(NotFound, match="paiments"):
        named_scope(CONFIGURATION, delivery_streams=["paiments"])
    with pytest.raises(NotFound, match="payments"):
        named_grants(CONFIGURATION, role=Role.VIEWER, tech_streams=["payments"])


def test_somebody_administers_the_platform_always() -> None:
    """The last administrator who may sign in is neither disabled nor demoted; with a second one, both can be."""

    async def story() -> None:
        access = Access()
        first = await access.users.ensure_admin(password=PASSWORD)
        assert first is not None
        for attempt in (
            access.users.set_active(first.user_id, is_active=False, actor="test"),
            access.users.set_grants(first.user_id, [Grant(role=Role.VIEWER)], actor="test"),
        ):
            with pytest.raises(LastAdministrator):
                await attempt
        admin = [Grant(role=Role.PLATFORM_ADMIN)]
        second = await access.users.add(email="b@x", password=PASSWORD, grants=admin, actor="test")
        await access.users.set_active(second.user_id, is_active=False, actor="test")
        with pytest.raises(LastAdministrator):
            await access.users.set_active(first.user_id, is_active=False, actor="test")
        await access.users.set_active(second.user_id, is_active=True, actor="test")
        await access.users.set_grants(first.user_id, [Grant(role=Role.VIEWER)], actor="test")
        assert [True, False] == [
            any(one.grant.role is Role.VIEWER for one in given) for _, given in await access.users.all()
        ]

    asyncio.run(story())


def test_an_administrator_signs_somebody_out() -> None:
    """Every session of the user is over at the next request, and the log says how many there were."""

    async def story() -> None:
        access = Access()
        user = await access.users.add(email="a@x", password=PASSWORD, grants=[Grant(role=Role.VIEWER)], actor="test")
        sessions = [await access.signin.sign_in("a@x", PASSWORD, None) for _ in range(2)]
        assert 2 == await access.users.sign_out(user.user_id, actor="user:1")
        for session in sessions:
            with pytest.raises(Unauthenticated):
                await access.signin.who(session.token)
        (entry,) = await access.store.entries(limit=1)
        assert ("user.signed_out", {"sessions": 2}) == (entry.action, entry.details)

    asyncio.run(story())
