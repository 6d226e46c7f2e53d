"""A ticket as a payload shows it: the fields that are kept, in the source's own names, with its people hashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import Raw

from dpp.adapters.jira import payloads, sprints, values
from dpp.adapters.jira.defects import BugFields, bug_fields
from dpp.adapters.jira.payloads import IssueFields, Named, Unreadable, User, read
from dpp.adapters.jira.sprints import Sprint
from dpp.adapters.jira.times import moment
from dpp.adapters.jira.values import cleaned, scrubbed
from dpp.application.reading import Reading
from dpp.domain.configuration import JiraFields
from dpp.domain.events import TicketFields
from dpp.domain.privacy import Pseudonymiser, jira_identity

AT = "issue.fields"
_NO_BUG = BugFields()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a payload says of its ticket at the time of the event; ``fields`` is None when it shows the key alone."""

    key: str
    issue_id: str | None
    project_key: str
    configured: JiraFields
    status: str | None = None
    flagged: bool = False
    fields: TicketFields | None = None
    bug: BugFields = _NO_BUG
    sprints: tuple[Sprint, ...] = ()

    @property
    def identity(self) -> str:
        """What survives a change of key, where the payload says it."""
        return self.issue_id or self.key

    @property
    def resolution(self) -> str | None:
        """The resolution's name, if there is one."""
        return self.fields.resolution if self.fields else None

    @property
    def created_at(self) -> datetime | None:
        """When the ticket was made, by its own account."""
        return self.fields.created_at if self.fields else None


def ticket(raw: Raw, *, reading: Reading) -> Ticket:
    """
    Read ``issue``.

    Raises:
        Unreadable: the issue or its key is missing, or a field that every Jira has is not as Jira writes it.
    """
    issue = read(payloads.ISSUE, raw, at="issue") if raw else None
    if issue is None:
        raise Unreadable("issue is missing")
    key = cleaned(issue.key)
    if key is None:
        raise Unreadable("issue.key is missing")
    fixed = read(payloads.ISSUE_FIELDS, issue.fields, at=AT) if issue.fields else None
    project_key = (cleaned(fixed.project.key) if fixed and fixed.project else None) or key.rpartition("-")[0] or key
    configured = reading.configuration.project(project_key).fields
    bare = Ticket(key=key, issue_id=_text(issue.id), project_key=project_key, configured=configured)
    if fixed is None:
        return bare
    return _with_fields(bare, fixed, _custom(issue.fields, configured), reading.pseudonymiser)


def person(user: User | None, pseudonymiser: Pseudonymiser) -> str | None:
    """Return the hash of a person by the most stable id; None for nobody."""
    if user is None:
        return None
    identity = jira_identity(account_id=user.account_id, key=user.key, name=user.name)
    return pseudonymiser.hash("jira", identity) if identity else None


def _with_fields(
    bare: Ticket, fixed: IssueFields, custom: Mapping[str, object], pseudonymiser: Pseudonymiser
) -> Ticket:
    found_sprints = sprints.sprints(custom.get("sprint"))
    return Ticket(
        key=bare.key,
        issue_id=bare.issue_id,
        project_key=bare.project_key,
        configured=bare.configured,
        status=_named(fixed.status),
        flagged=bool(values.names(custom.get("flagged"))),
        fields=_ticket_fields(fixed, custom, found_sprints, pseudonymiser),
        bug=bug_fields(fixed, custom),
        sprints=found_sprints,
    )


def _ticket_fields(
    fixed: IssueFields, custom: Mapping[str, object], found: tuple[Sprint, ...], pseudonymiser: Pseudonymiser
) -> TicketFields:
    sprint = sprints.latest(found)
    return TicketFields(
        ticket_type=(_named(fixed.issuetype) or "").lower() or None,
        priority=_named(fixed.priority),
        story_points=values.number(custom.get("story_points")),
        labels=tuple(text for label in fixed.labels or () if (text := scrubbed(label))),
        components=tuple(text for component in fixed.components or () if (text := _named(component))),
        resolution=_named(fixed.resolution),
        assignee_hash=person(fixed.assignee, pseudonymiser),
        parent_ticket_id=cleaned(fixed.parent.key) if fixed.parent else None,
        delivery_stream=values.name(custom.get("delivery_stream")),
        tech_streams=values.names(custom.get("tech_streams")),
        jira_sprint_id=sprint.id if sprint else None,
        blocking_tech_stream=values.name(custom.get("blocking_tech_stream")),
        created_at=moment(fixed.created),
    )


def _text(value: str | int | None) -> str | None:
    return None if value is None else cleaned(str(value))


def _named(value: Named | None) -> str | None:
    return cleaned(value.name) if value else None


@lru_cache(maxsize=256)
def _ids(configured: JiraFields) -> tuple[tuple[str, str], ...]:
    return tuple((meaning, id_) for meaning, id_ in asdict(configured).items() if id_)


def _custom(raw: Raw, configured: JiraFields) -> dict[str, object]:
    """Return the values of the configured fields by what they mean; the other fields are passed over undecoded."""
    ids = _ids(configured)
    if not ids:
        return {}
    fields = read(payloads.CUSTOM_FIELDS, raw, at=AT)
    return {meaning: _anything(fields[id_]) for meaning, id_ in ids if id_ in fields}


def _anything(raw: Raw) -> object:
    try:
        return payloads.ANYTHING.decode(raw)
    except msgspec.ValidationError:  # a number beyond all numbers
        return None
