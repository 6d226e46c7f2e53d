"""A backfill that is killed in the middle of things goes on without a gap or a double."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from dpp.adapters.github.app import PRIVATE_KEY
from dpp.adapters.github.history import GitHubHistory
from dpp.adapters.simulation.jira_api import SimulatedJira
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load
from tests.support.running import RunningPlatform
from tests.support.simulated_github import APP_ID, CORE, pem, wired
from tests.support.simulated_jira import organisation
from tests.support.slow_source import of_github, of_jira, serving

ORGANISATION = organisation()
TOKEN = "a-personal-access-token"


def _pages(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT coalesce(sum(pages), 0) FROM backfill_runs").fetchone()
    return int(row[0]) if row else 0


def _events(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT event_type, count(*) FROM (SELECT event_type FROM work_item_events"
            " UNION ALL SELECT event_type FROM work_item_facts) AS told GROUP BY event_type"
        ).fetchall()
    return {str(kind): int(count) for kind, count in rows}


def _true_counts() -> tuple[int, int]:
    """Return how many tickets the project has, and how many transitions they have made, counted in the plan."""
    end, tickets, transitions = ORGANISATION.end, 0, 0
    for ticket in ORGANISATION.plan.tickets:
        state = ticket.state_at(end)
        if state is not None and state.project == "PAY":
            tickets += 1
            transitions += sum(before.step != after.step for _, before, after in ticket.until(end))
    return tickets, transitions


def _prepared(database_url: str, directory: Path) -> RunningPlatform:
    local.prepare(load({}, data_dir=directory))
    return RunningPlatform(directory, database_url)


def _configure(running: RunningPlatform, connection: str, *, secret: str, value: bytes) -> None:
    file = running.data_dir / "organisation.toml"
    file.write_text(f"{ORGANISATION.configuration_toml()}\n{connection}", encoding="utf-8")
    running.command("config", "apply", str(file))
    (running.data_dir / "secrets" / secret).write_bytes(value)


def _killed_and_ended(running: RunningPlatform, source: str, organisation: str, *, at_page: int) -> dict[str, Any]:
    """Kill a backfill after some pages and have another process end it; return what that one says."""
    url, log = running.database_url, running.data_dir / "first.log"
    running.start("first", "backfill", source, organisation)
    deadline = time.monotonic() + 40
    while _pages(url) < at_page and time.monotonic() < deadline:
        time.sleep(0.05)
    running.kill("first")
    pages = _pages(url)
    assert at_page <= pages, log.read_text(encoding="utf-8")[-2000:]
    with psycopg.connect(url, autocommit=True) as connection:
        # A test need not wait until the dead one's hold is over.
        connection.execute("UPDATE backfill_runs SET leased_until = now()")
    done: dict[str, Any] = json.loads(running.command("backfill", source, organisation, "--json").stdout)
    assert "done" == done["state"]
    assert pages < done["pages"], "it was killed too late"
    return done


def test_a_killed_backfill_of_jira_goes_on(database_url: str, tmp_path: Path) -> None:
    """Killed by signal 9 after its third page, it is ended by a second process: every change is there, once."""
    jira = SimulatedJira(
        organisation=ORGANISATION, now=lambda: ORGANISATION.end, style="datacenter", page_size=2, token=TOKEN
    )
    running = _prepared(database_url, tmp_path)
    with serving(of_jira(jira), seconds=0.1) as address:
        _configure(running, f'[jira]\nbase_url = "{address}"\n', secret="jira_api_token", value=TOKEN.encode())
        done = _killed_and_ended(running, "jira", "PAY", at_page=3)
    tickets, transitions = _true_counts()
    events = _events(database_url)
    assert tickets == events["created"] == done["things"]
    assert transitions == events["transitioned"]


async def _whole_history(history: GitHubHistory) -> Counter[str]:
    """Return how many events of each kind a history has that is read in one go."""
    found: dict[object, str] = {}
    cursor, is_first = None, True
    while is_first or cursor is not None:
        page = await history.page(CORE.org, cursor=cursor)
        found |= {event.identity: event.event_type for event in page.facts.pull_requests}
        found |= {event.identity: event.event_type for event in page.facts.cicd}
        cursor, is_first = page.cursor, False
    return Counter(map(str, found.values()))


def test_a_killed_backfill_of_github_goes_on(database_url: str, tmp_path: Path) -> None:
    """The same of pull requests, runs and deployments: what an undisturbed reading tells is there, once."""
    whole = wired(page_size=20)
    running = _prepared(database_url, tmp_path)
    with serving(of_github(whole.github), seconds=0.05) as address:
        connection = f'[github]\napi_url = "{address}/api/v3"\napp_id = "{APP_ID}"\n'
        _configure(running, connection, secret=PRIVATE_KEY, value=pem())
        _killed_and_ended(running, "github", CORE.org, at_page=3)
    expected = asyncio.run(_whole_history(whole.history))
    with psycopg.connect(database_url) as connected:
        rows = connected.execute(
            "SELECT event_type, count(*) FROM (SELECT event_type FROM pr_events"
            " UNION ALL SELECT event_type FROM cicd_events) AS told GROUP BY event_type"
        ).fetchall()
    assert expected == dict(rows)
    assert expected["merged"] > 20
