"""Signing in with a password, staying signed in, and signing out (§3.2.2, §3.3)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from dpp.application.access_ports import (
    AuditEntry,
    AuditLog,
    Passwords,
    Randomness,
    Session,
    SessionStore,
    User,
    UserStore,
)
from dpp.application.ports import Clock, Ids
from dpp.application.throttle import Throttle, TooManyAttempts
from dpp.domain.access import Principal, user_principal
from dpp.domain.errors import InvalidInput, NotFound, Unauthenticated

DURATION = timedelta(minutes=480)
"""§3.2.2: how long a sign-in lasts at most."""
IDLE = timedelta(minutes=120)
"""How long it lasts unused."""
TOUCH_EVERY = timedelta(minutes=1)
TOKEN_BYTES = 32
MAX_TOKEN = 128


class SignInFailed(Unauthenticated):
    """The address or the password is wrong; which of them is not said."""

    code = "sign_in_failed"


class WrongPassword(InvalidInput):
    """A password that was asked for once more is not right."""

    code = "wrong_password"


class SignInStore(UserStore, SessionStore, AuditLog, Protocol):
    """What signing in reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What the caller keeps: the token, which is stored nowhere else, and when it ends at the latest."""

    token: str = field(repr=False)
    expires_at: datetime


class SignIn:
    """Signs people in and says who they are.

    Sessions are read anew on every request: a revoked session, a disabled account and a changed role count at once.
    """

    def __init__(
        self,
        *,
        store: SignInStore,
        passwords: Passwords,
        randomness: Randomness,
        clock: Clock,
        ids: Ids,
        duration: timedelta = DURATION,
        idle: timedelta = IDLE,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._randomness = randomness
        self._clock = clock
        self._ids = ids
        self._duration = duration
        self._idle = min(idle, duration)
        self._throttle = Throttle()

    async def sign_in(self, email: str, password: str, address: str | None) -> NewSession:
        """Sign a local user in.

        Args:
            email: in any case, with or without blanks around it.
            password: as typed.
            address: where the request came from, for the throttle only; it is not stored.

        Raises:
            SignInFailed: unknown address, wrong password, disabled account, or an account without a password; all
                alike, in answer and time.
            TooManyAttempts: too many sign-ins of that account or from that address failed lately.
            Unavailable: the store does not answer.
        """
        user = await self._proved(email.strip().lower(), password, address)
        if user is None:
            raise SignInFailed("The e-mail address or the password is wrong")
        return await self.open_session(user, auth_method="database")

    async def prove(self, user_id: UUID, password: str, address: str | None) -> User:
        """Check once more that somebody who is signed in is who they are.

        Raises:
            WrongPassword: the password is not right, or the user has none.
            TooManyAttempts: too many were not, lately, here or at sign-in.
            Unavailable: the store does not answer.
        """
        user = await self._store.user(user_id)
        if user is None or await self._proved(user.email, password, address) is None:
            raise WrongPassword("This is not your password as it is now", field="current")
        return user

    async def _proved(self, account: str, password: str, address: str | None) -> User | None:
        """Return the user when the password is right, having counted the attempt."""
        begun = self._clock.now()
        try:
            self._throttle.begin(account=account, address=address, now=begun)
        except TooManyAttempts:
            await self._record("unknown", "sign_in.throttled")
            raise
        try:
            user = await self._checked(account, password)
        except BaseException:
            self._throttle.not_tried(account=account, address=address, begun=begun)
            raise
        if user is not None:
            self._throttle.succeeded(account=account, address=address, begun=begun)
        return user

    async def who(self, token: str, *, is_use: bool = True) -> Principal:
        """Return who holds a session's token.

        Args:
            token: as the browser sent it.
            is_use: the session goes on for it; False for a look that its holder did not ask for.

        Raises:
            Unauthenticated: there is no such session, it is over, or its user may no longer sign in.
            Unavailable: the store does not answer.
        """
        now = self._clock.now()
        found = await self._store.signed_in(hashed(token)) if len(token) <= MAX_TOKEN else None
        if found is None or not found.user.is_active or not self._is_open(found.session, now):
            raise Unauthenticated("The session is over; sign in again")
        if is_use and now - found.session.last_activity_at >= TOUCH_EVERY:
            await self._store.touch_session(found.session.session_id, now)
        return user_principal(user_id=found.user.user_id, name=found.user.display_name, grants=found.grants)

    async def sign_out(self, token: str) -> None:
        """End a session; one that is over already, or never was, is as good as ended."""
        found = await self._store.signed_in(hashed(token))
        if found is None or found.session.is_revoked:
            return
        await self._store.revoke_session(found.session.token_hash)
        await self._record(f"user:{found.user.user_id}", "sign_out")

    async def own_session(self, token: str) -> Session:
        """Return the session of a token that ``who`` has let in.

        Raises:
            Unauthenticated: there is no such session.
        """
        found = await self._store.signed_in(hashed(token))
        if found is None:
            raise Unauthenticated("The session is over; sign in again")
        return found.session

    async def sessions_of(self, user_id: UUID) -> Sequence[Session]:
        """Return the sessions of a user that are open now, the one used last first."""
        now = self._clock.now()
        return [one for one in await self._store.sessions_of(user_id, now=now) if self._is_open(one, now)]

    async def end_session(self, user_id: UUID, session_id: UUID) -> None:
        """End one of a user's own sessions.

        Raises:
            NotFound: the user has no such session.
        """
        if not await self._store.revoke_own_session(user_id, session_id):
            raise NotFound("You have no session with that id")
        await self._record(f"user:{user_id}", "session.ended", subject=f"session:{session_id}")

    async def end_other_sessions(self, user_id: UUID, *, but: UUID) -> int:
        """End all of a user's own sessions but one, and return how many were open."""
        ended = await self._store.revoke_sessions_of(user_id, but=but)
        await self._record(f"user:{user_id}", "session.others_ended")
        return ended

    def _is_open(self, session: Session, now: datetime) -> bool:
        return not session.is_revoked and now < session.expires_at and now - session.last_activity_at < self._idle

    async def _checked(self, account: str, password: str) -> User | None:
        """Return the user when the password is right; the work is the same when there is none."""
        # What cannot be printed is no address, and some of it no database takes.
        user = await self._store.user_by_email(account) if account.isprintable() else None
        check = await self._passwords.check(password, user.password_hash if user and user.is_active else None)
        if user is None or not check.is_right:
            await self._record("unknown" if user is None else f"user:{user.user_id}", "sign_in.failed")
            return None
        if check.new_hash is not None:
            await self._store.set_password(user.user_id, check.new_hash)
        return user

    async def open_session(self, user: User, *, auth_method: str) -> NewSession:
        """Open a new session for somebody who has proved who they are; ``auth_method`` is how (§3.3).

        Raises:
            Unavailable: the store does not answer.
        """
        token = urlsafe_b64encode(self._randomness.token(TOKEN_BYTES)).decode().rstrip("=")
        now = self._clock.now()
        session = Session(
            session_id=self._ids.new(),
            token_hash=hashed(token),
            user_id=user.user_id,
            auth_method=auth_method,
            created_at=now,
            expires_at=now + self._duration,
            last_activity_at=now,
        )
        await self._store.add_session(session)
        await self._store.signed_in_at(user.user_id, now)
        await self._record(f"user:{user.user_id}", "sign_in", f"session:{session.session_id}")
        return NewSession(token=token, expires_at=session.expires_at)

    async def _record(self, actor: str, action: str, subject: str | None = None) -> None:
        entry = AuditEntry(occurred_at=self._clock.now(), actor=actor, action=action, subject=subject)
        await self._store.record(entry)


def hashed(token: str) -> str:
    """Return what is stored of a session's token. It is random enough that a fast hash hides it."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
