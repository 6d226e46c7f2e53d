"""The objects that GitHub's payloads are made of: accounts, organisations, repositories, pull requests.

Accounts and repositories take up most of a payload and never change here; they are encoded once and embedded raw.
"""

from __future__ import annotations

import base64
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from dpp.adapters.simulation.company import Company, Repository, TechStream
from dpp.adapters.simulation.people import Account, Bot
from dpp.adapters.simulation.pull_requests import PrEvent, PullRequest

Json = dict[str, Any]
API = "https://api.github.com"
WEB = "https://github.com"

_PATHS = {
    "forks_url": "forks", "keys_url": "keys{/key_id}", "collaborators_url": "collaborators{/collaborator}",
    "teams_url": "teams", "hooks_url": "hooks", "issue_events_url": "issues/events{/number}", "events_url": "events",
    "assignees_url": "assignees{/user}", "branches_url": "branches{/branch}", "tags_url": "tags",
    "blobs_url": "git/blobs{/sha}", "git_tags_url": "git/tags{/sha}", "git_refs_url": "git/refs{/sha}",
    "trees_url": "git/trees{/sha}", "statuses_url": "statuses/{sha}", "languages_url": "languages",
    "stargazers_url": "stargazers", "contributors_url": "contributors", "subscribers_url": "subscribers",
    "subscription_url": "subscription", "commits_url": "commits{/sha}", "git_commits_url": "git/commits{/sha}",
    "comments_url": "comments{/number}", "issue_comment_url": "issues/comments{/number}",
    "contents_url": "contents/{+path}", "compare_url": "compare/{base}...{head}", "merges_url": "merges",
    "archive_url": "{archive_format}{/ref}", "downloads_url": "downloads", "issues_url": "issues{/number}",
    "pulls_url": "pulls{/number}", "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}", "labels_url": "labels{/name}",
    "releases_url": "releases{/id}", "deployments_url": "deployments",
}  # fmt: skip
_ACCOUNT_PATHS = {
    "followers_url": "followers", "following_url": "following{/other_user}", "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}", "subscriptions_url": "subscriptions", "organizations_url": "orgs",
    "repos_url": "repos", "events_url": "events{/privacy}", "received_events_url": "received_events",
}  # fmt: skip


def github_time(at: datetime) -> str:
    """Whole seconds in UTC, as GitHub writes them."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def node_id(kind: str, number: int) -> str:
    """The opaque id of the GraphQL API."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def _account(login: str, number: int, kind: str) -> Json:
    api, web = f"{API}/users/{login}", f"{WEB}/{login}"
    if kind == "Bot":
        api, web = (
            f"{API}/users/{login.replace('[', '%5B').replace(']', '%5D')}",
            f"{WEB}/apps/{login.partition('[')[0]}",
        )
    return {
        "login": login,
        "id": number,
        "node_id": node_id(kind, number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": web,
        **{name: f"{api}/{path}" for name, path in _ACCOUNT_PATHS.items()},
        "type": kind,
        "site_admin": False,
    }


@lru_cache(maxsize=4096)
def account(who: Account) -> msgspec.Raw:
    """A person's or a bot's account."""
    return raw(_account(who.login, who.github_id, "Bot" if isinstance(who, Bot) else "User"))


@lru_cache(maxsize=64)
def _owner(org: str, org_id: int, *, pushed: bool = False) -> msgspec.Raw:
    names: Json = {"name": org, "email": None} if pushed else {}
    return raw(names | _account(org, org_id, "Organization"))


@lru_cache(maxsize=64)
def organisation(org: str, org_id: int) -> msgspec.Raw:
    """The ``organization`` object of a delivery."""
    api = f"{API}/orgs/{org}"
    paths = {"repos_url": "repos", "events_url": "events", "hooks_url": "hooks", "issues_url": "issues"}
    return raw(
        {"login": org, "id": org_id, "node_id": node_id("Organization", org_id), "url": api}
        | {name: f"{api}/{path}" for name, path in paths.items()}
        | {"members_url": f"{api}/members{{/member}}", "public_members_url": f"{api}/public_members{{/member}}"}
        | {"avatar_url": f"https://avatars.githubusercontent.com/u/{org_id}?v=4", "description": ""}
    )


@lru_cache(maxsize=256)
def repository(found: Repository, org_id: int, *, pushed: int = 0, minimal: bool = False) -> msgspec.Raw:
    """A repository; ``minimal`` as workflow runs embed it.

    With the second of a push it is in the dialect of push deliveries, which tell times as seconds since 1970.
    """
    api, web = f"{API}/repos/{found.full_name}", f"{WEB}/{found.full_name}"
    body: Json = {
        "id": found.github_id,
        "node_id": node_id("Repository", found.github_id),
        "name": found.name,
        "full_name": found.full_name,
        "private": True,
        "owner": _owner(found.org, org_id, pushed=bool(pushed)),
        "html_url": web,
        "description": f"{found.name.replace('-', ' ').capitalize()} of the {found.tech_stream} stream",
        "fork": False,
        "url": web if pushed else api,
        **{name: f"{api}/{path}" for name, path in _PATHS.items()},
    }
    if not minimal:
        created: str | int = 1_640_995_200 if pushed else "2022-01-01T00:00:00Z"
        body |= {
            "created_at": created, "updated_at": "2024-11-05T09:12:44Z", "pushed_at": pushed or created,
            "git_url": f"git://github.com/{found.full_name}.git", "ssh_url": f"git@github.com:{found.full_name}.git",
            "clone_url": f"{web}.git", "svn_url": web, "homepage": None, "size": 4821, "stargazers_count": 3,
            "watchers_count": 3, "language": found.language, "has_issues": True, "has_projects": True,
            "has_downloads": True, "has_wiki": False, "has_pages": False, "forks_count": 0, "mirror_url": None,
            "archived": False, "disabled": False, "open_issues_count": 4, "license": None, "forks": 0,
            "open_issues": 4, "watchers": 3, "default_branch": "main", "is_template": False, "topics": [],
            "visibility": "private", "web_commit_signoff_required": False, "custom_properties": {},
        }  # fmt: skip
        if pushed:
            body |= {"stargazers": 3, "master_branch": "main", "organization": found.org}
    return raw(body)


def installation(stream: TechStream) -> Json:
    """The short installation object that every delivery of an App carries."""
    return {"id": stream.install_id, "node_id": node_id("IntegrationInstallation", stream.install_id)}


def pull_request(company: Company, request: PullRequest, event: PrEvent, *, brief: bool = False) -> Json:
    """A pull request as it stood after one of its events; ``brief`` without the counts, as reviews carry it."""
    found = request.repository
    org_id = company.tech_stream(found.tech_stream).org_id
    api, web = f"{API}/repos/{found.full_name}/pulls/{request.number}", f"{WEB}/{found.full_name}/pull/{request.number}"
    issue = f"{API}/repos/{found.full_name}/issues/{request.number}"
    statuses = f"{API}/repos/{found.full_name}/statuses/{event.head}"
    over = event.what in {"closed", "merged"}
    merged = event.what == "merged"
    author, repo = account(request.author), repository(found, org_id)
    assignees = [] if isinstance(request.author, Bot) else [author]
    body: Json = {
        "url": api, "id": request.github_id, "node_id": node_id("PullRequest", request.github_id), "html_url": web,
        "diff_url": f"{web}.diff", "patch_url": f"{web}.patch", "issue_url": issue, "number": request.number,
        "state": "closed" if over else "open", "locked": False, "title": request.title, "user": author,
        "body": request.body, "created_at": github_time(request.opened_at), "updated_at": github_time(event.at),
        "closed_at": github_time(event.at) if over else None, "merged_at": github_time(event.at) if merged else None,
        # An unmerged pull request carries the commit of a trial merge.
        "merge_commit_sha": request.merge_commit if merged else None if event.what == "opened" else event.head[::-1],
        "assignee": next(iter(assignees), None), "assignees": assignees, "requested_teams": [],
        "requested_reviewers": _still_asked(request, event), "labels": _labels(request, event),
        "milestone": None, "draft": False, "commits_url": f"{api}/commits", "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{API}/repos/{found.full_name}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments", "statuses_url": statuses,
        "head": _end(found, request.branch, event.head, org_id, repo),
        "base": _end(found, "main", request.merge_commit[::-1], org_id, repo),
        "_links": {
            "self": {"href": api}, "html": {"href": web}, "issue": {"href": issue},
            "comments": {"href": f"{issue}/comments"}, "review_comments": {"href": f"{api}/comments"},
            "review_comment": {"href": f"{API}/repos/{found.full_name}/pulls/comments{{/number}}"},
            "commits": {"href": f"{api}/commits"}, "statuses": {"href": statuses},
        },
        "author_association": "MEMBER", "auto_merge": None, "active_lock_reason": None,
    }  # fmt: skip
    if not brief:
        body |= {
            "merged": merged, "mergeable": None, "rebaseable": None, "mergeable_state": "unknown",
            "merged_by": account(event.actor) if merged else None, "comments": 1,
            "review_comments": sum(one.what == "review" for one in request.events if one.at <= event.at),
            "maintainer_can_modify": False, "commits": 1 + sum(one.what == "synchronize" for one in request.events),
            "additions": request.additions, "deletions": request.deletions, "changed_files": request.changed_files,
        }  # fmt: skip
    return body


def _still_asked(request: PullRequest, event: PrEvent) -> list[msgspec.Raw]:
    """People whose review is yet to come: they were asked for it, and leave the list by giving it."""
    reviews = [one for one in request.events if one.what == "review" and one.actor != request.author]
    given = {one.actor.login for one in reviews if one.at <= event.at}
    asked = {one.actor.login: one.actor for one in reviews if not isinstance(one.actor, Bot)}
    return [account(who) for login, who in asked.items() if login not in given]


def _labels(request: PullRequest, event: PrEvent) -> list[Json]:
    labelled = any(one.what == "labeled" and one.at <= event.at for one in request.events)
    return [label(request.repository)] if labelled else []


def label(found: Repository) -> Json:
    """The one label that people put on pull requests here."""
    number = 1_362_934_000 + found.github_id % 1000
    return {
        "id": number, "node_id": node_id("Label", number), "url": f"{API}/repos/{found.full_name}/labels/ready",
        "name": "ready", "color": "d73a4a", "default": False, "description": "Ready for review",
    }  # fmt: skip


def _end(found: Repository, ref: str, sha: str, org_id: int, repo: msgspec.Raw) -> Json:
    return {"label": f"{found.org}:{ref}", "ref": ref, "sha": sha, "user": _owner(found.org, org_id), "repo": repo}


def raw(body: Json) -> msgspec.Raw:
    """An object encoded once, for embedding."""
    return msgspec.Raw(msgspec.json.encode(body))
