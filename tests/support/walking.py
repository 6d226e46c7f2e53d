"""Looking at pages at three widths and in both themes, in a real browser, and keeping what they looked like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect

from tests.support import axe_rules

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {390: 844, 820: 1180, 1440: 900}
Theme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Theme], ...] = (
    *((1440, "light"), (1440, "dark"), (820, "dark")),
    *((820, "light"), (390, "light"), (390, "dark")),
)
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


@dataclass
class Walk:
    """
    A way through pages, by somebody.

    Attributes:
        address: of the server.
        who: the name of the folder that keeps what was seen.
        page: the browser's.
        here: where the walk is.
        faults: what was found, each with its place.
        looked: how the page was looked at so far.
    """

    address: str
    who: str
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
        answer = self.page.goto(self.address + path, wait_until="load")
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
        self.page.screenshot(path=SHOTS / self.who / f"{name}-{how}.png", full_page=whole)
