"""API keys."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from dpp.application.keys import FRESH, SEEN_LATELY, InvalidKey, NewKey
from dpp.domain.access import Permission, PrincipalKind, StreamScope
from dpp.domain.errors import Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable
from tests.support.access import START, Access

CORE = UUID(int=11)
SCOPE = StreamScope(tech_streams=frozenset({CORE}))


def story(tell: Callable[[Access, NewKey], Awaitable[None]]) -> None:
    """Tell a story that begins with one key."""

    async def whole() -> None:
        access = Access()
        key = await access.keys.create(
            name="pipeline",
            permissions=["events:write"],
            scope=SCOPE,
            actor="test",
            expires_after=timedelta(days=30),
        )
        await tell(access, key)

    asyncio.run(whole())


def bearer(key: NewKey) -> str:
    """Return the header that a client sends."""
    return f"Bearer {key.key}"


def test_a_key_proves_itself() -> None:
    """A key carries its permissions and its streams."""

    async def tell(access: Access, key: NewKey) -> None:
        found = await access.keys.verify(bearer(key))
        assert (PrincipalKind.KEY, key.key_id, "pipeline") == (found.kind, found.id, found.name)
        assert (frozenset({Permission.EVENTS_WRITE}), SCOPE) == (found.permissions, found.scope)
        assert START + timedelta(days=30) == key.expires_at

    story(tell)


def test_only_a_keyed_hash_is_stored() -> None:
    """The stored hash is HMAC-SHA256 over id and secret under the pepper; the key itself shows nowhere."""

    async def tell(access: Access, key: NewKey) -> None:
        prefix, key_id, secret = key.key.split("_", 2)
        assert ("dpp", key.key_id.hex) == (prefix, key_id)
        assert 43 == len(secret)
        stored = await access.store.key(key.key_id)
        assert stored is not None
        message = b"api-key\x1f" + key.key_id.bytes + secret.encode()
        assert hmac.digest(b"pepper", message, "sha256").hex() == stored.key_hash
        assert secret not in repr(key) + repr(stored) + repr(await access.store.entries())
        assert sha256(secret.encode()).hexdigest() != stored.key_hash

    story(tell)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic dXNlcjpw", "dpp_1_2", "Bearer "])
def test_without_a_key_nobody_is_known(header: str | None) -> None:
    """A header without a bearer key is no proof."""

    async def tell(access: Access, key: NewKey) -> None:
        with pytest.raises(Unauthenticated):
            await access.keys.verify(header)

    story(tell)


def test_wrong_keys_are_refused() -> None:
    """A changed secret, another id, another case and anything cut off or added are refused."""

    async def tell(access: Access, key: NewKey) -> None:
        swapped = key.key[:-1] + ("A" if key.key[-1] != "A" else "B")
        other = key.key.replace(key.key_id.hex, UUID(int=404).hex)
        for wrong in (swapped, other, key.key[:-1], key.key + "A", key.key.upper(), "x" * 10_000, "dpp_\ud800_x"):
            with pytest.raises(InvalidKey):
                await access.keys.verify(f"Bearer {wrong}")
        assert key.key_id == (await access.keys.verify(f"bearer   {key.key} ")).id

    story(tell)


def test_a_key_ends_at_its_time() -> None:
    """A key is good until it expires, also when it was just used."""

    async def tell(access: Access, key: NewKey) -> None:
        access.clock.forward(days=30, seconds=-1)
        await access.keys.verify(bearer(key))
        access.clock.forward(seconds=1)
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key))

    story(tell)


def test_a_key_switched_off_is_refused() -> None:
    """Where it was switched off a key is refused at once, elsewhere after a few seconds."""

    async def tell(access: Access, key: NewKey) -> None:
        elsewhere = access.another_process()
        await access.keys.verify(bearer(key))
        await elsewhere.verify(bearer(key))
        await access.keys.deactivate(key.key_id, actor="test")
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key))
        access.clock.time += FRESH
        with pytest.raises(InvalidKey):
            await elsewhere.verify(bearer(key))
        with pytest.raises(NotFound):
            await access.keys.deactivate(UUID(int=404), actor="test")

    story(tell)


def test_verification_asks_the_store_rarely() -> None:
    """A thousand deliveries in a second cost one look-up and one note of use; a minute later one more each."""

    async def tell(access: Access, key: NewKey) -> None:
        await asyncio.gather(*(access.keys.verify(bearer(key)) for _ in range(1000)))
        assert (1, 1) == (access.store.key_reads, access.store.key_notes)
        access.clock.forward(seconds=59)
        await access.keys.verify(bearer(key))
        assert (2, 1) == (access.store.key_reads, access.store.key_notes)
        access.clock.forward(seconds=1)
        await access.keys.verify(bearer(key))
        stored = await access.store.key(key.key_id)
        assert stored is not None
        assert START + timedelta(minutes=1) == stored.last_used_at

    story(tell)


def test_a_key_seen_lately_is_good_while_the_store_is_away() -> None:
    """Five minutes long a known key passes without the store, and a wrong secret of it does not."""

    async def tell(access: Access, key: NewKey) -> None:
        await access.keys.verify(bearer(key))
        access.store.is_away = True
        access.clock.time += SEEN_LATELY - timedelta(seconds=1)
        await access.keys.verify(bearer(key))
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key)[:-4] + "AAAA")
        access.clock.forward(seconds=1)
        with pytest.raises(Unavailable):
            await access.keys.verify(bearer(key))
        access.store.is_away = False
        await access.keys.verify(bearer(key))

    story(tell)


def test_an_unknown_key_cannot_be_judged_while_the_store_is_away() -> None:
    """Nobody is told that a key is wrong when nobody can know."""

    async def tell(access: Access, key: NewKey) -> None:
        access.store.is_away = True
        with pytest.raises(Unavailable):
            await access.keys.verify(bearer(key))

    story(tell)


def test_expiry_counts_while_the_store_is_away() -> None:
    """A key that expires during an outage is refused from then on."""

    async def tell(access: Access, key: NewKey) -> None:
        access.clock.forward(days=30, minutes=-1)
        await access.keys.verify(bearer(key))
        access.store.is_away = True
        access.clock.forward(minutes=1)
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key))

    story(tell)


def test_a_pepper_is_rotated_without_breaking_keys() -> None:
    """A key made under the previous pepper passes, and after that also when the previous one is gone."""

    async def tell(access: Access, key: NewKey) -> None:
        access.secrets.put("api_key_pepper", b"new")
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key))
        access.secrets.put("api_key_pepper.previous", b"pepper")
        await access.keys.verify(bearer(key))
        access.secrets.put("api_key_pepper.previous", b"")
        await access.keys.verify(bearer(key))
        await access.another_process().verify(bearer(key))

    story(tell)


@pytest.mark.parametrize(
    ("name", "permissions", "scope", "days", "field"),
    [
        (" ", ["events:write"], SCOPE, None, "name"),
        ("key", [], SCOPE, None, "permission"),
        ("key", ["events:write", "survey:submit"], SCOPE, None, "permission"),
        ("key", ["everything"], SCOPE, None, "permission"),
        ("key", ["events:write"], StreamScope(), None, "stream"),
        ("key", ["events:write"], SCOPE, 0, "expires"),
    ],
)
def test_impossible_keys_are_not_made(
    name: str, permissions: list[str], scope: StreamScope, days: int | None, field: str
) -> None:
    """A key needs a name, permissions that there are, a stream at least, and a time to live."""

    async def tell(access: Access, key: NewKey) -> None:
        with pytest.raises(InvalidInput) as caught:
            await access.keys.create(
                name=name,
                permissions=permissions,
                scope=scope,
                actor="test",
                expires_after=None if days is None else timedelta(days=days),
            )
        assert field == caught.value.field
        assert 1 == len(await access.store.keys())

    story(tell)


def test_a_caller_who_gives_up_does_not_take_the_answer_from_others() -> None:
    """Cancelling one of two requests with the same key leaves the other one its answer."""

    async def tell(access: Access, key: NewKey) -> None:
        one, other = (asyncio.create_task(access.keys.verify(bearer(key))) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        assert key.key_id == (await other).id

    story(tell)


def test_a_key_is_replaced_with_an_overlap() -> None:
    """The new key is good for the same and as long; both work until the overlap ends, then the new one alone."""

    async def tell(access: Access, key: NewKey) -> None:
        access.clock.forward(days=10)
        new = await access.keys.rotate(key.key_id, overlap=timedelta(days=2), actor="test")
        old, found = await access.keys.verify(bearer(key)), await access.keys.verify(bearer(new))
        assert (old.permissions, old.scope, old.name) == (found.permissions, found.scope, found.name)
        assert START + timedelta(days=40) == new.expires_at
        access.clock.forward(days=2)
        with pytest.raises(InvalidKey):
            await access.keys.verify(bearer(key))
        await access.keys.verify(bearer(new))
        with pytest.raises(NotFound):
            await access.keys.rotate(key.key_id, overlap=timedelta(), actor="test")

    story(tell)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=91)])
def test_an_overlap_has_a_length(overlap: timedelta) -> None:
    """A negative overlap and one without an end in sight are refused, and the key stays as it was."""

    async def tell(access: Access, key: NewKey) -> None:
        with pytest.raises(InvalidInput, match="0 to 90 days"):
            await access.keys.rotate(key.key_id, overlap=overlap, actor="test")
        assert 1 == len(await access.keys.all())

    story(tell)


@pytest.mark.parametrize(
    ("permissions", "scope"),
    [(["events:write", "metrics:read"], SCOPE), (["events:write"], StreamScope.everything())],
)
def test_a_key_is_good_for_no_more_than_its_maker(permissions: list[str], scope: StreamScope) -> None:
    """A key with a permission or a stream that its maker lacks is not made."""

    async def tell(access: Access, key: NewKey) -> None:
        maker = await access.keys.verify(bearer(key))
        with pytest.raises(Forbidden):
            await access.keys.create(name="more", permissions=permissions, scope=scope, actor="test", within=maker)
        await access.keys.create(name="same", permissions=["events:write"], scope=SCOPE, actor="test", within=maker)

    story(tell)


def test_use_of_a_key_goes_on_record_once_a_day() -> None:
    """However often a key is used, the log has one entry for a day."""

    async def tell(access: Access, key: NewKey) -> None:
        for _ in range(26):
            await access.keys.verify(bearer(key))
            access.clock.forward(hours=1)
        used = [entry for entry in await access.store.entries() if entry.action == "key.used"]
        assert [f"key:{key.key_id}"] * 2 == [entry.actor for entry in used]

    story(tell)
