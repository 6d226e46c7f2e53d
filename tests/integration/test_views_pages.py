"""The cross-stream view and flow over time as a browser without JavaScript gets them (§7.1.2)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from dpp.domain.access import Grant, Role
from dpp.domain.catalogue import METRICS
from dpp.entrypoints.http.auth import COOKIE
from tests.support.dashboard_app import CONFIGURATION, LENDING, TOKEN, Feed
from tests.support.views_app import Views

Browser = TestClient[Litestar]
LOCAL = "http://127.0.0.1"


def browser(views: Views) -> Browser:
    """Return a browser that somebody has signed in with."""
    client = TestClient(views.app(), base_url=LOCAL)
    client.follow_redirects = False
    client.cookies.set(COOKIE, TOKEN)
    return client


@pytest.fixture(scope="module")
def lead() -> Iterator[Browser]:
    """A browser of somebody who sees everything."""
    with browser(Views()) as client:
        yield client


def text_of(markup: str) -> str:
    """Return what a reader reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def rows_under(html: str, caption_or_id: str) -> list[list[str]]:
    """Return the cells of the body of the table after a caption, an id or a label."""
    after = html[html.index(caption_or_id) :]
    body = re.search(r"<tbody>(.*?)</tbody>", after, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body[1], re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


class TestHeatmap:
    def test_each_field_says_blocks_what_is_blocked_now_and_what_is_open(self, lead: Browser) -> None:
        """Core API blocked one ticket of each stream, that of Payments still; Lending has nothing to do with Mobile."""
        html = lead.get("/cross-stream").text

        assert [
            ["Core API", "1 block ■ 1 blocked now 1 open", "1 block 2 open"],
            ["Mobile", "1 block 1 open", "· no dependency"],
        ] == rows_under(html, 'class="heat"')
        assert ["heat-1", "heat-1", "heat-1"] == re.findall(r'<td class="heat-cell (heat-\d)"', html)

    def test_it_keeps_the_names_of_streams_text(self, lead: Browser) -> None:
        """A name with signs of markup is shown as it is."""
        assert "Lending &lt;&amp; savings&gt;" in lead.get("/cross-stream").text

    def test_one_delivery_stream_alone_cannot_share(self, lead: Browser) -> None:
        """With a delivery stream chosen there is its column alone, and a way to all of them that keeps the rest."""
        html = lead.get("/cross-stream?stream=lending&window=90").text

        assert [["Core API", "1 block 2 open"], ["Mobile", "· no dependency"]] == rows_under(html, 'class="heat"')
        assert "Only Lending <& savings> is looked at" in text_of(html)
        assert 'href="/cross-stream?window=90">Show all delivery streams' in html


class TestBottlenecks:
    def test_severity_comes_with_its_reasons(self, lead: Browser) -> None:
        """Two streams with 55 percent on average are high, one with 40 is medium; three days are the p85 known."""
        rows = rows_under(lead.get("/cross-stream").text, 'class="severities"')

        assert ["Core API", "●●●○ High", "2", "1", "2", "55 %", "3 days"] == rows[0][:-1]
        assert "It holds up 2 delivery streams, whose sprint confidence averages 55 % (below 70 %)." == rows[0][-1]
        assert ["Mobile", "●●○○ Medium", "1", "0", "1", "40 %", "3 days"] == rows[1][:-1]

    def test_the_root_cause_is_said_with_its_evidence(self, lead: Browser) -> None:
        """One sentence has the blocks by stream and what is still blocked; what names no technology stands apart."""
        shown = text_of(lead.get("/cross-stream").text)

        assert "Core API has the highest impact across streams" in shown
        assert "It stands behind 2 blocks in the last 14 days (Payments 1, Lending <& savings> 1)" in shown
        assert "and 1 ticket is still blocked by it." in shown
        assert "1 more block in these days is put down to no technology" in shown

    def test_as_of_an_earlier_moment_it_knows_no_more_than_then(self, lead: Browser) -> None:
        """On 8 March nothing had been blocked, and the page says so as well as of when it speaks."""
        shown = text_of(lead.get("/cross-stream?as_of=2026-03-08T12:00:00Z").text)

        assert "Nothing points to a shared cause." in shown
        assert "As it was known at 8 Mar 2026, 12:00 GMT" in shown

    def test_the_card_speaks_the_catalogues_sentences_and_its_confidence(self, lead: Browser) -> None:
        """Question, action, why it is trusted less, sample and freshness are on the card."""
        shown = text_of(lead.get("/fragments/cross-stream").text)

        metric = METRICS["cross_stream_bottleneck"]
        assert metric.question in shown
        assert metric.action in shown
        assert "tickets tagged with a technology stream: 71.5 % (target 95 %)" in shown
        assert "3 blocks last 14 days cycle times of 30 days as of 09:30 GMT" in shown


class TestImpact:
    def test_a_chosen_technology_shows_whom_it_holds_up_and_what_that_costs(self, lead: Browser) -> None:
        """A week of PAY-1 is five working days, Thursday of LEN-1 one: six in all, most of them of Payments."""
        html = lead.get("/cross-stream?tech_stream=core-api").text

        assert [["Payments", "5", "1", "1", "1", "1"], ["Lending <& savings>", "1", "1", "1", "0", "2"]] == rows_under(
            html, 'id="impact-streams"'
        )
        assert "6 working days blocked over 2 tickets" in text_of(html)

    def test_it_names_the_tickets_that_are_blocked_now(self, lead: Browser) -> None:
        """PAY-1 is blocked since Monday of the week before; LEN-1 no longer is, and LEN-2 by nobody known."""
        html = lead.get("/cross-stream?tech_stream=core-api").text

        assert [["PAY-1", "Payments", "Development", "9 Mar 2026", "5"]] == rows_under(html, 'id="impact-tickets"')

    def test_the_others_stay_on_the_page(self, lead: Browser) -> None:
        """Choosing one technology marks its rows, and leaves no other one out."""
        html = lead.get("/cross-stream?tech_stream=mobile").text

        assert ["Core API", "Mobile"] == [row[0] for row in rows_under(html, 'class="heat"')]
        assert 2 == len(
            re.findall(r'<tr class="is-chosen"><th scope="row"><a href="[^"]*tech_stream=mobile[^"]*"', html)
        )
        assert "No ticket is blocked by it at this moment." in html

    def test_without_a_choice_there_is_none(self, lead: Browser) -> None:
        """The page says that one may be chosen."""
        html = lead.get("/cross-stream").text

        assert 'id="impact"' not in html
        assert "Choose a technology" in html


class TestFlow:
    def test_cumulative_flow_is_drawn_and_tabled(self, lead: Browser) -> None:
        """Four tickets are in progress now, three of them in development; the picture comes without JavaScript."""
        html = lead.get("/flow").text

        assert '<path class="stack-band stack-6"' in html
        latest = rows_under(html, "Tickets by stage at the end of each day")[0]
        assert ["16 Mar 2026", "0", "0", "3", "0", "1", "0", "4", "1"] == latest
        assert "4 items in progress now, up 4 from 0; Development grew most, by 3" in text_of(html)

    def test_arrivals_and_departures_are_told_by_week(self, lead: Browser) -> None:
        """Two began in the first week, when one left; three in the second; the third has just begun."""
        html = lead.get("/flow").text

        weeks = rows_under(html, "Tickets that came into progress and left it by week")
        assert [
            ["16 Mar 2026, running", "0", "0", "0", "4"],
            ["9 Mar 2026", "2", "0", "0", "4"],
            ["2 Mar 2026", "3", "1", "1", "2"],
        ] == weeks[:3]
        assert "4 more came into progress than left it." in text_of(html)

    def test_blocked_time_has_a_cost_for_each_technology(self, lead: Browser) -> None:
        """Core API six days, Mobile one, nobody known nine and a half hours; a technology leads to its impact."""
        html = lead.get("/flow?window=90").text

        rows = rows_under(html, "Blocked working days by the technology that blocked")
        assert [("Core API", "6", "2"), ("Mobile", "1", "1"), ("Not told", "0.4", "1")] == [
            (row[0], row[2], row[4]) for row in rows
        ]
        assert 'href="/cross-stream?tech_stream=core-api&amp;window=90"' in html

    def test_ageing_work_is_compared_with_finished_work(self, lead: Browser) -> None:
        """The oldest first, each with its stream, stage and band; blocked ones have a sign of their own."""
        html = lead.get("/flow").text

        rows = rows_under(html, "Unfinished items by age in working days")
        assert ["PAY-1", "Payments", "Development", "2 Mar 2026", "blocked"] == rows[0][:5]
        assert ["PAY-1", "LEN-1", "PAY-2", "LEN-2"] == [row[0] for row in rows]
        assert 2 == len(re.findall(r'<g class="age-dot is-blocked">', html))
        assert 2 == len(re.findall(r'<g class="age-dot">', html))

    def test_every_picture_has_a_description_and_a_table(self, lead: Browser) -> None:
        """Three pictures say what they are, and each card with one has its numbers in a table."""
        html = lead.get("/flow").text

        assert 3 == len(re.findall(r'role="img" aria-label="[^"]{30,}"', html))
        cards = [card for card in html.split("<article")[1:] if 'role="img"' in card]
        assert all("<table" in card and 'class="action"' in card for card in cards)

    def test_a_moment_before_everything_shows_that_nothing_was_there(self, lead: Browser) -> None:
        """Each card says what is missing, and no picture is drawn."""
        html = lead.get("/flow?as_of=2026-02-01T00:00:00Z").text

        assert 'role="img"' not in html
        assert 4 == len(re.findall(r'class="empty"', html))


class TestFrame:
    @pytest.mark.parametrize("path", ["/cross-stream", "/flow"])
    def test_the_views_lead_to_each_other_with_the_same_filters(self, lead: Browser, path: str) -> None:
        """Every view has the filters of the address, the dashboard's zones included, and knows where one is."""
        html = lead.get(f"{path}?stream=payments&window=90&zones=trends").text

        query = "?stream=payments&amp;window=90&amp;zones=trends"
        assert [f"{there}{query}" for there in ("/", "/cross-stream", "/flow")] == re.findall(
            r'<a href="([^"]*)"(?: aria-current="page")?>(?:Dashboard|Across streams|Flow over time)', html
        )
        assert f'href="{path}{query}" aria-current="page"' in html
        assert ["trends"] == re.findall(r'type="checkbox" name="zones" value="(\w+)"[^>]* checked', html)

    @pytest.mark.parametrize("path", ["/cross-stream", "/flow"])
    def test_who_is_not_signed_in_signs_in_and_comes_back(self, path: str) -> None:
        """The form leads on to the page, a refresh to the form."""
        with browser(Views()) as client:
            client.cookies.clear()
            whole, part = client.get(path), client.get(f"/fragments{path}")

        assert (303, f"/sign-in?next=%2F{path[1:]}") == (whole.status_code, whole.headers["location"])
        assert 401 == part.status_code

    @pytest.mark.parametrize("path", ["/cross-stream?tech_stream=nope", "/flow?stream=nope"])
    def test_an_unknown_stream_has_a_page_of_its_own(self, lead: Browser, path: str) -> None:
        """It says that there is none such that one may see."""
        answer = lead.get(path)

        assert 404 == answer.status_code
        assert "There is no such stream" in answer.text

    @pytest.mark.parametrize("path", ["/cross-stream", "/flow"])
    def test_who_has_no_role_may_not_see_it(self, path: str) -> None:
        """The page says why and what to do."""
        with browser(Views(grants=())) as client:
            answer = client.get(path)

        assert 403 == answer.status_code
        assert "Ask an administrator" in answer.text

    def test_names_beyond_ones_scope_are_on_no_page(self) -> None:
        """A lead of Lending who may name no technology is told so, and reads of nothing that is not theirs."""
        grants: Sequence[Grant] = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=LENDING),)
        with browser(Views(grants=grants)) as client:
            shown = [client.get(path).text for path in ("/cross-stream", "/flow")]

        assert "None of the technology streams is among those that you may see." in shown[0]
        assert not [word for page in shown for word in ("Payments", "PAY-", "Core API", "Mobile") if word in page]

    def test_before_technologies_are_described_the_page_says_how(self) -> None:
        """Without technology streams there is a hint to the configuration."""
        feed = Feed(configuration=replace(CONFIGURATION, tech_streams=()))
        with browser(Views(tickets=(), flags=(), feed=feed)) as client:
            html = client.get("/cross-stream").text

        assert "No technology stream is configured." in html

    def test_streams_without_blocks_or_tickets_are_an_empty_state(self) -> None:
        """The heatmap says what it is read from, and nothing points to a cause."""
        with browser(Views(tickets=(), flags=())) as client:
            shown = text_of(client.get("/cross-stream?tech_stream=mobile").text)

        assert "No open ticket touches a technology" in shown
        assert "Nothing points to a shared cause." in shown
        assert "Nothing depends on it" in shown
