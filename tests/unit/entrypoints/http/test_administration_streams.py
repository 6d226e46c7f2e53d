"""Streams and status mappings, administered over HTTP and on pages."""

from __future__ import annotations

import pytest

from dpp.domain.access import Grant, Role
from dpp.domain.stages import Stage
from tests.support.administering import administrated, shown_values
from tests.support.derivation import CORE, LOGISTICS, PAYMENTS, STATUSES, delivery, finished_ticket, ticket_event

pytestmark = pytest.mark.anyio

LEAD = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),)
TECH_LEAD = (Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),)


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


async def test_a_stream_is_added_renamed_and_archived() -> None:
    """A stream keeps its id through a new name, and an archived one stays on the list."""
    async with administrated() as admin:
        added = await admin.call("POST", "/delivery-streams", {"name": "cards", "team_size": 5})
        assert (201, ["delivery stream cards: added"]) == (added.status_code, added.json()["data"]["changes"])
        rows = (await admin.call("GET", "/delivery-streams")).json()["data"]
        [cards] = [row for row in rows if row["name"] == "cards"]
        renamed = await admin.call(
            "PATCH", "/delivery-streams/cards", {"name": "plastic", "is_active": False}, revision=cards["revision"]
        )
        assert ["delivery stream cards: name cards → plastic", "delivery stream cards: archived"] == renamed.json()[
            "data"
        ]["changes"]
        [row] = [row for row in (await admin.configuration()).delivery_streams if row.name == "plastic"]
        assert (cards["stream_id"], False) == (str(row.stream_id), row.is_active)


async def test_of_two_administrators_the_second_is_told() -> None:
    """A change to what somebody else has changed since is a conflict; one to something else is not."""
    async with administrated() as admin:
        rows = {row["name"]: row["revision"] for row in (await admin.call("GET", "/delivery-streams")).json()["data"]}
        first = await admin.call(
            "PATCH", "/delivery-streams/payments", {"description": "one"}, revision=rows["payments"]
        )
        second = await admin.call(
            "PATCH", "/delivery-streams/payments", {"description": "two"}, revision=f'"{rows["payments"]}"'
        )
        other = await admin.call("PATCH", "/delivery-streams/logistics", {"team_size": 4}, revision=rows["logistics"])
        assert [200, 409, 200] == [first.status_code, second.status_code, other.status_code]
        assert "configuration_changed" == second.json()["error"]["code"]
        assert "read it again" in second.json()["error"]["message"]
        forced = await admin.call("PATCH", "/delivery-streams/payments", {"description": "two"}, revision="*")
        assert ["delivery stream payments: description one → two"] == forced.json()["data"]["changes"]


async def test_what_cannot_be_is_named_with_its_remedy() -> None:
    """A name that is taken, a zone that does not exist: 422 names the field, says what to do, and nothing changes."""
    async with administrated() as admin:
        before = await admin.configuration()
        taken = await admin.call("POST", "/delivery-streams", {"name": "pay", "display_name": "Logistics"})
        zone = await admin.call("POST", "/delivery-streams", {"name": "x", "calendar": {"time_zone": "Europe/Lundun"}})
        twice = await admin.call("POST", "/delivery-streams", {"name": "PAYMENTS"})
        assert [422, 422, 409] == [taken.status_code, zone.status_code, twice.status_code]
        assert "display_name: 'Logistics' is also a name of the stream" in taken.json()["error"]["message"]
        assert zone.json()["error"]["message"].startswith("calendar.time_zone: ")
        assert before == await admin.configuration()


async def test_a_lead_sees_and_changes_their_own_stream_only() -> None:
    """Another stream is not there for a lead, and its answers are those of a stream that does not exist."""
    async with administrated(LEAD) as lead:
        rows = (await lead.call("GET", "/delivery-streams")).json()["data"]
        assert ["payments"] == [row["name"] for row in rows]
        assert [] == (await lead.call("GET", "/tech-streams")).json()["data"]
        own = await lead.call("PATCH", "/delivery-streams/payments", {"team_size": 7}, revision=rows[0]["revision"])
        by_id = await lead.call("PATCH", f"/delivery-streams/{PAYMENTS}", {"team_size": 8}, revision="*")
        of_another = await lead.call("PATCH", f"/delivery-streams/{LOGISTICS}", {"team_size": 8}, revision="*")
        assert [200, 200, 404] == [own.status_code, by_id.status_code, of_another.status_code]
        for body in ({"team_size": 7}, {"name": "x"}):
            foreign, none = [
                await lead.call("PATCH", f"/delivery-streams/{name}", body, revision="*")
                for name in ("logistics", "nothing")
            ]
            assert (404, foreign.json()["error"]["message"].replace("logistics", "nothing")) == (
                none.status_code,
                none.json()["error"]["message"],
            )
            assert 404 == foreign.status_code
        for change in ({"name": "logistics"}, {"display_name": "Logistics"}, {"minimum_contributors": 1}):
            refused = await lead.call("PATCH", "/delivery-streams/payments", change, revision="*")
            assert (403, False) == (refused.status_code, "ogistics" in refused.text)
        assert 403 == (await lead.call("POST", "/delivery-streams", {"name": "new"})).status_code
        assert 404 == (await lead.page(f"/admin/delivery-streams/{LOGISTICS}")).status_code
        assert "Logistics" not in (await lead.page("/admin/delivery-streams")).text


async def test_viewers_administer_nothing() -> None:
    """Neither a page nor a route opens to somebody who leads no stream."""
    async with administrated((Grant(role=Role.TEAM_MEMBER),)) as member:
        assert 403 == (await member.call("GET", "/delivery-streams")).status_code
        assert 403 == (await member.page("/admin/delivery-streams")).status_code


async def test_a_page_keeps_what_was_typed() -> None:
    """What cannot be saved is shown again as it was typed, beside what to mend; then it is saved."""
    async with administrated() as admin:
        path = f"/admin/delivery-streams/{PAYMENTS}"
        shown = await admin.page(path)
        assert 200 == shown.status_code
        fields = shown_values(shown.text) | {"display_name": "Paying", "team_size": "many"}
        wrong = await admin.send(path, fields)
        assert 422 == wrong.status_code
        assert ("Paying", "many") == (shown_values(wrong.text)["display_name"], shown_values(wrong.text)["team_size"])
        assert 'id="team_size-problem">must be a whole number<' in wrong.text
        right = await admin.send(path, fields | {"team_size": "8"})
        assert (303, f"{path}?done=saved") == (right.status_code, right.headers["location"])
        assert "Saved." in (await admin.page(right.headers["location"])).text
        [row] = [row for row in (await admin.configuration()).delivery_streams if row.stream_id == PAYMENTS]
        assert ("Paying", 8, None) == (row.display_name, row.team_size, row.calendar)


async def test_a_page_says_that_somebody_was_faster() -> None:
    """A form that was opened before somebody else's change overwrites nothing; sent again, it does."""
    async with administrated() as admin:
        path = f"/admin/delivery-streams/{PAYMENTS}"
        fields = shown_values((await admin.page(path)).text)
        await admin.call("PATCH", "/delivery-streams/payments", {"team_size": 3}, revision="*")
        late = await admin.send(path, fields | {"team_size": "9"})
        assert (409, "9") == (late.status_code, shown_values(late.text)["team_size"])
        assert "Somebody else has changed this stream" in late.text
        assert "<dt>team size</dt><dd>3</dd>" in late.text
        assert 303 == (await admin.send(path, shown_values(late.text))).status_code
        assert 9 == (await admin.configuration()).delivery_streams[0].team_size


async def test_a_form_of_somebody_else_does_nothing() -> None:
    """Without the session's token, or from another site, a form is shown again and changes nothing."""
    async with administrated() as admin:
        before = await admin.configuration()
        assert 403 == (await admin.send("/admin/delivery-streams", {"name": "x"}, token="0" * 64)).status_code
        admin.own["sec-fetch-site"] = "cross-site"
        assert 403 == (await admin.send("/admin/delivery-streams", {"name": "x"})).status_code
        assert before == await admin.configuration()


async def test_unmapped_statuses_are_mapped_on_the_page() -> None:
    """The page names a status that nobody has mapped, with its events; a preview changes nothing, saving does."""
    steps = [*finished_ticket(number=1)[:2]]
    steps += [ticket_event(steps[1].event_type, 5, status="Odd", change="777")]
    async with administrated(deliveries=[delivery(*steps)]) as admin:
        listed = (await admin.call("GET", "/status-mappings?project=PAY")).json()["data"]
        assert [("PAY", "Odd", 1)] == [(row["project"], row["status"], row["events"]) for row in listed["unmapped"]]
        shown = (await admin.page("/admin/status-mappings?project=PAY")).text
        assert "1 status of PAY was seen and means nothing yet; 1 event wait" in shown
        fields = {
            "revision": shown_values(shown)["revision"],
            "status": [*(row[0] for row in STATUSES), "Odd"],
            "stage": [*(row[1].value for row in STATUSES), "qa"],
            "activity": ["works"] * 6,
            "order": ["1"] * 6,
            "events": [""] * 5 + ["1"],
        }
        preview = await admin.send("/admin/status-mappings/PAY", {**fields, "do": "preview"})
        assert (200, 5) == (preview.status_code, len((await admin.configuration()).status_mappings) // 2)
        assert "status PAY/Odd: added as qa, active" in preview.text
        assert "1 ticket would be in another place" in preview.text
        assert '<td class="delta">0 → <strong class="is-changed">1</strong></td>' in preview.text
        saved = await admin.send("/admin/status-mappings/PAY", {**fields, "do": "save"})
        assert 303 == saved.status_code
        found = (await admin.configuration()).statuses.find("PAY", "odd")
        assert found is not None
        assert (Stage.QA, True) == (found.stage, found.active)
        assert [] == (await admin.call("GET", "/status-mappings?project=PAY")).json()["data"]["unmapped"]


async def test_the_api_previews_what_it_would_do() -> None:
    """A preview by a script tells figures now and then, and is bound to the revision that was read."""
    async with administrated(deliveries=[delivery(*finished_ticket(number=1))]) as admin:
        [project] = (await admin.call("GET", "/status-mappings?project=PAY")).json()["data"]["projects"]
        body = {
            "mappings": [
                {"status": status, "stage": stage.value, "active": active or status == "Waiting for QA"}
                for status, stage, active in STATUSES
            ]
        }
        found = await admin.call("POST", "/status-mappings/PAY/preview", body, revision=project["revision"])
        data = found.json()["data"]
        assert (200, 1, 0, 90) == (found.status_code, data["tickets"], data["tickets_moved"], data["window_days"])
        stale = await admin.call("POST", "/status-mappings/PAY/preview", body, revision="0")
        assert 409 == stale.status_code
        assert 404 == (await admin.call("PUT", "/status-mappings/NONE", body, revision="*")).status_code


async def test_a_lead_maps_the_statuses_of_their_project() -> None:
    """The lead of the stream that a project is for maps its statuses; another project is not there for them."""
    mapping = {"mappings": [{"status": "Open", "stage": "ba", "active": True}]}
    odd = ticket_event(finished_ticket()[0].event_type, 1, key="LOG-1", issue="5", status="Odd", change="9")
    async with administrated(LEAD, deliveries=[delivery(odd)]) as lead:
        listed = (await lead.call("GET", "/status-mappings")).json()["data"]
        assert ({"PAY"}, []) == ({row["project"] for row in listed["mappings"]}, listed["unmapped"])
        assert 200 == (await lead.call("PUT", "/status-mappings/PAY", mapping, revision="*")).status_code
        assert 404 == (await lead.call("PUT", "/status-mappings/LOG", mapping, revision="*")).status_code
        assert 404 == (await lead.page("/admin/status-mappings?project=LOG")).status_code
    async with administrated(TECH_LEAD) as lead:
        assert [] == (await lead.call("GET", "/status-mappings")).json()["data"]["projects"]
        assert ["core"] == [row["name"] for row in (await lead.call("GET", "/tech-streams")).json()["data"]]
