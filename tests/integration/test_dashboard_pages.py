"""The pages as a browser without JavaScript gets them: status, figures, forms, headers."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from dpp.application.readers import StageRow
from dpp.domain.access import Grant, Role
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration
from dpp.entrypoints.http.auth import COOKIE
from dpp.entrypoints.http.dashboard import assets
from tests.support.dashboard_app import EMAIL, PASSWORD, PAYMENTS, TOKEN, Dashboard
from tests.support.fake_reader import FakeReader

Browser = TestClient[Litestar]

BUDGET_BYTES = 300_000
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


class TestFigures:
    def test_the_bar_shows_every_figure_that_there_is(self, lead: Browser) -> None:
        """The health bar has work in progress, two percentiles, flow efficiency, throughput and data quality."""
        html = lead.get("/").text

        shown = re.findall(r'data-figure="(\w+)"', html)
        assert [
            "wip_by_stage",
            "cycle_time_p85",
            "cycle_time_p50",
            "flow_efficiency",
            "completed",
            "data_quality",
        ] == shown

    def test_work_in_progress_leaves_out_backlog_and_unmapped(self, lead: Browser) -> None:
        """3+1+6+2+2+4+2+9+1+3 tickets are in progress; 34 in the backlog and 2 unmapped stand apart."""
        html = lead.get("/fragments/health-bar").text

        assert re.search(r'<span class="number">33</span> <span class="unit">tickets</span>', html)
        assert "14 active, 19 waiting" in html

    def test_every_chart_has_a_table_with_its_numbers(self, lead: Browser) -> None:
        """Three charts, three tables; each ticket and each label of the data is a row."""
        html = lead.get("/").text

        data = [json.loads(text) for text in re.findall(r'class="chart-data"[^>]*>(.*?)</div>', html, re.DOTALL)]
        assert ["wip", "scatter", "flow"] == [chart["kind"] for chart in data]
        assert 3 == html.count("<table>")
        rows = re.findall(r'<th scope="row">([^<]+)</th>', html)
        assert {point[2] for point in data[1]["points"]} <= set(rows)
        assert {row["name"] for row in data[0]["rows"] + data[2]["rows"]} <= set(rows)

    def test_cards_speak_the_catalogues_sentences(self, lead: Browser) -> None:
        """Each card carries the question that it answers and what to do because of it."""
        html = lead.get("/").text.replace("&#39;", "'")

        for name in ("wip_by_stage", "cycle_time_scatter", "flow_efficiency"):
            assert METRICS[name].question in html
            assert METRICS[name].action in html

    def test_reduced_confidence_names_the_rate_and_its_target(self, lead: Browser) -> None:
        """143 of 200 tickets are tagged, 71.5 % of a wished 95 %, and the card says so in words."""
        html = lead.get("/fragments/diagnostic").text

        assert "Reduced confidence" in html
        assert "tickets tagged with a technology stream: 71.5\u00a0% (target 95\u00a0%)" in html

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

    @pytest.mark.parametrize("query", ["window=0", "window=abc", "window=1101", "as_of=yesterday", "zones=moon"])
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

    def test_without_completed_tickets_the_cards_say_so(self, lead: Browser, dashboard: Dashboard) -> None:
        """Work in progress is shown; cycle time and flow efficiency have no value and no mark, and say why."""
        dashboard.reader.cycle_times, dashboard.reader.labels = (), ()
        html = lead.get("/").text

        assert "No ticket was completed in the last 30 days" in html
        assert 'id="chart-wip"' in html
        assert 'id="chart-scatter"' not in html
        assert "Reduced confidence" not in lead.get("/fragments/diagnostic").text

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
        assert (403, False) == (refused.status_code, dashboard.signin.is_over)

        done = lead.post("/sign-out", data={"csrf_token": token}, headers={"sec-fetch-site": "same-origin"})
        assert (303, True) == (done.status_code, dashboard.signin.is_over)
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

        assert {asset.url for asset in assets.assets().values()} == loaded
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
