"""What every store of users, sessions and keys promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.engine import Database
from dpp.application.access_ports import (
    AccessStore,
    AuditEntry,
    AuditQuery,
    GivenGrant,
    KeyRecord,
    LastAdministrator,
    Session,
    User,
)
from dpp.domain.access import Grant, Permission, Role, StreamScope
from dpp.domain.errors import Conflict, NotFound, Unavailable
from tests.contracts.stores import CORE, IDENTITY, ORGANISATION, PAYMENTS, WEB

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
ADA, BOB, NOBODY = UUID(int=101), UUID(int=102), UUID(int=404)
STREAMS = {PAYMENTS, IDENTITY, CORE, WEB}

VIEWER = Grant(role=Role.VIEWER)
LEAD = Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS)
MEMBER = Grant(role=Role.TEAM_MEMBER, tech_stream_id=CORE)


@pytest.fixture
async def store(family: str, request: pytest.FixtureRequest) -> AsyncIterator[AccessStore]:
    """A store of one family, on a platform that has streams."""
    if family == "memory":
        yield MemoryAccessStore(knows_stream=STREAMS.__contains__)
        return
    async with Database(request.getfixturevalue("database_url"), application_name="contract tests") as database:
        configuration = PostgresConfigurationStore(database=database)
        await configuration.save(ORGANISATION, expected_version=0, actor="a test", at=T0)
        yield PostgresAccessStore(database=database)


def user(user_id: UUID = ADA, email: str = "ada@example.org") -> User:
    """Return a user as a form would add one."""
    return User(user_id=user_id, email=email, display_name="Ada", created_at=T0, password_hash="$hash$")


def session(number: int = 1, *, of: UUID = ADA) -> Session:
    """Return a session that begins at ``T0``."""
    return Session(
        session_id=UUID(int=200 + number),
        token_hash=f"{number:064x}",
        user_id=of,
        auth_method="database",
        created_at=T0,
        expires_at=T0 + timedelta(hours=8),
        last_activity_at=T0,
    )


def key(number: int = 1) -> KeyRecord:
    """Return a key for some streams."""
    return KeyRecord(
        key_id=UUID(int=300 + number),
        key_hash="hash",
        display_name="pipeline",
        permissions=frozenset({Permission.EVENTS_WRITE, Permission.METRICS_READ}),
        scope=StreamScope(delivery_streams=frozenset({PAYMENTS}), tech_streams=frozenset({CORE})),
        created_at=T0 + timedelta(seconds=number),
        expires_at=T0 + timedelta(days=1),
    )


async def test_users_are_found_by_id_and_address(store: AccessStore) -> None:
    """A user comes back as added, by id and by address, and unknown ones are None."""
    await store.add_user(user(), grants=[], granted_by=None)
    assert user() == await store.user(ADA)
    assert user() == await store.user_by_email("ada@example.org")
    assert await store.user(NOBODY) is None
    assert await store.user_by_email("ADA@example.org") is None
    assert await store.user_by_email("\x00") is None


async def test_users_are_listed_by_address(store: AccessStore) -> None:
    """The list is in the order of the addresses' characters."""
    people = [user(UUID(int=110 + at), email) for at, email in enumerate(["b@x", "_@x", "a-b@x", "ab@x"])]
    for person in people:
        await store.add_user(person, grants=[], granted_by=None)
    assert ["_@x", "a-b@x", "ab@x", "b@x"] == [person.email for person in await store.users()]


@pytest.mark.parametrize("other", [user(BOB), user(ADA, "bob@example.org")])
async def test_ids_and_addresses_are_unique(store: AccessStore, other: User) -> None:
    """A second user with the id or the address of the first is a conflict and leaves nothing behind."""
    await store.add_user(user(), grants=[VIEWER], granted_by=None)
    with pytest.raises(Conflict):
        await store.add_user(other, grants=[LEAD], granted_by=None)
    assert [user()] == list(await store.users())
    assert (VIEWER,) == await store.grants(ADA)


async def test_grants_are_a_set(store: AccessStore) -> None:
    """The same grant twice is one; replacing takes away what is not among the new ones."""
    await store.add_user(user(), grants=[LEAD, VIEWER, VIEWER], granted_by=None)
    assert (LEAD, VIEWER) == await store.grants(ADA)
    await store.set_grants(ADA, [MEMBER, LEAD, LEAD], granted_by=ADA, at=T0)
    assert (LEAD, MEMBER) == await store.grants(ADA)
    await store.set_grants(ADA, [], granted_by=ADA, at=T0)
    assert () == await store.grants(ADA)
    assert () == await store.grants(NOBODY)


async def test_what_groups_bring_is_kept_apart(store: AccessStore) -> None:
    """What groups brought is replaced at each sign-in, while what somebody assigned stays, and stays theirs."""
    await store.add_user(user(), grants=[LEAD], granted_by=None)
    assert await store.set_mapped_grants(ADA, [VIEWER, LEAD], at=T0)
    assert (LEAD, VIEWER) == await store.grants(ADA)
    assert (LEAD,) == await store.manual_grants(ADA)
    assert not await store.set_mapped_grants(ADA, [VIEWER], at=T0)
    assert await store.set_mapped_grants(ADA, [MEMBER], at=T0)
    assert (LEAD, MEMBER) == await store.grants(ADA)
    assert await store.set_mapped_grants(ADA, [], at=T0)
    assert not await store.set_mapped_grants(ADA, [], at=T0)
    assert (LEAD,) == await store.grants(ADA) == await store.manual_grants(ADA)
    assert () == await store.manual_grants(NOBODY)


async def test_who_gave_a_grant_first_gave_it(store: AccessStore) -> None:
    """A list that confirms what groups brought does not make it manual; what the list adds is."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_user(user(BOB, "bob@example.org"), grants=[], granted_by=None)
    await store.set_mapped_grants(ADA, [VIEWER], at=T0)
    await store.set_grants(ADA, [VIEWER, LEAD], granted_by=BOB, at=T0)
    assert (LEAD,) == await store.manual_grants(ADA)
    await store.set_grants(ADA, [LEAD], granted_by=BOB, at=T0)
    await store.set_grants(ADA, [VIEWER, LEAD], granted_by=BOB, at=T0)
    assert (LEAD, VIEWER) == await store.manual_grants(ADA)


async def test_what_groups_bring_needs_its_streams_and_user(store: AccessStore) -> None:
    """A mapped grant for a stream or a user that is not there changes nothing."""
    with pytest.raises(NotFound):
        await store.set_mapped_grants(NOBODY, [VIEWER], at=T0)
    await store.add_user(user(), grants=[], granted_by=None)
    await store.set_mapped_grants(ADA, [VIEWER], at=T0)
    with pytest.raises(NotFound):
        await store.set_mapped_grants(ADA, [Grant(role=Role.VIEWER, delivery_stream_id=NOBODY)], at=T0)
    assert (VIEWER,) == await store.grants(ADA)


async def test_a_user_is_called_otherwise(store: AccessStore) -> None:
    """Address and name change; to a free address, or to the user's own; of a user who is not there nothing does."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_user(user(BOB, "bob@example.org"), grants=[], granted_by=None)
    await store.set_profile(ADA, email="ada@example.org", display_name="Ada L.")
    await store.set_profile(NOBODY, email="nobody@example.org", display_name="Nobody")
    with pytest.raises(Conflict):
        await store.set_profile(ADA, email="bob@example.org", display_name="Bob")
    assert replace(user(), display_name="Ada L.") == await store.user(ADA)
    await store.set_profile(ADA, email="lovelace@example.org", display_name="Ada L.")
    assert replace(user(), display_name="Ada L.") == replace(
        await store.user_by_email("lovelace@example.org") or user(NOBODY), email="ada@example.org"
    )
    assert await store.user_by_email("ada@example.org") is None


async def test_grants_need_their_streams_and_people(store: AccessStore) -> None:
    """A grant for a stream that is not there, of nobody or by nobody changes nothing."""
    stray = Grant(role=Role.VIEWER, delivery_stream_id=NOBODY)
    with pytest.raises(NotFound):
        await store.add_user(user(), grants=[VIEWER, stray], granted_by=None)
    assert await store.user(ADA) is None
    await store.add_user(user(), grants=[VIEWER], granted_by=None)
    with pytest.raises(NotFound):
        await store.set_grants(ADA, [stray], granted_by=None, at=T0)
    with pytest.raises(NotFound):
        await store.set_grants(NOBODY, [VIEWER], granted_by=None, at=T0)
    with pytest.raises(NotFound):
        await store.set_grants(ADA, [LEAD], granted_by=NOBODY, at=T0)
    assert (VIEWER,) == await store.grants(ADA)


async def test_users_change(store: AccessStore) -> None:
    """Password, state and last sign-in are replaced; for somebody who is not there nothing happens."""
    await store.add_user(user(), grants=[], granted_by=None)
    for person in (ADA, NOBODY):
        await store.set_password(person, "$other$")
        await store.set_active(person, is_active=False)
        await store.signed_in_at(person, T0)
    assert replace(user(), password_hash="$other$", is_active=False, last_login_at=T0) == await store.user(ADA)
    assert 1 == len(await store.users())


async def test_an_administrator_is_one_of_the_whole_platform(store: AccessStore) -> None:
    """Leads and administrators limited to a stream do not count; a disabled one does."""
    assert not await store.has_administrator()
    limited = Grant(role=Role.PLATFORM_ADMIN, tech_stream_id=CORE)
    await store.add_user(user(), grants=[LEAD, limited], granted_by=None)
    assert not await store.has_administrator()
    disabled = replace(user(BOB, "b@x"), is_active=False)
    await store.add_user(disabled, grants=[Grant(role=Role.PLATFORM_ADMIN)], granted_by=ADA)
    assert await store.has_administrator()


async def test_a_session_comes_with_its_user_and_grants(store: AccessStore) -> None:
    """One question answers who holds a token and what they may do now."""
    await store.add_user(user(), grants=[MEMBER, LEAD], granted_by=None)
    await store.add_session(session())
    found = await store.signed_in(session().token_hash)
    assert found is not None
    assert (session(), user(), (LEAD, MEMBER)) == (found.session, found.user, found.grants)
    await store.set_grants(ADA, [], granted_by=None, at=T0)
    found = await store.signed_in(session().token_hash)
    assert found is not None
    assert () == found.grants
    assert await store.signed_in("unknown") is None


async def test_sessions_need_a_user_and_a_token_of_their_own(store: AccessStore) -> None:
    """A session of nobody is not found, one with a token that is taken a conflict."""
    with pytest.raises(NotFound):
        await store.add_session(session())
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_session(session())
    with pytest.raises(Conflict):
        await store.add_session(replace(session(2), token_hash=session().token_hash))


async def test_the_last_use_of_a_session_only_rises(store: AccessStore) -> None:
    """A note that comes late does not turn the time back."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_session(session())
    await store.touch_session(session().session_id, T0 + timedelta(minutes=2))
    await store.touch_session(session().session_id, T0 + timedelta(minutes=1))
    found = await store.signed_in(session().token_hash)
    assert found is not None
    assert T0 + timedelta(minutes=2) == found.session.last_activity_at


async def test_sessions_are_revoked_singly_and_by_user(store: AccessStore) -> None:
    """Revoking concerns one token, or all of one user and nobody else's."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_user(user(BOB, "b@x"), grants=[], granted_by=None)
    for item in (session(1), session(2), session(3), session(4, of=BOB)):
        await store.add_session(item)

    async def revoked() -> list[bool]:
        found = [await store.signed_in(session(number).token_hash) for number in (1, 2, 3, 4)]
        return [item is not None and item.session.is_revoked for item in found]

    await store.revoke_session(session(2).token_hash)
    await store.revoke_session("unknown")
    assert [False, True, False, False] == await revoked()
    await store.revoke_sessions_of(ADA)
    assert [True, True, True, False] == await revoked()


async def test_a_user_has_open_sessions_and_ends_them(store: AccessStore) -> None:
    """Open sessions of one user are listed, last used first; one, or all but one, are ended, and nobody else's."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_user(user(BOB, "b@x"), grants=[], granted_by=None)
    for item in (session(1), session(2), session(3), session(4, of=BOB)):
        await store.add_session(item)
    await store.touch_session(session(2).session_id, T0 + timedelta(minutes=5))

    async def listed() -> list[UUID]:
        return [found.session_id for found in await store.sessions_of(ADA, now=T0)]

    ids = {number: session(number).session_id for number in (1, 2, 3)}
    assert [ids[2], *sorted((ids[1], ids[3]))] == await listed()
    assert [] == list(await store.sessions_of(ADA, now=session(1).expires_at))
    assert not await store.revoke_own_session(BOB, ids[1])
    assert await store.revoke_own_session(ADA, ids[1])
    assert [ids[2], ids[3]] == await listed()
    assert 1 == await store.revoke_sessions_of(ADA, but=ids[3])
    assert [ids[3]] == await listed()
    assert 1 == len(await store.sessions_of(BOB, now=T0))


async def test_all_grants_say_how_they_came(store: AccessStore) -> None:
    """Every user's grants come at once, sorted, each with whether groups brought it; who has none is not there."""
    lead, viewer = Grant(role=Role.STREAM_LEAD), Grant(role=Role.VIEWER)
    await store.add_user(user(), grants=[viewer], granted_by=None)
    await store.add_user(user(BOB, "b@x"), grants=[], granted_by=None)
    await store.set_mapped_grants(ADA, [lead], at=T0)
    assert {ADA: [GivenGrant(lead, is_mapped=True), GivenGrant(viewer, is_mapped=False)]} == {
        holder: list(held) for holder, held in (await store.all_grants()).items()
    }


async def test_two_administrators_do_not_remove_each_other(store: AccessStore) -> None:
    """Of two who take the last rights from each other at once, one is refused, and nothing of it was written."""
    admin = Grant(role=Role.PLATFORM_ADMIN)
    await store.add_user(user(), grants=[admin], granted_by=None)
    await store.add_user(user(BOB, "b@x"), grants=[admin], granted_by=None)
    ended = await asyncio.gather(
        store.set_active(ADA, is_active=False),
        store.set_grants(BOB, [Grant(role=Role.VIEWER)], granted_by=None, at=T0),
        return_exceptions=True,
    )
    assert [LastAdministrator] == [type(one) for one in ended if one is not None]
    held = await store.all_grants()
    left = [one for one in await store.users() if one.is_active and admin in [row.grant for row in held[one.user_id]]]
    assert 1 == len(left)
    with pytest.raises(LastAdministrator):
        await store.set_active(left[0].user_id, is_active=False)


async def test_a_key_may_end_earlier_never_later(store: AccessStore) -> None:
    """An end that is set counts when it is before the one there was."""
    lasting = replace(key(), expires_at=None)
    await store.add_key(lasting)
    for end, expected in ((2, 2), (3, 2), (1, 1)):
        assert await store.expire_key(lasting.key_id, T0 + timedelta(days=end))
        found = await store.key(lasting.key_id)
        assert found is not None
        assert T0 + timedelta(days=expected) == found.expires_at
    assert not await store.expire_key(NOBODY, T0)


async def test_expired_sessions_are_deleted(store: AccessStore) -> None:
    """Only sessions that ended before the time given go."""
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_session(session(1))
    await store.add_session(replace(session(2), expires_at=T0 + timedelta(hours=9)))
    assert 0 == await store.delete_expired_sessions(before=T0 + timedelta(hours=8))
    assert 1 == await store.delete_expired_sessions(before=T0 + timedelta(hours=9))
    assert await store.signed_in(session(1).token_hash) is None
    assert await store.signed_in(session(2).token_hash) is not None


@pytest.mark.parametrize(
    "record",
    [
        key(),
        replace(key(), scope=StreamScope.everything(), expires_at=None),
        replace(key(), scope=StreamScope(), permissions=frozenset()),
    ],
)
async def test_keys_come_back_as_added(store: AccessStore, record: KeyRecord) -> None:
    """A key keeps its permissions and scope: some streams, all streams and no stream are three things."""
    await store.add_key(record)
    assert record == await store.key(record.key_id)
    assert await store.key(NOBODY) is None
    with pytest.raises(Conflict):
        await store.add_key(record)


async def test_keys_change(store: AccessStore) -> None:
    """Keys are listed oldest first; hash, use and state change; the last use only rises."""
    for number in (2, 1):
        await store.add_key(key(number))
    later = T0 + timedelta(minutes=1)
    await store.key_used_at(key(1).key_id, later)
    await store.key_used_at(key(1).key_id, T0)
    await store.rehash_key(key(1).key_id, "new")
    assert await store.deactivate_key(key(1).key_id)
    assert not await store.deactivate_key(NOBODY)
    assert [replace(key(1), key_hash="new", last_used_at=later, is_active=False), key(2)] == list(await store.keys())


async def test_a_key_is_made_by_somebody(store: AccessStore) -> None:
    """The maker of a key, where one is given, must be there."""
    with pytest.raises(NotFound):
        await store.add_key(replace(key(), created_by=ADA))
    await store.add_user(user(), grants=[], granted_by=None)
    await store.add_key(replace(key(), created_by=ADA))
    found = await store.key(key().key_id)
    assert found is not None
    assert ADA == found.created_by


async def test_the_audit_log_keeps_what_was_recorded(store: AccessStore) -> None:
    """Entries come back whole, the last one first, as many as asked for."""
    entries = [
        AuditEntry(
            occurred_at=T0, actor="system", action="user.added", subject="user:1", details={"roles": ["viewer"]}
        ),
        AuditEntry(occurred_at=T0, actor="user:1", action="sign_in"),
        AuditEntry(occurred_at=T0 - timedelta(days=1), actor="user:1", action="sign_out"),
    ]
    for entry in entries:
        await store.record(entry)
    assert entries[::-1] == list(await store.entries())[: len(entries)]
    assert [entries[2]] == list(await store.entries(limit=1))
    assert [] == list(await store.entries(limit=0))


AUDITED = (
    AuditEntry(occurred_at=T0, actor="user:1", action="sign_in", subject=None),
    AuditEntry(occurred_at=T0 + timedelta(hours=1), actor="unknown", action="sign_in.failed", subject="user:1"),
    AuditEntry(occurred_at=T0 + timedelta(hours=2), actor="key:1", action="key.used", subject="key:1"),
    AuditEntry(occurred_at=T0 + timedelta(hours=3), actor="user:11", action="sign_inward", subject="user:11"),
)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        (AuditQuery(), [3, 2, 1, 0]),
        (AuditQuery(actor="user"), [3, 0]),
        (AuditQuery(actor="user:1"), [0]),
        (AuditQuery(action="sign_in"), [1, 0]),
        (AuditQuery(action="sign_in.failed"), [1]),
        (AuditQuery(subject="user:1"), [1]),
        (AuditQuery(since=T0 + timedelta(hours=1), until=T0 + timedelta(hours=3)), [2, 1]),
        (AuditQuery(actor="user", since=T0 + timedelta(hours=1)), [3]),
        (AuditQuery(action="%"), []),
    ],
    ids=str,
)
async def test_entries_are_found_by_who_what_and_when(store: AccessStore, query: AuditQuery, places: list[int]) -> None:
    """A filter takes a whole value or its kind, never a mere beginning; the period's end is not in it."""
    for entry in AUDITED:
        await store.record(entry)
    found = [row.entry for row in await store.search(query)]
    assert [AUDITED[place] for place in places] == [entry for entry in found if entry in AUDITED]


async def test_pages_of_the_audit_log_meet(store: AccessStore) -> None:
    """The page after a number goes on where the one before ended, whatever was added meanwhile."""
    for entry in AUDITED:
        await store.record(entry)
    first = await store.search(AuditQuery(), limit=3)
    await store.record(AUDITED[0])
    rest = await store.search(AuditQuery(), before=first[-1].number, limit=3)
    assert AUDITED[0] == rest[0].entry
    assert all(row.number < first[-1].number for row in rest)
    assert [] == list(await store.search(AuditQuery(), before=1))


async def test_an_absent_database_is_unavailable() -> None:
    """Without a database every question ends in Unavailable, not in an error of the driver."""
    database = Database("postgresql://nobody@127.0.0.1:1/none", application_name="contract tests")
    with pytest.raises(Unavailable):
        await PostgresAccessStore(database=database).key(NOBODY)
    with pytest.raises(Unavailable):
        await PostgresAccessStore(database=database).signed_in("x")
