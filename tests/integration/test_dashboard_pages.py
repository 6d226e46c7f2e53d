"""The pages as a browser without JavaScript gets them: status, figures, forms, headers."""

import asyncio
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from dpp.application.forecast_answers import Reason
from dpp.application.readers import StageRow
from dpp.application.views import View
from dpp.domain.access import Grant, Role
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import DEFAULT_MINIMUM_CONTRIBUTORS, Configuration
from dpp.domain.pulse import Period
from dpp.domain.quality import QualityRate
from dpp.domain.small_teams import Contribution
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import assets, words
from tests.support.dashboard_app import CONFIGURATION, EMAIL, LENDING, PASSWORD, PAYMENTS, TOKEN, Dashboard, Feed
from tests.support.dashboard_rows import REMAINING
from tests.support.fake_reader import FakeReader

Browser = TestClient[Litestar]

BUDGET_BYTES = 300_000
#: They share a card with another metric, whose sentences it says, or have one on another page.
NOT_ON_CARDS_OF_THEIR_OWN = {
    *("cycle_time_p50", "cycle_time_p85", "cycle_time_p95", "review_turnaround_p85", "ttr_mean", "lead_time_p85"),
    "cross_stream_bottleneck",
}
LOCAL = "http://127.0.0.1"


@pytest.fixture
def dashboard() -> Dashboard:
    """The parts of the application."""
    return Dashboard()


@pytest.fixture
def anybody(dashboard: Dashboard) -> Iterator[Browser]:
    """A browser that nobody has signed in with."""
    with TestClient(dashboard.app(), base_url=LOCAL) as client:
        client.follow_redirects = False
        yield client


@pytest.fixture
def lead(anybody: Browser) -> Browser:
    """A browser that somebody has signed in with."""
    anybody.cookies.set(COOKIE, TOKEN)
    return anybody


def field(html: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


def sign_in(client: Browser, *, password: str = PASSWORD, **changed: str) -> Response:
    """Open the form, fill it in and send it."""
    form = client.get("/sign-in?next=/%3Fstream%3Dpayments").text
    fields = {"email": EMAIL, "password": password, "next": field(form, "next")}
    fields["csrf_token"] = field(form, "csrf_token")
    headers = {"sec-fetch-site": changed.pop("site", "same-origin")}
    return client.post("/sign-in", data=fields | changed, headers=headers)


def charts(html: str) -> list[Any]:
    """Return the data of the charts of a page."""
    return [json.loads(text) for text in re.findall(r'class="chart-data"[^>]*>(.*?)</div>', html, re.DOTALL)]


class TestFigures:
    def test_the_bar_shows_the_six_summary_figures(self, lead: Browser) -> None:
        """The health bar has what §7.1.1 names, in its order, then how complete the data is."""
        html = lead.get("/fragments/health-bar?stream=payments&window=90").text

        shown = re.findall(r'data-figure="(\w+)"', html)
        assert [
            "sprint_confidence",
            "cycle_time_p85",
            "flow_efficiency",
            "deployment_frequency",
            "change_failure_rate",
            "defect_escape_rate",
            "data_quality",
        ] == shown
        assert f"{REMAINING} left, 10 working days" in html
        # Two of five defects were found in acceptance or by users.
        assert re.search(r'<span class="number">40</span> <span class="unit">%</span>', html)

    def test_the_bar_sends_to_the_zones_that_are_shown(self, lead: Browser) -> None:
        """A title of the bar leads to the zone with its card, unless that zone is left out."""
        assert 'href="#zone-trends"' in lead.get("/fragments/health-bar").text
        assert 'href="#zone-trends"' not in lead.get("/fragments/health-bar?zones=realtime").text

    def test_work_in_progress_leaves_out_backlog_and_unmapped(self, lead: Browser) -> None:
        """3+1+6+2+2+4+2+9+1+3 tickets are in progress; 34 in the backlog and 2 unmapped stand apart."""
        html = lead.get("/fragments/realtime").text

        assert re.search(r'<span class="number">33</span> <span class="unit">tickets in progress</span>', html)
        assert "Backlog <strong>34</strong>" in html

    def test_every_chart_has_a_table_with_its_numbers(self, lead: Browser) -> None:
        """Each chart is followed by a table in its card, and what it shows of tickets and stages is a row of one."""
        html = lead.get("/?stream=payments").text

        cards = re.findall(r"<article class=.*?</article>", html, re.DOTALL)
        with_charts = [card for card in cards if 'role="img"' in card]
        assert 13 == len(with_charts)
        assert all("<table" in card for card in with_charts)
        data = {chart["kind"]: chart for chart in charts(html)}
        rows = re.findall(r'<th scope="row">([^<]+)</th>', html)
        assert {point[2] for point in data["scatter"]["points"] + data["ageing"]["points"]} <= set(rows)
        assert {row["name"] for row in data["wip"]["rows"] + data["flow"]["rows"]} <= set(rows)

    def test_cards_speak_the_catalogues_sentences(self, lead: Browser) -> None:
        """Each card carries the question that it answers and what to do because of it."""
        html = lead.get("/?stream=payments").text.replace("&#39;", "'")

        cards = [name for name in METRICS if name not in NOT_ON_CARDS_OF_THEIR_OWN]
        assert 13 == len(cards)
        for name in cards:
            assert METRICS[name].question in html
            assert METRICS[name].action in html

    def test_reduced_confidence_names_the_rate_and_its_target(self, lead: Browser) -> None:
        """143 of 200 tickets are tagged, 71.5 % of a wished 95 %, and the card says so in words."""
        html = lead.get("/fragments/diagnostic").text

        assert "Reduced confidence" in html
        assert "tickets tagged with a technology stream: 71.5\u00a0% (target 95\u00a0%)" in html
        assert words.REMEDIES[QualityRate.TICKET_STREAM_TAGGING] in html

    def test_unmapped_tickets_come_with_a_hint(self, lead: Browser) -> None:
        """Two tickets in an unmapped status are said, with how to map it."""
        html = lead.get("/fragments/realtime").text

        assert "2 tickets in a status that nobody has mapped" in html
        assert "[[status_mappings]]" in html

    def test_names_cannot_become_markup(self, lead: Browser) -> None:
        """A stream called ``Lending <& savings>`` is shown, escaped."""
        html = lead.get("/?stream=lending").text

        assert "<h1>Lending &lt;&amp; savings&gt;</h1>" in html
        assert "<& savings>" not in html


class TestZones:
    def test_the_sprint_has_a_gauge_and_what_would_rescue_it(self, lead: Browser) -> None:
        """Four items are left in ten working days, and the days of the last sprint brought 2, 5 and eight times none.

        Four or more are done unless no day brings 5 and one at most brings 2: 1 - 0.8^10 - 10 · 0.1 · 0.8^9 = 75.8 %.
        Two or more are done unless no day brings any: 1 - 0.8^10 = 89.3 %, so that two of four have to go.
        """
        html = lead.get("/fragments/realtime?stream=payments").text

        said = re.search(r'aria-label="Sprint delivery confidence: ([0-9.]+) percent, open"', html)
        assert said is not None
        assert pytest.approx(75.8, abs=5) == float(said[1])
        assert "Sprint 8, 16 Mar 2026 to 27 Mar 2026" in html
        assert "Leave out 2 of 4 to be 85\u00a0% sure of the other 2" in html

    def test_too_much_in_a_sprint_is_told_with_the_cut(self, lead: Browser, dashboard: Dashboard) -> None:
        """With forty items left the confidence is low, and the card says how many to leave out for 85 %."""
        dashboard.rows.kept.snapshots[:] = [dashboard.rows.kept.snapshots[0]._replace(remaining_count=40)]
        html = lead.get("/fragments/realtime?stream=payments").text

        assert "percent, unlikely" in html
        cut = re.search(r"Leave out (\d+) of 40 to be 85\u00a0% sure of the other (\d+)", html)
        assert cut is not None
        assert 40 == int(cut[1]) + int(cut[2])

    @pytest.mark.parametrize(
        ("query", "reason"),
        [("", Reason.NO_STREAM), ("tech_stream=mobile", Reason.TECH_STREAM), ("stream=lending", Reason.NO_SPRINT)],
    )
    def test_without_a_sprint_the_card_says_why(self, lead: Browser, query: str, reason: Reason) -> None:
        """There is no gauge then, but what to choose or to wait for."""
        html = lead.get(f"/fragments/realtime?{query}").text

        assert words.REASONS[reason] in html
        assert '<svg class="gauge' not in html

    def test_all_streams_have_their_sprints_side_by_side(self, lead: Browser) -> None:
        """Without a stream chosen each one has a row that leads to it, and says why when it has no sprint."""
        html = lead.get("/fragments/realtime?window=90").text

        assert '<a href="/?stream=payments&amp;window=90">Payments</a>' in html
        assert re.search(r"Lending .*?no sprint is running", html, re.DOTALL)

    def test_ageing_work_is_compared_with_finished_work(self, lead: Browser) -> None:
        """Twelve items are unfinished, the oldest first in the table, each with how it compares."""
        html = lead.get("/fragments/realtime?stream=payments").text

        rows = re.findall(r'<th scope="row">(PAY-9\d+)</th><td class="word">QA', html)
        assert ["PAY-90", "PAY-91"] == rows[:2]
        assert 12 == len(rows)
        assert "past p95" in html

    def test_defects_flow_from_where_they_were_made(self, lead: Browser) -> None:
        """The drawing and its table have the pairs; one of five defects has no origin and is said apart."""
        html = lead.get("/fragments/diagnostic").text

        assert "2 from Development to QA" in html
        assert '<th scope="row">Analysis</th><td class="word">UAT</td><td>1</td>' in html
        assert "<strong>20 %</strong> of all defects have no known origin" in html
        assert "Between 40\u00a0% and 60\u00a0%: of 1 defect nobody has told where it was found." in html
        assert html.count('class="ribbon is-escape"') == 2

    def test_a_small_teams_reviewers_are_not_shown(self, lead: Browser) -> None:
        """Without enough contributors the shares stand nowhere, and the card says from how many on they would."""
        html = lead.get("/fragments/diagnostic").text

        assert "Shares of reviewers are not shown" in html
        assert f"Shares are shown from {DEFAULT_MINIMUM_CONTRIBUTORS} contributors on" in html
        assert "Reviewer 1" not in html

    def test_a_large_teams_reviewers_are_shares_without_names(self, lead: Browser, dashboard: Dashboard) -> None:
        """Six reviewers, one with half of all reviews: shares in order, and no hash of anybody."""
        reviews = {"5eva": 5, **dict.fromkeys(("1abe", "1ben", "1cid", "1dan", "1fay"), 1)}
        dashboard.diagnosed.contributed = [
            (1.0, Contribution(PAYMENTS, (), person, count)) for person, count in reviews.items()
        ]
        html = lead.get("/fragments/diagnostic").text

        assert ["50 %", "10 %", "10 %", "10 %", "10 %", "10 %"] == re.findall(
            r'<th scope="row">Reviewer \d</th>.*?<td>([^<]+)</td></tr>', html
        )
        assert "Nobody has more than half" in html
        assert not any(person in html for person in reviews)

    def test_deliveries_have_their_trends_and_bounds(self, lead: Browser) -> None:
        """Three deployments, one taken back and one blamed: the rate lies between a third and two thirds."""
        html = lead.get("/fragments/trends?window=30").text

        assert "Confirmed <strong>33.3 %</strong>, at most <strong>66.7 %</strong>" in html
        assert "as elite performers" in html
        assert "30 minutes" in html
        shown = [chart["unit"] for chart in charts(html)]
        assert ["a week", "percent", "minutes", "hours"] == shown
        assert all(30 == len(line["values"]) == len(chart["days"]) for chart in charts(html) for line in chart["lines"])

    def test_the_ledger_begins_with_what_waits(self, lead: Browser) -> None:
        """One change is merged and not deployed, for two hours; it comes before the two that users have."""
        html = lead.get("/fragments/trends").text

        numbers = re.findall(r'<th scope="row">acme-core/service#(\d)</th>', html)
        assert ["3", "2", "1"] == numbers
        assert "not yet, for 2 hours" in html or "not yet, for 120 minutes" in html

    def test_a_forecast_has_dates_chances_and_its_record(self, lead: Browser) -> None:
        """Eight weeks of history: a histogram, four dates, and that none of the earlier ones is due."""
        html = lead.get("/fragments/forecast?stream=payments").text

        assert ["histogram"] == [chart["kind"] for chart in charts(html)]
        assert ["50", "70", "85", "95"] == re.findall(r'<span class="chance">(\d+) %', html)
        assert 4 == html.count("not due yet</td>")
        assert "Low confidence" not in html

    def test_what_if_works_by_address(self, lead: Browser) -> None:
        """Ten more items by some day at 85 %: the page answers in sentences, and the form keeps what was asked."""
        query = "stream=payments&scope_change=10&by_date=2026-04-30&confidence=85"
        html = lead.get(f"/?{query}").text

        imagined = html[html.index('id="imagined"') :]
        assert "22 tickets (+10)" in imagined
        assert "By 30 Apr 2026 the chance of all 22 is" in imagined
        assert (
            'name="scope_change" type="number" step="1" min="-1000000" max="1000000" placeholder="0" value="10"' in html
        )
        assert '<input type="hidden" name="stream" value="payments">' in html
        assert f"/fragments/forecast?stream=payments&amp;window=30&amp;{query[16:].replace('&', '&amp;')}" in html

    def test_a_short_history_gives_a_line_and_says_so(self, lead: Browser, dashboard: Dashboard) -> None:
        """With three weeks of history there is an estimate with a label, how much is missing, and no chance."""
        html = lead.get("/fragments/forecast?stream=payments&as_of=2026-02-09T09:00:00Z").text

        assert "Low confidence" in html
        assert "3 more weeks of history are needed" in html
        assert 'class="chance"' not in html
        assert [] == charts(html)

    def test_the_pulse_is_shown_by_month(self, lead: Browser) -> None:
        """Six people answered in February and eight in March: scores, their change, and the lowest one named."""
        html = lead.get("/fragments/pulse?stream=payments").text

        assert '<span class="number">2.7</span> <span class="unit">of 5 in Mar 2026</span>' in html
        assert 'Clarity <span class="chip">lowest</span>' in html
        assert "3 (−1)" in html
        assert ["Pace", "Tooling", "Clarity"] == [line["name"] for line in charts(html)[0]["lines"]]

    def test_a_low_response_reduces_the_trust_in_the_pulse(self) -> None:
        """Eight of sixteen answered, short of 60 %: the rate is shown beside its target, and what to do about it."""
        sized = [replace(stream, team_size=16) for stream in CONFIGURATION.delivery_streams]
        dashboard = Dashboard(feed=Feed(configuration=replace(CONFIGURATION, delivery_streams=tuple(sized))))
        with TestClient(dashboard.app(), base_url=LOCAL) as client:
            client.cookies.set(COOKIE, TOKEN)
            html = client.get("/fragments/pulse?stream=payments").text

        assert "<strong>50 %</strong> of 16 answered (target 60 %)" in html
        assert "team members who answered the pulse: 50\u00a0% (target 60\u00a0%)" in html
        assert words.REMEDIES[QualityRate.PULSE_RESPONSE] in html

    def test_a_page_asks_each_question_once(
        self, lead: Browser, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The bar and the zone below it share an answer, also for a moment of which no answer is kept."""
        asked: list[View] = []
        read = dashboard.reader.wip

        async def wip(view: View) -> Sequence[StageRow]:
            asked.append(view)
            return await read(view)

        monkeypatch.setattr(dashboard.reader, "wip", wip)
        assert 200 == lead.get("/?as_of=2026-03-10T09:00:00Z").status_code
        assert 1 == len(asked)

    def test_a_small_teams_answers_are_withheld(self, dashboard: Dashboard) -> None:
        """Two answers are counted and not averaged, in card and table alike."""
        asyncio.run(dashboard.rows.answer(LENDING, Period(2026, 3), people=2, score=5))
        with TestClient(dashboard.app(), base_url=LOCAL) as client:
            client.cookies.set(COOKIE, TOKEN)
            html = client.get("/fragments/pulse?stream=lending").text

        assert "The averages of Mar 2026 are not shown" in html
        assert "2 people answered" in html
        assert 3 == html.count("<td>withheld</td>")
        assert not re.search(r"<td>[2345](\.\d)? ", html)


class TestFilters:
    def test_the_address_says_what_is_shown(self, lead: Browser, dashboard: Dashboard) -> None:
        """Stream, window, moment and zones come from the query string, and the parts keep them."""
        html = lead.get("/?stream=payments&window=custom&days=45&as_of=2026-03-01T09:00&zones=realtime").text

        assert {PAYMENTS} == {view.delivery_stream_id for view in dashboard.reader.views}
        query = "stream=payments&amp;window=45&amp;as_of=2026-03-01T09%3A00%3A00%2B00%3A00&amp;zones=realtime"
        assert f'hx-get="/fragments/realtime?{query}"' in html
        assert 'id="zone-diagnostic"' not in html
        assert "As it was known at" in html
        assert 'value="45"' in html

    def test_a_sprints_days_are_a_time_range(self, lead: Browser) -> None:
        """On the fifth day of the sprint one looks back five days; the address keeps the sprint, not the number."""
        html = lead.get("/?stream=payments&window=sprint&as_of=2026-03-20T12:00:00Z").text

        assert "The 5 days up to" in html
        assert "/fragments/trends?stream=payments&amp;window=sprint&amp;" in html
        assert 'value="sprint" checked' in html

    def test_without_a_sprint_its_range_is_the_usual_one(self, lead: Browser) -> None:
        """All streams together have no sprint: the page shows the usual range and says so."""
        html = lead.get("/?window=sprint").text

        assert "The 30 days up to" in html
        assert "No sprint is running here" in html

    def test_a_choice_of_zones_is_several(self, lead: Browser) -> None:
        """Two zones chosen, the other three away; the bar stays."""
        html = lead.get("/?zones=trends&zones=pulse").text

        assert ["health-bar", "trends", "pulse"] == re.findall(r'<section id="zone-([a-z-]+)"', html)

    @pytest.mark.parametrize(
        "query",
        [
            *("window=0", "window=abc", "window=1101", "as_of=yesterday", "zones=moon"),
            *("scope_change=many", "by_date=soon", "by_date=2020-01-01", "confidence=101", "confidence=nan"),
        ],
    )
    def test_an_impossible_filter_is_a_page(self, lead: Browser, query: str) -> None:
        """A filter that cannot be is answered with 422 and what would be right."""
        answer = lead.get(f"/?{query}")

        assert 422 == answer.status_code
        assert "That cannot be shown" in answer.text

    def test_an_unknown_stream_is_a_page(self, lead: Browser) -> None:
        """A stream that does not exist is answered with 404 and does not echo the name."""
        answer = lead.get("/?stream=secret-project")

        assert 404 == answer.status_code
        assert "There is no such stream" in answer.text
        assert "secret-project" not in answer.text

    def test_a_limited_reader_sees_no_other_streams_name(self) -> None:
        """Who may see Payments gets no other stream to choose, and 404 for it, as for one that does not exist."""
        dashboard = Dashboard()
        dashboard.signin.grants = (Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS),)
        with TestClient(dashboard.app(), base_url=LOCAL) as client:
            client.cookies.set(COOKIE, TOKEN)
            html = client.get("/").text
            assert "Payments" in html
            assert "Lending" not in html
            assert "Core API" not in html
            assert 404 == client.get("/?stream=lending").status_code


class TestStates:
    def test_without_any_data_the_page_says_what_to_connect(self, lead: Browser, dashboard: Dashboard) -> None:
        """Nothing known: the webhook addresses and the configuration command, and no empty figure."""
        empty = FakeReader.empty()
        dashboard.reader.stages, dashboard.reader.labels = empty.stages, empty.labels
        dashboard.reader.rates, dashboard.reader.cycle_times = empty.rates, empty.cycle_times
        html = lead.get("/").text

        assert f"{LOCAL}/api/v1/webhooks/github" in html
        assert f"{LOCAL}/api/v1/webhooks/jira" in html
        assert "dpp config apply" in html
        assert "data-figure" not in html

    def test_the_steps_show_which_is_done(self) -> None:
        """Without a configuration the first step is open; with one it is marked as done."""
        for configuration, is_done in ((None, True), (Configuration(), False)):
            dashboard = Dashboard(reader=FakeReader.empty(), public_url="https://dpp.acme.example")
            if configuration is not None:
                dashboard.feed.configuration = configuration
            with TestClient(dashboard.app(), base_url=LOCAL) as client:
                client.cookies.set(COOKIE, TOKEN)
                html = client.get("/").text
                assert is_done is ("is-done" in html)
                assert "https://dpp.acme.example/api/v1/webhooks/jira" in html

    def test_a_new_platform_without_deliveries_says_what_to_connect(self) -> None:
        """With tickets alone the trends, the forecast and the pulse say what they wait for."""
        with TestClient(Dashboard(is_filled=False).app(), base_url=LOCAL) as client:
            client.cookies.set(COOKIE, TOKEN)
            html = client.get("/").text

        assert 3 == html.count("Nothing was deployed to production in these 30 days")
        assert "/api/v1/events/incident" in html
        assert "No merged change is known" in html
        assert "Nothing is left to do" in html
        assert "Nobody has answered a survey yet" in html

    def test_without_completed_tickets_the_cards_say_so(self, lead: Browser, dashboard: Dashboard) -> None:
        """Work in progress is shown; cycle time and flow efficiency have no value and no mark, and say why."""
        dashboard.reader.cycle_times, dashboard.reader.labels = (), ()
        html = lead.get("/").text

        assert "No ticket was completed in the last 30 days" in html
        assert 'id="chart-wip"' in html
        assert 'id="chart-scatter"' not in html
        flow = re.findall(r"<article.*?</article>", lead.get("/fragments/diagnostic").text, re.DOTALL)[0]
        assert "no completed ticket" in flow
        assert "Reduced confidence" not in flow

    def test_tickets_that_nobody_worked_on_are_explained(self, lead: Browser, dashboard: Dashboard) -> None:
        """Completed tickets without a cycle time are counted, and the page names the likely cause."""
        dashboard.reader.cycle_times, dashboard.reader.labels = (None, None), ()

        assert "None of the 2 tickets completed in the last 30 days was ever in an active status" in lead.get("/").text

    def test_an_empty_board_has_no_empty_chart(self, lead: Browser, dashboard: Dashboard) -> None:
        """With a backlog only there is no bar to draw, and the card says that nothing is in progress."""
        dashboard.reader.stages = (StageRow("backlog", False, 5),)
        html = lead.get("/fragments/realtime").text

        assert "No ticket is in progress" in html
        assert "chart-wip" not in html

    def test_a_store_that_is_away_is_a_page(self, lead: Browser, dashboard: Dashboard) -> None:
        """The database does not answer: 503, when to try again, and nothing of the fault."""
        dashboard.reader.is_away = True
        answer = lead.get("/")

        assert 503 == answer.status_code
        assert "5" == answer.headers["retry-after"]
        assert "out of reach" in answer.text

    def test_a_fault_is_a_page(self, lead: Browser, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
        """What nobody foresaw is answered with 500 and what to do, and with nothing of the fault."""

        async def fail(_view: View) -> Sequence[StageRow]:
            raise ZeroDivisionError("a secret of the platform")

        monkeypatch.setattr(dashboard.reader, "wip", fail)
        answer = lead.get("/")

        assert 500 == answer.status_code
        assert "Something went wrong here" in answer.text
        assert "Try again" in answer.text
        assert "secret" not in answer.text

    def test_without_a_role_the_page_says_whom_to_ask(self, lead: Browser, dashboard: Dashboard) -> None:
        """A person without any role gets 403, whom to ask, and a way to sign out."""
        dashboard.signin.grants = ()
        answer = lead.get("/")

        assert 403 == answer.status_code
        assert "Ask an administrator" in answer.text
        assert 'action="/sign-out"' in answer.text


class TestSigningIn:
    def test_a_page_leads_to_the_form_and_back(self, anybody: Browser) -> None:
        """Without a session a page redirects to the form, which leads back to the same address."""
        answer = anybody.get("/?stream=payments&window=90")

        assert 303 == answer.status_code
        assert "/sign-in?next=%2F%3Fstream%3Dpayments%26window%3D90" == answer.headers["location"]

    def test_a_part_sends_the_page_around_it_to_the_form(self, anybody: Browser) -> None:
        """Without a session a part answers 401 and names the form, with the address of the page as where to go on."""
        answer = anybody.get("/fragments/realtime", headers={"hx-current-url": f"{LOCAL}/?window=90"})

        assert 401 == answer.status_code
        assert "/sign-in?next=%2F%3Fwindow%3D90" == answer.headers["hx-redirect"]

    def test_the_right_password_opens_a_session(self, anybody: Browser) -> None:
        """The right password sets the session cookie, unreadable for scripts, and goes on to where one wanted."""
        answer = sign_in(anybody)

        assert 303 == answer.status_code
        assert "/?stream=payments" == answer.headers["location"]
        cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith(COOKIE))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert 200 == anybody.get("/").status_code

    def test_beyond_the_own_machine_the_cookie_is_for_tls_only(self) -> None:
        """Over plain http to another machine the cookie is Secure all the same, and the form warns."""
        with TestClient(Dashboard().app(), base_url="http://dpp.acme.example") as client:
            answer = client.get("/sign-in")
            assert "Secure" in answer.headers["set-cookie"]
            assert "unprotected connection" in answer.text

    def test_a_wrong_password_says_neither_what_was_wrong_nor_the_password(self, anybody: Browser) -> None:
        """A wrong password and an unknown address get the same answer; the address stays, the password goes."""
        wrong = sign_in(anybody, password="hunter2")
        unknown = sign_in(anybody, email="who@acme.example")

        assert 401 == wrong.status_code == unknown.status_code
        assert EMAIL in wrong.text
        assert "hunter2" not in wrong.text
        assert wrong.text.replace(EMAIL, "") == unknown.text.replace("who@acme.example", "")

    def test_too_many_attempts_are_told_when_to_come_back(self, anybody: Browser, dashboard: Dashboard) -> None:
        """Whoever is slowed down gets 429 with the seconds to wait."""
        dashboard.signin.is_throttled = True
        answer = sign_in(anybody)

        assert 429 == answer.status_code
        assert "90" == answer.headers["retry-after"]
        assert "try again in 2 minutes" in answer.text

    @pytest.mark.parametrize("changed", [{"site": "cross-site"}, {"csrf_token": "0" * 64}, {"csrf_token": "é"}])
    def test_a_strangers_form_signs_nobody_in(self, anybody: Browser, changed: dict[str, str]) -> None:
        """A form from elsewhere, or with another token, is refused although the password is right."""
        answer = sign_in(anybody, **changed)

        assert 403 == answer.status_code
        assert COOKIE not in anybody.cookies

    @pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
    def test_signing_in_leads_nowhere_else(self, anybody: Browser, path: str) -> None:
        """An address on another site is not followed after signing in."""
        assert "/" == sign_in(anybody, next=path).headers["location"]

    def test_signing_out_needs_the_pages_token(self, lead: Browser, dashboard: Dashboard) -> None:
        """Without its token signing out does nothing; with it the session is over."""
        token = field(lead.get("/").text, "csrf_token")
        refused = lead.post("/sign-out", data={"csrf_token": "x"})
        assert (403, [TOKEN]) == (refused.status_code, dashboard.signin.tokens)

        done = lead.post("/sign-out", data={"csrf_token": token}, headers={"sec-fetch-site": "same-origin"})
        assert (303, []) == (done.status_code, dashboard.signin.tokens)
        assert '"cache"' == done.headers["clear-site-data"]
        assert 303 == lead.get("/").status_code


class TestDelivery:
    @pytest.mark.parametrize("path", ["/", "/sign-in", "/?stream=nope", "/static/nothing.js", "/nothing", "/api/v1/x"])
    def test_every_answer_carries_the_security_headers(self, lead: Browser, path: str) -> None:
        """Pages, redirects, files and errors alike forbid inline code, framing and sniffing."""
        headers = lead.get(path).headers

        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "nosniff" == headers["x-content-type-options"]
        assert "strict-transport-security" not in headers

    def test_no_inline_code_or_style(self, lead: Browser) -> None:
        """No page has an inline script, an inline style or an event attribute."""
        for path in ("/", "/sign-in", "/?stream=nope"):
            html = lead.get(path).text
            assert not re.search(r"<script(?![^>]*src=)", html)
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)

    def test_the_first_page_stays_within_its_budget(self, lead: Browser) -> None:
        """The page and everything that it loads come to less than 300 kB compressed."""
        html = lead.get("/", headers={"accept-encoding": "identity"}).text
        loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
        total = len(gzip.compress(html.encode(), 6))
        for url in loaded:
            answer = lead.get(url, headers={"accept-encoding": "gzip"})
            assert 200 == answer.status_code
            assert "gzip" == answer.headers["content-encoding"]
            assert "immutable" in answer.headers["cache-control"]
            total += int(answer.headers["content-length"])

        known = {asset.url: name for name, asset in assets.assets().items()}
        assert loaded <= set(known)
        assert not {"panel.js", "explain.css", "views.css"} & {known[url] for url in loaded}
        assert total < BUDGET_BYTES

    def test_a_stale_file_name_is_not_served(self, lead: Browser) -> None:
        """A file is served under the name of its present content only."""
        assert 404 == lead.get(assets.url("app.css").replace(".css", "0.css")).status_code

    def test_the_same_page_is_sent_once(self, lead: Browser) -> None:
        """A browser that has the page already gets 304; one with other figures gets them."""
        first = lead.get("/")
        again = lead.get("/", headers={"if-none-match": first.headers["etag"]})

        assert (304, b"") == (again.status_code, again.content)
        assert "private, no-cache" == first.headers["cache-control"]
