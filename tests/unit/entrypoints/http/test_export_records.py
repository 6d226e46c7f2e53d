"""Tables that leave the platform are on record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from litestar import Litestar, Request, Response, get
from litestar.testing import TestClient

from dpp.adapters.memory.access import MemoryAccessStore
from dpp.application.access_ports import AuditEntry
from dpp.domain.access import Grant, Role, user_principal
from dpp.domain.errors import Unavailable
from dpp.entrypoints.http.export_records import mark_exports, recorder
from tests.support.access import HandClock
from tests.unit.entrypoints.test_no_secret_shows import World

WHO = user_principal(user_id=UUID(int=9), name="Ada", grants=[Grant(role=Role.VIEWER)])


class _Away(MemoryAccessStore):
    async def record(self, entry: AuditEntry) -> None:
        """Refuse."""
        raise Unavailable("away")


def _app(store: MemoryAccessStore, *, media_type: str = "text/csv", status: int = 200) -> Litestar:
    def enter(request: Request[Any, Any, Any]) -> None:
        request.state["principal"] = WHO

    @get("/table", sync_to_thread=False, before_request=enter)
    def table() -> Response[bytes]:
        return Response(b"a,b\n1,2\n", media_type=media_type, status_code=status)

    return Litestar(
        [table], before_send=[mark_exports], after_response=recorder(lambda: store, HandClock), openapi_config=None
    )


def _entries(store: MemoryAccessStore) -> Sequence[AuditEntry]:
    return asyncio.run(store.entries())


def test_a_download_is_one_entry_of_who_what_and_by_which_filters() -> None:
    """The form of the answer is told by the action, the table by its own name, and tokens are told not at all."""
    store = MemoryAccessStore()
    with TestClient(_app(store, media_type="text/csv; charset=utf-8")) as client:
        query = "?format=csv&table=weeks&delivery_stream=a&delivery_stream=b&token=hidden&long=" + 300 * "x"
        assert b"a,b\n1,2\n" == client.get(f"/table{query}").content
    expected = AuditEntry(
        occurred_at=HandClock().now(),
        actor=WHO.actor,
        action="export.csv",
        subject="path:/table",
        details={"table": "weeks", "filters": {"delivery_stream": ["a", "b"], "long": [200 * "x"]}},
    )
    assert [expected] == _entries(store)


def test_only_tables_that_were_sent_are_on_record() -> None:
    """Neither JSON nor an answer that the caller has already is an export."""
    store = MemoryAccessStore()
    for app in (_app(store, media_type="application/json"), _app(store, status=404), _app(store, status=304)):
        with TestClient(app) as client:
            client.get("/table")
    assert [] == _entries(store)


def test_a_log_that_is_away_costs_nobody_their_table() -> None:
    """The answer is whole, and a warning stands for the entry."""
    with structlog.testing.capture_logs() as heard, TestClient(_app(_Away())) as client:
        answer = client.get("/table")
    assert (200, b"a,b\n1,2\n") == (answer.status_code, answer.content)
    assert [("export.not_recorded", "warning", WHO.actor)] == [
        (one["event"], one["log_level"], one["actor"]) for one in heard
    ]


def test_the_application_records_what_a_key_downloads() -> None:
    """The same list as JSON leaves no trace, as CSV one."""
    world = World()
    asyncio.run(world.configuration.refresh())
    headers = {"authorization": f"Bearer {world.key.key}"}
    with TestClient(world.app()) as client:
        told = [client.get(f"/api/v1/streams/delivery?format={form}", headers=headers) for form in ("json", "csv")]
    assert [200, 200] == [one.status_code for one in told]
    exported = [entry for entry in _entries(world.access.store) if entry.action == "export.csv"]
    assert [(f"key:{world.key.key_id}", "path:/api/v1/streams/delivery")] == [
        (entry.actor, entry.subject) for entry in exported
    ]
