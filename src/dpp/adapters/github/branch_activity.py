"""Pushes to the branches of pull requests, from what GitHub remembers of the activity of branches."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.github import api_graph
from dpp.adapters.github.api import GitHubApi, Installed
from dpp.adapters.github.api_graph import OfPullRequest
from dpp.adapters.github.decoding import NotUnderstood, Time, decode, moment, required_moment
from dpp.adapters.github.parts import Part, installation_of, names_of, path_of
from dpp.adapters.github.payloads import TimedRepository, User
from dpp.adapters.github.references import person, repository_ref
from dpp.application.reading import Reading
from dpp.domain.events import Facts, PushEvent

PUSHES_AT_ONCE = 50

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCHES = "refs/heads/"
_PUSHED = frozenset({"branch_creation", "push", "force_push"})


class Activity(Struct, frozen=True):
    """Something that happened to a branch."""

    activity_type: str
    ref: str
    after: str
    before: str | None = None
    timestamp: Time | None = None
    actor: User | None = None


_RAW_LIST = Decoder(tuple[Raw, ...])
_ACTIVITY = Decoder(Activity)


class BranchActivity:
    """
    Asks for what happened to branches.

    Args:
        api: asks.
        reading: what readers may know, as of now.
    """

    def __init__(self, *, api: GitHubApi, reading: Callable[[], Reading]) -> None:
        self._api = api
        self._reading = reading

    async def pushes(
        self, where: Installed, repository: TimedRepository, *, at: str | None, since: datetime | None = None
    ) -> Part:
        """Return pushes to branches of pull requests, the latest first; GraphQL does not tell when one was pushed."""
        query = {"per_page": str(PUSHES_AT_ONCE)} | ({"after": at} if at else {})
        found = await self._api.page(where, f"{path_of(repository)}/activity", query=query, decoder=_RAW_LIST)
        if found is None:
            return Part()
        listed, following = found
        told: list[Activity] = []
        unreadable: list[str] = []
        for raw in listed:
            try:
                activity = decode(raw, decoder=_ACTIVITY)
            except NotUnderstood as problem:
                unreadable.append(f"an activity of {repository.full_name}: {problem}")
                continue
            if since is not None and activity.timestamp is not None and activity.timestamp < since:
                following = None
            elif activity.activity_type in _PUSHED and activity.ref.startswith(_BRANCHES):
                told.append(activity)
        events = await self._pushed(where, repository, told)
        return Part(
            facts=Facts(pushes=tuple(events)), following=following, things=len(listed), unreadable=tuple(unreadable)
        )

    async def _pushed(
        self, where: Installed, repository: TimedRepository, activities: list[Activity]
    ) -> list[PushEvent]:
        """
        Keep those that brought commits to the branch of a pull request.

        A branch that is made without commits points at one that belongs to another branch, and is no first push.
        """
        commits = sorted({one.after for one in activities if _COMMIT.fullmatch(one.after)})
        if not commits:
            return []
        query = api_graph.owners_query(commits)
        answer = await self._api.graphql(where, query, names_of(repository), decoder=api_graph.OWNERS_ANSWER)
        data = api_graph.data_of(answer)
        known = (data.repository if data else None) or {}
        owners = {oid: known.get(f"c{number}") for number, oid in enumerate(commits)}
        events = []
        for one in activities:
            commit = owners.get(one.after)
            pulls = commit.associated_pull_requests.nodes if commit and commit.associated_pull_requests else ()
            branch = one.ref.removeprefix(_BRANCHES)
            pull = next((pull for pull in pulls if pull.head_ref_name == branch), None)
            if pull is not None and moment(one.timestamp) is not None:
                events.append(self._push(where, repository, one, pull))
        return events

    def _push(
        self, where: Installed, repository: TimedRepository, activity: Activity, pull: OfPullRequest
    ) -> PushEvent:
        commits = [node.commit.oid for node in pull.commits.nodes]
        last = commits.index(activity.after) if activity.after in commits else None
        first = commits.index(activity.before) + 1 if activity.before in commits else 0
        brought = [activity.after] if last is None else commits[first : last + 1] or [activity.after]
        who = person(activity.actor, reading=self._reading()) if activity.actor else None
        return PushEvent(
            event_timestamp=required_moment(activity.timestamp, field="timestamp"),
            repository=repository_ref(repository, installation=installation_of(where)),
            branch_name=activity.ref.removeprefix(_BRANCHES),
            first_commit_sha=brought[0],
            last_commit_sha=activity.after,
            commit_count=len(brought),
            author_hash=who.hash if who else None,
            author_is_bot=who.is_bot if who else False,
        )
