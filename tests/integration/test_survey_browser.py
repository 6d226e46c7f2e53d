"""The monthly survey in a real browser: answered, answered again, and closed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import ROOT, browser, serving
from tests.support.derivation import PAYMENTS
from tests.support.whole_app import EMAIL, PASSWORD

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOTS = ROOT / "build" / "screenshots" / "survey"
TEXT = "Ask Ada at ada@acme.example why the builds are slow"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server process whose time is the tenth of April, when the survey is open to the twentieth."""
    with serving("tests.support.survey_server:build") as address:
        yield address


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """A member of a team who has signed in with nothing but the keyboard."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, base_url=server, locale="en-GB")
    context.set_default_timeout(10_000)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/survey")
    page.get_by_label("E-mail").focus()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server}/survey")
    yield page
    assert [] == complaints
    context.close()


def kept(server: str) -> list[Any]:
    """Return the answers of April that are stored."""
    return [row for row in httpx.get(f"{server}/test/answers").json() if row["period"] == "2026-04"]


def answer(page: Page, *scores: int) -> None:
    """Choose a score for each question and send the form."""
    for group, score in zip(page.locator("fieldset").all(), scores, strict=True):
        group.get_by_label(str(score), exact=True).check()
    page.get_by_role("button", name="Send").click()


def shot(page: Page, name: str) -> None:
    """Save a picture of the page."""
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_a_survey_is_answered_answered_again_and_closed(page: Page, server: str) -> None:
    """The latest answer counts, its text without addresses; after the window the page says when the next one opens."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Survey of Apr 2026")
    shot(page, "open")
    page.get_by_role("button", name="Send").click()
    assert [] == kept(server)
    page.get_by_label("Anything else?").fill(TEXT)
    answer(page, 2, 3, 5)
    expect(page.get_by_role("status")).to_have_text("Your answer is kept. Thank you.")
    shot(page, "kept")
    answer(page, 4, 3, 1)
    expect(page.get_by_role("status")).to_have_text("Your answer is kept. Thank you.")
    (row,) = kept(server)
    assert {"period": "2026-04", "team": str(PAYMENTS), "pace": 4, "tooling": 3, "clarity": 1, "text": ""} == row
    httpx.post(f"{server}/test/happen/forward", params={"days": 12}).raise_for_status()
    page.goto("/sign-in?next=/survey")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(heading).to_have_text("The survey is closed")
    expect(page.get_by_role("main")).to_contain_text("can be answered from 1 May 2026 to 20 May 2026")
    expect(page.get_by_role("button", name="Send")).to_have_count(0)
    shot(page, "closed")
