"""The parts of GitHub's webhook payloads that are read; whatever else they hold is skipped while decoding.

A field is optional wherever a real payload has been seen without it: heads of deleted forks have no repository, deleted
accounts are null, reviews that are not submitted have no time.
"""

from __future__ import annotations

from msgspec import Struct

from dpp.adapters.github.decoding import Count, Epoch, Id, Name, Number, Time


class Envelope(Struct, frozen=True, gc=False):
    """As much as is needed to decide whether a payload is read at all."""

    action: str | None = None


class User(Struct, frozen=True, gc=False):
    """An account; ``type`` is ``User``, ``Bot`` or ``Organization``. A push names an owner by ``name``."""

    id: Id | None = None
    login: str | None = None
    type: str | None = None
    name: str | None = None


class Repository(Struct, frozen=True, gc=False):
    """A repository; ``full_name`` is ``owner/name``."""

    id: Id | None = None
    name: str | None = None
    full_name: str | None = None
    owner: User | None = None
    default_branch: str | None = None


class TimedRepository(Repository, frozen=True, gc=False):
    """A repository where its own times matter; in a push two of them are epoch seconds."""

    created_at: Time | Epoch | None = None
    updated_at: Time | Epoch | None = None
    pushed_at: Time | Epoch | None = None
    archived: bool | None = None


class Installation(Struct, frozen=True, gc=False):
    """The installation of the App that a delivery belongs to."""

    id: Id | None = None


class Organization(Struct, frozen=True, gc=False):
    """The organisation that a delivery belongs to."""

    login: str | None = None


class Delivery(Struct, frozen=True, gc=False):
    """What deliveries about a repository have in common."""

    repository: Repository
    installation: Installation | None = None
    organization: Organization | None = None


class Branch(Struct, frozen=True, gc=False):
    """One end of a pull request."""

    ref: Name
    sha: str | None = None


class PullRequest(Struct, frozen=True, gc=False):
    """A pull request; those inside reviews lack the counts and ``merged``."""

    number: Number
    head: Branch
    base: Branch | None = None
    id: Id | None = None
    user: User | None = None
    title: str | None = None
    body: str | None = None
    draft: bool | None = None
    merged: bool | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merge_commit_sha: str | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    comments: Count | None = None
    review_comments: Count | None = None


class PullRequestDelivery(Delivery, frozen=True, gc=False, kw_only=True):
    """``pull_request``."""

    pull_request: PullRequest


class Review(Struct, frozen=True, gc=False):
    """A review; pending ones have no ``submitted_at``."""

    id: Id
    state: Name
    user: User | None = None
    submitted_at: Time | None = None


class ReviewDelivery(Delivery, frozen=True, gc=False, kw_only=True):
    """``pull_request_review``."""

    review: Review
    pull_request: PullRequest


class RunRepository(Struct, frozen=True, gc=False):
    """The repository of an end of a run's pull request."""

    id: Id | None = None


class RunBase(Struct, frozen=True, gc=False):
    """The base of a run's pull request."""

    repo: RunRepository | None = None


class RunPullRequest(Struct, frozen=True, gc=False):
    """A pull request that a workflow run was for; its base may be in another repository."""

    number: Number
    base: RunBase | None = None


class WorkflowRun(Struct, frozen=True, gc=False):
    """One attempt of a run of a workflow."""

    id: Id
    workflow_id: Id
    run_attempt: Number = 1
    status: str | None = None
    conclusion: str | None = None
    event: str | None = None
    head_branch: str | None = None
    head_sha: str | None = None
    created_at: Time | None = None
    run_started_at: Time | None = None
    updated_at: Time | None = None
    pull_requests: tuple[RunPullRequest, ...] | None = None


class WorkflowRunDelivery(Delivery, frozen=True, gc=False, kw_only=True):
    """``workflow_run``."""

    workflow_run: WorkflowRun


class DeploymentState(Struct, frozen=True, gc=False):
    """The state alone, by which a status is ignored on purpose."""

    state: Name


class DeploymentStateDelivery(Struct, frozen=True, gc=False):
    """``deployment_status``, as much of it as decides whether it is read."""

    deployment_status: DeploymentState


class DeploymentStatus(Struct, frozen=True, gc=False):
    """A step of a deployment."""

    id: Id
    state: Name
    environment: str | None = None
    created_at: Time | None = None


class Deployment(Struct, frozen=True, gc=False):
    """What is deployed; ``ref`` is a branch, a tag or a commit id."""

    id: Id
    sha: str | None = None
    ref: str | None = None
    environment: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class DeployingRun(Struct, frozen=True, gc=False):
    """The workflow run that deploys, of which only the cause is read."""

    event: str | None = None


class DeploymentStatusDelivery(Delivery, frozen=True, gc=False, kw_only=True):
    """``deployment_status``."""

    deployment_status: DeploymentStatus
    deployment: Deployment
    workflow_run: DeployingRun | None = None


class Commit(Struct, frozen=True, gc=False):
    """A commit of a push."""

    id: Name
    timestamp: Time | None = None


class PushDelivery(Struct, frozen=True, gc=False):
    """``push``; commits come oldest first."""

    ref: Name
    repository: TimedRepository
    after: str | None = None
    deleted: bool | None = None
    commits: tuple[Commit, ...] | None = None
    head_commit: Commit | None = None
    sender: User | None = None
    installation: Installation | None = None
    organization: Organization | None = None


class TimedInstallation(Struct, frozen=True, gc=False):
    """An installation where its own times matter; they are epoch seconds or texts."""

    id: Id
    account: User | None = None
    created_at: Time | Epoch | None = None
    updated_at: Time | Epoch | None = None


class InstallationDelivery(Struct, frozen=True, gc=False):
    """``installation`` and ``installation_repositories``."""

    installation: TimedInstallation
    repositories: tuple[Repository, ...] | None = None
    repositories_added: tuple[Repository, ...] | None = None
    repositories_removed: tuple[Repository, ...] | None = None


class FormerName(Struct, frozen=True, gc=False, rename={"former": "from"}):
    """``{"from": …}``."""

    former: str | None = None


class RenamedRepository(Struct, frozen=True, gc=False):
    """What a rename changed."""

    name: FormerName | None = None


class FormerOwner(Struct, frozen=True, gc=False):
    """The person or organisation that a repository was transferred from."""

    user: User | None = None
    organization: User | None = None


class TransferredOwner(Struct, frozen=True, gc=False, rename={"former": "from"}):
    """What a transfer changed."""

    former: FormerOwner | None = None


class RepositoryChanges(Struct, frozen=True, gc=False):
    """What an action on a repository changed."""

    repository: RenamedRepository | None = None
    owner: TransferredOwner | None = None
    default_branch: FormerName | None = None


class RepositoryDelivery(Struct, frozen=True, gc=False):
    """``repository``."""

    repository: TimedRepository
    changes: RepositoryChanges | None = None
    installation: Installation | None = None
    organization: Organization | None = None
