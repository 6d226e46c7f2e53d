"""Links with which people set their own passwords: an administrator hands one on and never learns the password.

A link is good once and for a day, and nothing of it is stored: it is signed over the user, its end and the password as
it is now, so that it is void as soon as a password was set by it or in any other way.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from dpp.application.access_ports import User, UserStore
from dpp.application.ports import Clock
from dpp.application.secrets import Secrets
from dpp.application.users import Users
from dpp.domain.errors import Forbidden, NotFound

LASTS = timedelta(days=1)
KEY = "session_key"

_ID, _END, _PROOF = 16, 8, 32


class LinkVoid(Forbidden):
    """The link was used, is over, or is none of ours; which of these is not said."""

    code = "link_void"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """What is handed on: ``token`` is all that a link needs to carry."""

    token: str = field(repr=False)
    expires_at: datetime


class PasswordLinks:
    """Makes links and sets passwords by them."""

    def __init__(self, *, store: UserStore, users: Users, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._users = users
        self._secrets = secrets
        self._clock = clock

    async def make(self, user_id: UUID) -> PasswordLink:
        """Make a link for a user; earlier ones stay good until one is used.

        Raises:
            NotFound: there is no such user, or the user is disabled.
        """
        user = await self._store.user(user_id)
        if user is None or not user.is_active:
            raise NotFound("There is no user with that id who may sign in")
        end = int((self._clock.now() + LASTS).timestamp())
        signed = user_id.bytes + end.to_bytes(_END, "big")
        token = urlsafe_b64encode(signed + _proof(self._secrets.get(KEY), signed, user)).decode().rstrip("=")
        return PasswordLink(token=token, expires_at=datetime.fromtimestamp(end, UTC))

    async def check(self, token: str) -> User:
        """Return the user of a link that is good.

        Raises:
            LinkVoid: it is not.
        """
        signed, proof = _parts(token)
        user = await self._store.user(UUID(bytes=signed[:_ID]))
        end = int.from_bytes(signed[_ID:], "big")
        if user is None or not user.is_active or self._clock.now().timestamp() >= end:
            raise _void()
        # One of them is being rotated out.
        keys = self._secrets.candidates(KEY)
        if not any(hmac.compare_digest(proof, _proof(key, signed, user)) for key in keys):
            raise _void()
        return user

    async def use(self, token: str, password: str) -> User:
        """Set the password of a link's user; every session of the user ends.

        Raises:
            LinkVoid: the link is not good.
            InvalidInput: the password cannot be used; the link stays good.
        """
        user = await self.check(token)
        return await self._users.set_password(user.user_id, password, actor=f"user:{user.user_id}")


def _void() -> LinkVoid:
    return LinkVoid("This link was used already or is over; ask an administrator for a new one")


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        given = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except (NotBase64, ValueError):
        raise _void() from None
    if len(given) != _ID + _END + _PROOF:
        raise _void()
    return given[:-_PROOF], given[-_PROOF:]


def _proof(key: bytes, signed: bytes, user: User) -> bytes:
    return hmac.new(key, b"set-password\x1f" + signed + (user.password_hash or "").encode(), sha256).digest()
