"""The baseline of the intake: the same server and route, which only verifies and decodes."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from litestar import Litestar, Request, Response, post

from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.application.reading import Reading
from dpp.domain.configuration import Configuration
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.cli.ending import until_told_to_end
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.intake import GITHUB_LIMIT, body_of, headers_of
from dpp.entrypoints.http.server import serving

PATH = "/api/v1/webhooks/github"


def application(secret: bytes) -> Litestar:
    """Build the application."""
    reader = GitHubWebhookReader()
    reading = Reading(configuration=Configuration(), pseudonymiser=Pseudonymiser(b"k" * 32))

    @post(PATH, status_code=202)
    async def github(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Verify, decode, forget."""
        body = await body_of(request, limit=GITHUB_LIMIT)
        verified = reader.verify(headers=headers_of(request), body=body, secrets=(secret,))
        facts = reader.normalise(verified, reading=reading).facts
        return answer({"accepted": len(facts.events), "duplicates": 0}, status=202)

    return Litestar([github])


async def main(port: int, secret: bytes) -> None:
    """Serve until told to end."""
    async with serving(application(secret), host="127.0.0.1", port=port):
        await until_told_to_end()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2].encode()))
