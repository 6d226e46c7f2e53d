"""The simulated GitHub and Jira at one address, with pages for people and faults that stand for a while."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dpp.adapters.github.app import GitHubApp
from dpp.adapters.simulation import SimulatedOrganisation, Size
from dpp.adapters.simulation.simulated_sources import Credentials, SimulatedSources, SourceAnswer
from dpp.adapters.simulation.standing_faults import Standing, StandingFaults, Trouble
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.source_errors import SourceRefused
from tests.support.simulated_github import APP_ID, pem

START = datetime(2026, 1, 5, tzinfo=UTC)
USER, TOKEN = "metrics@acme.example", b"a-token"


class Asked:
    """Sources of two weeks whose clock a test moves."""

    def __init__(self, directory: Path) -> None:
        self.organisation = SimulatedOrganisation(7, start=START, weeks=2, size=Size.SMALL)
        self.now = self.organisation.end
        self.faults = StandingFaults(directory / "faults.json")
        credentials = Credentials(app_id=APP_ID, private_key=pem(), jira_user=USER, jira_token=TOKEN)
        self.sources = SimulatedSources(
            organisation=self.organisation, clock=lambda: self.now, credentials=credentials, faults=self.faults
        )

    def jira(self, path: str = "/rest/api/2/serverInfo", *, token: bytes = TOKEN) -> SourceAnswer:
        """Ask Jira as the service account."""
        shown = b64encode(f"{USER}:".encode() + token).decode()
        return self.sources.answer("GET", path, {}, headers={"authorization": f"Basic {shown}"})

    def github(self, *, installation: int = 1001) -> SourceAnswer:
        """Ask GitHub with the token of an installation."""
        path, shown = "/api/v3/installation/repositories", f"Bearer ghs_of_{installation}"
        return self.sources.answer("GET", path, {}, headers={"Authorization": shown})

    def page(self, path: str) -> SourceAnswer:
        """Look at a page."""
        return self.sources.answer("GET", path, {}, headers={})


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Return sources with nothing wrong."""
    return Asked(tmp_path)


def test_both_sources_answer_whoever_proves_themself(asked: Asked) -> None:
    """Jira knows its account by the token, GitHub an installation by its own; others get 401."""
    assert b'"Cloud"' in asked.jira().body
    assert 401 == asked.jira(token=b"another").status
    assert 3 == json.loads(asked.github().body)["total_count"]
    assert 401 == asked.sources.answer("GET", "/api/v3/installation/repositories", {}, headers={}).status
    assert 404 == asked.page("/elsewhere").status


def test_the_app_proves_itself_with_its_key(asked: Asked) -> None:
    """A statement signed with the App's key gets an installation's token; by another App it does not."""

    class Wired(Http):
        async def ask(self, request: Request) -> Answer:
            path = request.url.removeprefix("http://sources")
            told = asked.sources.answer(request.method, path, {}, headers=request.headers, body=request.body)
            return Answer(status=told.status, body=told.body)

    def app(number: str) -> GitHubApp:
        return GitHubApp(
            http=Wired(),
            api_url="http://sources/api/v3",
            app_id=number,
            private_key=pem,
            now=lambda: asked.now,
        )

    assert "ghs_of_1001" == asyncio.run(app(APP_ID).token("1001"))
    with pytest.raises(SourceRefused, match="does not know the App"):
        asyncio.run(app("999").token("1001"))


@pytest.mark.parametrize(
    ("trouble", "github", "jira"),
    [("down", 502, 503), ("rate-limit", 403, 429), ("refused", 401, 401), ("forbidden", 403, 403)],
)
def test_a_fault_stands_until_its_time_is_over(asked: Asked, trouble: Trouble, github: int, jira: int) -> None:
    """Every request meets the fault until its end, and none after it; the other source goes on."""
    standing = Standing(trouble=trouble, until=asked.now + timedelta(minutes=5))
    asked.faults.put("github", standing)
    assert [github, github, 200] == [asked.github().status, asked.github().status, asked.jira().status]
    asked.faults.put("jira", standing)
    asked.faults.put("github", None)
    assert [200, jira, jira] == [asked.github().status, asked.jira().status, asked.jira().status]
    asked.now += timedelta(minutes=5)
    assert 200 == asked.jira().status


def test_silence_and_torn_answers(asked: Asked) -> None:
    """A silent source sends nothing, and a truncated answer is no JSON."""
    until = asked.now + timedelta(minutes=5)
    asked.faults.put("jira", Standing(trouble="silent", until=until))
    assert asked.jira().is_silent
    asked.faults.put("jira", Standing(trouble="truncated", until=until))
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(asked.jira().body)


def test_a_spoiled_file_of_faults_is_as_none(asked: Asked) -> None:
    """Whatever somebody wrote into it by hand, the sources go on."""
    for text in ("", "[]", '{"jira": 3}', '{"jira": {"trouble": "down"}}'):
        asked.faults.path.write_text(text)
        assert 200 == asked.jira().status


def test_the_rate_limit_begins_anew_each_hour(asked: Asked) -> None:
    """Each organisation's requests are counted down; what a fault used up begins anew when the fault is over."""

    def left() -> tuple[int, datetime]:
        told = asked.github().headers
        return int(told["X-RateLimit-Remaining"]), datetime.fromtimestamp(int(told["X-RateLimit-Reset"]), tz=UTC)

    hour = asked.now + timedelta(hours=1)
    assert (4999, hour) == left()
    assert (4998, hour) == left()
    assert "4999" == asked.github(installation=1002).headers["X-RateLimit-Remaining"]
    asked.now = hour
    assert (4999, hour + timedelta(hours=1)) == left()
    until = asked.now + timedelta(minutes=5)
    asked.faults.put("github", Standing(trouble="rate-limit", until=until))
    assert (0, until) == left()
    asked.now = until
    assert (4999, hour + timedelta(hours=1)) == left()


def test_links_lead_to_pages(asked: Asked) -> None:
    """A ticket's page names its status and its pull requests, whose pages lead back; a commit leads to its own."""
    request = next(one for one in asked.organisation.plan.requests if one.ticket and one.opened_at < asked.now)
    assert request.ticket is not None
    state = request.ticket.state_at(asked.now)
    assert state is not None
    address = f"/{request.repository.full_name}/pull/{request.number}"
    assert f'href="{address}"' in asked.page(f"/browse/{state.key}").body.decode()
    shown = asked.page(address).body.decode()
    assert f'href="/browse/{state.key}"' in shown
    assert shown == asked.page(f"/{request.repository.full_name}/commit/{request.merge_commit}").body.decode()


def test_what_will_be_has_no_page(asked: Asked) -> None:
    """Pages tell nothing that has not happened yet."""
    asked.now = START + timedelta(days=3)
    later = next(one for one in asked.organisation.plan.tickets if one.created_at > asked.now)
    assert 404 == asked.page(f"/browse/{later.first.key}").status


def test_pages_escape_what_they_show(asked: Asked) -> None:
    """A title with markup is text."""
    request = next(one for one in asked.organisation.plan.requests if one.opened_at < asked.now)
    request.title = "<script>alert(1)</script>"
    shown = asked.page(f"/{request.repository.full_name}/pull/{request.number}").body.decode()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_the_sources_go_on_with_the_time(asked: Asked) -> None:
    """Weeks after the end of the history there are tickets of those weeks."""
    asked.now = asked.organisation.end + timedelta(weeks=3)
    assert 200 == asked.jira().status
    last = max(
        (one for one in asked.organisation.plan.tickets if one.state_at(asked.now)), key=lambda one: one.created_at
    )
    assert last.created_at > asked.organisation.end + timedelta(weeks=2)
    state = last.state_at(asked.now)
    assert state is not None
    assert 200 == asked.page(f"/browse/{state.key}").status
