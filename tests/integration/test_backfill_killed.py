"""A backfill that is killed in the middle of things goes on without a gap or a double."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from dpp.adapters.simulation import SimulatedOrganisation, Size
from dpp.adapters.simulation.jira_api import SimulatedJira
from dpp.entrypoints.bootstrap import local
from dpp.entrypoints.bootstrap.settings import load
from tests.support.jira_server import serving
from tests.support.running import RunningPlatform

ORGANISATION = SimulatedOrganisation(7, start=datetime(2026, 1, 5, tzinfo=UTC), weeks=5, size=Size.SMALL)
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


def test_a_killed_backfill_goes_on(database_url: str, tmp_path: Path) -> None:
    """Killed by signal 9 after its third page, it is ended by a second process: every change is there, once."""
    jira = SimulatedJira(
        organisation=ORGANISATION, now=lambda: ORGANISATION.end, style="datacenter", page_size=2, token=TOKEN
    )
    local.prepare(load({}, data_dir=tmp_path))
    running = RunningPlatform(tmp_path, database_url)
    with serving(jira, seconds=0.1) as address:
        file = tmp_path / "organisation.toml"
        file.write_text(ORGANISATION.configuration_toml() + f'\n[jira]\nbase_url = "{address}"\n', encoding="utf-8")
        running.command("config", "apply", str(file))
        (tmp_path / "secrets" / "jira_api_token").write_text(TOKEN)
        running.start("first", "backfill", "jira", "PAY")
        deadline = time.monotonic() + 40
        while _pages(database_url) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        running.kill("first")
        assert 3 <= _pages(database_url) < 9, (tmp_path / "first.log").read_text(encoding="utf-8")[-2000:]
        with psycopg.connect(database_url, autocommit=True) as connection:
            # A test need not wait until the dead one's hold is over.
            connection.execute("UPDATE backfill_runs SET leased_until = now()")
        done = json.loads(running.command("backfill", "jira", "PAY", "--json").stdout)
    assert "done" == done["state"]
    tickets, transitions = _true_counts()
    events = _events(database_url)
    assert tickets == events["created"] == done["things"]
    assert transitions == events["transitioned"]
