"""The history of a GitHub organisation, page by page, resumable at each (§5.3.7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder, encode

from dpp.adapters.github.api import Installed, PermissionMissing
from dpp.adapters.github.parts import Part
from dpp.adapters.github.payloads import TimedRepository
from dpp.adapters.github.source import GitHubSource
from dpp.application.backfill import HistoryPage, SourceHistory
from dpp.application.source_errors import SourceRefused
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts

#: What is told of each repository, in this order. A list that is read the latest first moves on while new things are
#: added: what is seen twice is known by its identity, and nothing is passed over.
PARTS = ("pull_requests", "runs", "deployments", "pushes")


class Place(Struct, frozen=True):
    """Where a page begins: in a repository, by GitHub's number; in a part of what it tells; at that part's cursor."""

    repository: int
    part: str = PARTS[0]
    at: str | None = None


_PLACE = Decoder(Place)


class _Ask(Protocol):
    def __call__(self, where: Installed, repository: TimedRepository, *, at: str | None) -> Awaitable[Part]:
        """Ask for a part."""


class GitHubHistory(SourceHistory):
    """
    Tells the register of repositories first, then each repository's history.

    Args:
        source: asks GitHub.
        configuration: gives the configuration at hand; the organisations are those of its technology streams.
    """

    def __init__(self, *, source: GitHubSource, configuration: Callable[[], Configuration]) -> None:
        self._source = source
        self._configuration = configuration
        self._listed: dict[str, Mapping[int, TimedRepository]] = {}
        self._asks: Mapping[str, _Ask] = {
            "pull_requests": source.pull_requests,
            "runs": source.runs,
            "deployments": source.deployments,
            "pushes": source.pushes,
        }

    def organisations(self) -> Sequence[str]:
        """Return the organisations of the technology streams."""
        return [stream.github_org for stream in self._configuration().tech_streams]

    async def page(self, organisation: str, *, cursor: str | None) -> HistoryPage:
        """Return a page of an organisation."""
        where = installed(organisation, self._configuration())
        if cursor is None:
            return await self._beginning(where)
        place = _place(cursor)
        repository = (await self._repositories(where)).get(place.repository)
        part = Part() if repository is None else await self._part(where, repository, place)
        following = Place(place.repository, place.part, part.following) if part.following else None
        if following is None and repository is not None:
            following = _next_part(place)
        following = following or await self._next_repository(where, after=place.repository)
        return HistoryPage(
            facts=part.facts,
            cursor=None if following is None else encode(following).decode(),
            # Progress counts pull requests: they are what GitHub tells the number of.
            things=part.things if place.part == PARTS[0] else 0,
            unreadable=part.unreadable,
        )

    async def _beginning(self, where: Installed) -> HistoryPage:
        self._listed.pop(where.org, None)
        repositories = (await self._repositories(where)).values()
        first = await self._next_repository(where, after=-1)
        total = await self._source.pull_request_count(where) if repositories else 0
        facts = self._source.register(where, repositories) if repositories else Facts()
        return HistoryPage(facts=facts, cursor=encode(first).decode() if first else None, things=0, total=total)

    async def _part(self, where: Installed, repository: TimedRepository, place: Place) -> Part:
        try:
            return await self._asks[place.part](where, repository, at=place.at)
        except PermissionMissing as error:
            if place.part == PARTS[0]:
                raise
            # What the App may not read is missing, and said to be; the rest is read.
            return Part(
                unreadable=(f"{place.part} of {repository.full_name}: {error}. Then have this history read anew",)
            )

    async def _repositories(self, where: Installed) -> Mapping[int, TimedRepository]:
        if where.org not in self._listed:
            found = await self._source.repositories(where)
            self._listed[where.org] = {one.id: one for one in found if one.id is not None}
        return self._listed[where.org]

    async def _next_repository(self, where: Installed, *, after: int) -> Place | None:
        later = [number for number in await self._repositories(where) if number > after]
        return Place(min(later)) if later else None


def installed(organisation: str, configuration: Configuration) -> Installed:
    """Return an organisation with the App's installation in it.

    Raises:
        SourceRefused: the configuration does not say which one that is.
    """
    stream = configuration.tech_stream_of(org=organisation)
    if stream is None or not stream.github_install_id:
        raise SourceRefused(f"Give github_install_id for the technology stream of {organisation} and apply it")
    return Installed(org=stream.github_org, installation=stream.github_install_id)


def _place(cursor: str) -> Place:
    try:
        place = _PLACE.decode(cursor)
    except MsgspecError:
        place = None
    if place is None or place.part not in PARTS:
        raise SourceRefused("The place at which this history was left cannot be read; read it anew")
    return place


def _next_part(place: Place) -> Place | None:
    following = PARTS.index(place.part) + 1
    return Place(place.repository, PARTS[following]) if following < len(PARTS) else None
