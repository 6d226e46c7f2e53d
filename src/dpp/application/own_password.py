"""Changing one's own password (§3.2.2)."""

from __future__ import annotations

from uuid import UUID

from dpp.application.signin import NewSession, SignIn
from dpp.application.users import Users


async def change_own_password(
    user_id: UUID, *, current: str, new: str, address: str | None, signin: SignIn, users: Users
) -> NewSession:
    """Replace a person's password by one of their own choice.

    Every session of the person ends, and the new one that comes back takes the place of the one that asked.

    Args:
        user_id: of a person who is signed in.
        current: the password as it is now; guessing at it is slowed down as at a sign-in.
        new: one that may be used and is another one.
        address: where the request came from, for the throttle only.
        signin: checks the current password and opens the session.
        users: sets the new one.

    Raises:
        WrongPassword: the current password is not right, or there is none.
        InvalidInput: the new password cannot be used; nothing has changed.
        TooManyAttempts: too many wrong passwords were given lately.
    """
    user = await signin.prove(user_id, current, address)
    await users.replace_password(user_id, new, before=current)
    return await signin.open_session(user, auth_method="database")
