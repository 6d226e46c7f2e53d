"""What Jira may send and the platform has no use for: the written list, with reasons."""

from __future__ import annotations

from collections.abc import Mapping

IGNORED: Mapping[str, str] = {
    "comment_": "comments are nobody's progress, and their texts are not kept",
    "jira:comment_": "comments are nobody's progress, and their texts are not kept",
    "worklog_": "logged hours measure people and not the flow of work",
    "jira:worklog_": "logged hours measure people and not the flow of work",
    "issuelink_": "links name issues by number only; a ticket's own deliveries show its links",
    "attachment_": "attachments are not read",
    "issue_property_": "properties belong to apps",
    "sprint_deleted": "what a deleted sprint was stays as it is known",
    "project_": "projects are configured, and seen through their tickets",
    "user_": "people are not tracked",
    "board_": "boards are views",
    "version_": "releases are told by deployments",
    "jira:version_": "releases are told by deployments",
    "jira:issue_archived": "an archived ticket keeps its history",
    "jira:issue_restored": "an archived ticket keeps its history",
    "option_": "switches of the installation",
    "filter_": "saved searches are views",
    "issuetype_": "ticket types are seen through tickets",
    "field_": "custom fields are configured",
    "jira_expression_": "messages to apps",
    "app_": "messages to apps",
}
"""The beginning of ``webhookEvent``, and why what begins so is ignored."""

COMMENTED = "only a comment or logged work, which are not kept"
EMPTY_CHANGELOG = "the changelog is empty"
NOTHING_KEPT = "none of the changed fields is one that the platform keeps, or none of them changed its meaning"

SIDE_KINDS = ("issue_comment", "issue_worklog", "issue_work_log")
"""``issue_event_type_name`` of updates that change no field begins like one of these."""


def reason_to_ignore(event: str) -> str | None:
    """Return why an event of this name is ignored on purpose, or None when it is not on the list."""
    return next((reason for beginning, reason in IGNORED.items() if event.startswith(beginning)), None)
