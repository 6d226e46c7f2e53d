"""What things are known by across renames, as the keys of stale things name them."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from dpp.application.stale import SEPARATOR, StaleKey, StaleKind, pull_request_key, run_key


class PullRequestId(NamedTuple):
    """A pull request through renames of its repository."""

    repo_id: UUID
    pr_number: int

    def key(self, kind: StaleKind) -> StaleKey:
        """Return what it is marked stale under, as a pull request or as a change."""
        return StaleKey(kind, pull_request_key(self.repo_id, self.pr_number))


class RunId(NamedTuple):
    """A run of a pipeline."""

    pipeline_id: str
    pipeline_run_id: str

    def key(self, kind: StaleKind) -> StaleKey:
        """Return what it is marked stale under, as a deployment or as a rollback."""
        return StaleKey(kind, run_key(self.pipeline_id, self.pipeline_run_id))


class PushId(NamedTuple):
    """A push to a branch; ``at`` in microseconds since 1970-01-01T00:00Z."""

    repo_id: UUID
    at: int
    branch_name: str


def pull_request_of(key: StaleKey) -> PullRequestId | None:
    """Return the pull request that a key names, or None when its repository was not known."""
    repo_id, _, number = key.key.rpartition("/")
    try:
        return PullRequestId(UUID(repo_id), int(number))
    except ValueError:
        return None


def run_of(key: StaleKey) -> RunId:
    """Return the run that a key names."""
    pipeline_id, _, run_id = key.key.partition(SEPARATOR)
    return RunId(pipeline_id, run_id)


def push_of(key: StaleKey) -> PushId:
    """Return the push that a key names."""
    repo_id, at, branch = key.key.split("/", 2)
    return PushId(UUID(repo_id), int(at), branch)
