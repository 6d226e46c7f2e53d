"""Webhook deliveries of Jira: created, updated, deleted, commented.

The time of a change is ``timestamp``; ``fields.created`` and ``fields.updated`` say the same instant in the zone of
the instance. Server leaves ``fieldId`` out of changelog items, sends no changelog with a creation, and repeats comments
as an update without changelog.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from dpp.adapters.simulation.company import Company, JiraProject
from dpp.adapters.simulation.jira_objects import RESOLUTIONS, Json, account, issue, jira_time, option, site, user
from dpp.adapters.simulation.tickets import Change, IssueState, Ticket

PATH = "/api/v1/webhooks/jira"


def jira_headers(number: int) -> dict[str, str]:
    """The headers of a delivery, unsigned."""
    return {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier": str(number),
    }


def jira_body(company: Company, ticket: Ticket, place: int) -> bytes:
    """The body of a ticket's delivery number ``place``: 0 is its creation."""
    change, before, after = ticket.entries[place]
    project = company.project(after.project)
    body: Json = {"timestamp": round(change.at.timestamp() * 1000), "webhookEvent": f"jira:issue_{change.kind}"}
    if change.kind == "commented":
        return _comment(company, ticket, place, project, body)
    body["user"] = user(change.author, project.flavour)
    items = list(_items(company, change, before, after, project)) if change.kind == "updated" else []
    if change.kind != "deleted" or project.flavour == "server":
        body["issue_event_type_name"] = _event_type(change, items)
    body["issue"] = issue(company, ticket, after, change.at)
    if change.kind == "created" and project.flavour == "cloud":
        items = list(_creation_items(after, project))
    if items:
        body["changelog"] = {"id": str(ticket.jira_id * 1000 + place), "items": items}
    return msgspec.json.encode(body)


def history_of(company: Company, ticket: Ticket, *, as_of: datetime) -> list[Json]:
    """The ticket's changes before a time as the REST API lists them, oldest first: only updates are changes."""
    told: list[Json] = []
    for place, (change, before, after) in enumerate(ticket.until(as_of)):
        project = company.project(after.project)
        items = list(_items(company, change, before, after, project)) if change.kind == "updated" else []
        if items:
            number = str(ticket.jira_id * 1000 + place)
            author = user(change.author, project.flavour)
            told.append({"id": number, "author": author, "created": jira_time(change.at, project), "items": items})
    return told


def _event_type(change: Change, items: list[Json]) -> str:
    if change.kind != "updated":
        return f"issue_{change.kind}"
    if "key" in change.sets:
        return "issue_moved"
    if change.sets.get("resolution"):
        return "issue_resolved"
    if "step" in change.sets or change.same_status:
        return "issue_generic"
    return "issue_assigned" if any(item["field"] == "assignee" for item in items) else "issue_updated"


def _comment(company: Company, ticket: Ticket, place: int, project: JiraProject, body: Json) -> bytes:
    change, _, after = ticket.entries[place]
    number = str(ticket.jira_id * 1000 + place)
    author, at = user(change.author, project.flavour), jira_time(change.at, project)
    comment: Json = {
        "self": f"{site(project)}/rest/api/2/issue/{ticket.jira_id}/comment/{number}",
        "id": number,
        "author": author,
        "body": change.text,
        "updateAuthor": author,
        "created": at,
        "updated": at,
    }
    if project.flavour == "server":
        body |= {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_commented", "user": author}
        body |= {"issue": issue(company, ticket, after, change.at), "comment": comment}
    else:
        body |= {"webhookEvent": "comment_created", "comment": comment | {"jsdPublic": True}}
        body |= {"issue": issue(company, ticket, after, change.at, brief=True), "eventType": "primaryAction"}
    return msgspec.json.encode(body)


def _item(project: JiraProject, field: str, field_id: str, old: tuple[Any, Any], new: tuple[Any, Any]) -> Json:
    """A changelog item; ``old`` and ``new`` are (id, text)."""
    body: Json = {"field": field, "fieldtype": "custom" if field_id.startswith("customfield") else "jira"}
    if project.flavour == "cloud":
        body["fieldId"] = field_id
    return body | {"from": old[0], "fromString": old[1], "to": new[0], "toString": new[1]}


def _creation_items(state: IssueState, project: JiraProject) -> Iterator[Json]:
    """What Cloud lists as changed when an issue is created. The status item is no transition."""
    status = project.workflow[state.step]
    yield _item(project, "description", "description", (None, None), (None, state.description))
    reporter = state.reporter
    yield _item(project, "reporter", "reporter", (None, None), (account(reporter, project.flavour), reporter.name))
    yield _item(project, "Status", "status", (None, None), (status.jira_id, status.name))
    yield _item(project, "summary", "summary", (None, None), (None, state.summary))


def _items(company: Company, change: Change, old: IssueState, new: IssueState, project: JiraProject) -> Iterator[Json]:
    """The changelog of a change, in the order in which Jira likes to list the fields."""
    names, sets = project.fields, change.sets
    if old.resolution != new.resolution:
        yield _item(project, "resolution", "resolution", _resolution(old.resolution), _resolution(new.resolution))
    if "key" in sets:
        source = company.project(old.project)
        yield _item(project, "Key", "issuekey", (None, old.key), (None, new.key))
        yield _item(project, "project", "project", (source.jira_id, source.name), (project.jira_id, project.name))
    if "step" in sets or change.same_status:
        before, after = company.project(old.project).workflow[old.step], project.workflow[new.step]
        yield _item(project, "status", "status", (before.jira_id, before.name), (after.jira_id, after.name))
    if old.assignee != new.assignee:
        yield _item(project, "assignee", "assignee", *(_person(one.assignee, project) for one in (old, new)))
    if old.flagged != new.flagged:
        flag, clear = ("[10019]", "Impediment"), (None, None)
        pair = (clear, flag) if new.flagged else (flag, ("", ""))
        yield _item(project, "Flagged", names.flagged, *pair)
    if old.sprints != new.sprints:
        yield _item(project, "Sprint", names.sprint, *(_sprints(company, one.sprints) for one in (old, new)))
    yield from _selections(project, old, new)
    if old.story_points != new.story_points:
        texts = [(None, None if one.story_points is None else f"{one.story_points:g}") for one in (old, new)]
        yield _item(project, "Story Points", names.story_points, *texts)
    if old.labels != new.labels:
        yield _item(project, "labels", "labels", *((None, " ".join(one.labels)) for one in (old, new)))
    if old.description != new.description:
        yield _item(project, "description", "description", *((None, one.description) for one in (old, new)))
    if old.rank != new.rank:
        yield _item(project, "Rank", "customfield_10019", ("", ""), ("", "Ranked higher"))


def _selections(project: JiraProject, old: IssueState, new: IssueState) -> Iterator[Json]:
    names, base = project.fields, site(project)
    for field, field_id, kind, before, after in (
        ("Delivery Stream", names.delivery_stream, "stream", old.stream_field, new.stream_field),
        ("Found In Stage", names.found_in_stage, "found", old.found_in, new.found_in),
        ("Introduced In Stage", names.introduced_in_stage, "introduced", old.introduced_in, new.introduced_in),
        ("Blocking Technology", names.blocking_tech_stream, "blocking", old.blocking, new.blocking),
    ):
        if before != after:
            pairs = [
                (chosen["id"], chosen["value"]) if (chosen := option(value, kind, base)) else (None, None)
                for value in (before, after)
            ]
            yield _item(project, field, field_id, *pairs)
    if old.tech_field != new.tech_field:
        pairs = [(None, ",".join(one.tech_field) or None) for one in (old, new)]
        yield _item(project, "Technology Streams", names.tech_streams, *pairs)


def _resolution(name: str | None) -> tuple[str | None, str | None]:
    return (None, None) if name is None else (RESOLUTIONS[name], name)


def _person(person: Any, project: JiraProject) -> tuple[str | None, str | None]:
    return (None, None) if person is None else (account(person, project.flavour), person.name)


def _sprints(company: Company, ids: tuple[int, ...]) -> tuple[str, str]:
    return ", ".join(map(str, ids)), ", ".join(company.sprint(number).name for number in ids)
