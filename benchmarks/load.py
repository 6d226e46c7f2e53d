"""A load client that costs little: prepared requests over connections that stay open."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter

from dpp.adapters.simulation import SimulatedOrganisation, Size

CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many requests were answered in how many seconds."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def pull_request_payload() -> dict[str, object]:
    """Return one real-sized ``pull_request`` delivery of the simulated organisation."""
    organisation = SimulatedOrganisation(1, start=datetime(2026, 3, 2, tzinfo=UTC), weeks=1, size=Size.MEDIUM)
    for delivery in organisation.deliveries():
        if delivery.headers.get("X-GitHub-Event") == "pull_request":
            payload: dict[str, object] = json.loads(delivery.body)
            if payload["action"] == "opened":
                return payload
    raise LookupError("the simulated week opened no pull request")


def requests(count: int, *, first: int, secret: bytes, path: str, size: int) -> list[bytes]:
    """Return prepared requests, each another pull request of one repository, padded to ``size`` bytes."""
    payload = pull_request_payload()
    inner = payload["pull_request"]
    if not isinstance(inner, dict):
        raise TypeError("a pull_request delivery holds a pull_request")
    inner["body"] = ""
    inner["body"] = "x" * max(0, size - len(json.dumps(payload)))
    return [_request(payload, inner, number, secret=secret, path=path) for number in range(first, first + count)]


def _request(payload: dict[str, object], inner: dict[str, object], number: int, *, secret: bytes, path: str) -> bytes:
    opened = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(seconds=number)
    payload["number"] = inner["number"] = number
    inner["id"] = 1_000_000 + number
    inner["created_at"] = inner["updated_at"] = opened.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps(payload).encode()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {number}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(prepared: Sequence[bytes], *, port: int, connections: int = CONNECTIONS) -> Outcome:
    """Send every request over ``connections`` connections, each waiting for one answer before it sends the next.

    Raises:
        RuntimeError: an answer is not 202.
    """
    upcoming = iter(prepared)
    begun = perf_counter()
    await asyncio.gather(*(_connection(upcoming, port) for _ in range(connections)))
    return Outcome(len(prepared), perf_counter() - begun)


async def _connection(upcoming: Iterator[bytes], port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in upcoming:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 202 " not in head[:20]:
                raise RuntimeError(f"answered {head[:200]!r}")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
    finally:
        writer.close()
