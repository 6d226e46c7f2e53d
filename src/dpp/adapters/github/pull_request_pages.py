"""Pages of pull requests as large as GitHub manages: it gives up a query that takes long, and a smaller one may do.

What cannot be read even alone is passed over and said to be, so that one pull request does not stop a history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Raw

from dpp.adapters.github import api_graph
from dpp.adapters.github.api import GitHubApi, Installed, TooMuch
from dpp.application.source_errors import SourceUnavailable

SIZES = (50, 10, 1)
GROWS_AFTER = 5
"""So many good pages in a row, and the next larger size is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestPage:
    """
    Some pull requests.

    Attributes:
        nodes: each to be read on its own.
        following: where the next page begins; None after the last.
        passed_over: the number of the one that GitHub could not show, in place of all others; None for none.
    """

    nodes: Sequence[Raw] = ()
    following: str | None = None
    passed_over: int | None = None


@dataclass(slots=True)
class _Pace:
    """Which of the sizes an organisation's pages have, and how many in a row were good."""

    place: int = 0
    good: int = 0

    def succeeded(self) -> None:
        self.good += 1
        if self.place and self.good >= GROWS_AFTER:
            self.place, self.good = self.place - 1, 0

    def failed(self) -> bool:
        """Take the next smaller size; False when there is none."""
        self.good = 0
        if self.place + 1 == len(SIZES):
            return False
        self.place += 1
        return True


class PullRequestPages:
    """
    Asks for pages, and for smaller ones where GitHub does not manage them.

    Args:
        api: asks.
    """

    def __init__(self, *, api: GitHubApi) -> None:
        self._api = api
        self._paces: dict[str, _Pace] = {}

    async def page(self, where: Installed, variables: Mapping[str, object]) -> PullRequestPage | None:
        """
        Return a page; None when there is no such repository.

        Args:
            where: the organisation.
            variables: of the query, but for the size.

        Raises:
            SourceRefused: a person has to mend something first.
            SourceUnavailable: GitHub cannot be read at present, be the page ever so small.
        """
        pace = self._paces.setdefault(where.org, _Pace())
        first: TooMuch | None = None
        while True:
            try:
                # A smaller page is asked for once: GitHub was asked patiently for the larger one.
                found = await self._ask(where, variables, size=SIZES[pace.place], is_patient=first is None)
            except TooMuch as error:
                first = first or error
                if pace.failed():
                    continue
                return await self._passing_over(where, variables, first)
            pace.succeeded()
            return found

    async def _ask(
        self, where: Installed, variables: Mapping[str, object], *, size: int, is_patient: bool
    ) -> PullRequestPage | None:
        asked = {**variables, "first": size}
        answer = await self._api.graphql(
            where, api_graph.PULL_REQUESTS, asked, decoder=api_graph.PULL_REQUESTS_ANSWER, is_patient=is_patient
        )
        data = api_graph.data_of(answer)
        if data is None or data.repository is None:
            return None
        found = data.repository.pull_requests
        return PullRequestPage(nodes=found.nodes, following=found.page_info.following)

    async def _passing_over(
        self, where: Installed, variables: Mapping[str, object], why: TooMuch
    ) -> PullRequestPage | None:
        """Ask for nothing but where the next one begins: whoever cannot tell even that is not to be read at all."""
        asked = {**variables, "first": 1}
        try:
            answer = await self._api.graphql(
                where, api_graph.PLACES, asked, decoder=api_graph.PLACES_ANSWER, is_patient=False
            )
            data = api_graph.data_of(answer)
        except SourceUnavailable:
            raise why from None
        if data is None or data.repository is None:
            return None
        found = data.repository.pull_requests
        number = found.nodes[0].number if found.nodes else None
        return PullRequestPage(following=found.page_info.following, passed_over=number)
