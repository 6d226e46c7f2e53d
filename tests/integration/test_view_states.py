"""What the views look like when there is little to show, nothing, or something is wrong: each state says what to do."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import unescape

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from dpp.domain.access import Grant, Role
from dpp.domain.errors import Unavailable
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import problems
from tests.support.dashboard_app import ADMIN, PAYMENTS, TOKEN, Dashboard, OnePassword
from tests.support.fake_reader import NOW, FakeReader
from tests.support.heard import Heard
from tests.support.views_app import Views

Browser = TestClient[Litestar]
LOCAL = "http://127.0.0.1"
VIEWER = (Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS),)
DASHBOARD = ("/", "/wall")
VIEWS = ("/flow", "/cross-stream")


def browser(parts: Dashboard | Views) -> Browser:
    """Return a browser that somebody has signed in with."""
    client = TestClient(parts.app(), base_url=LOCAL)
    client.follow_redirects = False
    client.cookies.set(COOKIE, TOKEN)
    return client


def parts_of(path: str, *, heard: Heard | None = None, grants: Sequence[Grant] = ADMIN) -> Dashboard | Views:
    """Return the application that has a page, empty."""
    reader, heard = FakeReader.empty(), heard or Heard()
    if path in VIEWS:
        return Views(tickets=(), flags=(), reader=reader, heard=heard, grants=grants)
    return Dashboard(reader=reader, is_filled=False, heard=heard, signin=OnePassword(grants=grants))


def text_of(markup: str) -> str:
    """Return what a reader reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.mark.parametrize("path", [*DASHBOARD, *VIEWS])
def test_a_first_start_leads_to_the_first_figure(path: str) -> None:
    """With nothing known every view shows the steps; those done are marked, a source that was heard with its time."""
    with browser(parts_of(path, heard=Heard(last={"jira": NOW}))) as client:
        html = client.get(path).text

    steps = re.findall(r'<li( class="is-done")?>\s*<h3>(.*?)</h3>', html, re.DOTALL)
    assert [(True, "Describe the organisation done"), (True, "Connect Jira heard 16 Mar 2026, 09:30 GMT")] == [
        (bool(done), text_of(title)) for done, title in steps[:2]
    ]
    assert [("", "Connect GitHub")] == steps[2:]
    assert "http://127.0.0.1/api/v1/webhooks/github" in html
    assert f'hx-get="{path}?window=30"' in html


@pytest.mark.parametrize("path", [*DASHBOARD, *VIEWS])
def test_whoever_cannot_connect_anything_is_told_to_wait(path: str) -> None:
    """A viewer of an empty platform is not told how to connect sources, but who does."""
    with browser(parts_of(path, grants=VIEWER)) as client:
        html = client.get(path).text

    assert "No figure yet" in html
    assert "An administrator connects Jira and GitHub" in text_of(html)
    assert "webhook_secret" not in html


@pytest.mark.parametrize("path", ["/?as_of=2026-01-01", "/?stream=payments"])
def test_a_choice_without_anything_leads_back(path: str) -> None:
    """A stream or a moment of which nothing is known says so, and offers everything."""
    with browser(parts_of("/")) as client:
        html = client.get(path).text

    assert "Nothing to show here yet" in html
    assert '<a class="button" href="/">Show all streams</a>' in html


@pytest.mark.parametrize("path", ["/", "/fragments/health-bar", "/wall", "/fragments/wall"])
def test_a_silent_source_is_announced_on_the_dashboard(path: str) -> None:
    """Jira silent for two working days is named with its last word; GitHub, heard an hour ago, is not."""
    heard = Heard(last={"jira": NOW - timedelta(days=4), "github": NOW - timedelta(hours=1)})
    with browser(Dashboard(heard=heard)) as client:
        said = text_of(client.get(path).text)
        past = text_of(client.get(f"{path}?as_of=2026-03-10T09:00Z").text)

    assert re.search(r"Jira (has been silent for 2 working days|silent since)", said)
    assert "12 Mar 2026, 09:30 GMT" in said
    assert "GitHub has been" not in said
    assert "silent" not in past


@pytest.mark.parametrize("path", ["/flow", "/fragments/flow", "/cross-stream", "/fragments/cross-stream"])
def test_a_silent_source_is_announced_on_every_view(path: str) -> None:
    """The views beside the dashboard say it too, and lose it at the next look after the source was heard."""
    heard = Heard(last={"github": NOW - timedelta(days=30)})
    with browser(Views(heard=heard)) as client:
        before = client.get(path).text
        heard.last = {"github": NOW}
        after = client.get(path).text

    assert ["github"] == re.findall(r'class="notice stale" data-source="(\w+)"', before)
    assert [] == re.findall(r'class="notice stale"', after)


@pytest.mark.parametrize("path", [*DASHBOARD, *VIEWS])
def test_a_store_that_is_away_is_a_page_that_comes_back_by_itself(path: str) -> None:
    """Every view says that the figures are out of reach, with 503, and asks again quietly."""
    parts = parts_of(path)
    parts.reader.is_away = True
    with browser(parts) as client:
        answer = client.get(path)

    assert 503 == answer.status_code
    assert problems.PROBLEMS[Unavailable].title in answer.text
    assert re.search(r'<main [^>]*data-retry="\d+"', answer.text)
    assert "/static/retry." in answer.text
    assert "http-equiv" not in answer.text


@pytest.mark.parametrize("path", [*DASHBOARD, *VIEWS])
def test_no_role_no_view(path: str) -> None:
    """An account without a role gets a page that says so and whom to ask, and a way to sign out."""
    parts = Views(grants=()) if path in VIEWS else Dashboard(signin=OnePassword(grants=()))
    with browser(parts) as client:
        answer = client.get(path)

    assert 403 == answer.status_code
    assert "Ask an administrator of the platform for one" in answer.text
    assert 'action="/sign-out"' in answer.text


@pytest.fixture
def dashboard() -> Iterator[Browser]:
    """A browser in front of a dashboard with figures."""
    with browser(Dashboard()) as client:
        yield client


def test_figures_are_written_as_the_reader_writes_them(dashboard: Browser) -> None:
    """A German reader in New York gets decimal commas and the time there; the address still means the same moment."""
    dashboard.cookies.set("dpp_zone", "America/New_York")
    html = dashboard.get("/", headers={"accept-language": "de-DE,de;q=0.9"}).text

    assert "16 Mar 2026, 05:30 EDT" in html
    assert re.search(r'<span class="number">(<a [^>]*>)?\d+,\d', html)
    assert not re.search(r'<span class="number">(<a [^>]*>)?\d+\.\d', html)


def test_pages_of_different_readers_are_kept_apart(dashboard: Browser) -> None:
    """What a page depends on beside its address is named to caches."""
    vary = dashboard.get("/").headers["vary"]
    assert {"accept-language", "cookie", "accept-encoding"} == set(re.split(r",\s*", vary))


@pytest.mark.parametrize("path", ["/?stream=payments&zones=trends&as_of=2026-03-10T09:00Z"])
def test_the_folded_filters_say_what_is_chosen(dashboard: Browser, path: str) -> None:
    """The button that stands for the filters on a phone names stream, range, zones and moment, and opens the form."""
    html = dashboard.get(path).text

    (button,) = re.findall(r'<button type="button" class="fold-button" popovertarget="filters">(.*?)</button>', html)
    assert "Filters Payments · 30 days · 1 zone · as of 10 Mar 2026" == text_of(button)
    assert re.search(r"<form popover [^>]*id=\"filters\"", html)
