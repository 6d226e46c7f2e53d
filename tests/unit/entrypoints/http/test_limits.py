"""Invalid API keys by the address they come from."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from litestar import Litestar, Router, get
from litestar.testing import TestClient

from dpp.application.rates import TooManyRequests
from dpp.domain.access import Permission, StreamScope
from dpp.domain.errors import DppError
from dpp.entrypoints.http.addresses import address_of
from dpp.entrypoints.http.auth import Gate, guard
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.failed_keys import BURST, FailedKeys
from tests.support.access import Access, HandClock

INVALID = "Bearer dpp_" + "0" * 32 + "_" + "x" * 43


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_behind_proxy", "expected"),
    [
        ("192.0.2.1", "198.51.100.7", False, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", True, "198.51.100.7"),
        ("192.0.2.1", "203.0.113.1, 198.51.100.7", True, "198.51.100.7"),
        ("192.0.2.1", "somebody", True, "192.0.2.1"),
        ("192.0.2.1", "", True, "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", False, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", False, "192.0.2.1"),
        ("testclient", "", False, "testclient"),
        (None, "", False, "unknown"),
    ],
)
def test_the_address_of_a_request(peer: str | None, forwarded: str, is_behind_proxy: bool, expected: str) -> None:
    """What a sender claims counts only as far as a proxy of ours has added it; an IPv6 network counts as one."""
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    assert expected == address_of(peer=peer, headers=headers, is_behind_proxy=is_behind_proxy)


def test_known_keys_pass_whatever_their_neighbours_send() -> None:
    """After thirty failures an unknown key waits two seconds, a known one and one from elsewhere do not."""
    clock = HandClock()
    failed = FailedKeys(now=clock.now)
    for _ in range(BURST):
        failed.check("a", is_known=lambda: False)
        failed.note("a")
    with pytest.raises(TooManyRequests) as caught:
        failed.check("a", is_known=lambda: False)
    assert 2 == caught.value.retry_after
    failed.check("a", is_known=lambda: True)
    failed.check("b", is_known=lambda: False)
    clock.time += timedelta(seconds=2)
    failed.check("a", is_known=lambda: False)


def test_invalid_keys_get_429_and_valid_ones_an_answer() -> None:
    """The route answers 401, then 429 with Retry-After and without asking the store, and a key seen before goes on."""
    access = Access()
    key = asyncio.run(
        access.keys.create(name="k", permissions=["metrics:read"], scope=StreamScope.everything(), actor="test")
    )
    gate = Gate(keys=access.keys, signin=access.signin, session_key=b"k" * 32)

    @get("/", opt={"permission": Permission.METRICS_READ})
    async def route() -> str:
        return "figures"

    app = Litestar(
        [Router("/", route_handlers=[route], guards=[guard(lambda: gate)])],
        exception_handlers={DppError: on_platform_error},
        openapi_config=None,
    )
    with TestClient(app) as client:
        valid, invalid = {"authorization": f"Bearer {key.key}"}, {"authorization": INVALID}
        assert 200 == client.get("/", headers=valid).status_code
        assert {401} == {client.get("/", headers=invalid).status_code for _ in range(BURST)}
        reads = access.store.key_reads
        refused = client.get("/", headers=invalid)
        assert (429, "too_many_requests") == (refused.status_code, refused.json()["error"]["code"])
        assert "2" == refused.headers["retry-after"]
        assert reads == access.store.key_reads
        assert 200 == client.get("/", headers=valid).status_code
