"""Asking an identity provider over HTTP: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import msgspec

from dpp.application.oidc_ports import ProviderUnavailable

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
WHOLE_SECONDS = 15.0
"""From the first byte sent to the last one read, however slowly they drip."""
MAX_BYTES = 512 * 1024
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, and the JSON object that came with it; empty when it was none."""

    status: int
    fields: Mapping[str, object] = field(repr=False)


def client() -> httpx.AsyncClient:
    """Return a client for ``ProviderHttp``; proxies are those that the environment names for every program."""
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    # A compressed answer could be far larger than what was read of it.
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    return httpx.AsyncClient(timeout=timeout, headers=headers, follow_redirects=False)


class ProviderHttp:
    """Asks for JSON objects."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def document(self, url: str, *, what: str) -> Mapping[str, object]:
        """Return a document that must be there.

        Raises:
            ProviderUnavailable: it is not; the message says ``what`` was looked for, and where.
        """
        answer = await self.ask("GET", url, what=what)
        if answer.status != httpx.codes.OK:
            raise ProviderUnavailable(f"The identity provider's {what} at {url} is not there: status {answer.status}")
        return answer.fields

    async def ask(
        self,
        method: str,
        url: str,
        *,
        what: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for anything; redirects are answers like others.

        Raises:
            ProviderUnavailable: there was no answer in time, one that is too long, or one of status 500 and above.
        """
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                status, body = await self._read(method, url, form, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Not the exception's own words: they may repeat what was sent.
            why = type(error).__name__
            raise ProviderUnavailable(f"The identity provider's {what} at {url} does not answer ({why})") from error
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
            raise ProviderUnavailable(f"The identity provider's {what} at {url} answers with status {status}")
        if len(body) > MAX_BYTES:
            raise ProviderUnavailable(f"The identity provider's {what} at {url} is longer than {MAX_BYTES} bytes")
        return Answer(status=status, fields=_object(body))

    async def _read(
        self, method: str, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> tuple[int, bytes]:
        body = bytearray()
        async with self._http.stream(method, url, data=form, headers=headers) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    break
        return response.status_code, bytes(body)


def is_protected(url: str) -> bool:
    """Whether nobody on the way can read or change what is exchanged: TLS, or this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS)
    )


def _object(body: bytes) -> Mapping[str, object]:
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
