"""The simulated organisation's GitHub and Jira at one address, with what is wrong with them for the while.

Sans-I/O: ``answer`` takes a request's parts and gives a response's. GitHub lies at ``/api/v3`` and ``/api/graphql``, as
an Enterprise Server's does; Jira at ``/rest``; pages for people beside them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dpp.adapters.simulation import github_api, jira_api
from dpp.adapters.simulation.organisation import SimulatedOrganisation
from dpp.adapters.simulation.plan import WEEK
from dpp.adapters.simulation.readable import readable_page
from dpp.adapters.simulation.standing_faults import Standing, StandingFaults, Trouble

GITHUB_PATH = "/api/v3"
_GRAPHQL = "/api/graphql"
_JIRA = "/rest/"
_HOUR = timedelta(hours=1)
_LIMIT = 5000

#: Both know these faults by the same names.
_FAULTS: Mapping[Trouble, jira_api.Fault] = {
    "down": "server_error",
    "silent": "timeout",
    "truncated": "truncated",
    "lying": "lie",
    "rate-limit": "rate_limit",
    "refused": "unauthorised",
    "forbidden": "forbidden",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswer:
    """What goes back; ``is_silent`` is that nothing does."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the platform proves itself with: the App's number and key in PEM, and Jira's user and token."""

    app_id: str
    private_key: bytes = field(repr=False)
    jira_user: str
    jira_token: bytes = field(repr=False)


class SimulatedSources:
    """
    Answers as of the moment of each request; safe to ask from several threads.

    Args:
        organisation: whose work it tells; nobody else may extend its plan.
        clock: tells the moment.
        credentials: what callers must show.
        faults: what is wrong for a while.

    Raises:
        ValueError: the private key is none.
    """

    def __init__(
        self,
        *,
        organisation: SimulatedOrganisation,
        clock: Callable[[], datetime],
        credentials: Credentials,
        faults: StandingFaults,
    ) -> None:
        self._organisation = organisation
        self._clock = clock
        self._faults = faults
        self._at = clock()
        self._one_at_a_time = Lock()
        self._left: dict[tuple[str, bool], int] = {}
        both = f"{credentials.jira_user}:".encode() + credentials.jira_token
        self._github = github_api.SimulatedGitHub(
            organisation=organisation, now=lambda: self._at, proves=_proof_of(credentials)
        )
        self._jira = jira_api.SimulatedJira(
            organisation=organisation, now=lambda: self._at, token=b64encode(both).decode()
        )

    def answer(
        self, method: str, path: str, query: Mapping[str, str], *, headers: Mapping[str, str], body: bytes = b""
    ) -> SourceAnswer:
        """Answer a request."""
        with self._one_at_a_time:
            self._at = self._clock()
            self._organisation.plan.extend(weeks=-((self._organisation.start - self._at) // WEEK))
            if path == _GRAPHQL or path.startswith(f"{GITHUB_PATH}/"):
                return self._of_github(method, path, query, headers, body)
            if method == "GET" and path.startswith(_JIRA):
                return self._of_jira(path, query, headers)
            page = readable_page(self._organisation.plan, path, self._at) if method == "GET" else None
        if page is None:
            return SourceAnswer(status=404, body=b"There is nothing here", headers={"Content-Type": "text/plain"})
        return SourceAnswer(status=200, body=page.encode(), headers={"Content-Type": "text/html; charset=utf-8"})

    def _of_github(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> SourceAnswer:
        standing = self._faults.of("github", now=self._at)
        self._begin_limit_anew(standing)
        self._github.faults[:] = [_FAULTS[standing.trouble]] if standing else []
        inside = path.removeprefix(GITHUB_PATH) if path.startswith(GITHUB_PATH) else path.removeprefix("/api")
        # Each organisation has limits of its own, for REST and for GraphQL.
        shown = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
        limit = (shown, path == _GRAPHQL)
        self._github.remaining = self._left.get(limit, _LIMIT)
        told = self._github.answer(method, inside, query, headers=headers, body=body)
        self._left[limit] = self._github.remaining
        self._github.asked.clear()
        return SourceAnswer(
            status=told.status,
            body=told.body,
            headers={"Content-Type": "application/json", **told.headers},
            is_silent=told.timed_out,
        )

    def _begin_limit_anew(self, standing: Standing | None) -> None:
        """Have an hour's limit begin with each hour, and one that is used up by a fault when the fault is over."""
        limit, hour = self._github, self._at.replace(minute=0, second=0, microsecond=0) + _HOUR
        if standing is not None and standing.trouble == "rate-limit":
            limit.resets_at = standing.until
        elif limit.resets_at is None or limit.resets_at <= self._at or limit.resets_at > hour:
            limit.resets_at = hour
            self._left.clear()

    def _of_jira(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> SourceAnswer:
        standing = self._faults.of("jira", now=self._at)
        self._jira.faults[:] = [_FAULTS[standing.trouble]] if standing else []
        told = self._jira.answer(path, query, headers=headers)
        self._jira.asked.clear()
        return SourceAnswer(status=told.status, body=told.body, headers=told.headers, is_silent=told.timed_out)


def _proof_of(credentials: Credentials) -> Callable[[str], bool]:
    """Return what says whether a statement is signed with the App's key."""
    public = load_pem_private_key(credentials.private_key, password=None).public_key()

    def proves(text: str) -> bool:
        try:
            told = jwt.decode(text, public, algorithms=["RS256"])  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return False
        return str(told.get("iss")) == credentials.app_id

    return proves
