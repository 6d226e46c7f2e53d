"""The page on which somebody with a link sets their password; the link is all that they need."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from dpp.application.password_links import LinkVoid
from dpp.application.users import MAX_PASSWORD, MIN_PASSWORD
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.administration import forms
from dpp.entrypoints.http.administration.frame import NO_STORE
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.people.api_users import SET_PASSWORD
from dpp.entrypoints.http.people.serving import AnyRequest, Provide
from dpp.entrypoints.http.security import is_own_form

BODY_BYTES = 16 * 1024
DIFFERENT = "The two are not the same; type the password twice."
EXPIRED = "This form did not come from this platform; open the link again."


def routes(serving: Provide) -> list[HTTPRouteHandler]:
    """Build the routes, which are open to all; ``serving`` gives what they need once the platform has started."""
    handlers = problems.handlers(lambda: serving().framing.gate)

    @get(SET_PASSWORD, exception_handlers=handlers, include_in_schema=False)
    async def form(request: AnyRequest) -> Response[Any]:
        """Show the form, if the link is good."""
        token = request.query_params.get("token", "")
        try:
            await serving().links.check(token)
        except LinkVoid as error:
            return _page(request, token=None, error=str(error), status=403)
        return _page(request, token=token)

    @post(SET_PASSWORD, exception_handlers=handlers, include_in_schema=False, request_max_body_size=BODY_BYTES)
    async def use(request: AnyRequest) -> Response[Any]:
        """Set the password and go on to the sign-in."""
        to, given = serving(), await forms.typed(request)
        token, password = given.value("token"), given.value("password")
        if not is_own_form(request.headers, public_url=to.framing.public_url):
            return _page(request, token=None, error=EXPIRED, status=403)
        try:
            if password != given.value("again"):
                raise InvalidInput(DIFFERENT, field="again")
            await to.links.use(token, password)
        except LinkVoid as error:
            return _page(request, token=None, error=str(error), status=403)
        except InvalidInput as error:
            return _page(request, token=token, error=str(error), status=422)
        return Redirect(problems.SIGN_IN, status_code=303, headers=dict(NO_STORE))

    return [form, use]


def _page(request: AnyRequest, *, token: str | None, error: str | None = None, status: int = 200) -> Response[bytes]:
    context = {
        "token": token,
        "error": error,
        "shortest": MIN_PASSWORD,
        "longest": MAX_PASSWORD,
        "signed_in_as": None,
    }
    return page(request, "set_password.html", context, status=status, headers=NO_STORE)
