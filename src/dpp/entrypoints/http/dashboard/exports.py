"""Where the tables of a page are as files: the API's own, asked what the page was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from dpp.application.evidence_answers import Item, Question
from dpp.entrypoints.http import evidence
from dpp.entrypoints.http.dashboard.filters import Filters
from dpp.entrypoints.http.paging import MAX_LIMIT

METRICS = "/api/v1/metrics"
_KINDS = ("stream", "tech_stream", "as_of")


class File(NamedTuple):
    """A file to take away: what its link says, and where it is."""

    word: str
    address: str


def table(filters: Filters, metric: str, name: str | None = None, *, window: int | None = None, **more: str) -> str:
    """
    Return the address of a table of the API as CSV.

    Args:
        filters: of the page.
        metric: what stands behind ``/api/v1/metrics/``.
        name: the table; None for the only one.
        window: days, where they are not those of the filters.
        more: further parameters; an empty one takes a filter away.
    """
    chosen = {key: value for key, value in filters.pairs() if key in _KINDS}
    asked = chosen | {"window": str(window or filters.window), "table": name or "", "format": "csv"} | more
    return f"{METRICS}/{metric}?{urlencode({key: value for key, value in asked.items() if value})}"


def changes(filters: Filters, state: str) -> str:
    """Return the address of the changes of a state as CSV: as many as the API gives at once."""
    return table(filters, "changes", state=state, limit=str(MAX_LIMIT))


def items(filters: Filters, question: Question, found: Sequence[Item]) -> tuple[File, ...]:
    """Return the addresses of a metric's evidence as CSV: as many as the API gives at once in each, in order."""
    cursor, files = None, list[File]()
    while True:
        page = evidence.listed(question, found, as_of=filters.as_of, limit=MAX_LIMIT, cursor=cursor)
        first = len(files) * MAX_LIMIT
        name = f"CSV {first + 1}–{first + len(page.rows)}" if len(found) > MAX_LIMIT else "CSV"
        more = {"limit": str(MAX_LIMIT), "cursor": cursor or ""}
        path = f"{question.metric.name}/evidence"
        files.append(File(name, table(filters, path, "items", window=question.window_days, **more)))
        cursor = page.meta.next_cursor
        if cursor is None:
            return tuple(files)


def daily(filters: Filters, *, metric: str) -> str | None:
    """Return the address of a figure by day as CSV; None for two streams at once, of which no day is stored."""
    if filters.stream and filters.tech_stream:
        return None
    chosen = {key: value for key, value in filters.pairs() if key in ("stream", "tech_stream")}
    return f"{METRICS}/daily?{urlencode({**chosen, 'metric': metric, 'limit': str(MAX_LIMIT), 'format': 'csv'})}"


def own(filters: Filters, name: str) -> str:
    """Return the address of a table that only a page has, as CSV."""
    return f"/exports/{name}.csv?{urlencode(filters.pairs())}"


def chart(filters: Filters, name: str) -> str:
    """Return the address of a chart that the server draws, as a picture that stands alone."""
    return f"/charts/{name}.svg?{urlencode(filters.pairs())}"
