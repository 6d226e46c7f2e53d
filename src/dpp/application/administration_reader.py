"""What is asked beside the configuration when it is administered: what was seen that nobody has described."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.readers import UnmappedStatus
from dpp.application.views import View
from dpp.domain.configuration import Configuration


class FoundRepository(NamedTuple):
    """
    A repository as registered (§4.2.4).

    Attributes:
        former_names: other full names that it was seen under, in alphabetical order.
        is_known_to_github: whether GitHub itself has told of it, and not only a pipeline's push.
        reported_default_branch: as GitHub says; None while it has not.
        is_active: False for one that is archived or deleted.
        named_at: when a source last called it so.
        pull_requests: how many of it are known.
        last_deployed_at: when a production deployment of it last succeeded; None when none has.
    """

    repo_id: UUID
    full_name: str
    former_names: tuple[str, ...]
    is_known_to_github: bool
    tech_stream_id: UUID | None
    default_branch: str
    reported_default_branch: str | None
    is_deployable: bool
    deploy_target: str | None
    is_active: bool
    named_at: datetime
    pull_requests: int
    last_deployed_at: datetime | None


class AdministrationReader(Protocol):
    """Reads what administrators and leads look at; nothing that a view does not show takes part in it."""

    @abstractmethod
    async def repositories(self, view: View) -> Sequence[FoundRepository]:
        """Return the repositories of the view's technology streams, by full name; those of none to "all" only.

        Raises:
            Unavailable: the store does not answer.
        """

    @abstractmethod
    async def statuses_without_stage(self, view: View) -> Sequence[UnmappedStatus]:
        """Return the statuses that had no mapping when an event of a ticket that the view shows told of them.

        Those with most events come first, then by project and status. Which of them still have none is for
        ``still_unmapped`` to say.

        Raises:
            Unavailable: the store does not answer.
        """


def still_unmapped(
    seen: Iterable[UnmappedStatus], *, configuration: Configuration, project: str | None = None
) -> list[UnmappedStatus]:
    """Return those of some statuses that wait for a mapping, in order; with a project, those of that one."""
    return [
        row
        for row in seen
        if configuration.statuses.find(row.project, row.status) is None
        and (project is None or row.project.upper() == project.upper())
    ]
