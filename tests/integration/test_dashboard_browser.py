"""The dashboard in a real browser, against a real server: looks, keys, news, and a session that ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import browser, serving
from tests.support.dashboard_app import EMAIL, PASSWORD, TOKEN
from tests.support.fake_reader import STAGES

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("dashboard")]

ROOT = Path(__file__).parents[2]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
IDS = "all => all.map((one) => one.id)"
#: Ids that several elements have: labels and live updates would find the wrong one.
DOUBLES = """[...document.querySelectorAll('[id]')].map((one) => one.id)
  .filter((id, place, all) => all.indexOf(id) !== place && !id.startsWith('zr'))"""
REST = ("diagnostic", "trends", "forecast", "pulse")
TREND_CARDS = ("deployments", "failures", "restores", "lead-times")
Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server process with fixed rows."""
    with serving("tests.support.dashboard_server:build") as address:
        yield address


@dataclass
class Reader:
    """Somebody in front of a page."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def happen(self, what: str, **parameters: int) -> None:
        """Let something happen on the server."""
        httpx.post(f"{self.address}/test/happen/{what}", params=parameters).raise_for_status()

    def open(self, path: str = "/") -> None:
        """Open a page and wait until it is live."""
        self.page.goto(self.address + path)
        expect(self.page.locator("#live")).to_have_attribute("data-state", "live")
        self.asked.clear()

    def figure(self, name: str) -> Any:
        """Return the number of a tile."""
        return self.page.locator(f"[data-figure={name}] .number")


def reader_of(
    browser: Browser, server: str, *, width: int = 1200, theme: Theme = "light", signed_in: bool = True
) -> Reader:
    """Put somebody in front of a browser window."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(10_000)
    context.add_init_script(WATCH)
    if signed_in:
        context.add_cookies([{"name": "dpp_session", "value": TOKEN, "url": server}])
    reader = Reader(context.new_page(), server)
    reader.happen("over", count=0)
    reader.page.on("console", lambda message: reader.complaints.append(message.text) if message.type != "log" else None)
    reader.page.on("pageerror", lambda error: reader.complaints.append(str(error)))
    reader.page.on("request", lambda request: reader.asked.append(request.url.removeprefix(server)))
    return reader


@pytest.fixture
def reader(browser: Browser, server: str) -> Iterator[Reader]:
    """Somebody who has signed in."""
    somebody = reader_of(browser, server)
    yield somebody
    somebody.happen("away", count=0)
    somebody.happen("work", count=33)
    somebody.page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 360])
def test_the_page_fits_and_complains_about_nothing(browser: Browser, server: str, width: int, theme: Theme) -> None:
    """At three widths in both themes: charts, tables, no sideways scroll, no console message, no policy violation."""
    reader = reader_of(browser, server, width=width, theme=theme)
    page = reader.page
    reader.open("/?stream=payments&scope_change=10&by_date=2026-04-30&confidence=85")

    drawn = ["wip", "scatter", "ageing", "flow", "cumulative", *TREND_CARDS, "forecast", "pulse"]
    expect(page.locator(".chart svg")).to_have_count(len(drawn))
    assert drawn == [name.removeprefix("chart-") for name in page.locator(".chart").evaluate_all(IDS)]
    expect(page.locator("svg.gauge")).to_be_visible()
    expect(page.locator("svg.sankey")).to_be_visible()
    expect(page.locator("#imagined")).to_be_visible()
    toggles = page.locator("details.numbers summary")
    assert len(drawn) + 2 == toggles.count()
    for toggle in toggles.all():
        toggle.click()
    for name in drawn:
        page.locator(f"#chart-{name}").hover()
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    labels = page.locator("[role=img]").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    assert all(len(label) > 20 for label in labels)
    assert [] == page.evaluate(DOUBLES)
    assert [] == page.evaluate("violations")
    assert [] == reader.complaints
    assert all(url.startswith("/") for url in reader.asked)
    page.context.close()


def test_news_change_the_figures_and_nothing_else(reader: Reader) -> None:
    """A zone shows new figures by itself; the open table, the focus, the place and the chart stay as they were."""
    page = reader.page
    reader.happen("work", count=33)
    reader.open()
    page.locator("#wip-numbers-toggle").click()
    page.locator("#wip-numbers-toggle").focus()
    page.evaluate("window.scrollTo(0, 200); document.getElementById('chart-wip').same = true")
    before = page.evaluate("scrollY")

    reader.happen("work", count=41)
    reader.happen("tickets")

    expect(reader.figure("wip_by_stage")).to_have_text("41")
    expect(page.locator("#wip-numbers tbody tr:nth-child(2) td").first).to_have_text("41")
    expect(page.locator("#wip-numbers")).to_have_attribute("open", "")
    assert "wip-numbers-toggle" == page.evaluate("document.activeElement.id")
    assert page.evaluate("document.getElementById('chart-wip').same")
    expect(page.locator("#chart-wip svg")).to_contain_text("41")
    assert before == page.evaluate("scrollY")
    assert [] == reader.complaints


def test_only_the_zones_concerned_look_again(reader: Reader) -> None:
    """News of deployments touch the health bar and the trends alone."""
    reader.open("/?window=90")
    with reader.page.expect_response(lambda answer: "/fragments/trends" in answer.url):
        reader.happen("deployments")
    reader.page.wait_for_timeout(300)

    assert ["/fragments/health-bar?window=90", "/fragments/trends?window=90"] == sorted(reader.asked)


def test_what_if_keeps_the_rest_of_the_page(reader: Reader) -> None:
    """The form asks by address and exchanges its zone alone; news come in without losing what is being written."""
    page = reader.page
    reader.open("/?stream=payments")
    page.evaluate("document.getElementById('zone-realtime').same = true")
    page.locator("#scope_change").fill("10")
    page.keyboard.press("Enter")
    expect(page.locator("#imagined")).to_contain_text("22 tickets (+10)")
    assert page.evaluate("document.getElementById('zone-realtime').same")
    assert f"{reader.address}/?stream=payments&window=30&scope_change=10" == page.url
    assert "scope_change" == page.evaluate("document.activeElement.id")

    page.locator("#confidence").fill("9")
    with page.expect_response(lambda answer: "/fragments/forecast" in answer.url) as answered:
        reader.happen("tickets")
    assert "scope_change=10" in answered.value.url
    page.wait_for_timeout(200)
    expect(page.locator("#confidence")).to_have_value("9")
    assert "confidence" == page.evaluate("document.activeElement.id")

    page.get_by_role("link", name="Back to what is known").click()
    expect(page.locator("#imagined")).to_have_count(0)
    assert [] == reader.complaints


def test_a_selection_is_not_taken_away(reader: Reader) -> None:
    """While text of a zone is selected the zone waits, and catches up afterwards."""
    page = reader.page
    reader.happen("work", count=33)
    reader.open()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-figure=wip_by_stage]'))")
    reader.happen("work", count=52)
    with page.expect_response(lambda answer: "/fragments/realtime" in answer.url):
        reader.happen("tickets")
    page.wait_for_timeout(200)
    assert "33" == reader.figure("wip_by_stage").inner_text()

    page.evaluate("getSelection().removeAllRanges()")
    expect(reader.figure("wip_by_stage")).to_have_text("52")


def test_a_lost_connection_is_shown_and_mended(reader: Reader) -> None:
    """The page says that the connection is lost, connects again, and catches up on what it missed."""
    reader.open()
    reader.page.evaluate(
        "window.said = []; new MutationObserver(() => said.push(document.querySelector('#live').dataset.state))"
        ".observe(document.querySelector('#live'), { attributes: true })"
    )
    reader.happen("break")
    reader.happen("work", count=64)

    expect(reader.figure("wip_by_stage")).to_have_text("64")
    assert "lost" == reader.page.evaluate("said[0]")
    expect(reader.page.locator(".live-word")).to_have_text("Live")


def test_a_store_that_is_away_leaves_the_last_figures(reader: Reader) -> None:
    """A part that cannot be had now stays as it was, and the page says that it tries again."""
    reader.open()
    shown = reader.figure("wip_by_stage").inner_text()
    reader.happen("away", count=1)
    reader.happen("tickets")

    expect(reader.page.locator("#live")).to_have_attribute("data-state", "stale")
    assert shown == reader.figure("wip_by_stage").inner_text()


def test_a_number_is_explained_beside_the_page(reader: Reader) -> None:
    """The link opens a panel that takes the focus; Escape and Close give it back, also after the card was exchanged."""
    page = reader.page
    reader.open("/?stream=payments")
    assert not any("panel" in url or "explain" in url for url in reader.asked)
    page.locator("#why-wip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel #explain-title")).to_have_text("Work in progress by stage")
    expect(page.locator("#explain-title")).to_be_focused()
    assert "/fragments/explain/wip_by_stage?stream=payments&window=30" in reader.asked
    assert f"{reader.address}/?stream=payments" == page.url
    expect(page.locator(".panel-page")).to_have_attribute(
        "href", f"{reader.address}/explain/wip_by_stage?stream=payments&window=30"
    )
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#panel')")

    reader.happen("work", count=41)
    reader.happen("tickets")
    expect(reader.figure("wip_by_stage")).to_have_text("41")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("#why-wip")).to_be_focused()

    page.locator("#why-scatter").click()
    page.locator("#panel").get_by_role("link", name="p85", exact=True).click()
    expect(page.locator("#explain-title")).to_have_text("Cycle time, 85th percentile")
    page.get_by_role("button", name="Close the explanation").click()
    expect(page.locator("#why-scatter")).to_be_focused()
    assert [] == page.evaluate("[...document.querySelectorAll('#panel[open]')]")
    assert [] == page.evaluate("violations")
    assert [] == reader.complaints


def test_charts_are_taken_away_as_pictures(reader: Reader) -> None:
    """A chart that the browser draws becomes a PNG of its own size, and an SVG without styles; nothing is asked for."""
    page = reader.page
    reader.open("/?stream=payments")
    with page.expect_download() as taken:
        page.locator("[data-chart-of=chart-wip][data-export=png]").click()
    assert "dpp-work-in-progress-by-stage.png" == taken.value.suggested_filename
    png = Path(taken.value.path()).read_bytes()
    assert (b"PNG", 1920, 1032) == (png[1:4], *(int.from_bytes(png[at : at + 4]) for at in (16, 20)))

    with page.expect_download() as taken:
        page.locator("[data-chart-of=chart-deployments][data-export=svg]").click()
    root = ElementTree.parse(taken.value.path()).getroot()  # noqa: S314 - made by our own page
    assert "Deployment frequency" == root.findtext("{http://www.w3.org/2000/svg}title")
    assert not any(name in {"style", "class"} for it in root.iter() for name in it.attrib)
    assert {url.split(".")[0] for url in reader.asked} == {"/static/exports"}
    assert [] == page.evaluate("violations")
    assert [] == reader.complaints


def test_filters_are_reached_and_used_by_keyboard(reader: Reader) -> None:
    """Tab reaches the skip link and every filter in order; a choice changes address and heading and keeps the focus."""
    page = reader.page
    reader.open()
    reached = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    order = ["skip", "theme", "stream", "tech_stream", "days", "as_of"]
    assert order == [name for name in dict.fromkeys(reached) if name in order]

    page.locator("#stream").focus()
    page.keyboard.type("Pay")
    expect(page.locator("h1")).to_have_text("Payments")
    expect(page).to_have_title("Payments · Delivery performance")
    assert f"{reader.address}/?stream=payments&window=30" == page.url
    assert "stream" == page.evaluate("document.activeElement.id")

    page.locator("#days").fill("45")
    page.keyboard.press("Tab")
    expect(page.locator("#zone-diagnostic .zone-head")).to_contain_text("The 45 days up to")
    page.locator("[name=zones][value=realtime]").uncheck()
    expect(page.locator("#zone-realtime")).to_have_count(0)
    assert page.url.endswith("/?stream=payments&window=45" + "".join(f"&zones={name}" for name in REST))

    page.go_back()
    expect(page.locator("#zone-realtime")).to_have_count(1)
    assert [] == reader.complaints


def test_the_theme_is_kept(reader: Reader) -> None:
    """The button goes through system, light and dark; the choice outlives the page and the charts follow."""
    page = reader.page
    reader.open()
    bar = "getComputedStyle(document.querySelector('#chart-wip svg path[fill^=rgb]')).fill"
    light = page.evaluate(bar)
    page.locator("#theme").click()
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert light != page.evaluate(bar)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#theme")).to_have_text("Theme: dark")


def test_a_session_that_ends_leads_to_the_form_and_back(browser: Browser, server: str) -> None:
    """An open page whose session ended goes to the form without any news, and comes back to the same address."""
    reader = reader_of(browser, server)
    page = reader.page
    reader.open("/?window=90")
    reader.happen("over", count=1)
    expect(page.locator("h1")).to_have_text("Sign in")
    page.locator("#email").fill(EMAIL)
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    expect(page.locator("#email")).to_have_value(EMAIL)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert f"{server}/?window=90" == page.url

    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.context.close()


def test_without_javascript_figures_and_tables_are_there(browser: Browser, server: str) -> None:
    """Without JavaScript the form has a button, each table opens, and nothing pretends to be a chart."""
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "dpp_session", "value": TOKEN, "url": server}])
    httpx.post(f"{server}/test/happen/work", params={"count": sum(row.tickets for row in STAGES)}).raise_for_status()
    httpx.post(f"{server}/test/happen/over", params={"count": 0}).raise_for_status()
    page = context.new_page()
    page.goto(server)
    page.locator("#stream").select_option("lending")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("h1")).to_contain_text("Lending")
    page.locator("#wip-numbers-toggle").click()
    expect(page.locator("#wip-numbers table")).to_be_visible()
    expect(page.locator("#chart-wip")).to_be_hidden()

    page.goto(f"{server}/?stream=payments&zones=realtime&zones=diagnostic&zones=forecast")
    expect(page.locator("svg.gauge")).to_be_visible()
    expect(page.locator("svg.sankey")).to_be_visible()
    page.locator("#scope_change").fill("-2")
    page.get_by_role("button", name="Reckon").click()
    expect(page.locator("#imagined")).to_contain_text("10 tickets (−2)")
    assert page.url.endswith("#zone-forecast")
    context.close()
