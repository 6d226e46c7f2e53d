"""Facts as rows: one mapping of column names to values for each event table (§4.3)."""

from __future__ import annotations

from collections.abc import Mapping

from dpp.application.resolving import ResolvedEvent
from dpp.domain.defects import UNKNOWN_STAGE
from dpp.domain.events import (
    CicdEvent,
    DefectEvent,
    IncidentEvent,
    PullRequestEvent,
    PushEvent,
    TicketFields,
    WorkItemEvent,
)

Row = dict[str, object]

_NO_FIELDS = TicketFields()

_COMMON = ("event_id", "source", "delivery_stream_id", "tech_stream_id", "received_at", "event_timestamp")
_WORK_ITEM = (
    *_COMMON,
    *("event_type", "ticket_id", "issue_id", "project_key", "source_change_id", "ticket_type", "from_status"),
    *("to_status", "from_stage", "to_stage", "to_active", "from_ticket_id", "assignee_hash", "story_points"),
    *("priority", "sprint_id", "labels", "components", "resolution", "set_resolution", "parent_ticket_id"),
    *("delivery_stream_name", "tech_stream_names", "jira_sprint_id", "blocked_reason", "blocking_tech_stream_name"),
    *("blocking_tech_stream_id", "ticket_created_at", "has_fields"),
)
_PULL_REQUEST = (
    *_COMMON,
    *("event_type", "pr_number", "repo_id", "github_org", "github_repo", "source_change_id", "author_hash"),
    *("author_is_bot", "branch_name", "linked_ticket_id", "link_method", "base_branch", "opened_at", "is_draft"),
    *("title_keys", "body_keys", "lines_added", "lines_removed", "files_changed", "head_sha", "merge_sha"),
    *("reviewer_hash", "reviewer_is_bot", "review_state", "comments_count"),
)

#: The columns that an append writes, by table; the others are filled by enrichment.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "work_item_events": _WORK_ITEM,
    "work_item_facts": _WORK_ITEM,
    "defect_events": (
        *_COMMON,
        *("event_type", "ticket_id", "issue_id", "project_key", "source_change_id", "severity", "found_in_stage"),
        *("introduced_in_stage", "linked_work_item_id", "root_cause_category"),
    ),
    "pr_events": _PULL_REQUEST,
    "pull_request_facts": _PULL_REQUEST,
    "cicd_events": (
        *_COMMON,
        *("event_type", "pipeline_id", "pipeline_run_id", "repo_id", "environment", "source_environment", "status"),
        *("duration_seconds", "started_at", "branch", "commit_sha", "linked_pr_number", "trigger_type"),
        *("artefact_version", "failure_reason", "source_change_id", "rollback_of", "is_config_only"),
    ),
    "incident_events": (*_COMMON, "event_type", "incident_id", "service_name", "severity", "description"),
    "push_events": (
        *_COMMON,
        *("repo_id", "branch_name", "first_commit_sha", "last_commit_sha", "commit_count", "author_hash"),
        "author_is_bot",
    ),
}


def row_of(resolved: ResolvedEvent) -> Row:
    """Return the row of a fact; columns that are absent are NULL."""
    event = resolved.event
    row: Row = {
        "event_id": resolved.event_id,
        "source": event.source,
        "delivery_stream_id": resolved.delivery_stream_id,
        "tech_stream_id": resolved.tech_stream_id,
        "received_at": resolved.received_at,
        "event_timestamp": event.event_timestamp,
    }
    match event:
        case PullRequestEvent():
            _add_pull_request(row, event, resolved)
        case WorkItemEvent():
            _add_work_item(row, event, resolved)
        case DefectEvent():
            _add_defect(row, event)
        case CicdEvent():
            _add_cicd(row, event, resolved)
        case IncidentEvent():
            _add_same(row, event, "event_type", "incident_id", "service_name", "severity", "description")
        case PushEvent():
            row["repo_id"] = resolved.repo_id
            _add_same(row, event, "branch_name", "first_commit_sha", "last_commit_sha", "commit_count")
            _add_same(row, event, "author_hash", "author_is_bot")
    return row


def _add_same(row: Row, event: object, *names: str) -> None:
    for name in names:
        row[name] = getattr(event, name)


def _add_work_item(row: Row, event: WorkItemEvent, resolved: ResolvedEvent) -> None:
    fields = event.fields or _NO_FIELDS
    row |= {
        "event_type": event.event_type,
        "ticket_id": event.ticket_id,
        "issue_id": event.item,
        "project_key": event.project_key,
        "source_change_id": event.source_change_id,
        "ticket_type": fields.ticket_type,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "from_ticket_id": event.from_ticket_id,
        "assignee_hash": fields.assignee_hash,
        "story_points": fields.story_points,
        "priority": fields.priority,
        "labels": fields.labels,
        "components": fields.components,
        "resolution": fields.resolution,
        "set_resolution": event.resolution,
        "parent_ticket_id": fields.parent_ticket_id,
        "delivery_stream_name": fields.delivery_stream,
        "tech_stream_names": fields.tech_streams,
        "jira_sprint_id": fields.jira_sprint_id,
        "blocked_reason": event.blocked_reason,
        "blocking_tech_stream_name": fields.blocking_tech_stream,
        "ticket_created_at": fields.created_at,
        "has_fields": event.fields is not None,
    }
    if (tags := resolved.tags) is not None:
        _add_same(row, tags, "from_stage", "to_stage", "to_active", "blocking_tech_stream_id", "sprint_id")


def _add_defect(row: Row, event: DefectEvent) -> None:
    row["issue_id"] = event.item
    row["found_in_stage"] = event.found_in_stage or UNKNOWN_STAGE
    _add_same(row, event, "event_type", "ticket_id", "project_key", "source_change_id", "severity")
    _add_same(row, event, "introduced_in_stage", "linked_work_item_id", "root_cause_category")


def _add_pull_request(row: Row, event: PullRequestEvent, resolved: ResolvedEvent) -> None:
    row |= {
        "event_type": event.event_type,
        "pr_number": event.pr_number,
        "repo_id": resolved.repo_id,
        "github_org": event.repository.org,
        "github_repo": event.repository.name,
        "source_change_id": event.source_change_id,
        "author_hash": event.author_hash,
        "author_is_bot": event.author_is_bot,
        "branch_name": event.branch_name,
        "linked_ticket_id": resolved.link.key if resolved.link else None,
        "link_method": resolved.link.method if resolved.link else None,
        "base_branch": event.base_branch,
        "opened_at": event.opened_at,
        "is_draft": event.is_draft,
        "title_keys": event.title_keys,
        "body_keys": event.body_keys,
        "lines_added": event.lines_added,
        "lines_removed": event.lines_removed,
        "files_changed": event.files_changed,
        "head_sha": event.head_sha,
        "merge_sha": event.merge_sha,
        "reviewer_hash": event.reviewer_hash,
        "reviewer_is_bot": event.reviewer_is_bot,
        "review_state": event.review_state,
        "comments_count": event.comments_count,
    }


def _add_cicd(row: Row, event: CicdEvent, resolved: ResolvedEvent) -> None:
    row["repo_id"] = resolved.repo_id
    row["environment"] = resolved.environment
    row["source_environment"] = event.environment
    _add_same(row, event, "event_type", "pipeline_id", "pipeline_run_id", "status", "duration_seconds", "started_at")
    _add_same(row, event, "branch", "commit_sha", "linked_pr_number", "trigger_type", "artefact_version")
    _add_same(row, event, "failure_reason", "source_change_id", "rollback_of", "is_config_only")
