"""The events of GitHub that are ignored on purpose, each with its reason; all others are read or unknown."""

from __future__ import annotations

from collections.abc import Mapping

_DISCUSSION = "talk about the work is not measured"
_PEOPLE = "who belongs to an organisation is not measured"
_SETTINGS = "settings of repositories and organisations are not measured"
_SECURITY = "security findings are not measured"
_SOCIAL = "attention from outside is not measured"
_PLANNING = "work items come from the issue tracker"

#: Kinds of events of which every action is ignored.
IGNORED_KINDS: Mapping[str, str] = {
    "ping": "GitHub only asks whether anybody answers",
    "meta": "the webhook itself was removed",
    "check_run": "workflow runs tell of builds",
    "check_suite": "workflow runs tell of builds",
    "status": "workflow runs tell of builds",
    "workflow_job": "its workflow run is read as a whole",
    "workflow_dispatch": "the workflow run that it starts is read",
    "deployment": "its statuses are read; without one nothing has been deployed yet",
    "deployment_review": "waiting for leave is no step of a deployment",
    "deployment_protection_rule": "waiting for leave is no step of a deployment",
    "page_build": "its deployment status is read",
    "merge_group": "the merge itself is read",
    "create": "the push that made the branch is read",
    "delete": "a removed branch changes no figure",
    "release": "its deployment status is read",
    "pull_request_review_comment": "the review that it belongs to is read",
    "pull_request_review_thread": "the reviews are read",
    "issue_comment": _DISCUSSION,
    "commit_comment": _DISCUSSION,
    "discussion": _DISCUSSION,
    "discussion_comment": _DISCUSSION,
    "gollum": _DISCUSSION,
    "issues": _PLANNING,
    "issue_dependencies": _PLANNING,
    "sub_issues": _PLANNING,
    "label": _PLANNING,
    "milestone": _PLANNING,
    "project": _PLANNING,
    "project_card": _PLANNING,
    "project_column": _PLANNING,
    "projects_v2": _PLANNING,
    "projects_v2_item": _PLANNING,
    "projects_v2_status_update": _PLANNING,
    "fork": _SOCIAL,
    "star": _SOCIAL,
    "watch": _SOCIAL,
    "sponsorship": _SOCIAL,
    "member": _PEOPLE,
    "membership": _PEOPLE,
    "organization": _PEOPLE,
    "org_block": _PEOPLE,
    "team": _PEOPLE,
    "team_add": _PEOPLE,
    "branch_protection_configuration": _SETTINGS,
    "branch_protection_rule": _SETTINGS,
    "custom_property": _SETTINGS,
    "custom_property_values": _SETTINGS,
    "deploy_key": _SETTINGS,
    "github_app_authorization": _SETTINGS,
    "marketplace_purchase": _SETTINGS,
    "package": _SETTINGS,
    "personal_access_token_request": _SETTINGS,
    "public": _SETTINGS,
    "registry_package": _SETTINGS,
    "repository_import": _SETTINGS,
    "repository_ruleset": _SETTINGS,
    "security_and_analysis": _SETTINGS,
    "installation_target": "technology streams are found by the installation, whose id does not change",
    "repository_dispatch": "the workflow run that it starts is read",
    "code_scanning_alert": _SECURITY,
    "dependabot_alert": _SECURITY,
    "repository_advisory": _SECURITY,
    "repository_vulnerability_alert": _SECURITY,
    "secret_scanning_alert": _SECURITY,
    "secret_scanning_alert_location": _SECURITY,
    "secret_scanning_scan": _SECURITY,
    "security_advisory": _SECURITY,
}

_NO_STEP = "it is neither opened nor closed by this"
_REQUESTS = "who is asked for a review is not measured, only who gives one"

#: Actions that are ignored of kinds that are read otherwise (§5.3.2 lists what is read).
IGNORED_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "pull_request": {
        "assigned": _PEOPLE,
        "unassigned": _PEOPLE,
        "auto_merge_enabled": _NO_STEP,
        "auto_merge_disabled": _NO_STEP,
        "converted_to_draft": _NO_STEP,
        "demilestoned": _PLANNING,
        "milestoned": _PLANNING,
        "dequeued": _NO_STEP,
        "enqueued": _NO_STEP,
        "edited": _NO_STEP,
        "labeled": _NO_STEP,
        "unlabeled": _NO_STEP,
        "locked": _DISCUSSION,
        "unlocked": _DISCUSSION,
        "review_requested": _REQUESTS,
        "review_request_removed": _REQUESTS,
        "synchronize": "the push is read",
    },
    "pull_request_review": {
        "edited": "only a review's submission counts; its text is not read",
        "dismissed": "only a review's submission counts; a dismissal repeats the old time",
    },
    "workflow_run": {"requested": "a run that waits has not started"},
    "installation": {
        "deleted": "what it reported before stays true",
        "suspend": "what it reported before stays true",
        "unsuspend": "it reports again by itself",
        "new_permissions_accepted": _SETTINGS,
    },
    "repository": {"publicized": _SETTINGS, "privatized": _SETTINGS},
}

#: States of a deployment that are ignored.
IGNORED_STATES: Mapping[str, str] = {
    "queued": "a deployment that waits has not started",
    "pending": "a deployment that waits has not started",
    "waiting": "a deployment that waits has not started",
    "inactive": "a deployment that a later one replaced stays the success that it was",
}


def ignored_because(*, kind: str, action: str | None) -> str | None:
    """Return why an event of this kind and action is ignored on purpose; None when it is not."""
    return IGNORED_KINDS.get(kind) or IGNORED_ACTIONS.get(kind, {}).get(action or "")
