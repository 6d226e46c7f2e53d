"""Jira's REST and Agile APIs, Cloud and Data Center, read page by page (§5.2.1, §5.2.2, §5.2.6)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import msgspec

from dpp.adapters.jira import api_payloads
from dpp.adapters.jira.api_payloads import ApiIssue, Board, FieldRow, ValuesPage
from dpp.adapters.jira.payloads import Changelog
from dpp.application.outgoing import Answer, Http, Request, UnusableAddress
from dpp.application.secrets import SecretMissing
from dpp.application.source_errors import SourceRefused, SourceUnavailable

T = TypeVar("T")
Query = Mapping[str, str]

PAGE = 50
"""Tickets asked for at once; a Jira may give fewer."""
PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each further attempt at what failed."""
MOST_PAGES = 1000
"""Of boards, sprints or changes of a ticket: more is a list that does not end."""
LONGEST_WAIT = 120.0
"""Seconds that are waited for a rate limit within one call; who is told to wait longer comes back with the next run."""

UNKNOWN_CREDENTIALS = (
    "Jira refuses the credentials (status 401). Put a valid API token (Cloud, with user under [jira]) or a personal "
    "access token (Data Center, without user) into the secret jira_api_token"
)
PERMISSION_REMEDY = (
    "Jira lets the service account in but not read this (status 403). Give it the permission to browse the "
    "projects, or sign it in once by hand if Jira asks for a captcha"
)
ADDRESS_REMEDY = (
    "Jira does not know this address (status {status}). Check base_url under [jira]: it is the address of the site, "
    "with the context path if there is one"
)
SHAPE_REMEDY = (
    "Jira's answer has another shape than its API describes; it is tried again by itself. If it stays so, check that "
    "base_url under [jira] is the address of the Jira itself, and that nothing in between changes its answers"
)
WEB_PAGE_REMEDY = (
    "it sends a page for people, as a sign-in in front of it does (check that base_url under [jira] is an address "
    "where its API answers)"
)
REQUEST_REMEDY = (
    "Jira cannot answer this search (status 400). A project key or a field id of the configuration may be none that it "
    "has, or none that the service account sees"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuesPage:
    """Tickets, and where the next page begins; None after the last."""

    issues: list[ApiIssue]
    cursor: str | None


class JiraApi:
    """
    One Jira as a service account sees it.

    Args:
        http: sends requests.
        base_url: of the site.
        user: of the service account in Cloud; None for a personal access token of Data Center.
        token: gives the token, fresh on each call.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *,
        http: Http,
        base_url: str,
        user: str | None,
        token: Callable[[], bytes],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._user = user
        self._token = token
        self._sleep = sleep
        self._is_cloud: bool | None = None

    async def is_cloud(self) -> bool:
        """Whether the site is Jira Cloud, by its own account; asked once."""
        if self._is_cloud is None:
            info = await self._get("/rest/api/2/serverInfo", {}, api_payloads.SERVER_INFO)
            self._is_cloud = (info.deployment or "").casefold() == "cloud"
        return self._is_cloud

    async def search(
        self, jql: str, *, fields: tuple[str, ...], changes: bool = True, cursor: str | None = None
    ) -> IssuesPage:
        """Return one page of a search; with ``changes`` each ticket brings its changelog, or the latest part of it.

        Raises:
            SourceRefused: Jira refuses for a reason that a person must mend; the message says what to do.
            SourceUnavailable: Jira does not answer, or not in a way that can be read; a later run may succeed.
        """
        query = {"jql": jql, "maxResults": str(PAGE), "fields": ",".join(fields)}
        if changes:
            query["expand"] = "changelog"
        if not await self.is_cloud():
            return await self._numbered("/rest/api/2/search", query, cursor)
        if cursor is not None:
            query["nextPageToken"] = cursor
        page = await self._get("/rest/api/3/search/jql", query, api_payloads.SEARCH)
        return IssuesPage(issues=page.issues, cursor=None if page.is_last else page.next_token)

    async def sprint_issues(self, sprint: str, *, fields: tuple[str, ...], cursor: str | None = None) -> IssuesPage:
        """Return one page of the tickets that a sprint holds."""
        query = {"maxResults": str(PAGE), "fields": ",".join(fields), "expand": "changelog"}
        return await self._numbered(f"/rest/agile/1.0/sprint/{quote(sprint, safe='')}/issue", query, cursor)

    async def issue(self, name: str, *, fields: tuple[str, ...]) -> ApiIssue | None:
        """Return one ticket by its number or key; None when there is none, or none that the account sees."""
        query = {"fields": ",".join(fields), "expand": "changelog"}
        path = f"{await self._root()}/issue/{quote(name, safe='')}"
        return await self._get_if_there(path, query, api_payloads.ISSUE)

    async def changelog(self, issue: ApiIssue) -> list[Changelog]:
        """Return all changes of a ticket: those that came with it, or, where these are not all, page by page."""
        inline = issue.changelog
        if inline is not None and inline.is_whole:
            return inline.histories
        name = str(issue.id if issue.id is not None else issue.key)
        if not await self.is_cloud():
            # Data Center shows every change inside the ticket, and has no pages of them.
            whole = await self.issue(name, fields=("updated",)) if inline is None else issue
            return whole.changelog.histories if whole and whole.changelog else []
        path = f"/rest/api/3/issue/{quote(name, safe='')}/changelog"
        return [change async for change in self._values(path, {"maxResults": "100"}, api_payloads.CHANGES)]

    async def boards(self, *, project: str) -> list[Board]:
        """Return the boards that show a project's tickets and may have sprints."""
        query = {"projectKeyOrId": project, "maxResults": str(PAGE)}
        found = [board async for board in self._values("/rest/agile/1.0/board", query, api_payloads.BOARDS)]
        return [board for board in found if board.type != "kanban"]

    async def sprints(self, board: int, *, states: str) -> list[object]:
        """Return a board's sprints as Jira describes them; ``states`` is a list such as ``active,closed``."""
        path, query = f"/rest/agile/1.0/board/{board}/sprint", {"state": states, "maxResults": str(PAGE)}
        try:
            return [sprint async for sprint in self._values(path, query, api_payloads.SPRINTS)]
        except _BadRequest:
            # "The board does not support sprints" is what simple boards without that feature say.
            return []

    async def fields(self) -> list[FieldRow]:
        """Return every field of the site."""
        return await self._get(f"{await self._root()}/field", {}, api_payloads.FIELDS)

    async def _root(self) -> str:
        return "/rest/api/3" if await self.is_cloud() else "/rest/api/2"

    async def _numbered(self, path: str, query: Query, cursor: str | None) -> IssuesPage:
        start = int(cursor or 0)
        page = await self._get(path, {**query, "startAt": str(start)}, api_payloads.SEARCH)
        following = start + len(page.issues)
        more = page.issues and (page.total is None or following < page.total)
        return IssuesPage(issues=page.issues, cursor=str(following) if more else None)

    async def _values(self, path: str, query: Query, decoder: msgspec.json.Decoder[ValuesPage[T]]) -> AsyncIterator[T]:
        start = 0
        for _ in range(MOST_PAGES):
            page = await self._get(path, {**query, "startAt": str(start)}, decoder)
            for value in page.values:
                yield value
            start += len(page.values)
            if page.is_last or not page.values or (page.total is not None and start >= page.total):
                return
        raise SourceUnavailable("Jira's list does not end; it is tried again by itself")

    async def _get(self, path: str, query: Query, decoder: msgspec.json.Decoder[T]) -> T:
        found = await self._get_if_there(path, query, decoder)
        if found is None:
            raise SourceRefused(ADDRESS_REMEDY.format(status=404))
        return found

    async def _get_if_there(self, path: str, query: Query, decoder: msgspec.json.Decoder[T]) -> T | None:
        """Ask, and ask again after a pause where that may help; None for what is not there."""
        reason = ""
        for pause in (*PAUSES, None):
            answer = await self._ask(path, query)
            if answer.status == 404:
                return None
            _check(answer)
            if answer.status == 200:
                try:
                    return decoder.decode(answer.body)
                except msgspec.ValidationError:
                    raise SourceUnavailable(SHAPE_REMEDY) from None
                except (msgspec.DecodeError, UnicodeDecodeError):
                    reason = WEB_PAGE_REMEDY if answer.is_web_page else "its answer was torn off"
            else:
                reason = f"status {answer.status}" if answer.status else "no answer came in time"
            wait = _told_to_wait(answer)
            if pause is None or (wait or 0) > LONGEST_WAIT:
                break
            await self._sleep(pause if wait is None else wait)
        raise SourceUnavailable(f"Jira cannot be read at present: {reason}; it is tried again by itself")

    async def _ask(self, path: str, query: Query) -> Answer:
        try:
            return await self._http.ask(Request(url=f"{self._base}{path}", query=query, headers=self._headers()))
        except UnusableAddress as error:
            raise SourceRefused(f"base_url under [jira] cannot be used: {error}") from error

    def _headers(self) -> dict[str, str]:
        try:
            token = self._token().decode()
        except SecretMissing as error:
            raise SourceRefused(str(error)) from error
        if self._user is None:
            return {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        both = base64.b64encode(f"{self._user}:{token}".encode()).decode()
        return {"Accept": "application/json", "Authorization": f"Basic {both}"}


class _BadRequest(SourceRefused):
    """Status 400: the request is none that this Jira takes."""


def _check(answer: Answer) -> None:
    """Refuse what no repetition mends."""
    if answer.status == 401:
        raise SourceRefused(UNKNOWN_CREDENTIALS)
    if answer.status == 403:
        raise SourceRefused(PERMISSION_REMEDY)
    if answer.status == 400:
        raise _BadRequest(REQUEST_REMEDY)
    if 300 <= answer.status < 400 or answer.status in {405, 410}:
        raise SourceRefused(ADDRESS_REMEDY.format(status=answer.status))


def _told_to_wait(answer: Answer) -> float | None:
    """Return the seconds of ``Retry-After``, where there are any."""
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
