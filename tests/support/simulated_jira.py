"""The simulated organisation's Jira behind the real client, without a socket; and its webhooks read."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.jira.api import JiraApi
from dpp.adapters.jira.source import JiraSource
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.simulation.jira_api import SimulatedJira, Style
from dpp.adapters.simulation.organisation import SimulatedOrganisation
from dpp.adapters.simulation.rates import Size
from dpp.adapters.simulation.tickets import Ticket
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.reading import Reading, Verified
from dpp.domain.configuration import Configuration
from dpp.domain.events import Facts, Outcome, Source
from dpp.domain.privacy import Pseudonymiser

START = datetime(2026, 1, 5, tzinfo=UTC)
BASE = "https://jira.test"
USER, TOKEN = "metrics@acme.example", "a-token"
PSEUDONYMISER = Pseudonymiser(b"k" * 32)


@cache
def organisation(*, seed: int = 7, weeks: int = 5) -> SimulatedOrganisation:
    """Return an organisation with five weeks of history; nobody changes it."""
    return SimulatedOrganisation(seed, start=START, weeks=weeks, size=Size.SMALL)


@cache
def configuration() -> Configuration:
    """Return its configuration, of somebody who takes the App to be installed everywhere; in one place it is not."""
    file = TomlConfigurationFile(LibraryHolidays())
    found = file.parse(organisation().configuration_toml(), current=Configuration())
    streams = (replace(one, github_install_id=one.github_install_id or "1004") for one in found.tech_streams)
    return replace(found, tech_streams=tuple(streams))


def reading() -> Reading:
    """Return what readers are given."""
    return Reading(configuration=configuration(), pseudonymiser=PSEUDONYMISER)


@dataclass
class Wired(Http):
    """The fake in place of the network."""

    jira: SimulatedJira
    slept: list[float] = field(default_factory=list)

    async def ask(self, request: Request) -> Answer:
        """Ask the fake."""
        assert request.url.startswith(BASE)
        answer = self.jira.answer(urlsplit(request.url).path, request.query, headers=request.headers)
        if answer.timed_out:
            return Answer(status=0)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status, headers=told, body=answer.body)

    async def sleep(self, seconds: float) -> None:
        """Note that somebody waits."""
        self.slept.append(seconds)

    @property
    def api(self) -> JiraApi:
        """A client for it."""
        user = USER if self.jira.style == "cloud" else None
        return JiraApi(http=self, base_url=f"{BASE}/", user=user, token=TOKEN.encode, sleep=self.sleep)

    @property
    def source(self) -> JiraSource:
        """A source over it."""
        return JiraSource(api=self.api, reading=reading, now=self.jira.now)


def wired(style: Style = "cloud", *, now: datetime | None = None, **options: int) -> Wired:
    """Return a fake that wants credentials, as of the end of the history."""
    found = organisation()
    token = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode() if style == "cloud" else TOKEN
    moment = found.end if now is None else now
    return Wired(
        SimulatedJira(organisation=found, now=lambda: moment, style=style, token=token, **options)  # type: ignore[arg-type]
    )


def heard(*, until: datetime | None = None, kept: bool = True) -> Iterator[Facts]:
    """Yield the facts of the webhooks; with ``kept`` without tickets that are gone, of which the API tells nothing."""
    gone = {str(ticket.jira_id) for ticket in organisation().plan.tickets if _is_gone(ticket, until)}
    for delivery in organisation().deliveries():
        if delivery.source == "jira" and (until is None or delivery.at < until):
            body = delivery.body
            told = JiraReader().normalise(Verified(source=Source.JIRA, kind=None, body=body), reading=reading())
            if told.outcome is Outcome.UNDERSTOOD and not (kept and _items(told.facts) & gone):
                yield told.facts


def _items(facts: Facts) -> set[str]:
    return {event.item for event in (*facts.work_items, *facts.defects)}


def _is_gone(ticket: Ticket, until: datetime | None) -> bool:
    return ticket.state_at(until or organisation().end) is None
