"""Repositories as they come, go and change their names (§4.2.4, §5.3.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.json import Decoder

from dpp.adapters.github.decoding import decode, moment, required_moment
from dpp.adapters.github.payloads import (
    Installation,
    InstallationDelivery,
    Repository,
    RepositoryChanges,
    RepositoryDelivery,
    TimedInstallation,
    TimedRepository,
)
from dpp.adapters.github.references import repository_ref
from dpp.application.reading import Reading
from dpp.domain.events import Facts, Normalised, Outcome, RepositoryFact, RepositoryRef

_INSTALLATION = Decoder(InstallationDelivery)
_REPOSITORY = Decoder(RepositoryDelivery)

#: Actions that are read.
INSTALLATION_ACTIONS = frozenset({"created"})
INSTALLATION_REPOSITORIES_ACTIONS = frozenset({"added", "removed"})
REPOSITORY_ACTIONS = frozenset({"created", "renamed", "transferred", "archived", "unarchived", "deleted", "edited"})


def read_installation(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the repositories that a new installation lists."""
    delivery = decode(body, decoder=_INSTALLATION)
    installation = delivery.installation
    created_at = required_moment(installation.created_at, installation.updated_at, field="installation.created_at")
    return _listed(_facts(delivery.repositories, installation=installation, at=created_at, is_active=True))


def read_installation_repositories(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the repositories that an installation gained and lost; a lost one is not active any more."""
    delivery = decode(body, decoder=_INSTALLATION)
    installation = delivery.installation
    changed_at = required_moment(installation.updated_at, installation.created_at, field="installation.updated_at")
    return _listed(
        (
            *_facts(delivery.repositories_added, installation=installation, at=changed_at, is_active=True),
            *_facts(delivery.repositories_removed, installation=installation, at=changed_at, is_active=False),
        )
    )


def _listed(facts: tuple[RepositoryFact, ...]) -> Normalised:
    if not facts:
        return Normalised(
            outcome=Outcome.IGNORED, reason="it lists no repository; each is found when it is first heard of"
        )
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(repositories=facts))


def _facts(
    repositories: Iterable[Repository] | None, *, installation: TimedInstallation, at: datetime, is_active: bool
) -> tuple[RepositoryFact, ...]:
    ours = Installation(id=installation.id)
    return tuple(
        RepositoryFact(
            event_timestamp=at,
            repository=repository_ref(repository, installation=ours),
            is_active=is_active,
        )
        for repository in repositories or ()
    )


def read_repository(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return what became of one repository."""
    delivery = decode(body, decoder=_REPOSITORY)
    changes = delivery.changes or RepositoryChanges()
    if action == "edited" and changes.default_branch is None:
        return Normalised(outcome=Outcome.IGNORED, reason="of a repository's settings only the default branch is read")
    repository = repository_ref(delivery.repository, installation=delivery.installation)
    gone = action in ("archived", "deleted") or (bool(delivery.repository.archived) and action != "unarchived")
    fact = RepositoryFact(
        event_timestamp=_reported_at(delivery.repository),
        repository=repository,
        is_active=not gone,
        previous_full_name=_previous_full_name(repository, changes=changes),
    )
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(repositories=(fact,)))


def _reported_at(repository: TimedRepository) -> datetime:
    """
    The payload does not say when it happened. GitHub does not always move ``updated_at`` along (a rename can carry one
    from before the creation), so the latest time that the report knows of is the closest that there is.
    """
    times = (moment(time) for time in (repository.created_at, repository.updated_at, repository.pushed_at))
    return max((time for time in times if time), default=None) or required_moment(field="repository.updated_at")


def _previous_full_name(repository: RepositoryRef, *, changes: RepositoryChanges) -> str | None:
    if changes.repository and changes.repository.name and changes.repository.name.former:
        return f"{repository.org}/{changes.repository.name.former}"
    if changes.owner and changes.owner.former:
        owner = changes.owner.former.organization or changes.owner.former.user
        return f"{owner.login}/{repository.name}" if owner and owner.login else None
    return None
