"""The log of requests that were refused for who asked or from where (§8.4; ASVS 5.0, 16.3.2 and 16.3.3).

Of what was sent a line has only the method and the pattern of the address, so that nothing of it can be a secret or
forge another line.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog
from litestar.connection import ASGIConnection

from dpp.application.rates import Allowance
from dpp.domain.access import Principal

#: Lines at once for each reason and caller, and then one in a minute: who is refused again and again is known by then.
BURST = 20
PER_SECOND = 1 / 60

log = structlog.get_logger(__name__)


class Refusal(StrEnum):
    """Why a request was refused."""

    PERMISSION = "permission"
    """Who asked lacks the role for the route."""
    CSRF = "csrf"
    """A change came with a session and without its token: perhaps another site's page sent it."""
    FORM = "form"
    """The same of a form; most often it was open for too long."""
    HOST = "host"
    """A browser was led here under another name."""


def _now() -> datetime:
    return datetime.now(UTC)


class Refusals:
    """Logs refusals, and drops those that come in masses."""

    def __init__(self, *, now: Callable[[], datetime] = _now) -> None:
        self._allowance = Allowance(burst=BURST, per_second=PER_SECOND)
        self._now = now

    def note(
        self, connection: ASGIConnection[Any, Any, Any, Any], reason: Refusal, principal: Principal | None = None
    ) -> None:
        """Log that a request was refused; ``principal`` is who asked, where that is known."""
        scope, now = connection.scope, self._now()
        who = principal.actor if principal else None
        name = f"{reason}\x1f{who}"
        if self._allowance.wait(name, now):
            return
        self._allowance.use(name, now)
        log.warning(
            "request_refused",
            reason=reason.value,
            who=who,
            method=scope.get("method"),
            path=scope.get("path_template"),
        )
