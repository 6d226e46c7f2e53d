"""The repositories that sources have named: registered on sight, recognised through renames and transfers (§4.2.4).

Every store keeps the same register by the same rules. What it says is a function of the sightings and not of their
order: a repository is called as its latest sighting called it; of two that claim one name the one seen later under it
has it; and a former name still leads to its repository until somebody else takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from dpp.application.enrich import tech_stream_of
from dpp.domain.configuration import Configuration, RepositoryOverride, folded
from dpp.domain.events import NAMESPACE, RepositoryFact, RepositoryRef

DEFAULT_BRANCH = "main"

#: A later sighting under the name already known is noted when it is later by this much; so a late rename is misjudged
#: at most by this, and a busy repository costs a write per hour and not per event.
SIGHTING_RESOLUTION = timedelta(hours=1)

#: A report of a former name says that it was the name until then.
JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository as registered; ``merged_into`` is the one that it turned out to be, found under two names."""

    repo_id: UUID
    github_org: str
    github_repo_name: str
    github_repo_id: int | None = None
    github_install_id: str | None = None
    tech_stream_id: UUID | None = None
    reported_default_branch: str | None = None
    default_branch: str = DEFAULT_BRANCH
    is_deployable: bool = True
    deploy_target: str | None = None
    is_active: bool = True
    named_at: datetime
    reported_at: datetime | None = None
    merged_into: UUID | None = None

    @property
    def full_name(self) -> str:
        """``org/name``."""
        return f"{self.github_org}/{self.github_repo_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The latest time at which a repository was seen under a name; ``name`` is folded for comparison."""

    name: str
    repo_id: UUID
    github_org: str
    github_repo_name: str
    seen_at: datetime


class Repositories:
    """The register in memory, with what has changed in it since it was loaded.

    Args:
        repositories: all that are registered.
        sightings: the names that each of them was seen under.
        configuration: resolves technology streams and what people say of repositories.
    """

    def __init__(
        self, repositories: Iterable[Repository], sightings: Iterable[Sighting], *, configuration: Configuration
    ) -> None:
        self.configuration = configuration
        self._all: dict[UUID, Repository] = {}
        self._by_github_id: dict[int, UUID] = {}
        self._names: dict[str, dict[UUID, Sighting]] = {}
        self._names_of: dict[UUID, dict[str, Sighting]] = {}
        self._overrides = {folded(override.full_name): override for override in configuration.repositories}
        self._targets: dict[str, UUID] | None = None
        for repository in repositories:
            self._keep(repository)
        for sighting in sightings:
            self._keep_sighting(sighting)
        self._changed: set[UUID] = set()
        self._new_sightings: set[tuple[str, UUID]] = set()

    @property
    def all(self) -> tuple[Repository, ...]:
        """Every repository that is registered."""
        return tuple(self._all.values())

    @property
    def changed(self) -> tuple[Repository, ...]:
        """Those to be written, in the order of their ids."""
        return tuple(self._all[repo_id] for repo_id in sorted(self._changed))

    @property
    def changed_sightings(self) -> tuple[Sighting, ...]:
        """The sightings to be written, in the order of names and ids."""
        return tuple(self._names[name][repo_id] for name, repo_id in sorted(self._new_sightings))

    def saved(self) -> None:
        """Take note that what had changed is written."""
        self._changed.clear()
        self._new_sightings.clear()

    def names_of(self, repo_id: UUID) -> tuple[str, ...]:
        """Return the full names that a repository was ever seen under, as they were spelt last."""
        return tuple(f"{row.github_org}/{row.github_repo_name}" for row in self._names_of.get(repo_id, {}).values())

    def find(self, ref: RepositoryRef) -> Repository | None:
        """Return the repository that a source means: by GitHub's id, else by the name that it has or had."""
        if ref.github_id is not None and ref.github_id in self._by_github_id:
            return self._resolved(self._by_github_id[ref.github_id])
        return self._named(folded(ref.full_name), github_id=ref.github_id)

    def tech_stream_of_service(self, service_name: str) -> UUID | None:
        """Return the technology stream whose repository deploys to a service: by its whole ``deploy_target``, or by
        the part behind the colon (§5.4.3).
        """
        if self._targets is None:
            self._targets = _targets(self._all.values())
        return self._targets.get(folded(service_name))

    def is_news(self, ref: RepositoryRef, *, at: datetime) -> bool:
        """Say whether a sighting would change anything here."""
        found = self.find(ref)
        if found is None:
            return True
        if ref.github_id is None:
            return False
        if found.github_repo_id != ref.github_id:
            return True
        # Names are read before repositories: one that was registered in between has none here yet.
        sighting = self._names_of.get(found.repo_id, {}).get(folded(ref.full_name))
        if sighting is None or at >= sighting.seen_at + SIGHTING_RESOLUTION:
            return True
        spelling = (sighting.github_org, sighting.github_repo_name)
        return at >= sighting.seen_at and (
            spelling != (ref.org, ref.name) or _told(found, ref) != _told(found, RepositoryRef(org="", name=""))
        )

    def reports_news(self, fact: RepositoryFact) -> bool:
        """Say whether a report would change anything here."""
        found = self.find(fact.repository)
        if found is None or self.is_news(fact.repository, at=fact.event_timestamp):
            return True
        former = fact.previous_full_name
        if former is not None and folded(former) not in self._names_of.get(found.repo_id, {}):
            return True
        late = found.reported_at is not None and fact.event_timestamp < found.reported_at
        return not late and (found.is_active is not fact.is_active or found.reported_at is None)

    def see(self, ref: RepositoryRef, *, at: datetime) -> Repository:
        """Register a repository, or take note of what a sighting tells of one: its id, its name, its branch."""
        known = self._known(ref)
        if known is None:
            known = self._register(ref, at=at)
        elif ref.github_id is None:
            return known
        if known.github_repo_id is None and ref.github_id is not None:
            known = self._change(replace(known, github_repo_id=ref.github_id))
        if at >= known.named_at or known.reported_default_branch is None:
            branch, installation = _told(known, ref)
            known = self._change(replace(known, reported_default_branch=branch, github_install_id=installation))
        return self._note(known, ref, at=at)

    def report(self, fact: RepositoryFact) -> Repository:
        """Take note of what a source says of a repository; of two reports the later one counts."""
        ref, at = fact.repository, fact.event_timestamp
        if fact.previous_full_name is not None:
            org, _, name = fact.previous_full_name.partition("/")
            self.see(RepositoryRef(org=org, name=name, github_id=ref.github_id), at=at - JUST_BEFORE)
        known = self.see(ref, at=at)
        if known.reported_at is None or at > known.reported_at:
            return self._change(replace(known, is_active=fact.is_active, reported_at=at))
        if at == known.reported_at and not fact.is_active:
            return self._change(replace(known, is_active=False))
        return known

    def reconfigure(self, configuration: Configuration) -> None:
        """Resolve every repository anew."""
        self.configuration = configuration
        self._overrides = {folded(override.full_name): override for override in configuration.repositories}
        for repository in self.all:
            self._refresh(repository.repo_id)

    # --- finding --------------------------------------------------------------------------------------------------

    def _resolved(self, repo_id: UUID) -> Repository:
        repository = self._all[repo_id]
        while repository.merged_into is not None:
            repository = self._all[repository.merged_into]
        return repository

    def _named(self, name: str, *, github_id: int | None) -> Repository | None:
        """Return who has a name or, failing that, had it last; to a known other id it leads to nobody else's."""
        holders = self._names.get(name)
        if not holders:
            return None
        if github_id is not None:
            anonymous = (self._resolved(repo_id) for repo_id in holders)
            return next((item for item in anonymous if item.github_repo_id is None), None)
        best = max(holders.values(), key=lambda item: (self._current(item.repo_id).name == name, *_recency(item)))
        return self._resolved(best.repo_id)

    def _known(self, ref: RepositoryRef) -> Repository | None:
        """Find a repository and, when it was registered twice, make one of the two."""
        found = self.find(ref)
        if found is None or found.github_repo_id is None or ref.github_id is None:
            return found
        double = self._named(folded(ref.full_name), github_id=ref.github_id)
        if double is not None and double.repo_id != found.repo_id:
            self._change(replace(double, merged_into=found.repo_id))
            self._settle_name(folded(ref.full_name))
        return found

    # --- changing -------------------------------------------------------------------------------------------------

    def _register(self, ref: RepositoryRef, *, at: datetime) -> Repository:
        name = str(ref.github_id) if ref.github_id is not None else folded(ref.full_name)
        repository = Repository(
            repo_id=uuid5(NAMESPACE, f"repository\x1f{name}"),
            github_org=ref.org,
            github_repo_name=ref.name,
            github_repo_id=ref.github_id,
            named_at=at,
        )
        return self._change(repository)

    def _note(self, repository: Repository, ref: RepositoryRef, *, at: datetime) -> Repository:
        """Note a sighting and settle who is called what."""
        names = self._names_of.setdefault(repository.repo_id, {})
        name = folded(ref.full_name)
        before = self._current(repository.repo_id).name if names else name
        if name not in names or at > names[name].seen_at:
            sighting = Sighting(
                name=name, repo_id=repository.repo_id, github_org=ref.org, github_repo_name=ref.name, seen_at=at
            )
            self._keep_sighting(sighting)
            self._new_sightings.add((name, repository.repo_id))
        for contested in {before, name, self._current(repository.repo_id).name}:
            self._settle_name(contested)
        return self._all[repository.repo_id]

    def _settle_name(self, name: str) -> None:
        """Give a name to the one seen under it last; others whose name it was are marked with their id."""
        claims = [
            sighting for repo_id, sighting in self._names.get(name, {}).items() if self._current(repo_id).name == name
        ]
        claims.sort(key=lambda item: (self._all[item.repo_id].merged_into is None, *_recency(item)), reverse=True)
        for rank, sighting in enumerate(claims):
            repository = self._all[sighting.repo_id]
            mark = f"@{repository.github_repo_id or repository.repo_id}" if rank else ""
            self._change(
                replace(
                    repository,
                    github_org=sighting.github_org,
                    github_repo_name=sighting.github_repo_name + mark,
                    named_at=sighting.seen_at,
                )
            )
        # Also those who had it once: what is configured under it may have been theirs.
        for repo_id in self._names.get(name, ()):
            self._refresh(repo_id)

    def _refresh(self, repo_id: UUID) -> None:
        """Resolve what the configuration says of a repository."""
        repository = self._all[repo_id]
        override = self._override_of(repository) or RepositoryOverride(full_name=repository.full_name)
        ref = RepositoryRef(
            org=repository.github_org, name=repository.github_repo_name, installation_id=repository.github_install_id
        )
        self._change(
            replace(
                repository,
                tech_stream_id=tech_stream_of(ref, configuration=self.configuration),
                deploy_target=override.deploy_target,
                is_deployable=override.is_deployable if override.is_deployable is not None else True,
                default_branch=override.default_branch or repository.reported_default_branch or DEFAULT_BRANCH,
            )
        )

    def _override_of(self, repository: Repository) -> RepositoryOverride | None:
        """Return what people say of a repository, under the name that it has or under a former one that is free."""
        sightings = sorted(self._names_of.get(repository.repo_id, {}).values(), key=_recency, reverse=True)
        for sighting in sightings:
            override = self._overrides.get(sighting.name)
            if override is not None and self._named(sighting.name, github_id=None) == repository:
                return override
        return None

    def _current(self, repo_id: UUID) -> Sighting:
        return max(self._names_of[repo_id].values(), key=_recency)

    def _change(self, repository: Repository) -> Repository:
        if self._all.get(repository.repo_id) != repository:
            self._keep(repository)
            self._changed.add(repository.repo_id)
        return repository

    def _keep(self, repository: Repository) -> None:
        self._all[repository.repo_id] = repository
        self._targets = None
        if repository.github_repo_id is not None:
            self._by_github_id[repository.github_repo_id] = repository.repo_id

    def _keep_sighting(self, sighting: Sighting) -> None:
        self._names.setdefault(sighting.name, {})[sighting.repo_id] = sighting
        self._names_of.setdefault(sighting.repo_id, {})[sighting.name] = sighting


def _recency(sighting: Sighting) -> tuple[datetime, str, str]:
    return (sighting.seen_at, sighting.name, str(sighting.repo_id))


def _told(known: Repository, ref: RepositoryRef) -> tuple[str | None, str | None]:
    """Return the default branch and the installation as a sighting leaves them."""
    return ref.default_branch or known.reported_default_branch, ref.installation_id or known.github_install_id


def _targets(repositories: Iterable[Repository]) -> dict[str, UUID]:
    targets: dict[str, UUID] = {}
    parts: dict[str, UUID] = {}
    for repository in sorted(repositories, key=lambda item: item.repo_id):
        if repository.deploy_target is not None and repository.tech_stream_id is not None:
            targets.setdefault(folded(repository.deploy_target), repository.tech_stream_id)
            part = folded(repository.deploy_target.rpartition(":")[2])
            parts.setdefault(part, repository.tech_stream_id)
    return parts | targets


class DeployTarget(NamedTuple):
    """A repository that deploys to a service."""

    repo_id: UUID
    tech_stream_id: UUID | None
    deploy_target: str

    @property
    def services(self) -> tuple[str, str]:
        """What the service may be called, in lower case: the whole target, or its part behind the colon."""
        return folded(self.deploy_target), folded(self.deploy_target.rpartition(":")[2])


def services_of(
    names: Iterable[str], *, targets: Iterable[DeployTarget]
) -> dict[str, tuple[UUID | None, frozenset[UUID]]]:
    """
    Return the technology stream and the repositories of each service that something deploys to (§5.4.3).

    Args:
        names: of services, as an incident has them; those that nothing deploys to are left out.
        targets: a service is the whole of one, or its part behind the colon; the whole goes first, then the repository
            with the smallest id decides on the stream.
    """
    whole: dict[str, list[DeployTarget]] = {}
    parts: dict[str, list[DeployTarget]] = {}
    for target in sorted(targets):
        entire, part = target.services
        whole.setdefault(entire, []).append(target)
        parts.setdefault(part, []).append(target)
    found: dict[str, tuple[UUID | None, frozenset[UUID]]] = {}
    for name in names:
        matching = whole.get(folded(name)) or parts.get(folded(name), [])
        if matching:
            stream = next((target.tech_stream_id for target in matching if target.tech_stream_id), None)
            found[name] = (stream, frozenset(target.repo_id for target in matching))
    return found
