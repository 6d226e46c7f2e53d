"""A walk through every page as everybody who may open it, at three widths and in both themes, in a real browser.

Which pages there are the routes of the application tell (``tests/support/every_view.py``), so that a new page is walked
without being named here. What the walk has seen lies in ``build/screenshots``.

A page is loaded once for each role; width and theme then change under it, as they do when somebody turns a tablet. All
rules of accessibility are tried at the widest in the light theme as every role; as somebody who may open everything
those about colours in the dark one too, and those about layout on a phone too.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from dpp.domain.access import Role
from tests.conftest import missing
from tests.support import axe_rules, every_view
from tests.support.browsing import QUIET
from tests.support.every_view import Site
from tests.support.node_packages import NotInstallable
from tests.support.postgres import TestServer
from tests.support.running import platform
from tests.support.walking import WATCH, WIDER, Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("every-view")]


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


def walk(browser: Browser, site: Site, role: Role | None) -> tuple[BrowserContext, Walk]:
    """Begin a walk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.add_init_script(WATCH)
    if role is not None:
        context.add_cookies([{"name": "dpp_session", "value": site.cookies[role], "url": site.address}])
    begun = Walk(site.address, role or "anybody", context.new_page())
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
def test_everybody_finds_their_pages_in_order(browser: Browser, site: Site, role: Role, rules: str) -> None:
    """Each page of a role fits at each width in both themes and breaks no rule, and the console stays silent."""
    context, walked = walk(browser, site, role)
    for path in site.pages[role]:
        walked.open(path)
        walked.show(1440, "light")
        walked.note("axe", axe_rules.violations(walked.page, rules))
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
