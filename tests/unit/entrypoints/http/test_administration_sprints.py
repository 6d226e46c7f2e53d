"""Sprints, administered over HTTP and on pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from dpp.application.deliveries import AcceptedDelivery
from dpp.domain.access import Grant, Role
from dpp.domain.events import Facts, SprintFact, TicketFields, WorkItemEvent, WorkItemEventType
from tests.contracts.stores import delivery
from tests.support.administering import administrated, shown_values
from tests.support.derivation import LOGISTICS, PAYMENTS, at

pytestmark = pytest.mark.anyio

OTHER_LEAD = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=LOGISTICS),)
LEAD = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


def heard() -> Sequence[AcceptedDelivery]:
    """Return a sprint of Payments that has no last day."""
    report = SprintFact(
        event_timestamp=at(0), jira_sprint_id="7", name="Sprint 7", state="active", start_date=date(2026, 3, 2)
    )
    ticket = WorkItemEvent(
        event_type=WorkItemEventType.TRANSITIONED,
        event_timestamp=at(1),
        ticket_id="PAY-1",
        project_key="PAY",
        issue_id="1",
        source_change_id="1",
        to_status="Doing",
        fields=TicketFields(ticket_type="story", jira_sprint_id="7"),
    )
    return [delivery(Facts(sprints=(report,))), delivery(Facts(work_items=(ticket,)))]


async def test_a_page_takes_a_correction_down_and_back() -> None:
    """What was said stands beside what Jira says, and one button takes it back; the list has both."""
    async with administrated(deliveries=heard()) as admin:
        assert "missing" in (await admin.page("/admin/sprints")).text
        fields = {"end_date": "2026-03-13", "delivery_stream_id": str(LOGISTICS), "is_left_out": "1"}
        sent = await admin.send("/admin/sprints/7", fields)
        assert (303, "/admin/sprints/7?done=corrected") == (sent.status_code, sent.headers["location"])
        page = (await admin.page("/admin/sprints/7?done=corrected")).text
        assert "It is on record" in page
        shown = shown_values(page)
        assert fields == {name: shown[name] for name in fields}
        listed = (await admin.page("/admin/sprints")).text
        assert ("Jira says none" in listed, "left out" in listed, "Logistics" in listed) == (True, True, True)
        assert 303 == (await admin.send("/admin/sprints/7", {"do": "take_back"})).status_code
        assert "Jira says none" not in (await admin.page("/admin/sprints")).text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("end_date", "13.3.2026"),
        ("end_date", "2026-03-01"),
        ("end_date", "2029-03-01"),
        ("delivery_stream_id", "payments"),
        ("reason", "x" * 1001),
    ],
)
async def test_a_form_keeps_what_was_typed_and_says_what_to_mend(name: str, value: str) -> None:
    """The problem stands beside the field, and nothing was taken down."""
    async with administrated(deliveries=heard()) as admin:
        page = await admin.send("/admin/sprints/7", {name: value})
        assert 422 == page.status_code
        assert f'id="{name}-problem"' in page.text
        if name != "delivery_stream_id":
            assert value in page.text
        (found,) = (await admin.call("GET", "/sprints")).json()["data"]
        assert found["correction"] is None


async def test_the_api_says_and_takes_back() -> None:
    """A correction replaces the one before as a whole; taken back, the sprint is as Jira reports it."""
    async with administrated(deliveries=heard()) as admin:
        told = await admin.call("PUT", "/sprints/7/correction", {"end_date": "2026-03-13", "reason": "never closed"})
        assert ("2026-03-13", "never closed") == (told.json()["data"]["end_date"], told.json()["data"]["reason"])
        await admin.call("PUT", "/sprints/7/correction", {"is_left_out": True})
        (found,) = (await admin.call("GET", "/sprints")).json()["data"]
        assert (None, True) == (found["correction"]["end_date"], found["correction"]["is_left_out"])
        assert 200 == (await admin.call("DELETE", "/sprints/7/correction")).status_code
        (found,) = (await admin.call("GET", "/sprints")).json()["data"]
        assert (None, "2026-03-02") == (found["correction"], found["start_date"])
        refused = await admin.call("PUT", "/sprints/7/correction", {"end_date": "2026-02-01"})
        assert (422, True) == (refused.status_code, "before the first" in refused.text)
        assert 404 == (await admin.call("PUT", "/sprints/8/correction", {})).status_code
        assert 404 == (await admin.page("/admin/sprints/8")).status_code


async def test_leads_correct_sprints_of_their_streams() -> None:
    """The lead of its stream may; to others it is not there, and no stream of others can be chosen."""
    async with administrated(LEAD, deliveries=heard()) as lead:
        assert str(LOGISTICS) not in (await lead.page("/admin/sprints/7")).text
        assert 303 == (await lead.send("/admin/sprints/7", {"end_date": "2026-03-13"})).status_code
        given = await lead.send("/admin/sprints/7", {"delivery_stream_id": str(LOGISTICS)})
        assert 403 == given.status_code
        assert "ask an administrator" in given.text
        assert 403 == (await lead.send("/admin/sprints/7", {}, token="another")).status_code
    async with administrated(OTHER_LEAD, deliveries=heard()) as lead:
        assert [] == (await lead.call("GET", "/sprints")).json()["data"]
        assert [404, 404, 404] == [
            (await lead.page("/admin/sprints/7")).status_code,
            (await lead.send("/admin/sprints/7", {})).status_code,
            (await lead.call("PUT", "/sprints/7/correction", {})).status_code,
        ]
