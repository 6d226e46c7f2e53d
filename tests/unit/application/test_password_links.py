"""Links with which people set their passwords."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable

import pytest

from dpp.application.access_ports import User
from dpp.application.password_links import LinkVoid, PasswordLinks
from dpp.domain.access import Grant, Role
from dpp.domain.errors import InvalidInput, NotFound
from tests.support.access import Access

NEW = "another correct horse"


def story(tell: Callable[[Access, PasswordLinks, User], Awaitable[None]]) -> None:
    """Tell a story that begins with a user who has no password yet."""

    async def whole() -> None:
        access = Access()
        links = PasswordLinks(store=access.store, users=access.users, secrets=access.secrets, clock=access.clock)
        user = await access.users.add(email="a@x", password=None, grants=[Grant(role=Role.VIEWER)], actor="test")
        await tell(access, links, user)

    asyncio.run(whole())


def test_a_link_sets_a_password_once() -> None:
    """Whoever has the link sets the password and signs in with it; the link, and every earlier one, is void then."""

    async def tell(access: Access, links: PasswordLinks, user: User) -> None:
        earlier, link = await links.make(user.user_id), await links.make(user.user_id)
        await links.use(link.token, NEW)
        await access.signin.sign_in("a@x", NEW, None)
        for used in (earlier, link):
            with pytest.raises(LinkVoid):
                await links.use(used.token, "one more long password")

    story(tell)


def test_a_password_that_cannot_be_used_leaves_the_link_good() -> None:
    """Somebody whose password is too short tries again."""

    async def tell(_access: Access, links: PasswordLinks, user: User) -> None:
        link = await links.make(user.user_id)
        with pytest.raises(InvalidInput):
            await links.use(link.token, "short")
        assert user.user_id == (await links.use(link.token, NEW)).user_id

    story(tell)


def test_a_link_is_good_for_a_day() -> None:
    """At its end a link is void."""

    async def tell(access: Access, links: PasswordLinks, user: User) -> None:
        link = await links.make(user.user_id)
        access.clock.forward(hours=23)
        await links.check(link.token)
        access.clock.forward(hours=1)
        with pytest.raises(LinkVoid):
            await links.check(link.token)

    story(tell)


def test_nobody_who_is_kept_out_gets_in_by_a_link() -> None:
    """A disabled user gets no link, and one from before is void."""

    async def tell(access: Access, links: PasswordLinks, user: User) -> None:
        link = await links.make(user.user_id)
        await access.users.set_active(user.user_id, is_active=False, actor="test")
        with pytest.raises(LinkVoid):
            await links.check(link.token)
        with pytest.raises(NotFound):
            await links.make(user.user_id)

    story(tell)


def test_every_byte_of_a_link_counts() -> None:
    """A link with any byte changed, with less or more of it, or made up, is void."""

    async def tell(_access: Access, links: PasswordLinks, user: User) -> None:
        token = (await links.make(user.user_id)).token
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        changed = [raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in range(len(raw))]
        texts = [urlsafe_b64encode(one).decode() for one in (*changed, raw[:-1], raw + b"x", b"")]
        for text in (*texts, "%", "\u00e9", "a"):
            with pytest.raises(LinkVoid):
                await links.check(text)

    story(tell)
