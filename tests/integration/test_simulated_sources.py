"""The sources of a demonstration over a socket: what they tell is what its webhooks have told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from pathlib import Path

import httpx
import psycopg
import pytest

from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.github.api import GitHubApi
from dpp.adapters.github.app import PRIVATE_KEY, GitHubApp
from dpp.adapters.github.history import GitHubHistory
from dpp.adapters.github.source import GitHubSource
from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.adapters.jira.api import JiraApi
from dpp.adapters.jira.backfill import JiraHistory
from dpp.adapters.jira.source import JiraSource
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.outgoing.http import HttpxHttp
from dpp.adapters.outgoing.http import client as http_client
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.backfill import SourceHistory
from dpp.application.reading import Reading, Verified
from dpp.application.source_errors import SourceRefused
from dpp.domain.configuration import Configuration, JiraConnection
from dpp.domain.events import Facts, Outcome, Source
from dpp.domain.privacy import Pseudonymiser
from dpp.entrypoints.bootstrap import logging, simulated_sources
from dpp.entrypoints.bootstrap.settings import load
from dpp.entrypoints.bootstrap.simulation import Plan
from dpp.entrypoints.bootstrap.sources import JIRA_TOKEN
from dpp.entrypoints.cli.main import main

PLAN = Plan.until(datetime.now(UTC), seed=7, weeks=2, size="small")
READERS = {"github": (GitHubWebhookReader(), Source.GITHUB), "jira": (JiraReader(), Source.JIRA)}


def configured(address: str) -> Configuration:
    """Return the configuration that a demonstration has when its sources are connected."""
    file = TomlConfigurationFile(LibraryHolidays())
    described = file.parse(PLAN.organisation().configuration_toml(), current=Configuration())
    return file.parse(simulated_sources.connection(address), current=described)


def reading(configuration: Configuration) -> Reading:
    """Return what readers are given."""
    return Reading(configuration=configuration, pseudonymiser=Pseudonymiser(b"k" * 32))


def identities(told: Iterable[Facts]) -> set[tuple[object, object]]:
    """Return what tells events apart: kind and identity."""
    return {(event.kind, event.identity) for facts in told for event in facts.events}


def heard(configuration: Configuration) -> set[tuple[object, object]]:
    """Return what the webhooks tell until a day from now."""
    organisation = PLAN.organisation()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    going_on = takewhile(lambda delivery: delivery.at < tomorrow, organisation.live())
    told = []
    for delivery in chain(organisation.deliveries(), going_on):
        if delivery.source in READERS:
            reader, source = READERS[delivery.source]
            verified = Verified(source=source, kind=delivery.headers.get("X-GitHub-Event"), body=delivery.body)
            found = reader.normalise(verified, reading=reading(configuration))
            told += [found.facts] if found.outcome is Outcome.UNDERSTOOD else []
    return identities(told)


async def histories(secrets: Path, configuration: Configuration) -> list[Facts]:
    """Read the history of a GitHub organisation and of a Jira project, with the secrets that were made."""

    def now() -> datetime:
        return datetime.now(UTC)

    async with http_client() as client:
        http = HttpxHttp(client)
        jira, github = configuration.jira, configuration.github
        app = GitHubApp(
            http=http,
            api_url=github.api_url,
            app_id=github.app_id or "",
            private_key=(secrets / PRIVATE_KEY).read_bytes,
            now=now,
        )
        asked = GitHubSource(
            api=GitHubApi(http=http, app=app, api_url=github.api_url, now=now, sleep=asyncio.sleep),
            reading=lambda: reading(configuration),
            now=now,
        )
        tickets = JiraSource(
            api=JiraApi(
                http=http,
                base_url=jira.base_url or "",
                user=jira.user,
                token=lambda: (secrets / JIRA_TOKEN).read_bytes().strip(),
                sleep=asyncio.sleep,
            ),
            reading=lambda: reading(configuration),
            now=now,
        )
        return [
            *await _whole(GitHubHistory(source=asked, configuration=lambda: configuration), "acme-core-api"),
            *await _whole(JiraHistory(source=tickets, configuration=lambda: configuration), "PAY"),
        ]


async def _whole(history: SourceHistory, name: str) -> list[Facts]:
    pages = [await history.page(name, cursor=None)]
    while pages[-1].cursor is not None:
        pages.append(await history.page(name, cursor=pages[-1].cursor))
    assert [] == [reason for page in pages for reason in page.unreadable]
    return [page.facts for page in pages]


def test_histories_tell_nothing_that_webhooks_have_not_told(tmp_path: Path) -> None:
    """Asked over a socket with the secrets that were made, both sources tell events, and every one is a webhook's."""
    settings = load({}, data_dir=tmp_path)
    with simulated_sources.served(PLAN, settings, Configuration()) as address:
        assert address is not None
        configuration = configured(address)
        told = identities(asyncio.run(histories(settings.secrets_dir, configuration)))
    assert {"work_item", "pull_request", "cicd"} <= {kind for kind, _ in told}
    assert set() == told - heard(configuration)


def test_a_second_start_is_where_the_first_was(tmp_path: Path) -> None:
    """The address of the configuration is taken again and the secrets stay; a changed secret is refused until then."""
    settings = load({}, data_dir=tmp_path)
    with simulated_sources.served(PLAN, settings, Configuration()) as address:
        assert address is not None
        made = {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in settings.secrets_dir.iterdir()}
        assert {PRIVATE_KEY: 0o600, JIRA_TOKEN: 0o600} == {name: mode for name, (_, mode) in made.items()}
        (settings.secrets_dir / JIRA_TOKEN).write_text("mistyped")
        with pytest.raises(SourceRefused, match="refuses the credentials"):
            asyncio.run(histories(settings.secrets_dir, configured(address)))
    with simulated_sources.served(PLAN, settings, configured(address)) as again:
        assert address == again
        assert made[PRIVATE_KEY][0] == (settings.secrets_dir / PRIVATE_KEY).read_bytes()


def test_names_of_elsewhere_are_not_let_in(tmp_path: Path) -> None:
    """A request to this machine under another name, as a foreign page may cause, is refused."""
    with simulated_sources.served(PLAN, load({}, data_dir=tmp_path), Configuration()) as address:
        assert address is not None
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert 404 == client.get("/browse/PAY-1").status_code
            assert 421 == client.get("/browse/PAY-1", headers={"host": "evil.example"}).status_code
            assert 413 == client.post("/api/graphql", content=b"x" * (1024 * 1024 + 1)).status_code


def test_real_sources_are_left_alone(tmp_path: Path) -> None:
    """Where the configuration names a Jira of somebody's own, no simulated one takes its place."""
    real = Configuration(jira=JiraConnection(base_url="https://jira.example"))
    with simulated_sources.served(PLAN, load({}, data_dir=tmp_path), real) as address:
        assert address is None
    assert not (tmp_path / "secrets").exists()


def test_faults_are_seen_at_once_and_afterwards(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`dpp faults` has the source asked now and when its trouble is over; without a demonstration it says so."""
    monkeypatch.setenv("DPP_DATABASE_URL", database_url)
    monkeypatch.setenv("DPP_DATA_DIR", str(tmp_path))
    # A command tells its process where to log to, and the one of the tests has more to do.
    monkeypatch.setattr(logging, "configure", lambda **_: None)
    assert 1 == main(["faults", "jira", "down"])
    assert "dpp up --demo" in capsys.readouterr().err
    file = tmp_path / "connection.toml"
    file.write_text(simulated_sources.connection("http://127.0.0.1:9"), encoding="utf-8")
    assert 0 == main(["config", "apply", str(file)])
    assert 0 == main(["faults", "jira", "down", "--minutes", "2"])
    with psycopg.connect(database_url) as connection:
        due = connection.execute(
            "SELECT scheduled_at FROM procrastinate.procrastinate_jobs "
            "WHERE task_name = 'snapshot_sprints' ORDER BY scheduled_at"
        ).fetchall()
    assert 2 == len(due)
    assert timedelta(minutes=2, seconds=2) == due[1][0] - due[0][0]
    assert 0 == main(["faults"])
    assert re.search(r"github: answers\njira: down until \d\d:\d\d:\d\d UTC", capsys.readouterr().out)
    assert 0 == main(["faults", "jira", "none"])
    assert 0 == main(["faults"])
    assert "jira: answers" in capsys.readouterr().out
    assert 1 == main(["faults", "jira", "down", "--minutes", "0"])
    assert 1 == main(["doctor"])
    assert "missing: github_app_private_key, jira_api_token" in capsys.readouterr().out
