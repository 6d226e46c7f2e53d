"""Who is asking: a bearer key or a session cookie, and whether the route is for them."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from litestar.connection import Request
from litestar.handlers import BaseRouteHandler

from dpp.application.keys import ApiKeys, InvalidKey
from dpp.application.signin import SignIn
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import Forbidden, Unauthenticated
from dpp.entrypoints.http.addresses import address_of
from dpp.entrypoints.http.cookies import Connection, Cookies
from dpp.entrypoints.http.failed_keys import FailedKeys
from dpp.entrypoints.http.refusals import Refusal, Refusals
from dpp.entrypoints.http.security import is_own_form

COOKIE = "dpp_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
#: Option of a route whose form carries the token in ``CSRF_FIELD``; the route itself looks at it, and can show the form
#: again with what was typed.
CSRF_IN_FORM = "csrf_in_form"
#: Option of a route that people reach by their role and keys by another permission; either of the two opens it.
OR_PERMISSION = "or_permission"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


class Gate:
    """Decides who may pass; one per application."""

    def __init__(self, *, keys: ApiKeys, signin: SignIn, session_key: bytes, public_url: str | None = None) -> None:
        """`public_url`: the address that browsers use; with one, a proxy is the other end of every connection."""
        self.cookies = Cookies(public_url=public_url)
        self.refusals = Refusals()
        self._keys = keys
        self._signin = signin
        self._session_key = session_key
        self._public_url = public_url
        self._failed = FailedKeys()

    async def principal(self, connection: Connection, *, csrf_in_form: bool = False) -> Principal:
        """Return who is asking.

        Args:
            connection: the request.
            csrf_in_form: the route looks for the token of state-changing requests itself.

        Raises:
            Unauthenticated: neither a valid key nor a valid session came with the request.
            TooManyRequests: too many invalid keys came from the same address.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            return await self._owner(connection, header)
        token = self.session_token(connection)
        if token is None:
            raise Unauthenticated("Sign in, or send an API key in the Authorization header as Bearer")
        principal = await self._signin.who(token)
        if not csrf_in_form and connection.scope.get("method", "GET") not in SAFE_METHODS:
            self._check_csrf(connection, token, principal)
        return principal

    async def _owner(self, connection: Connection, header: str) -> Principal:
        address = self.address(connection)
        self._failed.check(address, is_known=lambda: self._keys.has_seen(header))
        try:
            return await self._keys.verify(header)
        except InvalidKey:
            self._failed.note(address)
            raise

    async def still(self, connection: Connection) -> Principal:
        """Return who is asking by now, on a connection that stays open; looking is no use of a session.

        Raises:
            Unauthenticated: the key or the session is not good any more.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            return await self._keys.verify(header)
        return await self._signin.who(self.session_token(connection) or "", is_use=False)

    def address(self, connection: Connection) -> str:
        """Return where a request comes from, for limits."""
        peer = connection.client.host if connection.client else None
        return address_of(peer=peer, headers=connection.headers, is_behind_proxy=self._public_url is not None)

    def session_token(self, connection: Connection) -> str | None:
        """Return the token of the browser's session; None when it has none."""
        return self.cookies.read(connection, COOKIE)

    def form_token(self, connection: Connection) -> str:
        """Return the token that the forms of a session carry; empty without a session."""
        session = self.session_token(connection)
        return self.csrf_token(session) if session else ""

    def is_own_form(self, connection: Connection, *, token: str, nonce: str | None = None) -> bool:
        """Whether a form was sent by a page of ours, with the token that the page had; if not, that is logged.

        Args:
            connection: the request.
            token: as it came in ``CSRF_FIELD``.
            nonce: what the token was made of; by default the browser's session.
        """
        bound_to = nonce if nonce is not None else self.session_token(connection)
        is_ours = (
            bool(bound_to)
            and is_own_form(connection.headers, public_url=self._public_url)
            and hmac.compare_digest(token.encode(errors="replace"), self.csrf_token(bound_to or "").encode())
        )
        if not is_ours:
            self.refusals.note(connection, Refusal.FORM)
        return is_ours

    def csrf_token(self, session_token: str) -> str:
        """Return the token that state-changing requests of a session carry beside the cookie."""
        return hmac.new(self._session_key, b"csrf\x1f" + session_token.encode(), sha256).hexdigest()

    def _check_csrf(self, connection: Connection, session_token: str, principal: Principal) -> None:
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.csrf_token(session_token).encode()):
            self.refusals.note(connection, Refusal.CSRF, principal)
            raise Forbidden(f"The request lacks its {CSRF_HEADER} header; reload the page and try again")


def guard(gate: Callable[[], Gate]) -> Guard:
    """Build the guard that every protected route stands behind.

    A route says what it needs as ``opt={"permission": …}``; one that says nothing is closed to everybody. With
    ``or_permission`` beside it, that one opens the route too.
    """

    async def check(connection: Connection, handler: BaseRouteHandler) -> None:
        permission, otherwise = handler.opt.get("permission"), handler.opt.get(OR_PERMISSION)
        principal = await gate().principal(connection, csrf_in_form=handler.opt.get(CSRF_IN_FORM) is True)
        if not isinstance(permission, Permission) or principal.permissions.isdisjoint({permission, otherwise}):
            gate().refusals.note(connection, Refusal.PERMISSION, principal)
            raise Forbidden("You may not do this; an administrator can give you the role for it")
        connection.state["principal"] = principal

    return check


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Hand the principal that the guard let in to the route."""
    principal = request.state["principal"]
    if not isinstance(principal, Principal):
        raise Unauthenticated("Sign in first")
    return principal
