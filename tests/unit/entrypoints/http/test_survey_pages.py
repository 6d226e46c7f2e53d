"""The survey's form as a browser without JavaScript gets it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from httpx import Response
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.memory.archive import MemoryArchive
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import ConfigurationVersion, MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application.current import CurrentConfiguration
from dpp.application.ingest import Intake
from dpp.application.pulse_ports import PulseResponse
from dpp.application.survey import Survey
from dpp.domain.access import Grant, Role
from dpp.domain.configuration import CalendarRules, Configuration, DeliveryStream, PlatformSettings
from dpp.domain.errors import DppError
from dpp.domain.privacy import Pseudonymiser
from dpp.domain.pulse import Period
from dpp.entrypoints.http import survey_pages
from dpp.entrypoints.http.auth import COOKIE, Gate, guard, provide_principal
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.security import headers_hook
from tests.support.access import CountedIds, HandClock
from tests.support.dashboard_app import TOKEN, NoKeys, OnePassword
from tests.support.intake import Box, Reversed, Store

pytestmark = pytest.mark.anyio

PAYMENTS, LENDING, GONE = UUID(int=1), UUID(int=2), UUID(int=3)
CONFIGURATION = Configuration(
    platform=PlatformSettings(calendar=CalendarRules(time_zone="Europe/Berlin"), minimum_contributors=6),
    delivery_streams=(
        DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments & co"),
        DeliveryStream(stream_id=LENDING, name="lending", display_name="Lending", minimum_contributors=4),
        DeliveryStream(stream_id=GONE, name="gone", display_name="Gone", is_active=False),
    ),
)
SECOND = datetime(2026, 3, 2, 9, tzinfo=UTC)
SCORES = {"pace_score": "2", "tooling_score": "3", "clarity_score": "5"}
PSEUDONYMISER = Pseudonymiser(b"sixteen bytes at least")


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@dataclass
class Form:
    """A browser with a session, and what lies behind the form."""

    client: AsyncTestClient[Litestar]
    database: MemoryDatabase
    archive: MemoryArchive
    clock: HandClock
    signin: OnePassword
    csrf: str = ""
    own: dict[str, str] = field(default_factory=lambda: {"sec-fetch-site": "same-origin"})

    async def open(self) -> Response:
        """Load the page and remember its token."""
        answer = await self.client.get("/survey")
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', answer.text)
        self.csrf = found[1] if found else ""
        return answer

    async def send(self, **fields: str) -> Response:
        """Send the form for payments, with fields beside or in place of the scores."""
        return await self.client.post(
            "/survey",
            data={"csrf_token": self.csrf, "team": str(PAYMENTS), **SCORES, **fields},
            headers=self.own,
            follow_redirects=False,
        )

    @property
    def rows(self) -> list[PulseResponse]:
        """The answers that the store has."""
        return list(self.database.surveys.responses.values())


@asynccontextmanager
async def form(
    grants: Sequence[Grant] = (Grant(role=Role.TEAM_MEMBER),), *, now: datetime = SECOND, signed_in: bool = True
) -> AsyncIterator[Form]:
    """Yield the form of somebody with these roles."""
    database, archive, clock = MemoryDatabase(), MemoryArchive(), HandClock(time=now)
    database.versions.append(ConfigurationVersion(applied_at=now, applied_by="test", configuration=CONFIGURATION))
    current = CurrentConfiguration(store=MemoryConfigurationStore(database=database), feed=MemoryChangeFeed())
    await current.refresh()
    intake = Intake(
        archive=archive,
        store=Store(database),
        codec=JsonDeliveryCodec(),
        sealer=Reversed(),
        repair_box=Box(),
        clock=clock,
        ids=CountedIds(),
    )
    signin = OnePassword()
    signin.grants = tuple(grants)
    gate = Gate(keys=NoKeys(), signin=signin, session_key=b"k" * 32)
    survey = Survey(intake=intake, configuration=current, pseudonymiser=PSEUDONYMISER, clock=clock)
    surveying = survey_pages.Surveying(survey=survey, gate=gate)
    app = Litestar(
        [
            Router(
                "/",
                route_handlers=survey_pages.routes(lambda: surveying),
                guards=[guard(lambda: gate)],
                dependencies={"principal": Provide(provide_principal)},
            )
        ],
        # The client runs the application on an event loop of its own, and the intake belongs there.
        on_startup=[intake.start],
        on_shutdown=[intake.stop],
        before_send=[headers_hook()],
        exception_handlers={DppError: on_platform_error},
        openapi_config=None,
    )
    async with AsyncTestClient(app, base_url="http://127.0.0.1") as client:
        if signed_in:
            client.cookies.set(COOKIE, TOKEN)
        yield Form(client, database, archive, clock, signin)


async def test_an_answer_is_archived_and_stored_under_a_hash() -> None:
    """It is of the month by the platform's clock, its text is scrubbed, and no id of the account is in the archive."""
    async with form() as page:
        shown = await page.open()
        assert (200, "no-store") == (shown.status_code, shown.headers["cache-control"])
        answer = await page.send(free_text=" ask @alice or bob@acme.example \0")
        assert (303, "/survey?kept=1") == (answer.status_code, answer.headers["location"])
        assert "Your answer is kept" in (await page.client.get("/survey?kept=1")).text
        (row,) = page.rows
        assert (
            PulseResponse(
                survey_period=Period(2026, 3),
                delivery_stream_id=PAYMENTS,
                respondent_hash=PSEUDONYMISER.hash("platform", str(UUID(int=99))),
                pace_score=2,
                tooling_score=3,
                clarity_score=5,
                answered_at=SECOND,
                free_text="ask (removed) or (removed)",
            )
            == row
        )
        (record,) = [record for info in page.archive.segments() for _, record in page.archive.read(info.segment)]
        assert row.respondent_hash.encode() in record
        assert [] == [name for name in (str(UUID(int=99)), "Lee", "alice", "bob") if name.encode() in record]


async def test_a_later_answer_takes_the_place_of_an_earlier_one() -> None:
    """Of one person, team and month there is one answer; another team's stands beside it."""
    async with form() as page:
        await page.open()
        for minutes, pace in ((0, "1"), (5, "4")):
            page.clock.forward(minutes=minutes)
            assert 303 == (await page.send(pace_score=pace)).status_code
        assert 303 == (await page.send(team=str(LENDING))).status_code
        assert {(PAYMENTS, 4), (LENDING, 2)} == {(row.delivery_stream_id, row.pace_score) for row in page.rows}


async def test_the_form_offers_the_teams_of_the_roles_that_may_answer() -> None:
    """Who views all streams and belongs to one team may answer for that team; archived ones are offered to nobody."""
    whole = (Grant(role=Role.TEAM_MEMBER),)
    single = (Grant(role=Role.VIEWER), Grant(role=Role.TEAM_MEMBER, delivery_stream_id=LENDING))
    for grants, names, fewest in ((whole, ["Payments &amp; co", "Lending"], "4 to 6"), (single, ["Lending"], "4")):
        async with form(grants) as page:
            text = (await page.open()).text
            offered = re.findall(r'<option value="[0-9a-f-]+"[^>]*>([^<]+)</option>', text)
            assert names == offered
            assert f"at least {fewest} people" in text


@pytest.mark.parametrize("team", [PAYMENTS, GONE, UUID(int=77)])
async def test_an_answer_for_another_team_is_refused_alike(team: UUID) -> None:
    """A team that is not one's own, one that is archived and one that never was get the same page, and no row."""
    async with form([Grant(role=Role.TEAM_MEMBER, delivery_stream_id=LENDING)]) as page:
        await page.open()
        answer = await page.send(team=str(team))
        assert (422, []) == (answer.status_code, page.rows)
        assert ["Choose the team that you answer for."] == faults(answer)
        assert str(team) not in answer.text


def faults(answer: Response) -> list[str]:
    """Return what a page says is to be mended."""
    found = re.search(r'id="error" role="alert">(.*?)</div>', answer.text, re.DOTALL)
    return re.findall(r"<p>(.*?)</p>", found[1]) if found else []


async def test_what_cannot_be_used_comes_back_as_it_was_typed() -> None:
    """A missing score, one off the scale and no team are named; the text and the other scores stay in the form."""
    async with form() as page:
        await page.open()
        answer = await page.send(team="", pace_score="", tooling_score="6", free_text="too <much> to do")
        assert (422, 3) == (answer.status_code, len(faults(answer)))
        assert "too &lt;much&gt; to do" in answer.text
        checked = re.findall(r'name="(\w+)" value="(\d)" required [^>]*checked', answer.text)
        assert [("clarity_score", "5")] == checked
        long = await page.send(free_text="a" * 4001)
        assert ["Your text has 4001 characters; shorten it to 4000."] == faults(long)
        assert [] == page.rows


@pytest.mark.parametrize("field", [{"csrf_token": "0" * 64}, {"csrf_token": ""}, {"csrf_token": "é"}])
async def test_a_form_of_somebody_elses_is_refused(field: dict[str, str]) -> None:
    """Without the session's token nothing is kept, and the form comes back filled in for another try."""
    async with form() as page:
        await page.open()
        answer = await page.send(**field, free_text="mine")
        assert (403, [survey_pages.EXPIRED], []) == (answer.status_code, faults(answer), page.rows)
        assert ">mine</textarea>" in answer.text


async def test_a_form_sent_from_another_site_is_refused() -> None:
    """Even with the right token: the browser says where it came from."""
    async with form() as page:
        await page.open()
        page.own = {"sec-fetch-site": "cross-site"}
        assert (403, []) == ((await page.send()).status_code, page.rows)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (datetime(2026, 2, 28, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 2, 28, 23, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 7, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 7, 23, 0, tzinfo=UTC), False),
    ],
)
async def test_a_survey_is_open_in_its_window_by_the_platforms_clock(now: datetime, is_open: bool) -> None:
    """From midnight of the first to midnight after the seventh in Berlin; outside, it says when the next one opens."""
    async with form(now=now) as page:
        answer = await page.open()
        assert is_open is ("<form" in answer.text.split("<main")[1])
        if not is_open:
            page.csrf = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', answer.text)[0]
            sent = await page.send()
            assert (409, []) == (sent.status_code, page.rows)
            month = "Mar" if now.month == 2 else "Apr"
            assert f"can be answered from 1 {month} 2026 to 7 {month} 2026" in sent.text


async def test_the_team_is_remembered_in_the_browser() -> None:
    """The next form has the team chosen that the last answer was for; before that, none of two."""
    async with form() as page:
        assert "selected" not in (await page.open()).text
        sent = await page.send(team=str(LENDING))
        cookie = sent.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("dpp_team=", "httponly", "samesite=strict", "path=/survey"))
        assert f'value="{LENDING}" selected' in (await page.open()).text


async def test_the_page_is_for_people_who_may_answer() -> None:
    """A viewer gets a page that says so; who is not signed in is sent to sign in and back."""
    async with form([Grant(role=Role.VIEWER)]) as page:
        for answer in (await page.open(), await page.send()):
            assert (403, []) == (answer.status_code, page.rows)
    async with form(signed_in=False) as page:
        answer = await page.client.get("/survey", follow_redirects=False)
        assert (303, "/sign-in?next=%2Fsurvey") == (answer.status_code, answer.headers["location"])
        sent = await page.send()
        assert (303, []) == (sent.status_code, page.rows)


async def test_a_role_for_technology_alone_has_no_team() -> None:
    """Nothing can be chosen, and the page says whom to ask."""
    async with form([Grant(role=Role.TEAM_MEMBER, tech_stream_id=UUID(int=11))]) as page:
        answer = await page.open()
        assert (200, True) == (answer.status_code, "no team that you may answer for" in answer.text)


async def test_an_archive_that_cannot_write_is_said() -> None:
    """Then nothing is kept, and the page asks to try again."""
    async with form() as page:
        await page.open()
        page.archive.available = False
        answer = await page.send()
        assert (503, []) == (answer.status_code, page.rows)
        assert "retry-after" in answer.headers
