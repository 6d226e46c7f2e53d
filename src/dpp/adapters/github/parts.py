"""What a repository tells part by part, and how one is named in a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from dpp.adapters.github.api import Installed
from dpp.adapters.github.payloads import Installation, TimedRepository
from dpp.adapters.github.references import repository_ref
from dpp.domain.events import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    Some of what a repository has to tell.

    Attributes:
        facts: what it tells.
        following: where the next part begins; None after the last.
        things: pull requests, runs, deployments or pushes in it.
        unreadable: why things could not be read, once for each.
    """

    facts: Facts = field(default_factory=Facts)
    following: str | None = None
    things: int = 0
    unreadable: tuple[str, ...] = ()


def installation_of(where: Installed) -> Installation:
    """Return an installation as webhooks have it."""
    return Installation(id=int(where.installation) if where.installation.isdigit() else None)


def names_of(repository: TimedRepository) -> dict[str, object]:
    """Return how GraphQL's variables name a repository."""
    ref = repository_ref(repository, installation=None)
    return {"owner": ref.org, "name": ref.name}


def path_of(repository: TimedRepository) -> str:
    """Return where REST has a repository."""
    ref = repository_ref(repository, installation=None)
    return f"/repos/{quote(ref.org, safe='')}/{quote(ref.name, safe='')}"
