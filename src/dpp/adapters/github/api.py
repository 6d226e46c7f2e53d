"""GitHub's REST and GraphQL APIs as one organisation's installation sees them, within its rate limits (§5.3.7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from gidgethub.sansio import RateLimit

from dpp.adapters.github.app import GitHubApp, headers, said
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.application.source_limits import SourceLimit

T = TypeVar("T")

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each further attempt at what failed."""
LONGEST_WAIT = 45.0
"""Seconds that are waited at once; who is told to wait longer comes back with the next run."""
LONGEST_PAUSE = 7200.0
"""Seconds of a demanded pause that are believed: limits begin anew each hour."""
SECONDARY_WAIT = 60.0
"""Seconds to wait at a secondary limit that does not say for how long: GitHub asks for a minute at least."""
DEFAULT_THRESHOLD = 500
"""Requests that are left for what cannot wait (§5.3.7)."""

PERMISSION_REMEDY = (
    "GitHub lets the App in but not read this (status 403). Grant it the read permissions of the guide (contents, pull "
    "requests, actions, deployments, metadata), and have the organisation's owner accept them"
)
CREDENTIALS_REMEDY = (
    "GitHub refuses the App's token (status 401). The App may be suspended in this organisation: see its installations"
)
WEB_PAGE_REMEDY = (
    "it sends a page for people, as a sign-in in front of it does (check that api_url under [github] is an address "
    "where its API answers)"
)
QUERY_REMEDY = (
    "GitHub cannot answer this query. An Enterprise Server may be too old for it: version 3.13 or later is needed"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An organisation, and the number of the App's installation in it."""

    org: str
    installation: str


class GraphQlError(msgspec.Struct, frozen=True):
    """
    One complaint of GraphQL; the message is for people.

    Attributes:
        path: what of the answer it is about; a number is a place in a list.
        locations: what of the query it is about.
    """

    type: str | None = None
    message: str | None = None
    path: tuple[str | int, ...] | None = None
    locations: tuple[msgspec.Raw, ...] | None = None

    @property
    def is_of_one_thing(self) -> bool:
        """Whether it is about one thing of a list, in whose place there is null then."""
        return any(isinstance(step, int) for step in self.path or ())

    @property
    def is_of_the_query(self) -> bool:
        """Whether the query cannot be read, or asks for what this server does not know."""
        return self.type is None and not self.path and bool(self.locations)


class GraphQlAnswer(msgspec.Struct, Generic[T], frozen=True):
    """Data, complaints, or both."""

    data: T | None = None
    errors: tuple[GraphQlError, ...] | None = None


class PermissionMissing(SourceRefused):
    """The App may not read a kind of thing; others it may."""


class TooMuch(SourceUnavailable):
    """No answer came, or none that can be read; asking for less may help."""


class GitHubApi:
    """
    GitHub, asked for what can wait.

    Args:
        http: sends requests.
        app: lends tokens.
        api_url: of GitHub, or of an Enterprise Server with ``/api/v3``.
        now: tells when a rate limit begins anew.
        sleep: waits for so many seconds.
        threshold: while fewer requests remain, nothing is asked until the limit begins anew.

    Attributes:
        limits: what GitHub said last of the limit of an organisation, by its name and the limit's.
    """

    def __init__(
        self,
        *,
        http: Http,
        app: GitHubApp,
        api_url: str,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        threshold: int = DEFAULT_THRESHOLD,
    ) -> None:
        self._http = http
        self._app = app
        self._base = api_url.rstrip("/")
        self._now = now
        self._sleep = sleep
        self._threshold = threshold
        self.limits: dict[tuple[str, str], RateLimit] = {}
        self._told_at: dict[tuple[str, str], datetime] = {}
        self._not_before: dict[str, datetime] = {}

    async def get(
        self, where: Installed, path: str, *, query: Mapping[str, str] | None = None, decoder: msgspec.json.Decoder[T]
    ) -> T | None:
        """Return a resource; None when there is none, or none that the installation sees.

        Raises:
            SourceRefused: a person has to mend something; the message says what.
            SourceUnavailable: it cannot be read at present, or the rate limit has to be waited for.
        """
        found = await self.page(where, path, query=query, decoder=decoder)
        return None if found is None else found[0]

    async def page(
        self, where: Installed, path: str, *, query: Mapping[str, str] | None = None, decoder: msgspec.json.Decoder[T]
    ) -> tuple[T, str | None] | None:
        """Return a page of a list, and the cursor or number of the one after it; see ``get``."""
        request = Request(url=f"{self._base}{path}", query=query or {})
        return await self._asked(where, request, decoder, limit="core")

    async def graphql(
        self,
        where: Installed,
        text: str,
        variables: Mapping[str, object],
        *,
        decoder: msgspec.json.Decoder[T],
        is_patient: bool = True,
    ) -> T:
        """Return the answer to a query, as a whole; see ``GraphQlAnswer``. A query changes nothing: it may be repeated.

        Args:
            where: the organisation.
            text, variables: the query.
            decoder: reads the answer.
            is_patient: whether to ask again after a pause when there is no answer that can be read.

        Raises:
            TooMuch: there was none, of whatever was asked for.
            SourceRefused, SourceUnavailable: as ``get``.
        """
        body = msgspec.json.encode({"query": text, "variables": variables})
        base = self._base.removesuffix("/v3") if self._base.endswith("/api/v3") else self._base
        request = Request(method="POST", url=f"{base}/graphql", body=body)
        pauses = PAUSES if is_patient else ()
        found = await self._asked(where, request, decoder, limit="graphql", pauses=pauses)
        if found is None:
            raise SourceRefused(QUERY_REMEDY)
        return found[0]

    async def deliveries(self, query: Mapping[str, str], *, decoder: msgspec.json.Decoder[T]) -> tuple[T, str | None]:
        """Return a page of the App's own log of webhook deliveries, and the address of the next one."""
        request = Request(url=f"{self._base}/app/hook/deliveries", query=query, headers=headers(self._app.proof()))
        answer = await self._http.ask(request)
        return self._of_app(answer, decoder), next_cursor(answer)

    async def redeliver(self, delivery: int) -> None:
        """Have GitHub send a webhook again."""
        url = f"{self._base}/app/hook/deliveries/{delivery}/attempts"
        answer = await self._http.ask(Request(method="POST", url=url, headers=headers(self._app.proof())))
        if answer.status not in {200, 202}:
            raise SourceUnavailable(f"GitHub does not send a delivery again ({said(answer)})")

    def _of_app(self, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
        if answer.status in {401, 403} and limited(answer, now=self._now()) is None:
            raise SourceRefused(CREDENTIALS_REMEDY)
        if answer.status != 200:
            raise SourceUnavailable(f"GitHub does not show the App's deliveries ({said(answer)})")
        return _decoded(answer, decoder)

    async def _asked(
        self,
        where: Installed,
        request: Request,
        decoder: msgspec.json.Decoder[T],
        *,
        limit: str,
        pauses: Sequence[float] = PAUSES,
    ) -> tuple[T, str | None] | None:
        """Ask, and ask again after a pause where that may help; None for what is not there."""
        reason, renewed = "", False
        kind: type[SourceUnavailable] = SourceUnavailable
        for pause in (*pauses, None):
            await self._wait_for(where, limit)
            answer = await self._send(where, request)
            self._note(where, limit, answer)
            wait, kind = None, SourceUnavailable
            if answer.status == 404:
                return None
            if answer.status == 401 and not renewed:
                # A token may be withdrawn before its time; one that is new says whether that was it.
                renewed = True
                self._app.forget(where.installation)
                reason = "its token was withdrawn"
            elif (wait := limited(answer, now=self._now())) is not None:
                wait = max(wait, pause or 0.0)
                self._demand_pause(where, answer, wait)
                reason = f"the rate limit of {where.org} is used up"
            elif answer.status == 200:
                try:
                    return _decoded(answer, decoder), next_cursor(answer)
                except SourceUnavailable as error:
                    reason, kind = str(error), TooMuch
            else:
                _refuse(answer)
                reason, kind = said(answer), TooMuch
            if pause is None or (wait or 0) > LONGEST_WAIT:
                break
            if where.org not in self._not_before:
                await self._sleep(wait or pause)
        raise kind(f"GitHub cannot be read at present: {reason}; it is tried again by itself")

    async def _send(self, where: Installed, request: Request) -> Answer:
        token = await self._app.token(where.installation)
        return await self._http.ask(
            Request(
                method=request.method,
                url=request.url,
                query=request.query,
                headers=headers(token),
                body=request.body,
            )
        )

    async def _wait_for(self, where: Installed, limit: str) -> None:
        """Keep a pause that GitHub demands, and leave the last requests to what cannot wait."""
        await self._keep_pause(where)
        known = self.limits.get((where.org, limit))
        if known is None or known.remaining >= min(self._threshold, known.limit // 2):
            return
        left = (known.reset_datetime - self._now()).total_seconds()
        if left > LONGEST_WAIT:
            until = f"{known.reset_datetime:%H:%M} UTC"
            raise SourceUnavailable(
                f"Of GitHub's rate limit for {where.org} {known.remaining} requests are left; it goes on by itself "
                f"after {until}, when the limit begins anew"
            )
        if left > 0:
            await self._sleep(left + 1)
        # Others may have waited for the same.
        self.limits.pop((where.org, limit), None)

    def _demand_pause(self, where: Installed, answer: Answer, seconds: float) -> None:
        """Remember a pause of the whole organisation's; a limit that is used up holds up nothing but itself."""
        if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") != "0":
            until = self._now() + timedelta(seconds=min(seconds, LONGEST_PAUSE))
            self._not_before[where.org] = max(until, self._not_before.get(where.org, until))

    async def _keep_pause(self, where: Installed) -> None:
        until = self._not_before.get(where.org)
        if until is None:
            return
        left = (until - self._now()).total_seconds()
        if left > LONGEST_WAIT:
            raise SourceUnavailable(
                f"GitHub demands a pause for the rate limit of {where.org}; it goes on by itself after "
                f"{until:%H:%M} UTC"
            )
        if left > 0:
            await self._sleep(left)
        if self._not_before.get(where.org) == until:
            del self._not_before[where.org]

    def told_limits(self) -> list[SourceLimit]:
        """Return what GitHub said last of every limit."""
        return [
            SourceLimit(
                source="github",
                organisation=organisation,
                name=name,
                remaining=limit.remaining,
                total=limit.limit,
                resets_at=limit.reset_datetime,
                told_at=self._told_at[organisation, name],
            )
            for (organisation, name), limit in self.limits.items()
        ]

    def _note(self, where: Installed, limit: str, answer: Answer) -> None:
        try:
            told = RateLimit.from_http(answer.headers)
        except (ValueError, OverflowError):
            told = None
        # A limit begins anew within the hour; one that says otherwise must not stop the asking for good.
        if told is not None and told.reset_datetime <= self._now() + timedelta(seconds=LONGEST_PAUSE):
            name = answer.headers.get("x-ratelimit-resource", limit)
            self.limits[where.org, name] = told
            self._told_at[where.org, name] = self._now()


def _decoded(answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(answer.body)
    except msgspec.ValidationError:
        raise SourceUnavailable("its answer has another shape than its API describes") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceUnavailable(WEB_PAGE_REMEDY if answer.is_web_page else "its answer was torn off") from None


def _refuse(answer: Answer) -> None:
    """Refuse what no repetition mends."""
    if answer.status == 401:
        raise SourceRefused(CREDENTIALS_REMEDY)
    if answer.status == 403:
        raise PermissionMissing(PERMISSION_REMEDY)
    if 300 <= answer.status < 400:
        raise SourceRefused(
            f"GitHub is not at this address (status {answer.status}). Check api_url under [github]: an Enterprise "
            "Server has it at https://HOST/api/v3"
        )
    if 400 <= answer.status < 500:
        raise SourceRefused(f"{QUERY_REMEDY} (status {answer.status})")


def limited(answer: Answer, *, now: datetime) -> float | None:
    """Return for how many seconds a rate limit, primary or secondary, wants to be waited for; None without one."""
    # GraphQL says so with status 200.
    said_inside = answer.status == 200 and b'"RATE_LIMITED"' in answer.body[:2000]
    if answer.status not in {403, 429} and not said_inside:
        return None
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    if answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        try:
            told = RateLimit.from_http(answer.headers)
        except (ValueError, OverflowError):
            told = None
        rest = told.reset_datetime - now if told else timedelta(0)
        return max(rest.total_seconds() + 1, 1.0)
    return SECONDARY_WAIT if said_inside or answer.status == 429 or b"secondary rate limit" in answer.body else None


def next_cursor(answer: Answer) -> str | None:
    """Return the cursor or number of the next page, from the header ``Link``; None on the last one.

    Counting what came is no substitute: a server may put less on a page than was asked for.
    """
    for part in answer.headers.get("link", "").split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            query = parse_qs(urlsplit(address.strip(" <>")).query)
            return next((query[name][0] for name in ("cursor", "after", "page") if name in query), None)
    return None
