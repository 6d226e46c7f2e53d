"""What runs by the clock."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta

import pytest

from dpp.entrypoints.worker.schedules import Tasks, table

NAMES = [field.name for field in fields(Tasks)]


def tasks(ran: Counter[str]) -> Tasks:
    """Return tasks that count how often each has run; each returns its place among them."""

    def counting(name: str) -> Callable[[], Awaitable[int]]:
        async def run() -> int:
            ran[name] += 1
            return NAMES.index(name)

        return run

    return Tasks(**{name: counting(name) for name in NAMES})


def test_the_table_has_a_row_for_each_task() -> None:
    """No task is forgotten and none is there twice."""
    assert sorted(NAMES) == sorted(row.name for row in table(tasks(Counter())))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_runs_the_task_of_its_name(name: str) -> None:
    """What a row runs is what it is called, and nothing else, and it tells how much that did."""
    ran: Counter[str] = Counter()
    (row,) = [row for row in table(tasks(ran)) if row.name == name]
    assert NAMES.index(name) == asyncio.run(row.as_task().run({}))  # type: ignore[arg-type]
    assert {name: 1} == dict(ran)


def test_every_period_is_of_whole_seconds() -> None:
    """Due times are told apart by the second."""
    for row in table(tasks(Counter())):
        assert row.every >= timedelta(seconds=1)
        assert timedelta(0) == row.every % timedelta(seconds=1) == row.offset % timedelta(seconds=1)
        assert timedelta(0) <= row.offset < row.every


@pytest.mark.parametrize("name", ["expire_unread_payloads", "forget_ended_sessions"])
def test_what_is_over_goes_within_the_hour(name: str) -> None:
    """Payloads past their time and sessions that have ended are removed hourly."""
    assert [timedelta(hours=1)] == [row.every for row in table(tasks(Counter())) if row.name == name]
