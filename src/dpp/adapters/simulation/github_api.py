"""The simulated organisation's GitHub as an API: repositories, pull requests, runs, deployments and pushes, in pages.

Sans-I/O: ``answer`` takes a request's parts and gives a response's, so that a test can put it behind any transport. It
misbehaves on demand: rate limits, failures, silence, torn bodies, lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from dpp.adapters.simulation import github_wire
from dpp.adapters.simulation.company import Company, Repository, TechStream
from dpp.adapters.simulation.github_graph import owners, pull_request_node, reviews_page
from dpp.adapters.simulation.github_objects import account, github_time, repository
from dpp.adapters.simulation.organisation import SimulatedOrganisation
from dpp.adapters.simulation.pull_requests import Build, PullRequest
from dpp.adapters.simulation.releases import Deployment

Json = dict[str, Any]
Fault = Literal[
    "rate_limit", "secondary_limit", "server_error", "timeout", "truncated", "unauthorised", "forbidden", "lie",
    "web_page", "endless", "nonsense",
]  # fmt: skip
"""The last four: another shape than the API's; a page for people; a list whose pages name themselves as the next ones;
limits that no GitHub has.
"""

HOUR = timedelta(hours=1)
_INSTALLATION = re.compile(r"/app/installations/(\d+)/access_tokens")
_ATTEMPT = re.compile(r"/app/hook/deliveries/(\d+)/attempts")
_REPOSITORY = re.compile(r"/repos/([^/]+)/([^/]+)/(.+)")
_RUN_ATTEMPT = re.compile(r"actions/runs/(\d+)/attempts/(\d+)")
_STATUSES = re.compile(r"deployments/(\d+)/statuses")
_OBJECT = re.compile(r'(c\d+): object\(oid: "([0-9a-f]{40})"\)')
_NONSENSE = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "253402300000", "Retry-After": "soon"}
_TOKEN = "ghs_of_"  # noqa: S105 - what tokens of the fake begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubAnswer:
    """What the API sends back; ``timed_out`` is that it sends nothing."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(slots=True, kw_only=True)
class SimulatedGitHub:
    """
    An API over an organisation, in which the App is installed where the company says so.

    Args:
        organisation: whose repositories it tells of.
        now: gives the moment as of which it tells; what is later has not happened.
        page_size: most things on a page, whatever is asked for.
        faults: what goes wrong with the next requests, one each; None lets one pass.
        remaining: requests that the rate limit leaves, of 5000.
        resets_at: when the rate limit begins anew; None for in an hour, again and again.
        proves: says whether what the App shows is its own.
        webhooks: the App's log of deliveries, newest first.

    Attributes:
        asked: method, path and query of every request so far.
        sent_again: deliveries that were asked for once more.
        renamed, archived, gone: what has become of repositories, by GitHub's number; no webhook says so.
    """

    organisation: SimulatedOrganisation
    now: Callable[[], datetime]
    page_size: int = 100
    faults: list[Fault | None] = field(default_factory=list)
    remaining: int = 5000
    resets_at: datetime | None = None
    proves: Callable[[str], bool] = bool
    webhooks: list[Json] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    sent_again: list[int] = field(default_factory=list)
    renamed: dict[int, str] = field(default_factory=dict)
    archived: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    def answer(
        self, method: str, path: str, query: Mapping[str, str], *, headers: Mapping[str, str], body: bytes = b""
    ) -> GitHubAnswer:
        """Answer a request."""
        self.asked.append((method, path, dict(query)))
        fault = self.faults.pop(0) if self.faults else None
        if fault in {"server_error", "timeout", "unauthorised", "forbidden", "rate_limit", "secondary_limit"}:
            return self._refusal(fault)
        shown = {name.lower(): value for name, value in headers.items()}.get("authorization", "").partition(" ")[2]
        status, found = self._found(method, path, query, shown, body)
        if fault == "lie":
            found = {"data": {"repository": []}, "repositories": 7, "workflow_runs": 7}
        if fault == "endless":
            self._name_itself(found, query, body)
        whole = b"<!DOCTYPE html><title>Sign in</title>" if fault == "web_page" else msgspec.json.encode(found)
        sent = whole[: len(whole) // 2] if fault == "truncated" else whole
        headers = self._headers() | (_NONSENSE if fault == "nonsense" else {})
        return GitHubAnswer(status=status, body=sent, headers=headers)

    def _name_itself(self, found: Any, query: Mapping[str, str], body: bytes) -> None:
        """Have a page say that the next one is itself."""
        self._following = f"page={query.get('page', '1')}"
        if body and found["data"].get("repository", {}).get("pullRequests"):
            at = msgspec.json.decode(body)["variables"].get("after")
            found["data"]["repository"]["pullRequests"]["pageInfo"] = {"hasNextPage": True, "endCursor": at or "0"}

    def _found(self, method: str, path: str, query: Mapping[str, str], shown: str, body: bytes) -> tuple[int, object]:
        if path.startswith("/app/"):
            return self._app(method, path, shown)
        stream = self._stream(shown)
        if stream is None:
            return 401, {"message": "Bad credentials"}
        self.remaining -= 1
        if path == "/graphql":
            asked = msgspec.json.decode(body)
            return 200, {"data": self._graph(stream, asked["query"], asked["variables"])}
        if path == "/installation/repositories":
            there = [one for one in stream.repositories if one.github_id not in self.gone]
            told = [self._repository(one, stream) for one in self._page(there, query)]
            return 200, {"total_count": len(there), "repositories": told}
        match = _REPOSITORY.fullmatch(path)
        known = self._known(stream, match[1], match[2]) if match else None
        if match is None or known is None:
            return 404, {"message": "Not Found"}
        return self._rest(known, match[3], query)

    def _app(self, method: str, path: str, shown: str) -> tuple[int, object]:
        if not self.proves(shown):
            return 401, {"message": "A JSON web token could not be decoded"}
        if path == "/app/hook/deliveries":
            return 200, self.webhooks
        if found := _ATTEMPT.fullmatch(path):
            self.sent_again.append(int(found[1]))
            return 202, {}
        found = _INSTALLATION.fullmatch(path)
        streams = {stream.install_id: stream for stream in self._company.tech_streams if stream.app_installed}
        if method != "POST" or found is None or int(found[1]) not in streams:
            return 404, {"message": "Not Found"}
        until = f"{self.now() + HOUR:%Y-%m-%dT%H:%M:%SZ}"
        return 201, {"token": f"{_TOKEN}{found[1]}", "expires_at": until, "permissions": {"contents": "read"}}

    def _stream(self, token: str) -> TechStream | None:
        number = token.removeprefix(_TOKEN)
        return next((one for one in self._company.tech_streams if str(one.install_id) == number), None)

    def _known(self, stream: TechStream, owner: str, name: str) -> Repository | None:
        return next(
            (one for one in stream.repositories if owner == one.org and name in {one.name, self._name(one)}), None
        )

    def _name(self, found: Repository) -> str:
        return self.renamed.get(found.github_id, found.name)

    def _repository(self, found: Repository, stream: TechStream) -> object:
        told = msgspec.json.decode(repository(found, stream.org_id))
        name = self._name(found)
        return told | {
            "name": name,
            "full_name": f"{found.org}/{name}",
            "archived": found.github_id in self.archived,
        }

    def _rest(self, found: Repository, rest: str, query: Mapping[str, str]) -> tuple[int, object]:
        if rest == "actions/runs":
            since = query.get("created", "").removeprefix(">=")
            runs = [one for one in self._runs(found) if github_time(one[1].requested_at) >= since]
            return 200, {
                "total_count": len(runs),
                "workflow_runs": [self._run(*one) for one in self._page(runs, query)],
            }
        if match := _RUN_ATTEMPT.fullmatch(rest):
            wanted = (int(match[1]), int(match[2]))
            builds = [one for one in self._builds(found) if (one[1].run_id, one[1].attempt) == wanted]
            return (200, self._run(*builds[0])) if builds else (404, {"message": "Not Found"})
        if rest == "deployments":
            return 200, [self._deployment(one) for one in self._page(self._deployments(found), query)]
        if match := _STATUSES.fullmatch(rest):
            named = [one for one in self._deployments(found) if one.run_id == match[1]]
            return 200, [status for one in named for status in self._statuses(one)]
        if rest == "activity":
            return 200, self._activity(found, query)
        return 404, {"message": "Not Found"}

    def _graph(self, stream: TechStream, text: str, variables: Mapping[str, Any]) -> Json:
        if "issueCount" in text:
            return {"search": {"issueCount": sum(len(self.requests(one)) for one in stream.repositories)}}
        found = self._known(stream, variables["owner"], variables["name"])
        if found is None:
            return {"repository": None}
        if wanted := _OBJECT.findall(text):
            return {"repository": owners(self.requests(found), wanted, self.now())}
        if "$number" in text:
            request = next((one for one in self.requests(found) if one.number == variables["number"]), None)
            page = request and {"reviews": reviews_page(request, self.now(), after=variables.get("after"), most=100)}
            return {"repository": {"pullRequest": page}}
        return {"repository": {"pullRequests": self._pulls(found, variables)}}

    def _pulls(self, found: Repository, variables: Mapping[str, Any]) -> Json:
        requests = self.requests(found)
        if variables["by"] == "UPDATED_AT":
            requests.sort(key=self._updated_at, reverse=variables["way"] == "DESC")
        start = int(variables.get("after") or 0)
        end = start + min(variables["first"], self.page_size)
        nodes = [pull_request_node(one, self.now(), reviews=50) for one in requests[start:end]]
        return {
            "pageInfo": {"hasNextPage": end < len(requests), "endCursor": str(end)},
            "nodes": nodes,
        }

    def _updated_at(self, request: PullRequest) -> datetime:
        return max(event.at for event in request.events if event.at <= self.now())

    def requests(self, found: Repository) -> list[PullRequest]:
        """Return the pull requests of a repository so far, oldest first."""
        told = [
            one for one in self.organisation.plan.requests if one.repository == found and one.opened_at < self.now()
        ]
        return sorted(told, key=lambda one: (one.opened_at, one.number))

    def _builds(self, found: Repository) -> list[tuple[PullRequest, Build]]:
        return [
            (request, build)
            for request in self.organisation.plan.requests
            if request.repository == found
            for build in request.builds
            if build.requested_at < self.now()
        ]

    def _runs(self, found: Repository) -> list[tuple[PullRequest, Build]]:
        """Return each run by its latest attempt, the latest first."""
        latest = {build.run_id: (request, build) for request, build in self._builds(found)}
        return sorted(latest.values(), key=lambda one: (one[1].requested_at, one[1].run_id), reverse=True)

    def _run(self, request: PullRequest, build: Build) -> object:
        now = self.now()
        state: github_wire.RunAction = "requested" if build.started_at >= now else "in_progress"
        state = "completed" if build.completed_at < now else state
        return msgspec.json.decode(github_wire.run_body(self._company, request, build, state))["workflow_run"]

    def _deployments(self, found: Repository) -> list[Deployment]:
        told = [
            one
            for one in self.organisation.plan.deployments
            if one.repository == found and found.releases == "github" and one.started_at < self.now()
        ]
        return sorted(told, key=lambda one: one.started_at, reverse=True)

    def _deployment(self, deployment: Deployment) -> object:
        told = msgspec.json.decode(github_wire.deployment_body(self._company, deployment))["deployment"]
        # A status that is added moves the time of the last change.
        return told | {
            "updated_at": max((one["created_at"] for one in self._statuses(deployment)), default=told["created_at"])
        }

    def _statuses(self, deployment: Deployment) -> Sequence[Json]:
        steps = (
            ("queued", deployment.started_at),
            ("in_progress", deployment.started_at + timedelta(seconds=3)),
            (deployment.outcome, deployment.completed_at),
        )
        return [
            msgspec.json.decode(
                github_wire.deployment_status_body(
                    self._company, deployment, state, at, github_wire.status_number(deployment, state)
                )
            )["deployment_status"]
            for state, at in reversed(steps)
            if at < self.now()
        ]

    def _activity(self, found: Repository, query: Mapping[str, str]) -> list[Json]:
        """Return pushes, the latest first; the branch of a pull request began with its first one."""
        told: list[Json] = []
        for request in self.organisation.plan.requests:
            if request.repository != found:
                continue
            before = "0" * 40
            for event in request.events:
                if event.what == "pushed" and event.at < self.now():
                    told.append(
                        {
                            "id": event.event_id,
                            "activity_type": "push" if before.strip("0") else "branch_creation",
                            "ref": f"refs/heads/{request.branch}",
                            "before": before,
                            "after": event.head,
                            "timestamp": github_time(event.at),
                            "actor": account(request.author),
                        }
                    )
                    before = event.head
        told.sort(key=lambda one: (one["timestamp"], one["id"]), reverse=True)
        start, most = int(query.get("after", 0)), min(int(query.get("per_page", 30)), self.page_size)
        self._following = f"after={start + most}" if start + most < len(told) else None
        return told[start : start + most]

    _following: str | None = field(default=None, init=False)

    def _page(self, things: list[Any], query: Mapping[str, str]) -> list[Any]:
        most = min(int(query.get("per_page", 30)), self.page_size)
        page = int(query.get("page", 1))
        self._following = f"page={page + 1}" if page * most < len(things) else None
        return things[(page - 1) * most : page * most]

    @property
    def _company(self) -> Company:
        return self.organisation.plan.company

    def _headers(self) -> dict[str, str]:
        told = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(max(0, self.remaining)),
            "X-RateLimit-Reset": str(int((self.resets_at or self.now() + HOUR).timestamp())),
        }
        if self._following is not None:
            told["Link"] = f'<https://api.github.test/list?per_page=30&{self._following}>; rel="next"'
        self._following = None
        return told

    def _refusal(self, fault: str) -> GitHubAnswer:
        if fault == "timeout":
            return GitHubAnswer(status=0, timed_out=True)
        status = {"server_error": 502, "unauthorised": 401}.get(fault, 403)
        headers: dict[str, str] = {}
        if fault == "rate_limit":
            headers = self._headers() | {"X-RateLimit-Remaining": "0"}
        elif fault == "secondary_limit":
            headers = {"Retry-After": "7"}
        body = msgspec.json.encode({"message": "This is no answer"})
        return GitHubAnswer(status=status, body=body, headers=headers)
