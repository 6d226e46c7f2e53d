"""GitHub gives up large queries, and may be unable to show one pull request at all: a history goes on all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from dpp.adapters.github.parts import Part
from dpp.adapters.github.pull_request_pages import GROWS_AFTER
from dpp.adapters.github.source import GitHubSource
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.source_errors import SourceUnavailable
from tests.support.told_github import Told, source, whole
from tests.unit.adapters.github.test_source import ACME, PAYMENTS, node

GIVEN_UP = {"data": None, "errors": [{"message": "Something went wrong while executing your query"}]}
TORN = Answer(status=200, body=b'{"data": {"repository": {"pullReq')
BAD_GATEWAY = Answer(status=502)
SILENT = Answer(status=0)


class Numbered(Http):
    """A repository of pull requests 1, 2, …, whose cursors are how many came before; some pages fail."""

    def __init__(self, count: int, *, fails: Callable[[range, bool], Answer | None]) -> None:
        self._told = Told({})
        self._count = count
        self._fails = fails
        self.sizes: list[int] = []

    async def ask(self, request: Request) -> Answer:
        """Answer with the pull requests asked for, or fail as the test says of their numbers."""
        if not request.url.endswith("/graphql"):
            return await self._told.ask(request)
        asked = msgspec.json.decode(request.body or b"")
        start = int(asked["variables"]["after"] or 0)
        numbers = range(start + 1, min(start + asked["variables"]["first"], self._count) + 1)
        is_whole = "title" in asked["query"]
        if is_whole:
            self.sizes.append(asked["variables"]["first"])
        nodes: list[Any] = [node(number) if is_whole else {"number": number} for number in numbers]
        page = {"pageInfo": {"hasNextPage": numbers.stop <= self._count, "endCursor": str(numbers.stop - 1)}}
        answer = whole({"data": {"repository": {"pullRequests": {**page, "nodes": nodes}}}})
        return self._fails(numbers, is_whole) or answer


def read(http: Http) -> list[Part]:
    """Return all pages."""
    return asyncio.run(_all(source(http)))


async def _all(asking: GitHubSource) -> list[Part]:
    parts = [await asking.pull_requests(ACME, PAYMENTS, at=None)]
    while parts[-1].following is not None:
        parts.append(await asking.pull_requests(ACME, PAYMENTS, at=parts[-1].following))
    return parts


def numbers_of(parts: Sequence[Part]) -> list[int]:
    """Return the pull requests that were read, in order, each once."""
    return list(dict.fromkeys(event.pr_number for part in parts for event in part.facts.pull_requests))


@pytest.mark.parametrize("failure", [BAD_GATEWAY, SILENT, TORN, whole(GIVEN_UP)])
def test_what_is_too_much_at_once_is_asked_for_in_smaller_pages(failure: Answer) -> None:
    """Nothing is missing and nothing passed over when GitHub manages ten at a time only."""
    http = Numbered(60, fails=lambda numbers, _: failure if len(numbers) > 10 else None)
    parts = read(http)
    assert [*range(1, 61)] == numbers_of(parts)
    assert () == tuple(problem for part in parts for problem in part.unreadable)


def test_pages_grow_again_after_a_while() -> None:
    """One heavy place does not make a whole history slow, and is not run into at each page."""
    http = Numbered(300, fails=lambda numbers, _: BAD_GATEWAY if 5 in numbers and len(numbers) > 10 else None)
    assert [*range(1, 301)] == numbers_of(read(http))
    assert [50] * 4 + [10] * GROWS_AFTER + [50] * 5 == http.sizes


def test_what_cannot_be_shown_alone_is_passed_over_and_named() -> None:
    """All others are read, and the history says which one is missing."""
    http = Numbered(25, fails=lambda numbers, is_whole: TORN if is_whole and 13 in numbers else None)
    parts = read(http)
    assert [number for number in range(1, 26) if number != 13] == numbers_of(parts)
    (problem,) = (problem for part in parts for problem in part.unreadable)
    assert "GitHub could not show pull request 13 of acme/payments; it was passed over" == problem


def test_the_last_one_is_passed_over_too() -> None:
    """A history whose last pull request cannot be shown ends."""
    http = Numbered(3, fails=lambda numbers, is_whole: TORN if is_whole and 3 in numbers else None)
    assert [1, 2] == numbers_of(read(http))


def test_whoever_is_down_is_left_alone_soon() -> None:
    """Nothing is passed over when nothing at all can be had, and few requests tell that."""
    http = Numbered(60, fails=lambda _numbers, _: BAD_GATEWAY)
    with pytest.raises(SourceUnavailable, match="502"):
        read(http)
    assert [50, 50, 50, 50, 10, 1] == http.sizes


def test_a_rate_limit_is_no_reason_to_ask_more_often() -> None:
    """A smaller page would cost as much of it."""
    used_up = Answer(status=403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000"})
    http = Numbered(60, fails=lambda _numbers, _: used_up)
    with pytest.raises(SourceUnavailable, match="rate limit"):
        read(http)
    assert {50} == {*http.sizes}
