"""Unread payloads over HTTP and on pages: looked into without reading about people, and tried again."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from dpp.application.deliveries import AcceptedDelivery
from dpp.application.ports import Batch
from dpp.domain.access import Grant, Role
from dpp.domain.events import Outcome, Source
from tests.support.administering import NOW, Administrated, administrated
from tests.support.derivation import PAYMENTS

pytestmark = pytest.mark.anyio

READABLE = json.dumps(
    {
        "incident_id": "INC-1",
        "event_type": "incident_opened",
        "service_name": "core",
        "severity": "high",
        "description": "Ada Lovelace broke it, ask ada@acme.example",
        "occurred_at": "2026-03-02T09:00:00Z",
    }
).encode()


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


async def put(
    admin: Administrated,
    body: bytes | None,
    *,
    number: int = 1,
    channel: str = "incident",
    kind: str | None = None,
    age: timedelta = timedelta(hours=1),
) -> UUID:
    """Let a payload wait for repair; None for one whose content never reached the store."""
    letter = AcceptedDelivery(
        delivery_uid=UUID(int=1000 + number),
        received_at=NOW - age,
        channel=channel,
        source=Source.MONITORING,
        outcome=Outcome.UNKNOWN,
        kind=kind,
        reason="nobody knew",
    )
    sealed = {} if body is None else {letter.delivery_uid: body[::-1]}
    await admin.stores.events.append(Batch(deliveries=[letter], sealed=sealed))
    return letter.delivery_uid


async def recorded(admin: Administrated) -> list[tuple[str, str | None]]:
    """Return what is on record of payloads, the first first."""
    entries = reversed(await admin.log.entries())
    return [(entry.action, entry.subject) for entry in entries if entry.action.startswith("dead_letter")]


async def test_a_payload_is_looked_into_on_record_and_without_its_values() -> None:
    """The outline has times, types and keys; no name, address or text of the payload is in the answer or the page."""
    async with administrated() as admin:
        uid = await put(admin, READABLE)
        [listed] = (await admin.call("GET", "/dead-letters")).json()["data"]
        assert (str(uid), "incident", "nobody knew") == (listed["delivery_uid"], listed["channel"], listed["reason"])
        opened = await admin.call("POST", f"/dead-letters/{uid}/outline")
        outline = json.loads(opened.json()["data"]["outline"])
        assert ("2026-03-02T09:00:00Z", "incident_opened") == (outline["occurred_at"], outline["event_type"])
        assert (len(READABLE), "(text, 43 characters)") == (opened.json()["data"]["size"], outline["description"])
        page = await admin.send(f"/admin/dead-letters/{uid}", {"do": "open"})
        assert 200 == page.status_code
        for answer in (opened, page, await admin.page("/admin/dead-letters")):
            assert [] == [word for word in ("Ada", "ada@", "INC-1") if word in answer.text]
        assert [("dead_letter.read", f"delivery:{uid}")] * 2 == await recorded(admin)


async def test_a_payload_that_can_be_read_now_is_read() -> None:
    """Tried again, its fact is on record, it waits no longer, and a second try finds nothing."""
    async with administrated() as admin:
        uid = await put(admin, READABLE)
        tried = (await admin.call("POST", f"/dead-letters/{uid}/retry")).json()["data"]
        assert ("understood", 1, 0) == (tried["outcome"], tried["accepted"], tried["duplicates"])
        [event] = admin.stores.database.events["incident_events"]
        assert "INC-1" == getattr(event.event, "incident_id", None)
        assert 404 == (await admin.call("POST", f"/dead-letters/{uid}/retry")).status_code
        again = await put(admin, READABLE, number=2)
        repeated = (await admin.call("POST", f"/dead-letters/{again}/retry")).json()["data"]
        assert (0, 1) == (repeated["accepted"], repeated["duplicates"])
        assert 1 == len(admin.stores.database.events["incident_events"])
        assert [("dead_letter.retried", f"delivery:{one}") for one in (uid, again)] == await recorded(admin)


async def test_a_payload_that_still_cannot_be_read_stays() -> None:
    """It is told why, and waits on; so does one that no reader takes as it is."""
    async with administrated() as admin:
        unknown = await put(admin, b'{"zen": 1}', channel="github", kind="never_heard_of")
        tried = (await admin.call("POST", f"/dead-letters/{unknown}/retry")).json()["data"]
        assert ("unknown", True) == (tried["outcome"], bool(tried["reason"]))
        broken = await put(admin, b'{"incident_id": 5}', number=2)
        assert "unknown" == (await admin.call("POST", f"/dead-letters/{broken}/retry")).json()["data"]["outcome"]
        page = await admin.send(f"/admin/dead-letters/{unknown}", {"do": "retry"})
        assert (422, True) == (page.status_code, "It still cannot be read" in page.text)
        assert 2 == len(admin.stores.database.dead_letters)


async def test_all_are_tried_at_once_on_the_page() -> None:
    """Of a readable payload, an unreadable one and one without content, the first goes and the others are counted."""
    async with administrated() as admin:
        await put(admin, READABLE)
        await put(admin, b'{"zen": 1}', number=2, channel="github", kind="never_heard_of")
        await put(admin, None, number=3)
        page = await admin.send("/admin/dead-letters/retry", {})
        assert 200 == page.status_code
        for told in ("1 read", "1 still not readable", "1 could not be opened"):
            assert told in page.text
        assert 2 == len(admin.stores.database.dead_letters)


async def test_what_has_expired_or_cannot_be_opened_is_told() -> None:
    """An expired payload is not there; one without content is a conflict; a form from elsewhere does nothing."""
    async with administrated() as admin:
        old = await put(admin, READABLE, age=timedelta(days=400))
        empty = await put(admin, None, number=2)
        assert [404, 409] == [
            (await admin.call("POST", f"/dead-letters/{uid}/outline")).status_code for uid in (old, empty)
        ]
        assert 403 == (await admin.send(f"/admin/dead-letters/{empty}", {"do": "open"}, token="0")).status_code
        assert [] == await recorded(admin)


async def test_leads_see_no_payload() -> None:
    """Payloads may be of any stream, and are for administrators alone."""
    async with administrated((Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)) as lead:
        uid = await put(lead, READABLE)
        paths = ("", f"/{uid}/outline", f"/{uid}/retry")
        calls = [await lead.call("POST" if path else "GET", f"/dead-letters{path}") for path in paths]
        assert [403, 403, 403] == [call.status_code for call in calls]
        assert 403 == (await lead.send(f"/admin/dead-letters/{uid}", {"do": "open"})).status_code
