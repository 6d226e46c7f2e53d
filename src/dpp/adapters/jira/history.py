"""The whole history of a ticket, read from the API, as the facts that its webhooks would have given (§5.2.3, §5.2.7).

The facts of each change are made by the same functions as a webhook's and bear the same ids, so that one change is one
event by whichever way it comes first (decision 0002).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dpp.adapters.jira import api_payloads, facts, payloads
from dpp.adapters.jira.changelog import Changes, changes
from dpp.adapters.jira.facts import Occasion
from dpp.adapters.jira.fields import Ticket, ticket
from dpp.adapters.jira.payloads import Changelog, Unreadable, read
from dpp.adapters.jira.rewinding import SYSTEM_FIELDS, Rewound, as_it_is
from dpp.adapters.jira.sprint_times import Sprints
from dpp.adapters.jira.times import moment
from dpp.adapters.jira.values import cleaned
from dpp.application.reading import Reading
from dpp.domain.events import Facts

NO_TIMES = "a change of the ticket's history has no readable time of its own (changelog.created)"


def history(
    issue: api_payloads.ApiIssue, changelog: Sequence[Changelog], *, sprints: Sprints, reading: Reading
) -> Facts:
    """
    Return every fact of a ticket's life that Jira still tells: its creation and each of its changes.

    A ticket's deletion and the comments with which flags were raised are not told.

    Args:
        issue: as it is now, with the fields that ``wanted_fields`` lists.
        changelog: all of it, in any order.
        sprints: what is known of sprints; those that the ticket itself describes need not be among them.
        reading: configuration and hashing.

    Raises:
        Unreadable: the ticket or one of its changes is not as Jira writes it; the message names the field.
    """
    now = _as_it_is(issue, sprints=sprints, reading=reading)
    made: list[Facts] = []
    for at, log in reversed(_in_order(changelog)):
        after = ticket(now.written(at), reading=reading)
        if what := changes(log.items or (), configured=after.configured):
            made.append(_changed(after, log, at=at, what=what))
        now.take_back(log.items or (), configuration=reading.configuration)
    return Facts.of((_created(now, reading), *reversed(made)))


def wanted_fields(reading: Reading) -> tuple[str, ...]:
    """Return the ids of the fields to ask for: Jira's own that are read, and the configured ones of every project."""
    configured = (
        getattr(project.fields, name)
        for project in reading.configuration.jira_projects
        for name in project.fields.__dataclass_fields__
    )
    return tuple(dict.fromkeys((*SYSTEM_FIELDS, "updated", *filter(None, configured))))


def _as_it_is(issue: api_payloads.ApiIssue, *, sprints: Sprints, reading: Reading) -> Rewound:
    key = cleaned(issue.key)
    if key is None:
        raise Unreadable("issue.key is missing")
    if not issue.fields:
        raise Unreadable("issue.fields is missing")
    return as_it_is(
        issue_id=None if issue.id is None else str(issue.id),
        key=key,
        fields=read(payloads.OBJECT, issue.fields, at="issue.fields"),
        sprints=sprints,
        configuration=reading.configuration,
    )


def _created(first: Rewound, reading: Reading) -> Facts:
    born = moment(_text(first.values.get("created")))
    if born is None:
        raise Unreadable("issue.fields.created is missing or no time")
    return facts.created(ticket(first.written(born), reading=reading), at=born)


def _changed(after: Ticket, log: Changelog, *, at: datetime, what: Changes) -> Facts:
    change_id = cleaned(str(log.id)) if log.id is not None else None
    return facts.changed(Occasion(ticket=after, at=at, change_id=change_id), what, blocked_reason=None)


def _in_order(changelog: Iterable[Changelog]) -> list[tuple[datetime, Changelog]]:
    """Return each change once with its time, oldest first; of one instant, the smaller number came first."""
    found: dict[object, tuple[datetime, Changelog]] = {}
    for place, log in enumerate(changelog):
        at = moment(log.created)
        if at is None:
            raise Unreadable(NO_TIMES)
        found[log.id if log.id is not None else ("without an id", place)] = (at, log)
    return sorted(found.values(), key=lambda one: (one[0], _number(one[1].id)))


def _number(id_: str | int | None) -> int:
    text = str(id_)
    return int(text) if text.isascii() and text.isdigit() else 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
