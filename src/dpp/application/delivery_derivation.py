"""What the rows of deployments, changes and incidents depend on, as a store reads it (decision 0024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from dpp.application.delivery_rows import VerdictRow
from dpp.application.identities import PullRequestId, RunId
from dpp.domain.events import CicdEvent, IncidentEvent

#: A change takes so many merges from branch to branch at most until it is deployed.
LONGEST_WAY = 6


class RegisteredRepository(NamedTuple):
    """What the register says of a repository; ``default_branch`` is the effective one."""

    tech_stream_id: UUID | None
    default_branch: str
    deploy_target: str | None


class Named(NamedTuple):
    """The pull request that a deployment names, by its number, its merge commit or its head, as it stands.

    ``by_merge`` tells that the deployed commit is its merge. The first push is that to its branch since the pull
    request before it on that branch ended.
    """

    pr_number: int
    by_merge: bool
    base_branch: str | None
    opened_at: int
    first_pushed_at: int | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    delivery_stream_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentInputs:
    """
    All that the rows of some deployments depend on, but the configuration and rollbacks.

    Attributes:
        events: of each run, at least one.
        repositories: the repository of each run that has one.
        registered: what the register says of those repositories.
        named: the pull request that each run names, if any.
        blamed: the first incident that each run is blamed for, if any.
    """

    events: Mapping[RunId, Sequence[CicdEvent]]
    repositories: Mapping[RunId, UUID]
    registered: Mapping[UUID, RegisteredRepository]
    named: Mapping[RunId, Named] = field(default_factory=dict)
    blamed: Mapping[RunId, str] = field(default_factory=dict)


class Carrier(NamedTuple):
    """The first production deployment that carried a change; ``is_first`` of its repository, ``names_it`` by itself."""

    record_id: UUID
    deployed_at: int
    is_first: bool
    names_it: bool


class MergedPullRequest(NamedTuple):
    """A merged pull request as it stands."""

    tech_stream_id: UUID | None
    delivery_stream_id: UUID | None
    linked_ticket_id: str | None
    linked_issue_id: str | None
    base_branch: str | None
    first_pushed_at: int | None
    opened_at: int
    first_review_at: int | None
    merged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeInputs:
    """
    All that the rows of some changes depend on.

    Attributes:
        merged: those that are merged, into a repository that is deployed.
        carriers: the first deployment that carried each; absent while none did.
    """

    merged: Mapping[PullRequestId, MergedPullRequest]
    carriers: Mapping[PullRequestId, Carrier]


class NearDeployment(NamedTuple):
    """A production deployment that reached its environment."""

    record_id: UUID
    repo_id: UUID | None
    tech_stream_id: UUID | None
    deployed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentInputs:
    """
    All that the rows of some incidents depend on, but the configuration.

    Attributes:
        events: of each incident, at least one.
        services: the technology stream and the repositories of each service that the incidents name, by the name as
            the incident has it; absent where nothing deploys to it.
        deployments: of each technology stream, at least those within the correlation window before an incident's start.
        verdicts: what people have said, by incident of the source.
    """

    events: Mapping[str, Sequence[IncidentEvent]]
    services: Mapping[str, tuple[UUID | None, frozenset[UUID]]]
    deployments: Mapping[UUID, Sequence[NearDeployment]]
    verdicts: Mapping[str, Sequence[VerdictRow]] = field(default_factory=dict)
