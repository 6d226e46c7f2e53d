"""A walk through every page as everybody who may open it, at three widths and in both themes, in a real browser.

Which pages there are the routes of the application tell (``tests/support/every_view.py``), so that a new page is walked
without being named here. What the walk has seen lies in ``build/screenshots``.

A page is loaded once for each role; width and theme then change under it, as they do when somebody turns a tablet. All
rules of accessibility are tried at the widest in the light theme, those about colours in the dark one too, and those
about layout on a phone too, as somebody who may open everything; the others see the same templates with less in them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from dpp.domain.access import Role
from tests.conftest import missing
from tests.support import axe_rules, every_view
from tests.support.every_view import Site
from tests.support.node_packages import NotInstallable
from tests.support.postgres import TestServer
from tests.support.running import platform

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("every-view")]

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {390: 844, 820: 1180, 1440: 900}
Theme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Theme], ...] = (
    *((1440, "light"), (1440, "dark"), (820, "dark")),
    *((820, "light"), (390, "light"), (390, "dark")),
)
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
#: What is wider than the window, but for what scrolls in a frame of its own.
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5
    && !one.closest(".table-frame, svg, .visually-hidden")).slice(0, 3).map((one) => one.outerHTML.slice(0, 160))"""
#: Whatever takes the focus without showing it.
UNSEEN = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled).filter((one) => {
    one.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement !== one) return false;
    const seen = [one, one.nextElementSibling, one.parentElement].filter(Boolean)
      .map((near) => getComputedStyle(near))
      .some(({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 2);
    one.blur();
    return !seen;
  }).map((one) => one.outerHTML.slice(0, 160))"""
#: Charts whose card holds no table.
WITHOUT_TABLE = """() => [...document.querySelectorAll("main [role=img]")]
  .filter((chart) => !(chart.closest("article, section.card") ?? chart.closest("section"))?.querySelector("table, dl"))
  .map((chart) => chart.getAttribute("aria-label"))"""
ORDER = """() => [...document.querySelectorAll("[tabindex]")].filter((one) => one.tabIndex > 0).length"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer) -> Iterator[Site]:
    """A platform with six weeks behind it."""
    told = every_view.organisation()
    folder = tmp_path_factory.mktemp("every-view")
    with (
        postgres_server.database(template=postgres_server.template) as url,
        platform(folder, url, configuration=told.configuration_toml()) as running,
    ):
        assert [] == running.send(told.deliveries())
        running.wait_until_settled()
        yield every_view.site_of(running)


@pytest.fixture(scope="module")
def rules(node: str) -> str:
    """The rules of accessibility."""
    try:
        return axe_rules.script(node)
    except NotInstallable as error:
        missing(f"the npm package axe-core ({error})")


@pytest.fixture(scope="module")
def browser(chromium: str, site: Site) -> Iterator[Browser]:
    """A browser; opened after the site, whose making needs an event loop of its own."""
    assert site.pages
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@dataclass
class Walk:
    """Somebody of a role on the way through pages; ``faults`` is what was found, each with its place."""

    site: Site
    role: Role | None
    page: Page
    here: str = ""
    faults: list[str] = field(default_factory=list)
    looked: set[tuple[int, Theme]] = field(default_factory=set)

    def note(self, what: str, found: object) -> None:
        """Note something that should not be."""
        if found:
            self.faults.append(f"{self.here} {what}: {found}")

    def open(self, path: str) -> None:
        """Open a page and wait until it has drawn itself."""
        self.here = path
        self.looked.clear()
        answer = self.page.goto(self.site.address + path, wait_until="load")
        self.note("status", answer is None or answer.status >= 400)
        expect(self.page.locator(".chart:not(:has(svg))")).to_have_count(0)
        self.note("headings", [] if self.page.locator("h1").count() == 1 else "not one h1")

    def look(self) -> None:
        """Look at the page at each width in each theme, the next of which differs from the last in one thing."""
        for width, theme in LOOKS:
            if (width, theme) not in self.looked:
                self.show(width, theme)

    def show(self, width: int, theme: Theme) -> None:
        """Show the page at a width in a theme, and look for what is wider than the window."""
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        self.page.emulate_media(color_scheme=theme)
        self.looked.add((width, theme))
        self.note(f"{width} {theme} wider", self.page.evaluate(WIDER))

    def check(self, rules: str) -> None:
        """Try what holds for a page whoever looks at it, and keep what it looks like."""
        self.show(1440, "light")
        self.note("focus unseen", self.page.evaluate(UNSEEN))
        self.note("charts without a table", self.page.evaluate(WITHOUT_TABLE))
        self.note("order of focus", self.page.evaluate(ORDER))
        self.note("axe", axe_rules.violations(self.page, rules))
        self.keep("1440-light")
        self.show(1440, "dark")
        self.note("axe in the dark", axe_rules.violations(self.page, rules, about=axe_rules.COLOURS))
        self.keep("1440-dark", whole=False)
        self.show(390, "light")
        self.note("axe on a phone", axe_rules.violations(self.page, rules, about=axe_rules.LAYOUT))
        self.keep("390-light")
        self.note("policy", self.page.evaluate("violations"))

    def keep(self, how: str, *, whole: bool = True) -> None:
        """Keep a picture of the whole page, or of what is in sight."""
        name = re.sub(r"\W+", "-", self.here).strip("-") or "dashboard"
        self.page.screenshot(path=SHOTS / (self.role or "anybody") / f"{name}-{how}.png", full_page=whole)


def walk(browser: Browser, site: Site, role: Role | None) -> tuple[BrowserContext, Walk]:
    """Begin a walk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.add_init_script(WATCH)
    if role is not None:
        context.add_cookies([{"name": "dpp_session", "value": site.cookies[role], "url": site.address}])
    begun = Walk(site, role, context.new_page())
    begun.page.on("console", lambda said: begun.note("console", said.text if said.type in ("error", "warning") else ""))
    begun.page.on("pageerror", lambda error: begun.note("fault", str(error)))
    return context, begun


def test_the_routes_tell_the_pages(site: Site) -> None:
    """The views of §7.1 are among the pages, nobody gets one without signing in, and a higher role opens no less."""
    everything = set(site.pages[Role.PLATFORM_ADMIN])
    assert {"/", "/cross-stream", "/flow", "/wall", "/survey"} <= everything
    assert any(path.startswith("/explain/") for path in everything)
    assert "/sign-in" in site.pages[None]
    assert not everything & set(site.pages[None])
    viewer, member, lead = (set(site.pages[role]) for role in (Role.VIEWER, Role.TEAM_MEMBER, Role.STREAM_LEAD))
    assert viewer < member <= lead <= everything
    assert {"/survey"} == member - viewer


@pytest.mark.timeout(400)
def test_whoever_may_open_most_finds_every_page_in_order(browser: Browser, site: Site, rules: str) -> None:
    """For an administrator every page fits, breaks no rule, shows the focus, and has a table for each chart."""
    context, walked = walk(browser, site, Role.PLATFORM_ADMIN)
    pages = site.pages[Role.PLATFORM_ADMIN]
    for path in (*pages, *(variant for page in pages for variant in every_view.VARIANTS.get(page, ()))):
        walked.open(path)
        walked.check(rules)
        walked.look()
    context.close()
    assert not walked.faults, "\n".join(walked.faults)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TEAM_MEMBER, Role.STREAM_LEAD])
def test_everybody_finds_their_pages_in_order(browser: Browser, site: Site, role: Role) -> None:
    """Each page of a role fits at each width in both themes, and the console stays silent."""
    context, walked = walk(browser, site, role)
    for path in site.pages[role]:
        walked.open(path)
        walked.look()
    context.close()
    assert not walked.faults, "\n".join(walked.faults)


def test_what_is_open_to_all_and_what_is_refused_are_pages_too(browser: Browser, site: Site, rules: str) -> None:
    """The pages before signing in, one that a role may not see, and one that is not there fit and break no rule."""
    context, walked = walk(browser, site, None)
    for path in site.pages[None]:
        walked.open(path)
        walked.check(rules)
        walked.look()
    context.close()
    refused, found = walk(browser, site, Role.VIEWER)
    for path in (site.refused[Role.VIEWER][0], "/?stream=nothing", "/?window=0"):
        found.here = path
        found.looked.clear()
        found.page.goto(site.address + path)
        found.faults.clear()  # the console tells the status, which is as it should be
        found.check(rules)
        found.look()
        assert not found.faults, "\n".join(found.faults)
    refused.close()
    assert not walked.faults, "\n".join(walked.faults)


@pytest.mark.parametrize("role", list(Role))
def test_every_link_on_a_page_leads_somewhere(site: Site, role: Role) -> None:
    """Whatever a page of a role links to within the platform opens for that role."""
    with site.client(role) as client:
        linked = {link: path for path in site.pages[role] for link in every_view.links_on(client.get(path))}
        one_of_each = {link.partition("?")[0]: link for link in linked}
        answers = {link: client.get(link).status_code for link in one_of_each.values()}
    assert {} == {f"{link} on {linked[link]}": status for link, status in answers.items() if status >= 400}


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_filters_fold_away(browser: Browser, site: Site, scripts: bool) -> None:
    """The figures begin in the upper third; filters open over them and change the page, without JavaScript as well."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    context.add_cookies([{"name": "dpp_session", "value": site.cookies[Role.PLATFORM_ADMIN], "url": site.address}])
    page = context.new_page()
    page.goto(site.address + "/")
    tiles = page.locator(".tiles").bounding_box()
    assert tiles is not None
    assert tiles["y"] < 844 / 3
    stream = page.locator("#stream")
    expect(stream).to_be_hidden()
    page.locator(".fold-button").click()
    stream.select_option("payments")
    if not scripts:
        page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("h1")).to_have_text("Payments")
    expect(page.locator("#chosen")).to_contain_text("Payments")
    if scripts:
        page.get_by_role("button", name="Done").click()
    expect(stream).to_be_hidden()
    context.close()


def test_paper_is_light_narrow_and_complete(browser: Browser, site: Site) -> None:
    """Printed from a dark screen a page is light, its charts are as wide as paper, and every table is unfolded."""
    context, walked = walk(browser, site, Role.PLATFORM_ADMIN)
    page = walked.page
    page.emulate_media(color_scheme="dark")
    walked.open("/?stream=payments")
    page.emulate_media(color_scheme="dark", media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert 0 == page.locator("details.numbers:not([open])").count()
    widths = page.locator(".chart svg").evaluate_all("all => all.map((one) => Number(one.getAttribute('width')))")
    assert widths
    assert max(widths) <= 660
    page.set_viewport_size({"width": 718, "height": 1040})  # A4 without its margins
    assert [] == page.evaluate(WIDER)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    context.close()
