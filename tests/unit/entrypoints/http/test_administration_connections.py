"""The connections to GitHub and Jira, administered over HTTP and on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from dpp.application.connections import ConnectedSource, Examined, NotConnected, Probe
from dpp.application.source_errors import SourceRefused
from dpp.domain.access import Grant, Role
from tests.support.administering import administrated, shown_values
from tests.support.derivation import CORE

pytestmark = pytest.mark.anyio

LEAD = (Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),)


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@dataclass
class Answering(Probe):
    """Answers, or does not."""

    rows: Sequence[Examined] = ()
    error: Exception | None = None

    async def examine(self) -> Sequence[Examined]:
        """Answer."""
        if self.error:
            raise self.error
        return self.rows


async def test_connections_show_what_is_there_and_no_secret() -> None:
    """The API tells addresses, organisations, projects, and which secrets there are; none says what one is."""
    async with administrated() as admin:
        answer = await admin.call("GET", "/connections")
        page = await admin.page("/admin/connections")
    found = answer.json()["data"]
    assert ("https://api.github.com", None) == (found["github"]["api_url"], found["github"]["app_id"])
    assert {"jira_api_token": False, "jira_webhook_secret": True, "jira_webhook_token": False} == {
        one["name"]: one["is_set"] for one in found["jira"]["secrets"]
    }
    assert ["PAY"] == [key for key in found["jira"]["projects"] if key == "PAY"]
    assert "jira_api_token" in page.text
    for text in (answer.text, page.text):
        assert "what nobody may see" not in text


async def test_a_connection_changes_and_the_change_is_on_record() -> None:
    """Address and user change by the API with the revision; what nobody named stays, and null takes one away."""
    async with administrated() as admin:
        revision = (await admin.call("GET", "/connections")).json()["data"]["jira"]["revision"]
        body = {"base_url": "https://acme.example", "user": "metrics@acme.example"}
        assert 200 == (await admin.call("PATCH", "/connections/jira", body, revision=revision)).status_code
        assert 409 == (await admin.call("PATCH", "/connections/jira", {"user": None}, revision=revision)).status_code
        assert 200 == (await admin.call("PATCH", "/connections/jira", {"user": None}, revision="*")).status_code
        jira = (await admin.configuration()).jira
        assert ("https://acme.example", None) == (jira.base_url, jira.user)


@pytest.mark.parametrize(
    "address", ["http://jira.example", "ftp://jira.example", "jira.example", "http://169.254.169.254/", ""]
)
async def test_an_address_that_would_not_do_is_refused(address: str) -> None:
    """What begins with anything but https is refused beside its field, and what was typed stays."""
    async with administrated() as admin:
        answer = await admin.call("PATCH", "/connections/jira", {"base_url": address}, revision="*")
        assert answer.status_code in {400, 422}
        if address:
            page = await admin.send("/admin/connections/jira", {"base_url": address, "revision": "*"})
            assert (422, address) == (page.status_code, shown_values(page.text)["base_url"])
            assert 'id="base_url-problem"' in page.text
        assert (await admin.configuration()).jira.base_url is None


async def test_the_page_changes_one_connection_at_a_time() -> None:
    """A form saves its own source; an empty field takes its value away; a stale page overwrites nothing."""
    async with administrated() as admin:
        before = shown_values((await admin.page("/admin/connections")).text)
        assert "https://api.github.com" == before["api_url"]
        sent = await admin.send(
            "/admin/connections/github",
            {"api_url": "https://git.example/api/v3", "app_id": "77", "revision": "*"},
        )
        assert (303, "/admin/connections?done=github-saved") == (sent.status_code, sent.headers["location"])
        github = (await admin.configuration()).github
        assert ("https://git.example/api/v3", "77") == (github.api_url, github.app_id)
        stale = await admin.send("/admin/connections/github", {"app_id": "78", "revision": "0123456789abcdef"})
        assert 409 == stale.status_code
        assert "Somebody else has changed" in stale.text
        assert 303 == (await admin.send("/admin/connections/github", {"revision": "*"})).status_code
        github = (await admin.configuration()).github
        assert ("https://api.github.com", None) == (github.api_url, github.app_id)
        assert 403 == (await admin.send("/admin/connections/github", {}, token="another")).status_code
        assert 404 == (await admin.send("/admin/connections/gitlab", {})).status_code


async def test_a_test_of_a_connection_says_what_it_found() -> None:
    """Each thing that was asked for has its answer; a refusal says what to do; who asked is on record."""
    refused = SourceRefused("Jira refuses the credentials (status 401)")
    github = Answering(rows=[Examined("acme-core", True, "3 repositories"), Examined("acme-web", False, "Install it")])
    probes: dict[ConnectedSource, Probe] = {
        ConnectedSource.GITHUB: github,
        ConnectedSource.JIRA: Answering(error=refused),
    }
    async with administrated(probes=probes) as admin:
        told = (await admin.call("POST", "/connections/github/test")).json()["data"]
        assert (False, ["acme-core", "acme-web"]) == (told["is_well"], [row["about"] for row in told["examined"]])
        page = await admin.send("/admin/connections/jira/test", {})
        assert "status 401" in page.text
        shown = (await admin.call("GET", "/connections")).json()["data"]
        assert "acme-web: Install it" == shown["github"]["answers"]["reason"]
        entries = await admin.log.entries()
    assert [("connection:jira", False), ("connection:github", False)] == [
        (entry.subject, (entry.details or {})["is_well"]) for entry in entries if entry.action == "connection.tested"
    ]


async def test_a_connection_that_answers_is_well() -> None:
    """Then the note of an earlier failure is gone."""
    jira = Answering(error=SourceRefused("no"))
    async with administrated(probes={ConnectedSource.JIRA: jira}) as admin:
        await admin.call("POST", "/connections/jira/test")
        jira.error, jira.rows = None, [Examined("custom fields", True, "recognised by name: sprint")]
        assert (await admin.call("POST", "/connections/jira/test")).json()["data"]["is_well"]
        assert (await admin.call("GET", "/connections")).json()["data"]["jira"]["answers"]["reason"] is None


async def test_what_is_not_connected_cannot_be_tested() -> None:
    """Without an address nothing is asked, and the answer says what to configure."""
    probe = Answering(error=NotConnected("No Jira is configured; give its address as base_url"))
    async with administrated(probes={ConnectedSource.JIRA: probe}) as admin:
        answer = await admin.call("POST", "/connections/jira/test")
        assert (409, "not_connected") == (answer.status_code, answer.json()["error"]["code"])
        assert "give its address" in (await admin.send("/admin/connections/jira/test", {})).text
        assert 400 == (await admin.call("POST", "/connections/gitlab/test")).status_code


async def test_connections_are_for_administrators() -> None:
    """Leads neither see, change nor test them, by whichever way."""
    async with administrated(LEAD) as lead:
        assert [403] * 6 == [
            (await lead.page("/admin/connections")).status_code,
            (await lead.call("GET", "/connections")).status_code,
            (await lead.call("PATCH", "/connections/jira", {"user": None}, revision="*")).status_code,
            (await lead.call("POST", "/connections/jira/test")).status_code,
            (await lead.send("/admin/connections/jira", {"revision": "*"})).status_code,
            (await lead.send("/admin/connections/jira/test", {})).status_code,
        ]
