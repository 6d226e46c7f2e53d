"""The platform's web application, which works every answer out anew."""

from __future__ import annotations

import asyncio
import sys

from dishka import Provider, Scope, provide

from dpp.application.answers import Answers
from dpp.entrypoints.bootstrap.serving import application
from dpp.entrypoints.cli.common import settings_of
from dpp.entrypoints.cli.ending import until_told_to_end
from dpp.entrypoints.http.server import serving


class Unkept(Provider):
    """Keeps no answer."""

    scope = Scope.APP
    answers = provide(Answers, override=True)


async def main(port: int) -> None:
    """Serve until told to end."""
    async with serving(application(settings_of(None), Unkept()), host="127.0.0.1", port=port):
        await until_told_to_end()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[-1])))
