"""What is behind the figures of the pages, as a browser without JavaScript gets it: reasons, things, exports."""

import csv
import html as markup
import io
import re
from collections.abc import Iterator
from datetime import date
from xml.etree import ElementTree

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from dpp.application.measures import Cause, DayFigure, StreamKey
from dpp.domain import catalogue
from dpp.domain.access import Grant, Role
from dpp.domain.catalogue import METRICS
from dpp.domain.companions import COMPANIONS
from dpp.domain.explanations import REMARKS, Remark
from dpp.domain.metric import Dimension
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import words
from dpp.entrypoints.http.dashboard.chart_files import CHARTS
from dpp.entrypoints.http.dashboard.item_words import COLUMNS
from dpp.entrypoints.http.dashboard.palette import Theme, inks
from tests.support.dashboard_app import TOKEN
from tests.support.derivation import LOGISTICS, PAYMENTS, at
from tests.support.explained_app import ExplainedApp
from tests.support.explaining import NOW

Browser = TestClient[Litestar]
VIEWS = ("/?stream=payments", "/cross-stream?tech_stream=core", "/flow")
OF_PAYMENTS = Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def explained() -> ExplainedApp:
    """The application over a history that nothing changes."""
    return ExplainedApp()


@pytest.fixture(scope="module")
def opened(explained: ExplainedApp) -> Iterator[Browser]:
    """A browser that somebody has signed in with."""
    with TestClient(explained.app(), base_url="http://127.0.0.1") as client:
        client.cookies.set(COOKIE, TOKEN)
        client.follow_redirects = False
        yield client


@pytest.fixture
def lead(opened: Browser, explained: ExplainedApp) -> Iterator[Browser]:
    """The same, with all grants."""
    explained.may()
    yield opened
    explained.may()


def read(client: Browser, address: str) -> str:
    """Return a page that must be there, with its entities read."""
    answer = client.get(address)
    assert 200 == answer.status_code, (address, answer.text)
    return markup.unescape(answer.text)


def links(text: str, prefix: str) -> list[str]:
    """Return the addresses of a page that begin so, in order, each once."""
    return list(dict.fromkeys(re.findall(rf'(?:href|data-source)="({prefix}[^"]+)"', text)))


def things(text: str) -> list[str]:
    """Return what the list of a page names."""
    listed = text[text.index('id="explain-items"') :]
    return re.findall(r'<tr(?: class="is-out")?><th scope="row">(?:<a [^>]*>)?([^<]+)', listed)


class TestExplaining:
    def test_every_card_and_tile_explains_its_number(self, lead: Browser) -> None:
        """Each card of the three views leads to a page with definition, formula, what counts and the things."""
        found = [address for view in VIEWS for address in links(read(lead, view), "/explain/")]

        named = {re.match(r"/explain/(\w+)", address)[1] for address in found}  # type: ignore[index]
        assert set(COMPANIONS) <= named
        for address in found:
            text, name = read(lead, address), address.split("/")[2].split("?")[0]
            words_of = catalogue.explained(name).explanation
            assert words_of.definition in text
            assert words_of.formula in text
            assert words_of.counted in text
            assert 1 == text.count("<h1")
        cards = [card for view in VIEWS for card in re.findall(r"<article.*?</article>", read(lead, view), re.DOTALL)]
        assert all("/explain/" in card for card in cards)

    def test_every_metric_of_the_catalogue_can_be_opened(self, lead: Browser) -> None:
        """Also those that share a card: the page of one leads to the others."""
        assert set(METRICS) | set(COMPANIONS) == set(COLUMNS)
        for name in METRICS:
            assert METRICS[name].title in read(lead, f"/explain/{name}?stream=payments")
        tabs = links(read(lead, "/explain/cycle_time_p85?window=90"), "/explain/cycle")
        assert [f"/explain/cycle_time_{it}?window=90" for it in ("p50", "p85", "p95", "scatter")] == tabs[:4]

    def test_the_page_lists_what_the_api_gives(self, lead: Browser) -> None:
        """The first page of things of every figure is that of the evidence endpoint, in its order."""
        for name in (*METRICS, *COMPANIONS):
            asked = "stream=payments&window=30" + ("&tech_stream=core" if name == "technology_impact" else "")
            data = lead.get(f"/api/v1/metrics/{name}/evidence?{asked}&limit=50").json()["data"]
            text = read(lead, f"/explain/{name}?{asked}")
            assert [item["name"] for item in data["items"]] == things(text), name
            assert [item["url"] for item in data["items"] if item["url"]] == re.findall(
                r'<th scope="row"><a href="([^"]+)" rel', text
            )

    def test_the_figure_is_the_one_of_the_card(self, lead: Browser) -> None:
        """The page of a figure shows what its card shows, in the same words."""
        shown = re.search(
            r'id="wip-title".*?<span class="number">(\d+)</span>', read(lead, "/?stream=payments"), re.DOTALL
        )
        text = read(lead, "/explain/wip_by_stage?stream=payments")

        assert shown is not None
        assert f'<p class="explain-figure"><span class="number">{shown[1]} tickets</span>' in text
        assert shown[1] == re.search(r"Counted in</th><td>(\d+)<", text)[1]  # type: ignore[index]

    def test_what_is_left_out_is_told_with_its_reason(self, lead: Browser) -> None:
        """Finished tickets that were cancelled, taken up again or of no stream stand in the list, and why."""
        text = read(lead, "/explain/cycle_time_p85?stream=payments&show=left-out")

        assert {"PAY-31", "PAY-32", "PAY-33"} <= set(things(text))
        assert f"no: {REMARKS[Remark.CANCELLED]}" in text
        assert f"no: {REMARKS[Remark.REOPENED]}" in text
        assert "yes</td>" not in text[text.index('id="explain-items"') :]
        assert "may belong" in text or "unknown ones fall" in text

    def test_blocked_time_names_the_tickets_and_what_blocked(self, lead: Browser) -> None:
        """PAY-42 was flagged in the window, blocked by Core; LOG-45 too, and nobody has told by what."""
        text = read(lead, "/explain/blocked_time")

        assert ["LOG-45", "PAY-42"] == sorted(things(text))
        assert re.search(r"PAY-42</a></th><td class=\"word\">Core, still</td><td>3.7<", text)
        assert re.search(r"LOG-45</a></th><td class=\"word\">Not told, still</td><td>3.3<", text)

    def test_what_is_of_one_stream_offers_the_streams(self, lead: Browser, explained: ExplainedApp) -> None:
        """A sprint is of one delivery stream; a forecast and a survey are of no technology stream: links lead on."""
        explained.may(OF_PAYMENTS)
        text = read(lead, "/explain/sprint_confidence?window=90")
        assert "of one delivery stream at a time" in text
        assert "not told of several together" in text
        assert ["/explain/sprint_confidence?stream=payments&window=90"] == links(text, "/explain/sprint")
        explained.may()
        assert "Choose a delivery stream" not in read(lead, "/explain/sprint_confidence?stream=payments")
        for name in ("monte_carlo_forecast", "team_pulse"):
            assert "Choose a delivery stream" not in read(lead, f"/explain/{name}")
            text = read(lead, f"/explain/{name}?tech_stream=core")
            assert "not told of a technology stream" in text
            assert f"/explain/{name}?stream=payments&window=30" in links(text, f"/explain/{name}")

    def test_things_lead_to_the_systems_that_told_of_them(self, lead: Browser) -> None:
        """A ticket leads to Jira, a pull request to GitHub."""
        assert 'href="https://acme.atlassian.net/browse/PAY-42"' in read(lead, "/explain/wip_by_stage?stream=payments")
        assert 'href="https://ghe.acme.example/acme-core/service/pull/1"' in read(
            lead, "/explain/review_turnaround_p50"
        )

    def test_reduced_confidence_names_the_rate_and_the_remedy(self, lead: Browser) -> None:
        """The trust section says which rate is short, its target and what to do."""
        text = read(lead, "/explain/lead_time_p50")

        assert "Reduced confidence" in text
        assert re.search(r"\(target \d+", text)
        assert any(remedy in text for remedy in words.REMEDIES.values())

    def test_each_source_says_how_fresh_it_is(self, lead: Browser) -> None:
        """The doors that something came through are listed with how long ago that was."""
        text = read(lead, "/explain/wip_by_stage")

        assert "Jira" in re.findall(r"<dt>([^<]+)</dt><dd><time", text)
        assert " ago</time>" in text
        assert "check its webhook" not in text

    def test_a_source_that_fell_silent_is_told(self, lead: Browser, explained: ExplainedApp) -> None:
        """Jira was heard last on Wednesday at eleven, it is Friday at eleven: two working days without a word."""
        explained.heard.last = {"jira": at(NOW - 48)}
        text = read(lead, "/explain/wip_by_stage")
        explained.heard.last = {}

        assert "silent for 2 working days: check its webhook" in text

    def test_as_of_an_earlier_moment_there_is_less(self, lead: Browser) -> None:
        """At a moment of the past only what had been finished by then is there, and the page says when that was."""
        now = things(read(lead, "/explain/cycle_time_p50?stream=payments&show=counted"))
        text = read(lead, "/explain/cycle_time_p50?stream=payments&show=counted&as_of=2026-03-20T09:00:00Z")

        assert "as it was known at" in text
        assert 0 < len(things(text)) < len(now)
        assert "as_of=2026-03-20T09%3A00%3A00%2B00%3A00" in links(text, "/explain/")[0]

    def test_a_narrow_scope_sees_its_own_things(self, lead: Browser, explained: ExplainedApp) -> None:
        """Who may see Payments alone hears of no ticket of Logistics, of nothing without a stream, and of no bounds."""
        everything = set(things(read(lead, "/explain/cycle_time_p50")))
        explained.may(OF_PAYMENTS)
        text = read(lead, "/explain/cycle_time_p50")

        assert {name[:3] for name in everything} == {"PAY", "LOG", "OPS"}
        assert {name[:3] for name in things(text)} == {"PAY"}
        assert "explain-bounds" not in text
        assert 404 == lead.get("/explain/cycle_time_p50?stream=logistics").status_code

    def test_a_small_teams_reviews_are_not_listed(self, lead: Browser) -> None:
        """Of a withheld breakdown the page says why there is no list, and has none."""
        text = read(lead, "/explain/reviewer_concentration?stream=payments")

        assert "That protects small teams" in text
        assert "service#" not in text

    def test_long_lists_come_in_pages(self, lead: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of twenty things to a page 28 make two, and a page beyond the end is the last one."""
        monkeypatch.setattr("dpp.entrypoints.http.dashboard.explained.PAGE_ROWS", 20)
        first = read(lead, "/explain/arrivals?window=70")
        second = read(lead, "/explain/arrivals?window=70&page=2")

        assert (20, 8) == (len(things(first)), len(things(second)))
        assert "1–20 of 28" in first
        assert 'rel="next"' in first
        assert 'rel="next"' not in second
        assert things(second) == things(read(lead, "/explain/arrivals?window=70&page=99"))

    def test_arrivals_name_the_tickets_and_what_became_of_them(self, lead: Browser) -> None:
        """PAY-21 came on 2 April and was finished on the 4th, PAY-42 is in progress; what came earlier is left out."""
        text = read(lead, "/explain/arrivals")

        assert re.search(r"PAY-21</a></th><td class=\"word\">Finished 4 Apr 2026<", text)
        assert re.search(r"PAY-42</a></th><td class=\"word\">In progress<", text)
        assert "Left out</span> It came into progress before the window, and left it in the window" in text
        assert 1 == len(things(read(lead, "/explain/arrivals?show=left-out")))

    def test_the_tickets_of_flow_are_files(self, lead: Browser) -> None:
        """Arrivals and blocked time can be taken along ticket by ticket."""
        came = list(csv.DictReader(io.StringIO(lead.get("/exports/arrivals-tickets.csv").text)))
        held = list(csv.DictReader(io.StringIO(lead.get("/exports/blocked-tickets.csv").text)))
        assert ("2026-04-02T23:00:00Z", "2026-04-04T11:00:00Z", "true") == next(
            (row["began"], row["ended"], row["is_finished"]) for row in came if row["ticket"] == "PAY-21"
        )
        assert [("PAY-42", "core"), ("LOG-45", "")] == [(row["ticket"], row["technology"]) for row in held]

    def test_what_cannot_be_is_refused_with_a_page(self, lead: Browser) -> None:
        """An unknown figure is not found, an unknown list or page cannot be shown."""
        assert "There is no such figure" in lead.get("/explain/nonsense").text
        assert 404 == lead.get("/explain/nonsense").status_code
        assert 422 == lead.get("/explain/wip_by_stage?show=some").status_code
        assert 422 == lead.get("/explain/wip_by_stage?page=-1").status_code
        assert 422 == lead.get("/explain/technology_impact").status_code

    def test_the_panel_gets_the_same_without_a_page_around(self, lead: Browser, explained: ExplainedApp) -> None:
        """The fragment is a part of the page, and sends to sign in when the session is over."""
        part = read(lead, "/fragments/explain/flow_efficiency?stream=payments")
        explained.signin.is_over = True
        sent = lead.get("/fragments/explain/flow_efficiency", headers={"hx-current-url": "http://127.0.0.1/?window=90"})
        explained.signin.is_over = False

        assert part.strip().removeprefix("\n") in read(lead, "/explain/flow_efficiency?stream=payments")
        assert "<html" not in part
        assert (401, "/sign-in?next=%2F%3Fwindow%3D90") == (sent.status_code, sent.headers["hx-redirect"])


class TestRestated:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def restated(cls, opened: Browser, explained: ExplainedApp) -> None:
        """On 6 April Payments deployed 2 a week, which became 3; work in progress of Logistics went from 4 to 5."""
        frequency = DayFigure(date(2026, 4, 6), "deployment_frequency", None, 2.0, "per_week", 8)
        progress = DayFigure(date(2026, 4, 6), "wip_by_stage", None, 4.0, "count", 4)
        payments, logistics = (StreamKey(Dimension.DELIVERY, stream) for stream in (PAYMENTS, LOGISTICS))
        portal = opened.blocking_portal
        portal.call(explained.restate, payments, [(frequency, 3.0)], Cause.MANUAL_LINK)
        portal.call(explained.restate, logistics, [(progress, 5.0)], Cause.LATE_EVENT)

    def test_a_restated_value_is_marked_where_it_is_shown(self, lead: Browser) -> None:
        """The card, the row of the day and the point of the chart say before, after and why."""
        text = read(lead, "/?stream=payments&window=30")
        said = "2 a week → 3 a week, because a pull request was linked by hand (2 tickets)"

        card = next(it for it in re.findall(r"<article.*?</article>", text, re.DOTALL) if "deployments-title" in it)
        assert re.search(rf'class="restated".*?6 Apr 2026: {re.escape(said)}\.', card, re.DOTALL)
        assert f"6 Apr 2026 restated: {said}" in card
        assert f'"marks":[[25,"{said}"]]' in card
        assert 1 == text.count('class="restated"')

    def test_all_streams_together_name_the_stream(self, lead: Browser) -> None:
        """Where several streams are shown, a mark says whose value it was; where one is, it goes without saying."""
        assert "6 Apr 2026, Payments: 2 a week" in read(lead, "/?window=30")
        assert "6 Apr 2026 restated, Logistics: 4 tickets → 5 tickets" in read(lead, "/flow?window=30")

    def test_the_figure_of_a_past_day_is_marked_on_its_page(self, lead: Browser) -> None:
        """As of that day the card of work in progress says that its figure was restated; as of the next it does not."""
        day = "/fragments/realtime?stream=logistics&as_of=2026-04-{}T12:00:00Z"
        assert "4 tickets → 5 tickets, because something came later" in read(lead, day.format("06"))
        assert 'class="restated"' not in read(lead, day.format("07"))

    def test_two_streams_at_once_have_no_marks(self, lead: Browser) -> None:
        """Of what belongs to both no day is stored, so that nothing can have been restated."""
        assert 'class="restated"' not in read(lead, "/?stream=payments&tech_stream=core")
        assert "Choose a delivery stream or a technology stream" in read(
            lead, "/restatements?stream=payments&tech_stream=core"
        )

    def test_the_list_has_what_the_mark_leads_to(self, lead: Browser) -> None:
        """From the mark to the list of that figure: one row; the list of all has both."""
        address = next(it for it in links(read(lead, "/?stream=payments"), "/restatements") if "deployment" in it)
        text, whole = read(lead, address), read(lead, "/restatements")

        assert re.search(r">2 a week</td><td><strong>3 a week</strong></td><td>8 → 8</td>", text)
        assert "A pull request was linked by hand: 2 tickets." in text
        assert {"Payments", "Logistics"} <= set(re.findall(r'<td class="word">(\w+)</td>', whole))
        assert "Nothing was restated" in read(lead, "/restatements?metric=lead_time_p50")

    def test_the_panel_names_the_changes_of_its_figure(self, lead: Browser) -> None:
        """The explanation of a figure has its restatements and the way to all of them."""
        text = read(lead, "/explain/deployment_frequency?stream=payments")
        assert "<strong>6 Apr 2026</strong> 2 a week → 3 a week" in text
        assert "What was restated" not in read(lead, "/explain/team_pulse")

    def test_who_may_not_see_a_stream_is_not_told(self, lead: Browser, explained: ExplainedApp) -> None:
        """A viewer of Payments is told of its restatements and of no other."""
        explained.may(OF_PAYMENTS)
        text = read(lead, "/restatements")
        assert "Payments" in text
        assert "Logistics" not in text


class TestExports:
    def test_every_table_is_there_as_a_file(self, lead: Browser) -> None:
        """Every card with a table has a link to a CSV that the session opens, and each has a header and its rows."""
        for view in (*VIEWS, "/", "/explain/cycle_time_p85", "/explain/arrivals", "/restatements"):
            text = read(lead, view)
            cards = re.findall(r"<article.*?</article>", text, re.DOTALL)
            assert all("format=csv" in card or ".csv?" in card for card in cards if "<table" in card and "<td>" in card)
            for address in links(text, "/api/v1/") + links(text, "/exports/"):
                answer = lead.get(address)
                assert 200 == answer.status_code, (address, answer.text)
                assert answer.headers["content-type"].startswith("text/csv")
                assert "attachment" in answer.headers["content-disposition"]
                rows = list(csv.reader(io.StringIO(answer.text)))
                assert all(len(row) == len(rows[0]) for row in rows)

    def test_a_file_has_the_filters_of_its_page(self, lead: Browser) -> None:
        """The CSV of finished tickets of Payments has the tickets of the page's own table."""
        text = read(lead, "/?stream=payments&window=20")
        card = next(it for it in re.findall(r"<article.*?</article>", text, re.DOTALL) if "scatter-title" in it)
        found = csv.DictReader(io.StringIO(lead.get(links(card, "/api/v1/")[0]).text))

        assert sorted(re.findall(r'<th scope="row">([A-Z]+-\d+)', card)) == sorted(row["ticket_id"] for row in found)

    def test_what_a_technology_holds_up_is_a_file_too(self, lead: Browser) -> None:
        """The tickets that Core blocks now: PAY-42, since the 850th hour."""
        rows = list(csv.DictReader(io.StringIO(lead.get("/exports/impact-tickets.csv?tech_stream=core").text)))
        assert [("PAY-42", "core", "payments")] == [
            (it["ticket"], it["technology"], it["delivery_stream"]) for it in rows
        ]
        assert 422 == lead.get("/exports/impact-tickets.csv").status_code
        assert 404 == lead.get("/exports/nothing.csv").status_code

    @pytest.mark.parametrize("theme", Theme)
    def test_charts_of_the_server_stand_alone(self, lead: Browser, theme: Theme) -> None:
        """Each is well-formed SVG with a title, in the theme's own colours, and needs no style, script or address."""
        drawn = [address for view in VIEWS for address in links(read(lead, view), "/charts/")]
        assert set(CHARTS) == {re.match(r"/charts/(\w+)", address)[1] for address in drawn}  # type: ignore[index]
        for address in drawn:
            answer = lead.get(f"{address}&theme={theme}")
            assert answer.headers["content-type"].startswith("image/svg+xml")
            root = ElementTree.fromstring(answer.content)  # noqa: S314 - made here, a line above
            assert root.findtext(f"{SVG}title")
            assert not {"style", "script", "image", "use", "a"} & {it.tag.removeprefix(SVG) for it in root.iter()}
            assert not any(name in {"style", "class", "href"} for it in root.iter() for name in it.attrib)
            assert inks(theme)["surface"] == root.find(f"{SVG}rect").attrib["fill"]  # type: ignore[union-attr]
            assert not re.search(r"var\(|light-dark|NaN|None", answer.text)

    def test_an_empty_chart_is_not_offered(self, lead: Browser) -> None:
        """Before everything there is nothing to draw: no link, and a page that says so."""
        before = "as_of=2026-01-01T00:00:00Z"
        assert [] == links(read(lead, f"/flow?{before}"), "/charts/")
        assert "There is nothing to draw" in lead.get(f"/charts/cumulative.svg?{before}").text
        assert 404 == lead.get("/charts/nothing.svg").status_code
        assert 422 == lead.get("/charts/cumulative.svg?theme=blue").status_code

    def test_the_palette_is_that_of_the_stylesheets(self) -> None:
        """Light and dark surfaces, and a step of the heatmap, as the stylesheets have them."""
        assert ("#ffffff", "#171e26") == tuple(inks(theme)["surface"] for theme in Theme)
        assert {f"heat{step}" for step in range(1, 5)} | {f"band{step}" for step in range(1, 7)} <= set(
            inks(Theme.DARK)
        )
