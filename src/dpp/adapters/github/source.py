"""A GitHub organisation that is asked for its repositories and, repository by repository, for what has happened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.github import api_graph
from dpp.adapters.github.api import GitHubApi, Installed
from dpp.adapters.github.api_graph import GraphPullRequest, GraphReview
from dpp.adapters.github.branch_activity import BranchActivity
from dpp.adapters.github.decoding import NotUnderstood, decode
from dpp.adapters.github.ignored import IGNORED_STATES
from dpp.adapters.github.parts import Part, installation_of, names_of, path_of
from dpp.adapters.github.payloads import (
    Delivery,
    Deployment,
    DeploymentStatus,
    DeploymentStatusDelivery,
    TimedRepository,
    WorkflowRun,
)
from dpp.adapters.github.pipelines import build_of, deployment_step
from dpp.adapters.github.pull_request_pages import PullRequestPages
from dpp.adapters.github.pull_requests import review_of, step_of
from dpp.adapters.github.references import repository_ref
from dpp.application.cursors import Cursors
from dpp.application.reading import Reading
from dpp.domain.configuration import folded
from dpp.domain.events import CicdEvent, Facts, PullRequestEvent, RepositoryFact

T = TypeVar("T")

RUNS_AT_ONCE = 100
DEPLOYMENTS_AT_ONCE = 30
CHANGED_DEPLOYMENTS_AT_ONCE = 100
"""Of these lists few are asked about one by one."""
REPOSITORIES_AT_ONCE = 100
CHANGES_FOR = timedelta(days=30)
"""So long after it was made a run may be run again (GitHub's own limit), and is a deployment looked at for a change."""
MOST_PAGES = 1000
"""Of repositories, reviews or statuses: more is an API that does not end."""


class _Repositories(Struct, frozen=True):
    repositories: tuple[TimedRepository, ...] = ()


class _Runs(Struct, frozen=True):
    workflow_runs: tuple[Raw, ...] = ()


_REPOSITORIES = Decoder(_Repositories)
_RUNS = Decoder(_Runs)
_RUN = Decoder(WorkflowRun)
_RAW_LIST = Decoder(tuple[Raw, ...])
_DEPLOYMENT = Decoder(Deployment)
_STATUS = Decoder(DeploymentStatus)


class GitHubSource:
    """
    Asks, and reads the answers as webhooks are read.

    Args:
        api: asks.
        reading: what readers may know, as of now.
        now: tells when something was found so.
    """

    def __init__(self, *, api: GitHubApi, reading: Callable[[], Reading], now: Callable[[], datetime]) -> None:
        self._api = api
        self._pull_requests = PullRequestPages(api=api)
        self._branches = BranchActivity(api=api, reading=reading)
        self._reading = reading
        self._now = now

    async def repositories(self, where: Installed) -> list[TimedRepository]:
        """Return the organisation's repositories that the App sees, by GitHub's number."""
        found: dict[int, TimedRepository] = {}
        async for page in self._pages(where, "/installation/repositories", _REPOSITORIES, size=REPOSITORIES_AT_ONCE):
            for one in page.repositories:
                # A wrong github_install_id must not bring another organisation's repositories.
                if one.id is not None and folded(repository_ref(one, installation=None).org) == folded(where.org):
                    found[one.id] = one
        return [found[number] for number in sorted(found)]

    def register(self, where: Installed, repositories: Iterable[TimedRepository]) -> Facts:
        """Return what the repositories are called and whether they are in use, as of now."""
        at = self._now()
        return Facts(
            repositories=tuple(
                RepositoryFact(
                    event_timestamp=at,
                    repository=repository_ref(one, installation=installation_of(where)),
                    is_active=not one.archived,
                )
                for one in repositories
            )
        )

    async def pull_request_count(self, where: Installed) -> int | None:
        """Return how many pull requests the organisation has; None when GitHub does not say."""
        asked = {"search": f"org:{where.org} is:pr"}
        answer = await self._api.graphql(where, api_graph.COUNT, asked, decoder=api_graph.COUNT_ANSWER)
        return answer.data.search.issue_count if answer.data and answer.data.search else None

    async def pull_requests(
        self, where: Installed, repository: TimedRepository, *, at: str | None, since: datetime | None = None
    ) -> Part:
        """Return pull requests with their reviews: all, oldest first; or those changed ``since``, the latest first."""
        order = {"by": "UPDATED_AT", "way": "DESC"} if since else {"by": "CREATED_AT", "way": "ASC"}
        found = await self._pull_requests.page(where, {**names_of(repository), **order, "after": at})
        if found is None:
            return Part()
        if found.passed_over is not None:
            problem = f"GitHub could not show pull request {found.passed_over} of {repository.full_name}"
            return Part(following=found.following, things=1, unreadable=(f"{problem}; it was passed over",))
        events: list[PullRequestEvent] = []
        unreadable: list[str] = []
        following = found.following
        for raw in found.nodes:
            try:
                pull = decode(raw, decoder=api_graph.PULL_REQUEST)
                if since is not None and pull.updated_at < since:
                    following = None
                    break
                told, problems = await self._told_by(where, repository, pull)
                events += told
                unreadable += (f"a review of {repository.full_name}: {problem}" for problem in problems)
            except (NotUnderstood, ValueError) as problem:
                unreadable.append(f"a pull request of {repository.full_name}: {problem}")
        facts = Facts(pull_requests=tuple(events))
        return Part(facts=facts, following=following, things=len(found.nodes), unreadable=tuple(unreadable))

    async def _told_by(
        self, where: Installed, repository: TimedRepository, pull: GraphPullRequest
    ) -> tuple[list[PullRequestEvent], list[str]]:
        about, reading = _about(where, repository), self._reading()
        events = [step_of(about, plain, action=action, reading=reading) for action, plain in pull.steps()]
        problems: list[str] = []
        async for review in self._reviews(where, repository, pull):
            try:
                events += review_of(about, pull.reviewed(review), review.as_payload(), reading=reading)
            except (NotUnderstood, ValueError) as problem:
                problems.append(str(problem))
        return events, problems

    async def _reviews(
        self, where: Installed, repository: TimedRepository, pull: GraphPullRequest
    ) -> AsyncIterator[GraphReview]:
        page, cursors = pull.reviews, Cursors("GitHub")
        for _ in range(MOST_PAGES):
            for review in page.nodes:
                yield review
            following = cursors.after(page.page_info.following)
            if following is None:
                return
            variables = {**names_of(repository), "number": pull.number, "after": following}
            answer = await self._api.graphql(where, api_graph.REVIEWS, variables, decoder=api_graph.REVIEWS_ANSWER)
            data = api_graph.data_of(answer)
            if data is None or data.repository is None or data.repository.pull_request is None:
                return
            page = data.repository.pull_request.reviews

    async def runs(
        self, where: Installed, repository: TimedRepository, *, at: str | None, since: datetime | None = None
    ) -> Part:
        """Return attempts of workflow runs, the latest first; those of runs changed ``since``. GraphQL has no list."""
        # Not the filter by time: with it GitHub lists a thousand runs and no more.
        query = {"per_page": str(RUNS_AT_ONCE), "page": at or "1"}
        found = await self._api.page(where, f"{path_of(repository)}/actions/runs", query=query, decoder=_RUNS)
        if found is None:
            return Part()
        answer, following = found
        events: list[CicdEvent] = []
        unreadable: list[str] = []
        for raw in answer.workflow_runs:
            try:
                run = decode(raw, decoder=_RUN)
                if _is_beyond(run.created_at, since):
                    following = None
                    break
                if not _has_changed(run.created_at, run.run_started_at, run.updated_at, since=since):
                    continue
                events += _builds(where, repository, run)
                for attempt in range(1, run.run_attempt):
                    events += await self._attempt(where, repository, run, attempt)
            except NotUnderstood as problem:
                unreadable.append(f"a workflow run of {repository.full_name}: {problem}")
        return Part(
            facts=Facts(cicd=tuple(events)),
            following=following,
            things=len(answer.workflow_runs),
            unreadable=tuple(unreadable),
        )

    async def _attempt(
        self, where: Installed, repository: TimedRepository, run: WorkflowRun, attempt: int
    ) -> list[CicdEvent]:
        """A list shows the latest attempt of each run; the others are asked for one by one."""
        path = f"{path_of(repository)}/actions/runs/{run.id}/attempts/{attempt}"
        earlier = await self._api.get(where, path, decoder=_RUN)
        return _builds(where, repository, earlier) if earlier else []

    async def deployments(
        self, where: Installed, repository: TimedRepository, *, at: str | None, since: datetime | None = None
    ) -> Part:
        """
        Return deployments with their statuses, the latest first; those changed ``since``.

        GraphQL's ids of them have 32 bits, and end.
        """
        size = CHANGED_DEPLOYMENTS_AT_ONCE if since else DEPLOYMENTS_AT_ONCE
        query = {"per_page": str(size), "page": at or "1"}
        found = await self._api.page(where, f"{path_of(repository)}/deployments", query=query, decoder=_RAW_LIST)
        if found is None:
            return Part()
        listed, following = found
        events: list[CicdEvent] = []
        unreadable: list[str] = []
        for raw in listed:
            try:
                deployment = decode(raw, decoder=_DEPLOYMENT)
                if _is_beyond(deployment.created_at, since):
                    following = None
                    break
                if not _has_changed(deployment.created_at, deployment.updated_at, since=since):
                    continue
                steps, problems = await self._steps(where, repository, deployment)
            except NotUnderstood as problem:
                steps, problems = [], [str(problem)]
            events += steps
            unreadable += (f"a deployment of {repository.full_name}: {problem}" for problem in problems)
        return Part(
            facts=Facts(cicd=tuple(events)),
            following=following,
            things=len(listed),
            unreadable=tuple(unreadable),
        )

    async def _steps(
        self, where: Installed, repository: TimedRepository, deployment: Deployment
    ) -> tuple[list[CicdEvent], list[str]]:
        events: list[CicdEvent] = []
        problems: list[str] = []
        about, path = _about(where, repository), f"{path_of(repository)}/deployments/{deployment.id}/statuses"
        async for listed in self._pages(where, path, _RAW_LIST, size=100):
            for raw in listed:
                try:
                    status = decode(raw, decoder=_STATUS)
                    if status.state.lower() in IGNORED_STATES:
                        continue
                    told = DeploymentStatusDelivery(
                        repository=about.repository,
                        installation=about.installation,
                        deployment_status=status,
                        deployment=deployment,
                    )
                    events.append(deployment_step(told))
                except NotUnderstood as problem:
                    problems.append(str(problem))
        return events, problems

    async def _pages(self, where: Installed, path: str, decoder: Decoder[T], *, size: int) -> AsyncIterator[T]:
        at: str | None = "1"
        cursors = Cursors("GitHub", first=at)
        for _ in range(MOST_PAGES):
            if at is None:
                return
            found = await self._api.page(where, path, query={"per_page": str(size), "page": at}, decoder=decoder)
            if found is None:
                return
            page, at = found[0], cursors.after(found[1])
            yield page

    async def pushes(
        self, where: Installed, repository: TimedRepository, *, at: str | None, since: datetime | None = None
    ) -> Part:
        """Return pushes to branches of pull requests, the latest first."""
        return await self._branches.pushes(where, repository, at=at, since=since)


def _is_beyond(made_at: datetime | None, since: datetime | None) -> bool:
    """Whether a thing is so old that nothing happens to it any more, nor to those behind it in a list."""
    return since is not None and made_at is not None and made_at < since - CHANGES_FOR


def _has_changed(*moments: datetime | None, since: datetime | None) -> bool:
    """Whether something happened to a thing since; one that does not say when is taken to have changed."""
    known = [moment for moment in moments if moment is not None]
    return since is None or not known or max(known) >= since


def _builds(where: Installed, repository: TimedRepository, run: WorkflowRun) -> list[CicdEvent]:
    ref = repository_ref(repository, installation=installation_of(where))
    if (run.status or "").lower() in {"queued", "requested", "waiting", "pending"}:
        return []
    started = build_of(run, repository=ref, ended=False)
    return [started, build_of(run, repository=ref, ended=True)] if run.status == "completed" else [started]


def _about(where: Installed, repository: TimedRepository) -> Delivery:
    return Delivery(repository=repository, installation=installation_of(where))
