"""The simulated organisation's Jira as an API: searches, changelogs, boards, sprints and fields, in pages.

Sans-I/O: ``answer`` takes a request's parts and gives a response's, so that a test can put it behind any transport. It
answers in the way of Cloud or of Data Center, and misbehaves on demand: rate limits, failures, silence, torn bodies,
lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from dpp.adapters.simulation.company import Company, JiraProject, Sprint
from dpp.adapters.simulation.jira_objects import Json, issue
from dpp.adapters.simulation.jira_wire import history_of
from dpp.adapters.simulation.organisation import SimulatedOrganisation
from dpp.adapters.simulation.tickets import Ticket

Style = Literal["cloud", "datacenter"]
Fault = Literal[
    "rate_limit", "server_error", "timeout", "truncated", "unauthorised", "forbidden", "lie", "web_page", "endless",
    "nonsense",
]  # fmt: skip
"""The last four: another shape than the API's; a page for people; a list whose pages name themselves as the next ones;
a pause of some thousand years that is demanded.
"""

_KEY = re.compile(r'project = "?(\w+)"?')
_UPDATED = re.compile(r"updated >= -(\d+)m")
_SPRINT = re.compile(r"sprint = (\d+)", re.IGNORECASE)
_BASIC, _BEARER = "Basic ", "Bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """What the API sends back; ``timed_out`` is that it sends nothing."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(slots=True, kw_only=True)
class SimulatedJira:
    """
    An API over an organisation.

    Args:
        organisation: whose tickets it tells.
        now: gives the moment as of which it tells them; what is later has not happened.
        style: Cloud pages by token and shortens changelogs, Data Center pages by number and does not.
        page_size: most tickets, changes or sprints on a page, whatever is asked for.
        inline_changes: most changes that Cloud shows inside a ticket.
        token: what the caller must show; None lets anybody in.
        faults: what goes wrong with the next requests, one each; ``None`` lets one pass.

    Attributes:
        asked: path and query of every request so far.
    """

    organisation: SimulatedOrganisation
    now: Callable[[], datetime]
    style: Style = "cloud"
    page_size: int = 50
    inline_changes: int = 40
    token: str | None = None
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def answer(self, path: str, query: Mapping[str, str], *, headers: Mapping[str, str]) -> ApiAnswer:
        """Answer a GET request."""
        self.asked.append((path, dict(query)))
        fault = self.faults.pop(0) if self.faults else None
        if fault in _REFUSALS:
            return _REFUSALS[fault]
        if not self._is_let_in(headers):
            return _REFUSALS["unauthorised"]
        found = self._found(path, query)
        if found is None:
            return _said(404, {"errorMessages": ["No such resource"]})
        whole = _said(200, _turned(fault, found, query))
        return ApiAnswer(status=200, body=whole.body[: len(whole.body) // 2]) if fault == "truncated" else whole

    def _is_let_in(self, headers: Mapping[str, str]) -> bool:
        shown = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
        return self.token is None or shown == (_BASIC if self.style == "cloud" else _BEARER) + self.token

    def _found(self, path: str, query: Mapping[str, str]) -> object | None:
        if path == "/rest/api/2/serverInfo":
            return {"deploymentType": "Cloud" if self.style == "cloud" else "DataCenter", "version": "10.3.2"}
        if path == f"{self._api}/field":
            return list(_fields(self.organisation.plan.company))
        if path == (f"{self._api}/search/jql" if self.style == "cloud" else f"{self._api}/search"):
            return self._search(query)
        if found := re.fullmatch(rf"{self._api}/issue/([\w-]+)/changelog", path):
            return self._changelog(found[1], query) if self.style == "cloud" else None
        if found := re.fullmatch(rf"{self._api}/issue/([\w-]+)", path):
            return self._issue(found[1], query)
        return self._agile(path, query)

    @property
    def _api(self) -> str:
        return "/rest/api/3" if self.style == "cloud" else "/rest/api/2"

    @property
    def _company(self) -> Company:
        return self.organisation.plan.company

    def _agile(self, path: str, query: Mapping[str, str]) -> object | None:
        if path == "/rest/agile/1.0/board":
            streams = self._company.delivery_streams
            boards = [{"id": n, "name": one.display_name, "type": "scrum"} for n, one in enumerate(streams, start=1)]
            return self._page([*boards, {"id": len(streams) + 1, "name": "Support", "type": "kanban"}], query)
        if found := re.fullmatch(r"/rest/agile/1.0/board/(\d+)/sprint", path):
            states = set(query.get("state", "future,active,closed").split(","))
            sprints = [self._sprint(one) for one in self._sprints(int(found[1]))]
            return self._page([one for one in sprints if one["state"] in states], query)
        if found := re.fullmatch(r"/rest/agile/1.0/sprint/(\d+)/issue", path):
            held = [one for one in self._tickets(None) if int(found[1]) in self._state(one).sprints]
            return self._numbered(held, query)
        return None

    def _search(self, query: Mapping[str, str]) -> object:
        jql = query.get("jql", "")
        project = _KEY.search(jql)
        found = list(self._tickets(project[1] if project else None))
        if since := _UPDATED.search(jql):
            border = self.now() - timedelta(minutes=int(since[1]))
            found = [one for one in found if self._updated(one) >= border]
        if sprint := _SPRINT.search(jql):
            found = [one for one in found if int(sprint[1]) in self._state(one).sprints]
        if "statusCategory != Done" in jql:
            found = [one for one in found if self._category(one) != "done"]
        if self.style == "datacenter":
            return self._numbered(found, query)
        start, size = int(query.get("nextPageToken") or 0), self._size(query)
        page: Json = {"issues": [self._shown(one, query) for one in found[start : start + size]]}
        more = start + size < len(found)
        return page | {"isLast": not more, **({"nextPageToken": str(start + size)} if more else {})}

    def _numbered(self, found: list[Ticket], query: Mapping[str, str]) -> Json:
        start, size = int(query.get("startAt", 0)), self._size(query)
        issues = [self._shown(one, query) for one in found[start : start + size]]
        return {"startAt": start, "maxResults": size, "total": len(found), "issues": issues}

    def _page(self, values: list[Any], query: Mapping[str, str]) -> Json:
        start, size = int(query.get("startAt", 0)), self._size(query)
        last = start + size >= len(values)
        return {"startAt": start, "maxResults": size, "isLast": last, "values": values[start : start + size]}

    def _size(self, query: Mapping[str, str]) -> int:
        return min(int(query.get("maxResults", 50)), self.page_size)

    def _issue(self, name: str, query: Mapping[str, str]) -> Json | None:
        ticket = self._named(name)
        return self._shown(ticket, query) if ticket else None

    def _changelog(self, name: str, query: Mapping[str, str]) -> Json | None:
        ticket = self._named(name)
        if ticket is None:
            return None
        told = history_of(self._company, ticket, as_of=self.now())
        return self._page(told, query) | {"total": len(told)}

    def _named(self, name: str) -> Ticket | None:
        return next((one for one in self._tickets(None) if name in {str(one.jira_id), self._state(one).key}), None)

    def _shown(self, ticket: Ticket, query: Mapping[str, str]) -> Json:
        """A ticket with the fields asked for, and with its latest changes when these are asked for."""
        shown = issue(self._company, ticket, self._state(ticket), self.now())
        shown["fields"]["updated"] = self._updated(ticket).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        if wanted := query.get("fields"):
            shown["fields"] = {name: shown["fields"].get(name) for name in wanted.split(",")}
        if "changelog" in query.get("expand", ""):
            told = history_of(self._company, ticket, as_of=self.now())[::-1]
            inline = told[: self.inline_changes] if self.style == "cloud" else told
            shown["changelog"] = {"startAt": 0, "maxResults": len(inline), "total": len(told), "histories": inline}
        return shown

    def _tickets(self, project: str | None) -> Iterator[Ticket]:
        for ticket in self.organisation.plan.tickets:
            state = ticket.state_at(self.now())
            if state is not None and project in {None, state.project}:
                yield ticket

    def _state(self, ticket: Ticket) -> Any:
        return ticket.state_at(self.now())

    def _category(self, ticket: Ticket) -> str:
        state = self._state(ticket)
        return self._company.project(state.project).workflow[state.step].category

    def _updated(self, ticket: Ticket) -> datetime:
        return max(change.at for change, _, _ in ticket.until(self.now()))

    def _sprints(self, board: int) -> Iterator[Sprint]:
        """The sprints of a board from the beginning of the history to the one after the present."""
        if board > len(self._company.delivery_streams):
            return
        stream = self._company.delivery_streams[board - 1].name
        at = self.organisation.start
        while at < self.now() + timedelta(days=14):
            yield self._company.sprint_at(stream, at)
            at += timedelta(days=14)

    def _sprint(self, sprint: Sprint) -> Json:
        state = sprint.state(self.now())
        start, end = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z" for at in (sprint.start, sprint.end))
        shown: Json = {"id": sprint.jira_id, "state": state, "name": sprint.name, "startDate": start, "endDate": end}
        shown |= {"originBoardId": sprint.board_id, "goal": ""}
        return shown | {"completeDate": end} if state == "closed" else shown


def _fields(company: Company) -> Iterator[Json]:
    """The fields of the instance: Jira's own and, once each, the custom ones of its projects."""
    for name in ("summary", "status", "resolution", "created"):
        yield {"id": name, "name": name.capitalize(), "custom": False, "schema": {"type": "string", "system": name}}
    projects: dict[str, JiraProject] = {project.fields.sprint: project for project in company.projects}
    kinds = "com.atlassian.jira.plugin.system.customfieldtypes"
    for project in projects.values():
        names = project.fields
        for id_, label, kind, items in (
            (names.delivery_stream, "Delivery Stream", f"{kinds}:select", None),
            (names.tech_streams, "Technology Streams", f"{kinds}:multicheckboxes", "option"),
            (names.story_points, "Story Points", f"{kinds}:float", None),
            (names.sprint, "Sprint", "com.pyxis.greenhopper.jira:gh-sprint", "json"),
            (names.flagged, "Flagged", f"{kinds}:multicheckboxes", "option"),
            (names.found_in_stage, "Found In Stage", f"{kinds}:select", None),
            (names.introduced_in_stage, "Introduced In Stage", f"{kinds}:select", None),
            (names.blocking_tech_stream, "Blocking Technology", f"{kinds}:select", None),
        ):
            schema: Json = {"type": "array" if items else "option", "custom": kind} | (
                {"items": items} if items else {}
            )
            yield {"id": id_, "name": label, "custom": True, "schema": schema}


def _turned(fault: Fault | None, found: object, query: Mapping[str, str]) -> object:
    """Return what a lying Jira says in the place of the truth."""
    if fault == "lie":
        return {"issues": 7, "values": 7, "deploymentType": 7}
    if fault == "endless" and isinstance(found, dict) and "issues" in found:
        return found | {"isLast": False, "nextPageToken": query.get("nextPageToken") or "0"}
    return found


def _said(status: int, body: object) -> ApiAnswer:
    return ApiAnswer(status=status, body=msgspec.json.encode(body), headers={"Content-Type": "application/json"})


_REFUSALS: Mapping[str | None, ApiAnswer] = {
    "rate_limit": ApiAnswer(status=429, body=b"{}", headers={"Retry-After": "7"}),
    "server_error": ApiAnswer(status=503, body=b"<html>Service Unavailable</html>"),
    "timeout": ApiAnswer(status=0, timed_out=True),
    "web_page": ApiAnswer(status=200, body=b"<!DOCTYPE html><title>Sign in</title>"),
    "nonsense": ApiAnswer(status=503, headers={"Retry-After": "99999999999999999999"}),
    "unauthorised": _said(401, {"errorMessages": ["Client must be authenticated to access this resource."]}),
    "forbidden": _said(403, {"errorMessages": ["You do not have permission."]}),
}
