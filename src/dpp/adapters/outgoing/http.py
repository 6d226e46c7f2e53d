"""Requests over HTTP to systems that are asked: one attempt each; who asks decides what is worth another one."""

from __future__ import annotations

import asyncio

import httpx

from dpp.application.outgoing import Answer, Http, Request, UnusableAddress

__all__ = ["Answer", "Http", "HttpxHttp", "Request", "UnusableAddress", "client"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
WHOLE_SECONDS = 60.0
"""From the first byte sent to the last one read, however slowly they drip."""
MAX_BYTES = 64 * 1024 * 1024
"""Of one answer, unpacked: a page of fifty tickets with long histories may have several."""


class HttpxHttp(Http):
    """Over httpx; ``client`` is closed by whoever made it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, request: Request) -> Answer:
        """Ask once."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                return await self._ask(request)
        except httpx.UnsupportedProtocol as error:
            raise UnusableAddress(f"{request.url} is no address that can be asked; give it with https://") from error
        except httpx.InvalidURL as error:
            raise UnusableAddress(f"{request.url} is no address that can be asked") from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError):
            return Answer(status=0)

    async def _ask(self, request: Request) -> Answer:
        body = bytearray()
        async with self._client.stream(
            request.method,
            request.url,
            params=dict(request.query) or None,
            headers=dict(request.headers),
            content=request.body or None,
        ) as answer:
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    return Answer(status=0)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(status=answer.status_code, headers=headers, body=bytes(body))


def client() -> httpx.AsyncClient:
    """Return a client for ``HttpxHttp``; proxies are those that the environment names for every program."""
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(timeout=timeout, follow_redirects=False)
