"""Pages for what went wrong: what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response
from litestar.response import Redirect

from dpp.domain.catalogue import UnknownMetric
from dpp.domain.errors import DppError, Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable
from dpp.entrypoints.http.auth import CSRF_FIELD, Gate
from dpp.entrypoints.http.csv_tables import UnknownTable
from dpp.entrypoints.http.dashboard.rendering import page
from dpp.entrypoints.http.dashboard.standalone import NothingToDraw
from dpp.entrypoints.http.errors import RETRY_SECONDS, on_platform_error, on_unexpected_error
from dpp.entrypoints.http.security import local_path

SIGN_IN = "/sign-in"
FRAGMENTS = "/fragments/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """How a family of errors is shown."""

    status: int
    title: str
    advice: str


PROBLEMS: Mapping[type[DppError], Problem] = MappingProxyType(
    {
        UnknownMetric: Problem(
            status=404,
            title="There is no such figure",
            advice="Open the explanation of a figure from its card.",
        ),
        UnknownTable: Problem(status=404, title="There is no such file", advice="Take the links below the figures."),
        NothingToDraw: Problem(
            status=404, title="There is nothing to draw", advice="Choose another time range, or another stream."
        ),
        NotFound: Problem(
            status=404,
            title="There is no such stream",
            advice="It may have been renamed, or it is not among those that you may see. Choose one from the list.",
        ),
        InvalidInput: Problem(
            status=422, title="That cannot be shown", advice="Change the address, or start again with the usual view."
        ),
        Forbidden: Problem(
            status=403,
            title="You may not see this page",
            advice="Your account has no role for it. Ask an administrator of the platform for one.",
        ),
        Unavailable: Problem(
            status=503,
            title="The figures are out of reach for a moment",
            advice="The database does not answer. Webhooks are still accepted and kept; nothing is lost. "
            "This page comes by itself as soon as they are back.",
        ),
    }
)

SCHEMA_OUTDATED = Problem(
    status=503,
    title="The platform is being updated",
    advice="Its database does not have the shape of this version yet. Whoever runs the platform ends the update with "
    "`dpp migrate`. Webhooks are still accepted and kept; nothing is lost. This page comes by itself.",
)
#: Errors that are told apart by their code alone: their classes belong to adapters.
BY_CODE: Mapping[str, Problem] = MappingProxyType({"schema_outdated": SCHEMA_OUTDATED})

FAULT = Problem(
    status=500,
    title="Something went wrong here",
    advice="It is a fault of the platform and has been logged. Try again; if it stays, tell whoever runs the platform "
    "when it happened.",
)

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def handlers(gate: Callable[[], Gate]) -> dict[int | type[Exception], Handler]:
    """Build the exception handlers of the pages: people get pages where scripts get JSON."""

    def show(request: Request[Any, Any, Any], error: DppError) -> Response[Any]:
        return on_problem(request, error, gate=gate)

    return {Unauthenticated: to_sign_in, DppError: show, Exception: on_fault}


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Show the page of a fault of ours: the log has the details, the reader none."""
    on_unexpected_error(request, error)
    context = {"problem": FAULT, "detail": None, "retry_seconds": None, "signed_in_as": None}
    return page(request, "problem.html", context, status=FAULT.status, headers={"cache-control": "no-store"})


def to_sign_in(request: Request[Any, Any, Any], _error: Unauthenticated) -> Response[Any]:
    """Send the reader to sign in and back; a fragment tells the page around it to go there."""
    if not request.url.path.startswith(FRAGMENTS):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect(sign_in_address(here), status_code=303, headers={"cache-control": "no-store"})
    shown = urlsplit(request.headers.get("hx-current-url", "/"))
    here = shown.path + (f"?{shown.query}" if shown.query else "")
    return Response(b"", status_code=401, headers={"hx-redirect": sign_in_address(here), "cache-control": "no-store"})


def sign_in_address(wanted: str) -> str:
    """Return the address of the sign-in page that leads on to a path."""
    path = local_path(wanted)
    return SIGN_IN if path == "/" else f"{SIGN_IN}?{urlencode({'next': path})}"


def on_problem(request: Request[Any, Any, Any], error: DppError, *, gate: Callable[[], Gate]) -> Response[Any]:
    """Show the page of an error's family; an error of none is answered as to a script."""
    problem = BY_CODE.get(error.code) or next((it for kind, it in PROBLEMS.items() if isinstance(error, kind)), None)
    if problem is None:
        # Raised again it would be a fault of ours: nothing looks after what a handler of errors raises.
        return on_platform_error(request, error)
    headers = {"cache-control": "no-store"}
    if problem.status == 503:
        headers["retry-after"] = str(RETRY_SECONDS)
    context = {
        "problem": problem,
        "detail": str(error) if isinstance(error, InvalidInput) else None,
        "retry_seconds": RETRY_SECONDS if problem.status == 503 else None,
        **_way_out(request, problem, gate),
    }
    return page(request, "problem.html", context, status=problem.status, headers=headers)


def _way_out(request: Request[Any, Any, Any], problem: Problem, gate: Callable[[], Gate]) -> dict[str, object]:
    """Offer to sign out where another account would help: whoever may see nothing could not leave otherwise."""
    if problem.status != 403 or not (token := gate().form_token(request)):
        return {"signed_in_as": None}
    return {"signed_in_as": "Signed in", "csrf_field": CSRF_FIELD, "csrf_token": token}
