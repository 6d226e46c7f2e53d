"""Signing in, staying signed in and signing out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from dpp.application.access_ports import User
from dpp.application.signin import NewSession, SignInFailed
from dpp.application.throttle import EVERYWHERE, PER_ACCOUNT, PER_ADDRESS, TooManyAttempts
from dpp.domain.access import Grant, Permission, Role, StreamScope
from dpp.domain.errors import Unauthenticated, Unavailable
from tests.support.access import START, Access

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
PAYMENTS = UUID(int=501)
HERE = "192.0.2.1"


def story(tell: Callable[[Access], Awaitable[None]]) -> None:
    """Tell a story that begins with one user, a viewer of payments."""

    async def whole() -> None:
        access = Access()
        await access.users.add(
            email=EMAIL,
            password=PASSWORD,
            display_name="Ada",
            grants=[Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS)],
            actor="test",
        )
        await tell(access)

    asyncio.run(whole())


async def ada(access: Access) -> User:
    """Return the user as stored now."""
    found = await access.store.user_by_email(EMAIL)
    assert found is not None
    return found


async def signed_in(access: Access) -> NewSession:
    """Sign Ada in."""
    return await access.signin.sign_in(EMAIL, PASSWORD, HERE)


async def is_refused(access: Access, token: str) -> bool:
    """Tell whether a token opens nothing."""
    try:
        await access.signin.who(token)
    except Unauthenticated:
        return True
    return False


def test_a_right_password_opens_a_session() -> None:
    """The token of a sign-in says who holds it, and ends eight hours later."""

    async def tell(access: Access) -> None:
        session = await access.signin.sign_in("  ADA@example.org ", PASSWORD, HERE)
        assert START + timedelta(hours=8) == session.expires_at
        who = await access.signin.who(session.token)
        assert ("Ada", frozenset({Permission.METRICS_READ})) == (who.name, who.permissions)
        assert StreamScope(delivery_streams=frozenset({PAYMENTS})) == who.scope
        assert START == (await ada(access)).last_login_at

    story(tell)


def test_only_the_hash_of_a_token_is_stored() -> None:
    """The store has the SHA-256 of a 256-bit token and nothing that opens the session; no repr shows the token."""

    async def tell(access: Access) -> None:
        session = await signed_in(access)
        assert 43 == len(session.token)
        assert session.token not in repr(session)
        found = await access.store.signed_in(sha256(session.token.encode()).hexdigest())
        assert found is not None
        assert session.token not in repr(vars(access.store))

    story(tell)


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.org", PASSWORD), ("", ""), (EMAIL, ""), ("\x00", "x"), ("\ud800", "x")],
)
def test_all_refusals_are_alike(email: str, password: str) -> None:
    """Unknown address and wrong password get the same words after the same work."""

    async def tell(access: Access) -> None:
        with pytest.raises(SignInFailed, match=r"^The e-mail address or the password is wrong$"):
            await access.signin.sign_in(email, password, HERE)
        assert 1 == access.passwords.checks

    story(tell)


def test_disabled_users_and_users_without_a_password_are_refused_alike() -> None:
    """Neither a disabled account nor one that comes by single sign-on opens with a password."""

    async def tell(access: Access) -> None:
        user = await ada(access)
        other = replace(user, user_id=UUID(int=777), email="sso@example.org", password_hash=None)
        await access.store.add_user(other, grants=[], granted_by=None)
        await access.store.set_active(user.user_id, is_active=False)
        for email in (EMAIL, "sso@example.org"):
            with pytest.raises(SignInFailed, match="wrong"):
                await access.signin.sign_in(email, PASSWORD, HERE)
        assert 2 == access.passwords.checks

    story(tell)


def test_a_session_ends_at_its_time() -> None:
    """However much it is used, a session is over eight hours after the sign-in."""

    async def tell(access: Access) -> None:
        token = (await signed_in(access)).token
        for _ in range(7):
            access.clock.forward(hours=1)
            await access.signin.who(token)
        access.clock.forward(minutes=59, seconds=59)
        assert not await is_refused(access, token)
        access.clock.forward(seconds=1)
        assert await is_refused(access, token)

    story(tell)


def test_an_unused_session_ends_earlier() -> None:
    """A session that nobody used for two hours is over; use keeps it open."""

    async def tell(access: Access) -> None:
        token = (await signed_in(access)).token
        access.clock.forward(hours=1, minutes=59)
        assert not await is_refused(access, token)
        access.clock.forward(hours=1, minutes=59)
        assert not await is_refused(access, token)
        access.clock.forward(hours=2)
        assert await is_refused(access, token)

    story(tell)


def test_signing_out_ends_the_session_and_no_other() -> None:
    """After signing out the token opens nothing; a session on another device goes on; a second time is harmless."""

    async def tell(access: Access) -> None:
        one, other = (await signed_in(access)).token, (await signed_in(access)).token
        await access.signin.sign_out(one)
        await access.signin.sign_out(one)
        await access.signin.sign_out("never was one")
        assert await is_refused(access, one)
        assert not await is_refused(access, other)

    story(tell)


def test_changes_count_from_the_next_request() -> None:
    """A new role shows at once; a disabled user is out at once, and stays out of old sessions when enabled again."""

    async def tell(access: Access) -> None:
        token, user = (await signed_in(access)).token, await ada(access)
        await access.users.ensure_admin(password=PASSWORD)  # somebody else, so that it may be taken away again
        await access.users.set_grants(user.user_id, [Grant(role=Role.PLATFORM_ADMIN)], actor="test")
        assert Permission.ADMIN_WRITE in (await access.signin.who(token)).permissions
        await access.users.set_active(user.user_id, is_active=False, actor="test")
        assert await is_refused(access, token)
        await access.users.set_active(user.user_id, is_active=True, actor="test")
        assert await is_refused(access, token)
        assert not await is_refused(access, (await signed_in(access)).token)

    story(tell)


def test_a_new_password_ends_every_session() -> None:
    """Whoever was signed in with the old password is out."""

    async def tell(access: Access) -> None:
        token = (await signed_in(access)).token
        await access.users.set_password((await ada(access)).user_id, "another long password", actor="test")
        assert await is_refused(access, token)
        with pytest.raises(SignInFailed):
            await signed_in(access)
        await access.signin.sign_in(EMAIL, "another long password", HERE)

    story(tell)


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_no_other_text_is_a_token(token: str) -> None:
    """Text that never was a token opens nothing and breaks nothing."""

    async def tell(access: Access) -> None:
        assert await is_refused(access, token)

    story(tell)


def test_an_absent_store_is_not_a_wrong_token() -> None:
    """While the store does not answer nobody is told to sign in again."""

    async def tell(access: Access) -> None:
        token = (await signed_in(access)).token
        access.store.is_away = True
        with pytest.raises(Unavailable):
            await access.signin.who(token)
        access.store.is_away = False
        assert not await is_refused(access, token)

    story(tell)


def test_a_weak_hash_is_replaced_at_sign_in() -> None:
    """A hash made with yesterday's costs is made anew when its password is known."""

    async def tell(access: Access) -> None:
        access.passwords.scheme = "stronger"
        await signed_in(access)
        assert f"stronger:{PASSWORD}" == (await ada(access)).password_hash

    story(tell)


def test_guessing_at_one_account_is_slowed_down() -> None:
    """After ten failures not even the right password gets through until the first of them is 15 minutes old."""

    async def tell(access: Access) -> None:
        for _ in range(PER_ACCOUNT):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(EMAIL, "wrong", HERE)
        checks = access.passwords.checks
        with pytest.raises(TooManyAttempts, match="15 minutes") as caught:
            await signed_in(access)
        assert 900 == caught.value.retry_after
        assert checks == access.passwords.checks
        access.clock.forward(minutes=15)
        await signed_in(access)

    story(tell)


def test_guessing_from_everywhere_at_one_account_is_slowed_down() -> None:
    """After a hundred failures from many addresses new ones must wait, but whoever was let in before from theirs."""

    async def tell(access: Access) -> None:
        await access.signin.sign_in(EMAIL, PASSWORD, "203.0.113.9")
        for number in range(EVERYWHERE):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(EMAIL, "wrong", f"198.51.100.{number}")
        with pytest.raises(TooManyAttempts):
            await access.signin.sign_in(EMAIL, PASSWORD, "192.0.2.1")
        await access.signin.sign_in(EMAIL, PASSWORD, "203.0.113.9")
        with pytest.raises(TooManyAttempts):
            await access.signin.sign_in(EMAIL, PASSWORD, "192.0.2.1")
        access.clock.forward(minutes=15)
        await access.signin.sign_in(EMAIL, PASSWORD, "192.0.2.1")

    story(tell)


def test_nobody_shuts_out_a_colleague_behind_the_same_address() -> None:
    """Forty failures with other accounts stop whoever is new at an address, not whoever has signed in from it."""

    async def tell(access: Access) -> None:
        await access.signin.sign_in(EMAIL, PASSWORD, HERE)
        for number in range(PER_ADDRESS):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(f"user{number}@example.org", "wrong", HERE)
        with pytest.raises(TooManyAttempts):
            await access.signin.sign_in("new@example.org", PASSWORD, HERE)
        await access.signin.sign_in(EMAIL, PASSWORD, HERE)

    story(tell)


def test_accounts_that_do_not_exist_are_slowed_down_alike() -> None:
    """The throttle does not tell which accounts exist."""

    async def tell(access: Access) -> None:
        for _ in range(PER_ACCOUNT):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in("nobody@example.org", "wrong", None)
        with pytest.raises(TooManyAttempts):
            await access.signin.sign_in("Nobody@example.org", "wrong", None)

    story(tell)


def test_guessing_from_one_address_is_slowed_down() -> None:
    """An address that fails with many accounts must wait, while other addresses go on."""

    async def tell(access: Access) -> None:
        for number in range(PER_ADDRESS):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(f"user{number}@example.org", "wrong", HERE)
        with pytest.raises(TooManyAttempts):
            await signed_in(access)
        await access.signin.sign_in(EMAIL, PASSWORD, "203.0.113.9")

    story(tell)


def test_many_guesses_at_once_gain_nothing() -> None:
    """Of a hundred guesses at the same moment only as many are tried as one after the other."""

    async def tell(access: Access) -> None:
        guesses = (access.signin.sign_in(EMAIL, "wrong", None) for _ in range(100))
        answers = await asyncio.gather(*guesses, return_exceptions=True)
        assert PER_ACCOUNT == sum(isinstance(answer, SignInFailed) for answer in answers)
        assert 100 - PER_ACCOUNT == sum(isinstance(answer, TooManyAttempts) for answer in answers)

    story(tell)


def test_success_clears_the_account_but_not_the_address() -> None:
    """A right password forgets the account's failures; the address's other failures stay."""

    async def tell(access: Access) -> None:
        for _ in range(PER_ACCOUNT - 1):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(EMAIL, "wrong", HERE)
        await signed_in(access)
        for _ in range(PER_ACCOUNT - 1):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(EMAIL, "wrong", HERE)
        for number in range(PER_ADDRESS - (PER_ACCOUNT - 1)):
            with pytest.raises(SignInFailed):
                await access.signin.sign_in(f"user{number}@example.org", "wrong", HERE)
        with pytest.raises(TooManyAttempts):
            await access.signin.sign_in("another@example.org", PASSWORD, HERE)

    story(tell)


def test_sign_ins_are_on_record_without_names() -> None:
    """The audit log has success, failure and sign-out by user id; neither addresses nor passwords."""

    async def tell(access: Access) -> None:
        session = await signed_in(access)
        with pytest.raises(SignInFailed):
            await access.signin.sign_in(EMAIL, "wrong", HERE)
        with pytest.raises(SignInFailed):
            await access.signin.sign_in("typed-a-secret-here", "wrong", HERE)
        await access.signin.sign_out(session.token)
        actor = f"user:{(await ada(access)).user_id}"
        entries = await access.store.entries(limit=4)
        assert [
            (actor, "sign_out"),
            ("unknown", "sign_in.failed"),
            (actor, "sign_in.failed"),
            (actor, "sign_in"),
        ] == [(entry.actor, entry.action) for entry in entries]
        assert not [word for word in (EMAIL, "typed", HERE, PASSWORD) if word in repr(entries)]

    story(tell)
