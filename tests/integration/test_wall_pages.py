"""The page for a wall screen as a browser gets it: which streams, which figures, what it says of its own data."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from dpp.application.readers import Share
from dpp.domain.access import Grant, Role
from dpp.domain.configuration import DeliveryStream
from dpp.domain.quality import QualityRate
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import wall_page, zones
from dpp.entrypoints.http.dashboard.cards import Mark, Tile
from tests.support.dashboard_app import CONFIGURATION, LENDING, MOBILE, TOKEN, Dashboard, Feed, OnePassword
from tests.support.fake_reader import FakeReader

Browser = TestClient[Litestar]
LOCAL = "http://127.0.0.1"


def browser(dashboard: Dashboard) -> Browser:
    """Return a browser that somebody has signed in with."""
    client = TestClient(dashboard.app(), base_url=LOCAL)
    client.follow_redirects = False
    client.cookies.set(COOKIE, TOKEN)
    return client


@pytest.fixture(scope="module")
def lead() -> Iterator[Browser]:
    """A browser of somebody who sees everything."""
    with browser(Dashboard()) as client:
        yield client


def feed_of(streams: Sequence[DeliveryStream]) -> Feed:
    """Return a feed with these delivery streams."""
    return Feed(replace(CONFIGURATION, delivery_streams=tuple(streams)))


def numbered(count: int) -> list[DeliveryStream]:
    """Return so many delivery streams."""
    return [
        DeliveryStream(stream_id=UUID(int=100 + number), name=f"s{number}", display_name=f"Stream {number}")
        for number in range(1, count + 1)
    ]


def text_of(markup: str) -> str:
    """Return what a reader reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def rows_of(html: str) -> dict[str, dict[str, str]]:
    """Return the figures by stream and name, as a reader reads them."""
    body = html.split("<tbody", 1)[1].split("</tbody>", maxsplit=1)[0]
    found = {}
    for row in body.split("<tr ")[1:]:
        name = re.search(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)
        assert name is not None
        cells = re.findall(r'<td [^>]*data-figure="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL)
        found[text_of(name[1])] = {figure: text_of(cell) for figure, cell in cells}
    return found


def test_each_stream_has_the_figures_of_the_health_bar(lead: Browser) -> None:
    """Every delivery stream that may be seen is a row, with the six figures of §7.1.1 in their order."""
    rows = rows_of(lead.get("/wall").text)

    assert ["Payments", "Lending <& savings>"] == list(rows)
    assert [list(zones.BAR)] * 2 == [list(row) for row in rows.values()]


def test_figures_are_those_of_the_dashboard(lead: Browser) -> None:
    """A stream's row holds the very numbers that its dashboard has in its health bar."""
    number = r'data-figure="([^"]+)".*?<span class="number">(?:<a[^>]*>)?([^<]*)<'
    on_wall = re.findall(number, lead.get("/wall?stream=payments").text, re.DOTALL)
    on_page = dict(re.findall(number, lead.get("/?stream=payments").text, re.DOTALL))

    assert 6 == len(on_wall)
    assert {name: on_page[name] for name, _ in on_wall} == dict(on_wall)


def test_a_reduced_figure_is_marked_and_the_reason_said_once() -> None:
    """A rate below its target marks each figure that it affects in words, and stands below, once for all streams."""
    rates = {QualityRate.PR_TICKET_LINKAGE: Share(80, 100)}
    with browser(Dashboard(reader=FakeReader(rates=rates))) as client:
        html = client.get("/wall").text
    rows = rows_of(html)

    assert all("reduced confidence: pull requests linked" in row["deployment_frequency"] for row in rows.values())
    assert all("reduced" not in row["flow_efficiency"] for row in rows.values())
    (reasons,) = re.findall(r'<ul class="wall-reduced">(.*?)</ul>', html, re.DOTALL)
    assert "Reduced confidence pull requests linked: 80 % (target 90 %) · all streams" == text_of(reasons)


def test_a_reason_names_its_streams_when_others_are_fine() -> None:
    """Of several streams those are named whose figures a reason concerns."""
    mark = Mark(whole="w", short="pulse answered: 40 %", remedy="r")
    tile = Tile(name="n", title="t", value="1", unit="", sample="s", marks=(), explanation="e")
    rows = [
        wall_page.Row(name="a", title="A", tiles=(tile, replace(tile, marks=(mark,)), replace(tile, marks=(mark,)))),
        wall_page.Row(name="b", title="B", tiles=(tile,)),
        wall_page.Row(name="c", title="C", tiles=(replace(tile, marks=(mark,)),)),
    ]
    assert (wall_page.Reduced(reason="pulse answered: 40 %", streams=("A", "C")),) == wall_page.reduced(rows)


def test_a_scope_shows_its_streams_alone() -> None:
    """Somebody who may see one stream gets that one; the name of another is nowhere on the page."""
    grants = (Grant(role=Role.VIEWER, delivery_stream_id=LENDING),)
    with browser(Dashboard(signin=OnePassword(grants=grants))) as client:
        html = client.get("/wall").text

        assert ["Lending <& savings>"] == list(rows_of(html))
        assert "Payments" not in html
        assert 404 == client.get("/wall?stream=payments").status_code


def test_a_technology_alone_gets_one_row() -> None:
    """Somebody with a technology and no delivery stream sees one row for all of it."""
    grants = (Grant(role=Role.VIEWER, tech_stream_id=MOBILE),)
    with browser(Dashboard(signin=OnePassword(grants=grants))) as client:
        assert ["All streams"] == list(rows_of(client.get("/wall").text))


def test_archived_streams_are_left_out_unless_asked_for() -> None:
    """A stream that is no longer active has no row of its own accord."""
    old, new = numbered(2)
    with browser(Dashboard(feed=feed_of([replace(old, is_active=False), new]))) as client:
        assert ["Stream 2"] == list(rows_of(client.get("/wall").text))
        assert ["Stream 1"] == list(rows_of(client.get("/wall?stream=s1").text))


def test_streams_beyond_a_screen_take_turns() -> None:
    """With 23 streams there are three parts; each leads to the next, the last to the first, and news keep the part."""
    with browser(Dashboard(feed=feed_of(numbered(2 * wall_page.ROWS + 3)))) as client:
        parts = [client.get(f"/fragments/wall?window=30&part={part}").text for part in (1, 2, 3)]

    assert [10, 10, 3] == [len(rows_of(part)) for part in parts]
    assert 23 == len({name for part in parts for name in rows_of(part)})
    following = [re.findall(r'data-next="[^"]*part=(\d+)"', part) for part in parts]
    assert [["2"], ["3"], ["1"]] == following
    assert [["1"], ["2"], ["3"]] == [re.findall(r'hx-get="[^"]*part=(\d+)"', part) for part in parts]


@pytest.mark.parametrize("part", ["0", "-1", "x", "99999"])
def test_a_part_that_cannot_be_is_refused(lead: Browser, part: str) -> None:
    """A part is a number from 1 up; a large one is the last there is."""
    assert 422 == lead.get(f"/wall?part={part}").status_code
    assert 2 == len(rows_of(lead.get("/wall?part=9999").text))


def test_the_address_chooses_the_theme(lead: Browser) -> None:
    """``theme`` fixes light or dark for a screen without anybody before it; anything else leaves it to the browser."""
    assert '<html lang="en" data-theme="dark" data-theme-asked>' in lead.get("/wall?theme=dark").text
    assert '<html lang="en">' in lead.get('/wall?theme="><script>').text


def test_without_data_it_says_what_to_connect() -> None:
    """An empty platform shows the steps to the first figure, and looks again at any news."""
    with browser(Dashboard(reader=FakeReader.empty(), is_filled=False)) as client:
        html = client.get("/wall").text

    assert "Three steps to the first figure" in html
    assert 'data-topics="*"' in html
    assert 'hx-get="/wall?window=30"' in html


def test_news_of_every_kind_of_figure_reach_it(lead: Browser) -> None:
    """What makes the health bar look again makes the wall look again, and its part has the same figures."""
    whole, part = lead.get("/wall?window=90").text, lead.get("/fragments/wall?window=90").text

    (topics,) = re.findall(r'id="zone-wall"[^>]*data-topics="([^"]+)"', whole)
    assert zones.HEALTH_BAR.topics == frozenset(topics.split())
    assert rows_of(whole) == rows_of(part)
    assert "<html" not in part


def test_nobody_gets_it_without_signing_in() -> None:
    """A browser without a session is sent to the form, and back here."""
    with TestClient(Dashboard().app(), base_url=LOCAL) as client:
        answer = client.get("/wall?window=90", follow_redirects=False)
    assert (303, "/sign-in?next=%2Fwall%3Fwindow%3D90") == (answer.status_code, answer.headers["location"])
