"""The platform's web application, which works every answer out anew.

As in the platform, what all answers rest on is kept for seconds: the rates of data quality, and who contributed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import TypeVar

from dishka import Provider, Scope, provide

from dpp.application.answers import RATES, Answers
from dpp.application.cache import Keeping
from dpp.application.diagnostics import CONTRIBUTIONS
from dpp.application.kept_answers import KeptAnswers
from dpp.application.ports import ChangeFeed
from dpp.application.views import View
from dpp.entrypoints.bootstrap.serving import application
from dpp.entrypoints.cli.common import settings_of
from dpp.entrypoints.cli.ending import until_told_to_end
from dpp.entrypoints.http.server import serving

T = TypeVar("T")


class UnkeptAnswers(KeptAnswers):
    """Keeps no answer, but what several answers share."""

    async def get(self, question: Hashable, *, view: View, keeping: Keeping, compute: Callable[[], Awaitable[T]]) -> T:
        """Return what is shared as the platform does, and work anything else out."""
        if keeping in (RATES, CONTRIBUTIONS):
            return await super().get(question, view=view, keeping=keeping, compute=compute)
        return await compute()


class Unkept(Provider):
    """Has such answers."""

    scope = Scope.APP

    @provide(override=True)
    async def answers(self, feed: ChangeFeed) -> AsyncIterator[Answers]:
        """Follow changes while the process lives."""
        async with UnkeptAnswers(feed=feed) as answers:
            yield answers


async def main(port: int) -> None:
    """Serve until told to end."""
    async with serving(application(settings_of(None), Unkept()), host="127.0.0.1", port=port):
        await until_told_to_end()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[-1])))
