"""The objects that Jira's payloads are made of, in the shapes of Jira Cloud and of Jira Server.

Cloud knows people by ``accountId``; Server by ``name`` and ``key``. Objects that repeat are encoded once and embedded
raw.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from dpp.adapters.simulation.company import Company, JiraProject, Status
from dpp.adapters.simulation.people import Person
from dpp.adapters.simulation.tickets import IssueState, Ticket

Json = dict[str, Any]

_SITES = {"cloud": "https://acme.atlassian.net", "server": "https://jira.acme.example"}
_TYPES = {"Story": "10001", "Task": "10002", "Bug": "10004", "Spike": "10007"}
_PRIORITIES = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
RESOLUTIONS = {"Done": "10000", "Won't Do": "10001", "Duplicate": "10002"}
_SIZES = ("48x48", "24x24", "16x16", "32x32")
_UNUSED = tuple(f"customfield_{number}" for number in (*range(10000, 10016), 10017, 10018, 10019, *range(10022, 10046)))
_CATEGORIES = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


def site(project: JiraProject) -> str:
    """The base address of the project's Jira."""
    return _SITES[project.flavour]


@lru_cache(maxsize=4096)
def user(person: Person, flavour: str) -> msgspec.Raw:
    """A person as the flavour of Jira writes one."""
    base = _SITES[flavour]
    digest = hashlib.sha256(person.email.encode()).hexdigest()[:32]
    if flavour == "cloud":
        names: Json = {
            "self": f"{base}/rest/api/2/user?accountId={person.account_id}",
            "accountId": person.account_id,
            "emailAddress": person.email,
        }
        avatar = (
            f"https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/{person.account_id}"
            f"/{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}/128?size={{0}}&s={{0}}"
        )
    else:
        names = {
            "self": f"{base}/rest/api/2/user?username={person.jira_name}",
            "name": person.jira_name,
            "key": person.jira_name,
            "emailAddress": person.email,
        }
        avatar = f"https://www.gravatar.com/avatar/{digest}?d=mm&s={{0}}"
    body = names | {
        "avatarUrls": {size: avatar.format(size[:2]) for size in _SIZES},
        "displayName": person.name,
        "active": True,
        "timeZone": "Europe/London",
    }
    if flavour == "cloud":
        body["accountType"] = "atlassian"
    return msgspec.Raw(msgspec.json.encode(body))


def account(person: Person, flavour: str) -> str:
    """The id by which changelog items name a person."""
    return person.account_id if flavour == "cloud" else person.jira_name


def jira_time(at: datetime, project: JiraProject) -> str:
    """Milliseconds and an offset without colon, in the zone of the project's Jira."""
    local = at.astimezone(project.zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


@lru_cache(maxsize=256)
def status(found: Status, base: str) -> msgspec.Raw:
    """A status with its category."""
    number, colour, name = _CATEGORIES[found.category]
    return _raw(
        {
            "self": f"{base}/rest/api/2/status/{found.jira_id}",
            "description": "",
            "iconUrl": f"{base}/images/icons/statuses/generic.png",
            "name": found.name,
            "id": found.jira_id,
            "statusCategory": {
                "self": f"{base}/rest/api/2/statuscategory/{number}",
                "id": number,
                "key": found.category,
                "colorName": colour,
                "name": name,
            },
        }
    )


@lru_cache(maxsize=64)
def issue_type(name: str, base: str) -> msgspec.Raw:
    """An issue type."""
    number = _TYPES[name]
    return _raw(
        {
            "self": f"{base}/rest/api/2/issuetype/{number}",
            "id": number,
            "description": f"A {name.lower()} of the delivery team.",
            "iconUrl": f"{base}/secure/viewavatar?size=xsmall&avatarId=103{number[-2:]}&avatarType=issuetype",
            "name": name,
            "subtask": False,
            "avatarId": 10300 + int(number[-2:]),
        }
    )


@lru_cache(maxsize=64)
def priority(name: str, base: str) -> msgspec.Raw:
    """A priority."""
    number = _PRIORITIES[name]
    return _raw(
        {
            "self": f"{base}/rest/api/2/priority/{number}",
            "iconUrl": f"{base}/images/icons/priorities/{name.lower()}.svg",
            "name": name,
            "id": number,
        }
    )


@lru_cache(maxsize=64)
def _project(key: str, jira_id: str, name: str, flavour: str) -> msgspec.Raw:
    base = _SITES[flavour]
    body: Json = {"self": f"{base}/rest/api/2/project/{jira_id}", "id": jira_id, "key": key, "name": name}
    if flavour == "cloud":
        body |= {"projectTypeKey": "software", "simplified": False}
    names = {"48x48": "", "24x24": "size=small&", "16x16": "size=xsmall&", "32x32": "size=medium&"}
    body["avatarUrls"] = {size: f"{base}/secure/projectavatar?{part}avatarId=10324" for size, part in names.items()}
    return _raw(body)


def option(value: str | None, field: str, base: str) -> Json | None:
    """A value of a select field; None for an empty one."""
    if value is None:
        return None
    number = str(10_100 + int(hashlib.sha256(f"{field}{value.strip().lower()}".encode()).hexdigest()[:3], 16))
    return {"self": f"{base}/rest/api/2/customFieldOption/{number}", "value": value, "id": number}


def sprint_value(company: Company, ids: tuple[int, ...], project: JiraProject, at: datetime) -> list[Any] | None:
    """The sprint field: objects in Cloud, the text of a Java object in Server; None while there was none."""
    if not ids:
        return None
    values: list[Any] = []
    for number in ids:
        found = company.sprint(number)
        state = found.state(at)
        start, end = (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z" for moment in (found.start, found.end))
        if project.flavour == "cloud":
            value: Json = {"id": number, "name": found.name, "state": state, "boardId": found.board_id, "goal": ""}
            value |= {"startDate": start, "endDate": end}
            values.append(value | {"completeDate": end} if state == "closed" else value)
        else:
            done = end if state == "closed" else "<null>"
            values.append(
                f"com.atlassian.greenhopper.service.sprint.Sprint@{number:x}[id={number},rapidViewId={found.board_id},"
                f"state={state.upper()},name={found.name},startDate={start},endDate={end},completeDate={done},"
                f"activatedDate={start},sequence={number},goal=]"
            )
    return values


def issue(company: Company, ticket: Ticket, state: IssueState, at: datetime, *, brief: bool = False) -> Json:
    """An issue as it stands; ``brief`` as in comment deliveries, with the few fields that those carry."""
    project = company.project(state.project)
    base = site(project)
    fields: Json = {
        "summary": state.summary,
        "issuetype": issue_type(state.issue_type, base),
        "project": _project(project.key, project.jira_id, project.name, project.flavour),
        "assignee": user(state.assignee, project.flavour) if state.assignee else None,
        "priority": priority(state.priority, base),
        "status": status(project.workflow[state.step], base),
    }
    if not brief:
        fields |= _full_fields(company, ticket, state, at, project)
    return {
        "id": str(ticket.jira_id),
        "self": f"{base}/rest/api/2/issue/{ticket.jira_id}",
        "key": state.key,
        "fields": fields,
    }


def _full_fields(company: Company, ticket: Ticket, state: IssueState, at: datetime, project: JiraProject) -> Json:
    base, names = site(project), project.fields
    reporter = user(state.reporter, project.flavour)
    fields: Json = dict.fromkeys(_UNUSED)
    fields |= {
        "timespent": None, "aggregatetimespent": None, "timeestimate": None, "aggregatetimeestimate": None,
        "timeoriginalestimate": None, "aggregatetimeoriginalestimate": None, "environment": None, "duedate": None,
        "lastViewed": None, "security": None, "workratio": -1, "fixVersions": [], "versions": [], "attachment": [],
        "subtasks": [], "issuelinks": [], "timetracking": {},
        "progress": {"progress": 0, "total": 0}, "aggregateprogress": {"progress": 0, "total": 0},
        "customfield_10000": "{}", "customfield_10019": f"0|i{state.rank:05d}:",
        "votes": {"self": f"{base}/rest/api/2/issue/{state.key}/votes", "votes": 0, "hasVoted": False},
        "watches": {"self": f"{base}/rest/api/2/issue/{state.key}/watchers", "watchCount": 1, "isWatching": True},
        "created": jira_time(ticket.created_at, project),
        "updated": jira_time(at, project),
        "resolution": _resolution(state.resolution, base),
        "resolutiondate": jira_time(state.resolved_at, project) if state.resolved_at else None,
        "labels": list(state.labels),
        "components": [
            {"self": f"{base}/rest/api/2/component/{10000 + len(name)}", "id": str(10000 + len(name)), "name": name}
            for name in state.components
        ],
        "description": state.description,
        "creator": reporter,
        "reporter": reporter,
        names.story_points: state.story_points,
        names.sprint: sprint_value(company, state.sprints, project, at),
        names.flagged: [option("Impediment", "flag", base)] if state.flagged else None,
        names.delivery_stream: option(state.stream_field, "stream", base),
        names.tech_streams: [option(value, "tech", base) for value in state.tech_field] or None,
        names.found_in_stage: option(state.found_in, "found", base),
        names.introduced_in_stage: option(state.introduced_in, "introduced", base),
        names.blocking_tech_stream: option(state.blocking, "blocking", base),
    }  # fmt: skip
    if ticket.parent is not None:
        fields["parent"] = _parent(company, ticket.parent, at)
    return fields


def _parent(company: Company, parent: Ticket, at: datetime) -> Json:
    state = parent.state_at(at) or parent.first
    project = company.project(state.project)
    base = site(project)
    return {
        "id": str(parent.jira_id),
        "key": state.key,
        "self": f"{base}/rest/api/2/issue/{parent.jira_id}",
        "fields": {
            "summary": state.summary,
            "status": status(project.workflow[state.step], base),
            "priority": priority(state.priority, base),
            "issuetype": issue_type(state.issue_type, base),
        },
    }


def _resolution(name: str | None, base: str) -> Json | None:
    if name is None:
        return None
    number = RESOLUTIONS[name]
    return {"self": f"{base}/rest/api/2/resolution/{number}", "id": number, "description": "", "name": name}


def _raw(body: Json) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(body))
