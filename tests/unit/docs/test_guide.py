"""The worked example of the guide runs as printed, and prints what is true."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PAGE = (GUIDE / "domain.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of the page that are in a language."""
    return [part.partition("```")[0] for part in PAGE.split(f"```{language}\n")[1:]]


def printed() -> str:
    """Run the example."""
    command = [sys.executable, "-W", "error", "forecast_from_csv.py", "tickets.csv", "2026-03-09"]
    return subprocess.run(command, cwd=GUIDE, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_page_shows_the_program() -> None:
    """What the page shows is the program that lies beside it, without its first line."""
    (shown,) = blocks("python")
    program = (GUIDE / "forecast_from_csv.py").read_text(encoding="utf-8")
    assert program.partition("\n\n")[2] == shown


def test_the_program_prints_what_the_page_says() -> None:
    """The output on the page is the output."""
    (told,) = blocks("text")
    assert told == printed()


def working_minutes(begun: datetime, done: datetime) -> int:
    """Count, minute by minute, those that lie on a day from Monday to Friday, but for New Year's Day."""
    minutes = (begun + timedelta(minutes=minute) for minute in range(int((done - begun).total_seconds() // 60)))
    return sum(minute.weekday() < 5 and (minute.month, minute.day) != (1, 1) for minute in minutes)


def test_the_percentiles_are_those_of_the_tickets() -> None:
    """Counted by the minute and interpolated by Python's own statistics, the percentiles are the same."""
    with (GUIDE / "tickets.csv").open(newline="", encoding="utf-8") as file:
        finished = [row for row in csv.DictReader(file) if row["done"]]
    times = [[datetime.fromisoformat(row[column]) for row in finished] for column in ("begun", "done")]
    # In winter London's clock is UTC's.
    days = [working_minutes(begun, done) / 1440 for begun, done in zip(*times, strict=True)]
    cuts = quantiles(days, n=100, method="inclusive")
    lines = printed().splitlines()
    for line, percent in zip(lines, (50, 85, 95), strict=False):
        assert line == f"cycle_time_p{percent}: {cuts[percent - 1]:.1f} working days ({len(days)} tickets)"
