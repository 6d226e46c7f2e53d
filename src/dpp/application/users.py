"""Local users: adding them, what they are granted, and keeping them out again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from dpp.application.access_ports import (
    AuditEntry,
    AuditLog,
    GivenGrant,
    Passwords,
    SessionStore,
    User,
    UserStore,
    grant_order,
)
from dpp.application.ports import Clock, Ids
from dpp.domain.access import Grant, Principal, Role
from dpp.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from dpp.domain.granting import may_give

FIRST_ADMIN = "admin@localhost"
MIN_PASSWORD = 12
MAX_PASSWORD = 1024
PLATFORM_WORDS = ("dpp", "delivery", "performance", "platform")
"""Whoever guesses begins with these, and with the words of the name and the address of whose password it is."""
_WORD = re.compile(r"[^\W_]{2,}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


class UserAdministrationStore(UserStore, SessionStore, AuditLog, Protocol):
    """What the administration of users reads and writes."""


class Users:
    """Administers local users. ``actor`` names who does it in the audit log: ``user:<id>``, ``cli``, ``system``."""

    def __init__(self, *, store: UserAdministrationStore, passwords: Passwords, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._ids = ids

    async def add(
        self,
        *,
        email: str,
        password: str | None,
        grants: Iterable[Grant],
        actor: str,
        display_name: str | None = None,
        granted_by: UUID | None = None,
    ) -> User:
        """Add a user who signs in with a password.

        Args:
            email: kept in lower case.
            password: 12 to 1024 characters that are not soon guessed; None for somebody who sets one by a link
                (``PasswordLinks``).
            grants: at least one.
            actor: who adds the user.
            display_name: what pages call the user; by default the part of the address before the @.
            granted_by: the user who adds, if it is one.

        Raises:
            InvalidInput: the address, the password or the grants cannot be used.
            Conflict: there is a user with that address.
            NotFound: a stream of a grant does not exist.
        """
        address, wanted = _checked_email(email), _checked_grants(grants)
        user = User(
            user_id=self._ids.new(),
            email=address,
            display_name=(display_name or "").strip() or address.partition("@")[0],
            password_hash=None,
            created_at=self._clock.now(),
        )
        if password is not None:
            user = replace(user, password_hash=await self._passwords.hash(self._checked_password(password, user)))
        await self._store.add_user(user, grants=wanted, granted_by=granted_by)
        await self._record(actor, "user.added", user.user_id, {"roles": sorted({grant.role for grant in wanted})})
        return user

    async def ensure_admin(self, *, password: str, email: str = FIRST_ADMIN) -> User | None:
        """Add the first administrator of a new installation.

        Returns:
            The new user; None when somebody administers the platform already, or another process was faster.
        """
        if await self._store.has_administrator():
            return None
        try:
            return await self.add(
                email=email,
                password=password,
                display_name="Administrator",
                grants=(Grant(role=Role.PLATFORM_ADMIN),),
                actor="system",
            )
        except Conflict:
            if await self._store.has_administrator():
                return None
            raise

    async def set_grants(
        self, user_id: UUID, grants: Iterable[Grant], *, actor: str, granted_by: UUID | None = None
    ) -> None:
        """Replace what a user is granted; it counts from the user's next request.

        Raises:
            InvalidInput: the grants cannot be used.
            NotFound: the user or a stream of a grant does not exist.
            LastAdministrator: nobody would administer the platform any more.
        """
        wanted = _checked_grants(grants)
        # What users are on record as giving themselves is what their groups brought (see ``set_mapped_grants``).
        giver = None if granted_by == user_id else granted_by
        await self._store.set_grants(user_id, wanted, granted_by=giver, at=self._clock.now())
        await self._record(actor, "user.granted", user_id, {"roles": sorted({grant.role for grant in wanted})})

    async def set_active(self, user_id: UUID, *, is_active: bool, actor: str) -> None:
        """Let a user in again, or keep the user out: every session ends.

        Raises:
            NotFound: there is no such user.
            LastAdministrator: nobody would administer the platform any more.
        """
        await self.user(user_id)
        await self._store.set_active(user_id, is_active=is_active)
        if not is_active:
            await self._store.revoke_sessions_of(user_id)
        await self._record(actor, "user.enabled" if is_active else "user.disabled", user_id)

    async def all(self) -> Sequence[tuple[User, Sequence[GivenGrant]]]:
        """Return all users in the order of their addresses, each with what they were granted."""
        given = await self._store.all_grants()
        return [(user, given.get(user.user_id, ())) for user in await self._store.users()]

    async def check_may_change(
        self, principal: Principal, user_id: UUID | None = None, *, grants: Iterable[Grant] = ()
    ) -> None:
        """Refuse whoever would reach more than they may by changing a user, or by what they give.

        Raises:
            Forbidden: the user has, or would get, a permission for a stream for which the caller lacks it.
        """
        held = () if user_id is None else await self._store.grants(user_id)
        if not may_give(principal, grants=[*held, *grants]):
            raise Forbidden("That takes more rights than you have yourself; ask an administrator of the whole platform")

    async def sign_out(self, user_id: UUID, *, actor: str) -> int:
        """End every session of a user, and return how many were open.

        Raises:
            NotFound: there is no such user.
        """
        await self.user(user_id)
        ended = await self._store.revoke_sessions_of(user_id)
        await self._record(actor, "user.signed_out", user_id, {"sessions": ended})
        return ended

    async def set_password(self, user_id: UUID, password: str, *, actor: str) -> User:
        """Replace a user's password; every session ends, since one of them may be the reason.

        Raises:
            InvalidInput: the password cannot be used.
            NotFound: there is no such user.
        """
        user = await self.user(user_id)
        password_hash = await self._passwords.hash(self._checked_password(password, user))
        await self._store.set_password(user_id, password_hash)
        await self._store.revoke_sessions_of(user_id)
        await self._record(actor, "user.password_changed", user_id)
        return replace(user, password_hash=password_hash)

    async def replace_password(self, user_id: UUID, password: str, *, before: str) -> User:
        """Replace a user's password, as the user wants it, by another one than before; every session ends.

        Raises:
            InvalidInput: the password cannot be used, or is the same.
            NotFound: there is no such user.
        """
        if password == before:
            raise InvalidInput("This is your password already; choose another one", field="password")
        return await self.set_password(user_id, password, actor=f"user:{user_id}")

    async def note(self, user_id: UUID, action: str, *, actor: str) -> None:
        """Put on record what was done about a user beside their account."""
        await self._record(actor, action, user_id)

    def _checked_password(self, password: str, user: User) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InvalidInput(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", field="password")
        words = [*PLATFORM_WORDS, *_WORD.findall(f"{user.email} {user.display_name}".lower())]
        if (weakness := self._passwords.weakness(password, words=words)) is not None:
            raise InvalidInput(weakness, field="password")
        return password

    async def user(self, user_id: UUID) -> User:
        """Return one of them; raises ``NotFound``."""
        user = await self._store.user(user_id)
        if user is None:
            raise NotFound("There is no user with that id")
        return user

    async def _record(self, actor: str, action: str, user_id: UUID, details: dict[str, object] | None = None) -> None:
        entry = AuditEntry(
            occurred_at=self._clock.now(), actor=actor, action=action, subject=f"user:{user_id}", details=details
        )
        await self._store.record(entry)


def _checked_email(email: str) -> str:
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise InvalidInput(f"{email[:320]!r} is no e-mail address; give one such as ada@example.org", field="email")
    return address


def _checked_grants(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    wanted = tuple(sorted(set(grants), key=grant_order))
    if not wanted:
        raise InvalidInput(f"A user needs a role: one of {', '.join(Role)}", field="role")
    if any(grant.role is Role.PLATFORM_ADMIN and not grant.scope.is_all for grant in wanted):
        raise InvalidInput("platform_admin is for all streams; for single ones give stream_lead", field="role")
    return wanted
