"""Signing in and out: with a form, or by way of an identity provider (see ``signin_oidc``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from dpp.application.oidc import OpenIdSignIn
from dpp.application.signin import NewSession, SignIn
from dpp.application.throttle import TooManyAttempts
from dpp.domain.errors import Unauthenticated
from dpp.entrypoints.http.auth import COOKIE, CSRF_FIELD, Gate
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.security import CLEAR_CACHE, local_path

#: Where a sign-in by way of the identity provider begins.
BEGIN = f"{problems.SIGN_IN}/oidc"
SIGNED_OUT = f"{BEGIN}/signed-out"
#: Binds a sign-in form to the browser that got it: nobody can sign a reader in under another account unnoticed.
FORM_COOKIE = "dpp_form"
MAX_FIELD = 1024
BODY_BYTES = 16 * 1024
NO_STORE = {"cache-control": "no-store"}
WRONG = "The e-mail address or the password is not right. Check both and try again."
NOT_OUT = "Signing out did not work: the page was too old. Open it again and sign out there."
EXPIRED = "This form had expired. Please send it once more."

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """What the pages need."""

    signin: SignIn
    gate: Gate
    oidc: OpenIdSignIn | None = None
    """Where it is given, people sign in there and no password opens anything (§3.4)."""
    public_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """That somebody is signed out here, and where, if anywhere, they sign out of the identity provider too."""

    url: str | None


def routes(signing_in: Callable[[], SigningIn]) -> list[HTTPRouteHandler]:
    """Build the routes, which are open to all; ``signing_in`` gives what they need once the platform has started."""
    handlers = problems.handlers(lambda: signing_in().gate)

    @get(problems.SIGN_IN, exception_handlers=handlers, include_in_schema=False)
    async def form(request: AnyRequest) -> Response[Any]:
        """Show the form; whoever is signed in goes on at once."""
        to, wanted = signing_in(), local_path(request.query_params.get("next"))
        if await is_signed_in(request, to):
            return Redirect(wanted, status_code=303, headers=NO_STORE)
        if to.oidc is not None:
            return Redirect(begin_address(wanted), status_code=303, headers=NO_STORE)
        return sign_in_page(request, to, wanted=wanted)

    @post(problems.SIGN_IN, exception_handlers=handlers, include_in_schema=False, request_max_body_size=BODY_BYTES)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        """Sign in and go on to where the reader wanted to be."""
        to, fields = signing_in(), await _fields(request)
        wanted, email = local_path(fields.get("next")), fields.get("email", "")
        if to.oidc is not None:
            return Redirect(begin_address(wanted), status_code=303, headers=NO_STORE)
        nonce = to.gate.cookies.read(request, FORM_COOKIE) or ""
        if not to.gate.is_own_form(request, token=fields.get(CSRF_FIELD, ""), nonce=nonce):
            return sign_in_page(request, to, wanted=wanted, email=email, error=EXPIRED, status=403)
        address = to.gate.address(request)
        try:
            session = await to.signin.sign_in(email, fields.get("password", ""), address)
        except TooManyAttempts as error:
            retry = {"retry-after": str(error.retry_after)}
            return sign_in_page(request, to, wanted=wanted, email=email, error=str(error), status=429, headers=retry)
        except Unauthenticated:
            return sign_in_page(request, to, wanted=wanted, email=email, error=WRONG, status=401)
        return await signed_in(request, to, session, wanted=wanted)

    @post("/sign-out", exception_handlers=handlers, include_in_schema=False, request_max_body_size=BODY_BYTES)
    async def sign_out(request: AnyRequest) -> Response[Any]:
        """End the session and forget its cookie."""
        to, fields = signing_in(), await _fields(request)
        token = to.gate.session_token(request)
        if token is not None:
            if not to.gate.is_own_form(request, token=fields.get(CSRF_FIELD, "")):
                return sign_in_page(request, to, wanted="/", error=NOT_OUT, status=403)
            await to.signin.sign_out(token)
        after = SIGNED_OUT if to.oidc is not None else problems.SIGN_IN
        response = Redirect(after, status_code=303, headers={**NO_STORE, **CLEAR_CACHE})
        response.set_cookie(to.gate.cookies.write(request, COOKIE, "", max_age=0))
        return response

    return [form, sign_in, sign_out]


async def _fields(request: AnyRequest) -> dict[str, str]:
    given = await request.form()
    return {name: value for name, value in given.items() if isinstance(value, str) and len(value) <= MAX_FIELD}


def begin_address(wanted: str) -> str:
    """Return where a sign-in by way of the identity provider begins that leads on to a path."""
    return BEGIN if wanted == "/" else f"{BEGIN}?{urlencode({'next': wanted})}"


async def is_signed_in(request: AnyRequest, to: SigningIn) -> bool:
    """Tell whether the request comes with a session that is open."""
    token = to.gate.session_token(request)
    if token is None:
        return False
    try:
        await to.signin.who(token)
    except Unauthenticated:
        return False
    return True


def sign_in_page(
    request: AnyRequest,
    to: SigningIn,
    *,
    wanted: str,
    email: str = "",
    error: str | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    signed_out: SignedOut | None = None,
) -> Response[bytes]:
    """Show what a person signs in with: a form, or the way to the identity provider."""
    # Kept while it lasts, so that a form in another tab stays good.
    nonce = to.gate.cookies.read(request, FORM_COOKIE) or token_urlsafe(24)
    context = {
        "email": email,
        "error": error,
        "next": wanted,
        "csrf_field": CSRF_FIELD,
        "csrf_token": to.gate.csrf_token(nonce),
        "provider": urlsplit(to.oidc.issuer).hostname if to.oidc is not None else None,
        "begin": begin_address(wanted),
        "signed_out": signed_out,
        "insecure": to.gate.cookies.are_secure(request) and request.url.scheme == "http" and to.public_url is None,
        "signed_in_as": None,
    }
    response = page(request, "sign_in.html", context, status=status, headers={**NO_STORE, **(headers or {})})
    response.set_cookie(to.gate.cookies.write(request, FORM_COOKIE, nonce, samesite="strict"))
    return response


async def signed_in(request: AnyRequest, to: SigningIn, session: NewSession, *, wanted: str) -> Response[Any]:
    """Give the browser its session and send it on; the session that it had before, if any, ends."""
    if (before := to.gate.session_token(request)) is not None:
        await to.signin.sign_out(before)
    response = Redirect(wanted, status_code=303, headers=NO_STORE)
    # The server ends the session; the cookie goes with the browser's own.
    response.set_cookie(to.gate.cookies.write(request, COOKIE, session.token))
    response.set_cookie(to.gate.cookies.write(request, FORM_COOKIE, "", max_age=0, samesite="strict"))
    return response
