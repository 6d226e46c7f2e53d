"""Signing in by way of the identity provider (§3.2.1): to it, and back from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from dpp.application.oidc import OpenIdSignIn, Returned
from dpp.application.oidc_ports import ProviderUnavailable, SignInRefused
from dpp.application.rates import Allowance, TooManyRequests
from dpp.application.signin_state import LIFETIME
from dpp.domain.errors import NotFound
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.errors import RETRY_SECONDS
from dpp.entrypoints.http.security import local_path
from dpp.entrypoints.http.signin_pages import (
    BEGIN,
    NO_STORE,
    SIGNED_OUT,
    AnyRequest,
    SignedOut,
    SigningIn,
    is_signed_in,
    sign_in_page,
    signed_in,
)

#: The address that is registered with the provider; ``OIDC_REDIRECT_URI`` ends with it.
CALLBACK = f"{BEGIN}/callback"
STATE_COOKIE = "dpp_oidc_"
#: Enough of the state to keep apart the sign-ins of several tabs, whose cookies are named after it.
NAME_LENGTH = 12
#: Answers from one address that were refused: so many at once, and then one in six seconds. Each may cost the provider
#: a request; a good one never counts.
REFUSED_AT_ONCE = 20
REFUSED_PER_SECOND = 1 / 6


def routes(signing_in: Callable[[], SigningIn]) -> list[HTTPRouteHandler]:
    """Build the routes, which are open to all and not there when people sign in otherwise."""
    handlers = problems.handlers(lambda: signing_in().gate)
    refused = Allowance(burst=REFUSED_AT_ONCE, per_second=REFUSED_PER_SECOND)

    @get(BEGIN, exception_handlers=handlers, include_in_schema=False)
    async def begin(request: AnyRequest) -> Response[Any]:
        """Send the browser to the provider."""
        to, wanted = signing_in(), local_path(request.query_params.get("next"))
        oidc = _oidc(to)
        if await is_signed_in(request, to):
            return Redirect(wanted, status_code=303, headers=NO_STORE)
        try:
            begun = await oidc.begin(wanted)
        except ProviderUnavailable as error:
            return _unavailable(request, to, error, wanted=wanted)
        response = Redirect(begun.url, status_code=303, headers=NO_STORE)
        _keep(request, to, response, begun.state, begun.sealed, seconds=int(LIFETIME.total_seconds()))
        return response

    @get(CALLBACK, exception_handlers=handlers, include_in_schema=False)
    async def callback(request: AnyRequest) -> Response[Any]:
        """Sign in whom the provider sends back, and go on to where they wanted to be."""
        to, given = signing_in(), request.query_params
        oidc, state = _oidc(to), given.get("state", "")
        returned = Returned(
            state=state,
            code=given.get("code"),
            error=given.get("error"),
            issuer=given.get("iss"),
            sealed=to.gate.cookies.read(request, _name(state), path=BEGIN),
        )
        response: Response[Any]
        now, address = datetime.now(UTC), to.gate.address(request)
        try:
            refused.check(address, now)
            finished = await oidc.finish(returned)
            response = await signed_in(request, to, finished.session, wanted=local_path(finished.wanted))
        except TooManyRequests as error:
            headers = {"retry-after": str(error.retry_after)}
            return sign_in_page(request, to, wanted="/", error=str(error), status=429, headers=headers)
        except SignInRefused as error:
            refused.use(address, now)
            response = sign_in_page(request, to, wanted="/", error=str(error), status=401)
        except ProviderUnavailable as error:
            response = _unavailable(request, to, error, wanted="/")
        if returned.sealed is not None:
            _keep(request, to, response, state, "", seconds=0)
        return response

    @get(SIGNED_OUT, exception_handlers=handlers, include_in_schema=False)
    async def signed_out(request: AnyRequest) -> Response[Any]:
        """Say that the session here is over, and offer to end the one at the provider as well."""
        to = signing_in()
        url = await _oidc(to).sign_out_url()
        return sign_in_page(request, to, wanted="/", signed_out=SignedOut(url=url))

    return [begin, callback, signed_out]


def _oidc(to: SigningIn) -> OpenIdSignIn:
    if to.oidc is None:
        raise NotFound("People sign in to this platform with a password")
    return to.oidc


def _name(state: str) -> str:
    return STATE_COOKIE + state[:NAME_LENGTH]


def _keep(request: AnyRequest, to: SigningIn, response: Response[Any], state: str, value: str, *, seconds: int) -> None:
    """Let the browser keep a sign-in under way, for this path alone; or, for no seconds, forget it."""
    # Lax, not strict: the browser comes back from another site.
    response.set_cookie(to.gate.cookies.write(request, _name(state), value, max_age=seconds, path=BEGIN))


def _unavailable(request: AnyRequest, to: SigningIn, error: ProviderUnavailable, *, wanted: str) -> Response[bytes]:
    headers = {"retry-after": str(RETRY_SECONDS)}
    return sign_in_page(request, to, wanted=wanted, error=str(error), status=503, headers=headers)
