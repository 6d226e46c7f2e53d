"""What stands around every administration page: the navigation, who is signed in, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.response import Redirect

from dpp.application.current import CurrentConfiguration
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import DppError, NotFound
from dpp.entrypoints.http.administration import forms, navigation
from dpp.entrypoints.http.auth import CSRF_FIELD, CSRF_IN_FORM, Gate
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.rendering import page as rendered

NO_STORE: Mapping[str, str] = {"cache-control": "no-store"}
DONE = "done"

AnyRequest = Request[Any, Any, Any]

_NOT_HERE = problems.Problem(
    status=404,
    title="There is nothing here",
    advice="It may have been renamed or taken away, or it is not among what you may manage.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """What every page needs beside its own data."""

    gate: Gate
    configuration: CurrentConfiguration
    public_url: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The platform's time zone, in which pages tell times."""
        return ZoneInfo(self.configuration.value.platform.calendar.time_zone)


def reading(framing: Callable[[], Framing], permission: Permission) -> dict[str, Any]:
    """Return the settings of a route that shows a page."""
    return {
        "opt": {"permission": permission},
        "exception_handlers": handlers(framing),
        "include_in_schema": False,
    }


def writing(framing: Callable[[], Framing], permission: Permission) -> dict[str, Any]:
    """Return the settings of a route that takes a form; it must ask ``is_ours`` before anything else."""
    return {
        "opt": {"permission": permission, CSRF_IN_FORM: True},
        "exception_handlers": handlers(framing),
        "include_in_schema": False,
        "request_max_body_size": forms.BODY_BYTES,
        "status_code": 200,
    }


def page(
    request: AnyRequest,
    principal: Principal,
    framing: Framing,
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
) -> Response[bytes]:
    """
    Show an administration page.

    Args:
        request: its path must belong to an entry of the navigation.
        principal: whoever asks; the navigation has what they may open.
        framing: what every page needs.
        template: extends ``admin/base.html``.
        context: what the template shows, beside what ``admin/base.html`` names.
        status: of the answer.
    """
    around = {
        "groups": list(navigation.visible(principal)),
        "here": navigation.entry_of(request.url.path.rstrip("/") or "/"),
        "signed_in_as": principal.name,
        "csrf_field": CSRF_FIELD,
        "csrf_token": framing.gate.form_token(request),
        "zone": framing.zone,
        "may_answer": Permission.SURVEY_SUBMIT in principal.permissions,
        "administers": Permission.STREAMS_MANAGE in principal.permissions,
        "is_admin": Permission.ADMIN_WRITE in principal.permissions,
        "done": request.query_params.get(DONE),
        "filled": forms.Typed(),
    }
    return rendered(request, template, around | dict(context), status=status, headers=NO_STORE)


def is_ours(request: AnyRequest, given: forms.Typed, framing: Framing) -> bool:
    """Whether a form came from a page of ours and carries the token of the reader's session."""
    return framing.gate.is_own_form(request, token=given.value(CSRF_FIELD))


def gone_on(path: str, *, done: str) -> Response[Any]:
    """Send the browser on after a form did what it was for, so that reloading does not send it again.

    Args:
        path: of the page to show, with its query if it has one.
        done: a word that the page has a sentence for.
    """
    return Redirect(f"{path}{'&' if '?' in path else '?'}{DONE}={done}", status_code=303, headers=dict(NO_STORE))


def handlers(framing: Callable[[], Framing]) -> dict[int | type[Exception], problems.Handler]:
    """Build the exception handlers of administration pages."""

    def not_here(request: AnyRequest, _error: DppError) -> Response[Any]:
        context = {"problem": _NOT_HERE, "detail": None, "retry_seconds": None, "signed_in_as": None}
        return rendered(request, "problem.html", context, status=404, headers=NO_STORE)

    return {**problems.handlers(lambda: framing().gate), NotFound: not_here}
