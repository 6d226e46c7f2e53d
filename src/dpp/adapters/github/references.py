"""Who and where: persons as hashes, repositories as references, and the pattern of the organisation they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dpp.adapters.github.decoding import NotUnderstood
from dpp.adapters.github.payloads import Installation, Organization, Repository, User
from dpp.application.reading import Reading
from dpp.domain.configuration import TechStream
from dpp.domain.events import RepositoryRef
from dpp.domain.linking import BranchPattern
from dpp.domain.privacy import PersonHash, github_identity, is_bot

#: GitHub shows what a deleted account did as done by this account, and leaves the account null in payloads.
GHOST = "10137"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """All that is kept of an account."""

    hash: PersonHash
    is_bot: bool


def person(user: User | None, *, reading: Reading) -> Person:
    """Return the hash of an account by its most stable id; a deleted account's is that of GitHub's ghost."""
    if user is None:
        return Person(hash=reading.pseudonymiser.hash("github", GHOST), is_bot=False)
    identity = github_identity(user_id=user.id, login=user.login) or GHOST
    return Person(
        hash=reading.pseudonymiser.hash("github", identity),
        is_bot=is_bot(login=user.login, account_type=user.type),
    )


def repository_ref(repository: Repository, *, installation: Installation | None) -> RepositoryRef:
    """
    Return what identifies a repository.

    Raises:
        NotUnderstood: neither ``full_name`` nor owner and name say what it is called.
    """
    org, _, name = (repository.full_name or "").partition("/")
    if not (org and name):
        owner = repository.owner or User()
        org, name = owner.login or owner.name or "", repository.name or ""
    if not (org and name):
        raise NotUnderstood("Object missing required field `repository.full_name`")
    return RepositoryRef(
        org=org,
        name=name,
        github_id=repository.id,
        installation_id=None if installation is None or installation.id is None else str(installation.id),
        default_branch=repository.default_branch or None,
    )


def tech_stream_of(
    repository: RepositoryRef, *, organization: Organization | None, reading: Reading
) -> TechStream | None:
    """Return the technology stream of a delivery: by installation, else by organisation, else by the owner's name."""
    find = reading.configuration.tech_stream_of
    named = organization.login if organization and organization.login else repository.org
    return find(org=named, installation_id=repository.installation_id) or find(org=repository.org)


def branch_pattern(repository: RepositoryRef, *, organization: Organization | None, reading: Reading) -> BranchPattern:
    """Return how the technology stream of a delivery writes tickets into titles; the default without one."""
    stream = tech_stream_of(repository, organization=organization, reading=reading)
    return _pattern(stream.branch_pattern if stream else None)


@lru_cache(maxsize=256)
def _pattern(text: str | None) -> BranchPattern:
    """Checking a pattern takes a hundred times longer than using it."""
    return BranchPattern(text) if text else BranchPattern()
