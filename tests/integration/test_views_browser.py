"""The cross-stream view and flow over time in a real browser: looks, news, filters, and no JavaScript at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browsing import browser, serving
from tests.support.dashboard_app import TOKEN

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("views")]

ROOT = Path(__file__).parents[2]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server that nothing happens on."""
    with serving("tests.support.views_server:build") as address:
        yield address


@contextmanager
def reading(
    browser: Browser, server: str, *, width: int = 1200, theme: Theme = "light", scripts: bool = True
) -> Iterator[tuple[Page, list[str]]]:
    """Put somebody who has signed in before a window; gives the page and what it complains about."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=scripts
    )
    context.set_default_timeout(10_000)
    context.add_init_script(WATCH)
    context.add_cookies([{"name": "dpp_session", "value": TOKEN, "url": server}])
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


def live(page: Page, address: str) -> None:
    """Open a page and wait until it is live."""
    page.goto(address)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 390])
@pytest.mark.parametrize("path", ["/cross-stream", "/cross-stream?tech_stream=core-api", "/flow?window=90"])
def test_the_pages_fit_and_complain_about_nothing(
    browser: Browser, server: str, path: str, width: int, theme: Theme
) -> None:
    """At three widths in both themes: nothing scrolls sideways but tables in their cards, and the console is silent."""
    with reading(browser, server, width=width, theme=theme) as (page, complaints):
        live(page, server + path)
        for toggle in page.locator("details.numbers summary").all():
            toggle.click()

        assert width >= page.evaluate("document.documentElement.scrollWidth")
        wide = "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id || one.outerHTML)"
        assert [] == page.locator(".card").evaluate_all(wide)
        assert [] == page.evaluate("violations")
        assert [] == complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_fields_of_the_heatmap_can_be_read_on_their_colours(browser: Browser, server: str, theme: Theme) -> None:
    """Each step of the scale differs from the one before, and text on it has a contrast of 4.5 at least."""
    contrast = """(keys) => {
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
          .map((one) => one / 255).map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      return keys.map((key) => {
        const style = getComputedStyle(key);
        const [ground, ink] = [light(style.backgroundColor), light(style.color)];
        return [ground, (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05)];
      });
    }"""
    with reading(browser, server, theme=theme) as (page, _):
        live(page, f"{server}/cross-stream")
        found = page.locator(".keys .key").evaluate_all(contrast)

    assert 5 == len(found)
    assert all(ratio >= 4.5 for _, ratio in found)
    grounds = [ground for ground, _ in found]
    assert grounds == sorted(grounds, reverse=theme == "light")
    assert 5 == len(set(grounds))


def test_news_change_the_figures_and_keep_what_is_open(browser: Browser) -> None:
    """When a ticket is no longer blocked, heatmap and chart say so by themselves; an open table stays open."""
    with serving("tests.support.views_server:build") as server, reading(browser, server) as (page, complaints):
        live(page, f"{server}/cross-stream?tech_stream=core-api")
        expect(page.locator(".heat-now")).to_have_text("■ 1 blocked now")
        expect(page.locator("#impact")).to_contain_text("PAY-1")
        second = page.context.new_page()
        live(second, f"{server}/flow")
        second.locator("#ageing-numbers-toggle").click()
        expect(second.locator("g.age-dot.is-blocked")).to_have_count(2)

        httpx.post(f"{server}/test/happen/unblock", params={"key": "PAY-1"}).raise_for_status()

        expect(page.locator(".heat-now")).to_have_count(0)
        expect(page.locator("#impact")).not_to_contain_text("PAY-1")
        expect(second.locator("g.age-dot.is-blocked")).to_have_count(1)
        expect(second.locator("#ageing-numbers")).to_have_attribute("open", "")
        assert [] == complaints


def test_filters_change_the_page_and_the_ways_to_the_others(browser: Browser, server: str) -> None:
    """A choice changes address, heading and the links to the other views, and keeps the focus."""
    with reading(browser, server) as (page, complaints):
        live(page, f"{server}/flow?zones=trends")
        page.locator("#stream").focus()
        page.keyboard.type("Pay")

        expect(page.locator(".chosen")).to_have_text("Payments")
        expect(page).to_have_title("Flow over time · Payments · Delivery performance")
        assert f"{server}/flow?stream=payments&window=30&zones=trends" == page.url
        assert "stream" == page.evaluate("document.activeElement.id")
        page.get_by_role("link", name="Across streams").click()
        expect(page.locator("h1")).to_have_text("Across streams")
        assert f"{server}/cross-stream?stream=payments&window=30&zones=trends" == page.url
        expect(page.locator("#stream")).to_have_value("payments")
        assert [] == complaints


def test_without_javascript_everything_but_news_is_there(browser: Browser, server: str) -> None:
    """The heatmap is a table and the charts are drawings; a technology is chosen by a link, a stream by the form."""
    with reading(browser, server, scripts=False) as (page, _):
        page.goto(f"{server}/cross-stream")
        page.locator(".heat").get_by_role("link", name="Core API").click()
        expect(page.locator("#impact-title")).to_have_text("Impact of Core API")
        page.goto(f"{server}/flow")
        expect(page.get_by_role("img", name="Stacked area chart")).to_be_visible()
        page.locator("#cumulative-numbers-toggle").click()
        expect(page.locator("#cumulative-numbers table")).to_be_visible()
        page.locator("#stream").select_option("lending")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator(".chosen")).to_contain_text("Lending")
