"""People whom an identity provider sends, known again or added, and the roles of their groups (§3.2.1, §3.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol
from uuid import UUID, uuid5

from dpp.application.access_ports import AuditEntry, AuditLog, SessionStore, User, UserStore
from dpp.application.id_tokens import Identity
from dpp.application.oidc_ports import SignInRefused
from dpp.application.ports import Clock
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Conflict
from dpp.domain.group_roles import beside_manual, mapped_grants

PEOPLE = UUID("0c8f7d52-6f0e-5d0b-8f61-5b1c2b3e9a47")
"""The namespace of the ids of people who come by an identity provider."""


class AccountDisabled(SignInRefused):
    """The person is known and kept out."""

    code = "account_disabled"


class AddressTaken(SignInRefused):
    """Another account has the person's e-mail address."""

    code = "address_taken"


class TooManyGroups(SignInRefused):
    """The person has more groups than a token holds, and no role but those that groups would bring."""

    code = "too_many_groups"


class ArrivalStore(UserStore, SessionStore, AuditLog, Protocol):
    """What an arrival reads and writes."""


class Arrivals:
    """Keeps users as the identity provider knows them."""

    def __init__(
        self, *, store: ArrivalStore, configuration: Callable[[], Awaitable[Configuration]], clock: Clock
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock

    async def welcome(self, person: Identity) -> User:
        """
        Return the user that a person is, with the roles that their groups bring now.

        What groups brought before and bring no longer is taken away; what somebody assigned stays.

        Raises:
            AccountDisabled: the user may not sign in.
            AddressTaken: the person is new and another account has their address.
            TooManyGroups: the groups are not known, and nobody assigned a role.
            Unavailable: the store does not answer.
        """
        known = await self._store.user(user_id(person))
        user = await self._added(person) if known is None else await self._renewed(known, person)
        has_manual = await self._set_roles(user, person)
        if person.groups is None and not has_manual:
            raise TooManyGroups(
                "You belong to more groups than the identity provider puts into a sign-in, so that your roles cannot "
                "be told, and you get none. An administrator of the provider can send application roles, or only the "
                "groups that are assigned to this application; an administrator of the platform can assign you a role "
                "by hand"
            )
        return user

    async def _added(self, person: Identity) -> User:
        user = User(
            user_id=user_id(person),
            email=person.email,
            display_name=person.display_name,
            created_at=self._clock.now(),
        )
        if not await self._is_free(person.email, user.user_id):
            raise AddressTaken(
                "Another account of the platform has your e-mail address. An administrator can disable that account, "
                "which frees the address, and assign your roles anew"
            )
        try:
            await self._store.add_user(user, grants=(), granted_by=None)
        except Conflict:
            # A second tab of the same person was faster; or else somebody took the address in this very moment.
            return await self._existing(user.user_id)
        await self._record(user.user_id, "user.added")
        return user

    async def _existing(self, id_: UUID) -> User:
        user = await self._store.user(id_)
        if user is None:
            raise AddressTaken("Another account of the platform has just taken your e-mail address. Sign in again")
        return user

    async def _renewed(self, user: User, person: Identity) -> User:
        if not user.is_active:
            raise AccountDisabled("Your account is disabled. An administrator of the platform can enable it again")
        # The subject tells who somebody is; the address only how to call them, and the old one will do.
        is_free = person.email == user.email or await self._is_free(person.email, user.user_id)
        email = person.email if is_free else user.email
        if (email, person.display_name) == (user.email, user.display_name):
            return user
        try:
            await self._store.set_profile(user.user_id, email=email, display_name=person.display_name)
        except Conflict:
            return user
        return replace(user, email=email, display_name=person.display_name)

    async def _is_free(self, email: str, id_: UUID) -> bool:
        """Tell whether a person may have an address. A disabled account gives up its own."""
        holder = await self._store.user_by_email(email)
        if holder is None or holder.user_id == id_:
            return True
        if holder.is_active:
            return False
        released = f"{holder.user_id}@released.invalid"
        await self._store.set_profile(holder.user_id, email=released, display_name=holder.display_name)
        await self._record(holder.user_id, "user.address_released")
        return True

    async def _set_roles(self, user: User, person: Identity) -> bool:
        """Bring the roles up to date, and tell whether somebody assigned one by hand."""
        manual = await self._store.manual_grants(user.user_id)
        mapped = mapped_grants(groups=person.groups or (), configuration=await self._configuration())
        wanted = beside_manual(mapped=mapped, manual=manual)
        if await self._store.set_mapped_grants(user.user_id, wanted, at=self._clock.now()):
            await self._record(user.user_id, "user.roles_mapped", {"roles": sorted({grant.role for grant in wanted})})
        return bool(manual)

    async def _record(self, id_: UUID, action: str, details: dict[str, object] | None = None) -> None:
        actor = f"user:{id_}"
        entry = AuditEntry(occurred_at=self._clock.now(), actor=actor, action=action, subject=actor, details=details)
        await self._store.record(entry)


def user_id(person: Identity) -> UUID:
    """Return the id of a person: the same for ever, since an issuer gives a subject to one person only."""
    return uuid5(PEOPLE, f"{person.issuer}\x1f{person.subject}")
