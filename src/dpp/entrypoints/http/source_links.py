"""Where the things behind figures are found in the systems that told of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from dpp.application.evidence_answers import Place
from dpp.domain.configuration import Configuration

_ENTERPRISE_API = "/api/v3"
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLinks:
    """
    Makes addresses of single things.

    Attributes:
        jira: address of Jira without a slash at its end; None where it is not configured.
        github: likewise of GitHub's pages.
    """

    jira: str | None
    github: str | None

    @classmethod
    def of(cls, configuration: Configuration) -> SourceLinks:
        """Return the links of a configuration; GitHub's pages are found from the address of its API."""
        return cls(jira=_root(configuration.jira.base_url), github=_pages(configuration.github.api_url))

    def of_place(self, place: Place) -> str | None:
        """Return the address of a thing; of a deployment that of the pull request, or else the commit, it brought."""
        return (
            self.ticket(place.ticket_id)
            or self.pull_request(place.repository, place.pr_number)
            or self.commit(place.repository, place.commit_sha)
        )

    def ticket(self, key: str | None) -> str | None:
        """Return the address of a ticket."""
        return f"{self.jira}/browse/{quote(key, safe='')}" if self.jira and key else None

    def pull_request(self, repository: str | None, number: int | None) -> str | None:
        """Return the address of a pull request; ``repository`` is ``organisation/name``."""
        return f"{self.github}/{quote(repository)}/pull/{number}" if self.github and repository and number else None

    def commit(self, repository: str | None, sha: str | None) -> str | None:
        """Return the address of a commit."""
        return f"{self.github}/{quote(repository)}/commit/{quote(sha)}" if self.github and repository and sha else None


def _root(address: str | None) -> str | None:
    """Return an address without query and slash at the end; None for what no browser should follow."""
    if not address or urlsplit(address).scheme not in _SCHEMES:
        return None
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _pages(api: str) -> str | None:
    """Return where people look at what an API tells: ``api.`` before the host goes, or the enterprise API's path."""
    root = _root(api)
    if root is None:
        return None
    parts = urlsplit(root.removesuffix(_ENTERPRISE_API))
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}{parts.path}"
