"""The wall screen in a real browser: it fits, can be read from across the room, takes turns, and owns up to its age."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import browser, serving
from tests.support.dashboard_app import TOKEN

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("wall")]

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots" / "wall"
#: Height of letters that are read at four metres on a screen 1080 lines and 60 cm high: 20 mm for figures, 8 for words.
FIGURE_PX, WORD_PX = 44, 19
SIZES = "(all) => Math.min(...all.map((one) => parseFloat(getComputedStyle(one).fontSize)))"
SPILLS = """(all) => all.filter((one) => getComputedStyle(one).clipPath === "none")
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.trim().slice(0, 60))"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server process with sixteen delivery streams."""
    with serving("tests.support.wall_server:build") as address:
        yield address


@contextmanager
def screen(browser: Browser, server: str, path: str) -> Iterator[Page]:
    """Hang a screen on the wall, whose clock a test can move."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": "dpp_session", "value": TOKEN, "url": server}])
    page = context.new_page()
    page.clock.install()
    page.goto(server + path)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    yield page
    context.close()


def happen(server: str, what: str, **parameters: int) -> None:
    """Let something happen on the server."""
    httpx.post(f"{server}/test/happen/{what}", params=parameters).raise_for_status()


@pytest.mark.parametrize(("path", "rows"), [("/wall?stream=s3", 1), ("/wall", 10), ("/wall?part=2&theme=dark", 6)])
def test_it_fits_and_is_read_from_across_the_room(browser: Browser, server: str, path: str, rows: int) -> None:
    """On 1920 by 1080 nothing scrolls or runs into its neighbour, and letters are large, for 1, 6 and 10 streams."""
    with screen(browser, server, path) as page:
        expect(page.locator(".wall-table tbody tr")).to_have_count(rows)
        page.screenshot(path=SHOTS / f"{rows}-streams.png")
        extent = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert [1920, 1080] == extent
        assert [] == page.locator(".wall-table td, .wall-table th, .wall-foot").evaluate_all(SPILLS)
        assert page.locator(".wall-value .number").evaluate_all(SIZES) >= FIGURE_PX
        seen = ".wall-sample:visible, .wall-mark:visible, .wall-value .unit, .wall-reduced li, .wall-facts, thead th"
        assert page.locator(seen).evaluate_all(SIZES) >= WORD_PX
        assert page.locator(".wall-foot").bounding_box()["y"] < 1080  # type: ignore[index]


def test_streams_take_turns_and_news_keep_the_part(browser: Browser, server: str) -> None:
    """After twenty seconds the next streams are there; news exchange those that are shown; then the first come back."""
    first = "Delivery stream 1"
    with screen(browser, server, "/wall?window=90") as page:
        names = page.locator(".wall-table tbody th")
        expect(names.first).to_have_text(first)
        page.clock.run_for(20_500)
        expect(names).to_have_count(6)
        expect(names.first).to_have_text("Delivery stream 11")

        with page.expect_response(lambda answer: "/fragments/wall?window=90&part=2" in answer.url):
            happen(server, "tickets")
        page.clock.run_for(500)
        expect(names.first).to_have_text("Delivery stream 11")
        page.clock.run_for(20_500)
        expect(names.first).to_have_text(first)


def test_it_looks_again_each_minute_and_says_when_its_figures_are_old(browser: Browser, server: str) -> None:
    """Without news it still asks once a minute; figures that cannot be had are said to be old, until they are back."""
    with screen(browser, server, "/wall?stream=s3") as page:
        with page.expect_response(lambda answer: "/fragments/wall" in answer.url and answer.status == 200):
            page.clock.run_for(60_500)
        expect(page.locator("#wall-old")).to_be_hidden()
        shown = page.locator("[data-figure=cycle_time_p85] .number").inner_text()

        happen(server, "away", count=1)
        page.clock.run_for(181_000)
        expect(page.locator("#live")).to_have_attribute("data-state", "stale")
        expect(page.locator("#wall-old")).to_contain_text("minutes old")
        assert shown == page.locator("[data-figure=cycle_time_p85] .number").inner_text()
        assert page.evaluate("document.documentElement.scrollHeight") <= 1080

        happen(server, "away", count=0)
        page.clock.run_for(6_000)
        expect(page.locator("#wall-old")).to_be_hidden()
        expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_the_past_does_not_grow_old(browser: Browser, server: str) -> None:
    """A screen that shows a moment of the past neither asks again by itself nor warns of its age."""
    with screen(browser, server, "/wall?stream=s3&as_of=2026-03-10T09:00Z") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.clock.run_for(300_000)
        expect(page.locator("#wall-old")).to_be_hidden()
        assert [] == asked
