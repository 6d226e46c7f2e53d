"""Which of the past values that a page shows were restated: before, after, and why (decision 0025)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from urllib.parse import urlencode

from dpp.application.measures import Cause, Restatement, StreamKey
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration
from dpp.domain.figures import Figure
from dpp.domain.metric import Dimension
from dpp.entrypoints.http.dashboard import manner, words
from dpp.entrypoints.http.dashboard.filters import Filters

CAUSES: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.CONFIGURATION: "the configuration was changed",
        Cause.MANUAL_LINK: "a pull request was linked by hand",
        Cause.VERDICT: "somebody judged the blame of a deployment",
        Cause.LATE_EVENT: "something came later than it had happened",
        Cause.REBUILD: "everything was derived anew",
        Cause.DAY_ENDED: "the day was over",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    A past value that was restated, in words.

    Attributes:
        stream: whose value it is.
        before: the value at first; a dash when there was none.
        after: the value now, likewise.
        why: what changed it last.
        what: how much that was, such as ``2 tickets``; None when nothing tells.
        at: when it was changed last.
        times: how often it was changed.
    """

    metric: str
    title: str
    day: date
    stream: str | None
    before: str
    after: str
    samples: tuple[int, int]
    why: str
    what: str | None
    at: datetime
    times: int = 1

    @property
    def said(self) -> str:
        """The change and its cause in one line."""
        what = f" ({self.what})" if self.what else ""
        often = f", {self.times} times" if self.times > 1 else ""
        return f"{self.before} → {self.after}, because {self.why}{what}{often}"


class Restated:
    """
    The restated values of some days, each from its first value to its last.

    Args:
        rows: restatements, the latest first.
        configuration: has the names of streams.
        is_of_one: whether all are of the one stream that is looked at, which then goes without saying.
    """

    def __init__(self, rows: Iterable[Restatement], *, configuration: Configuration, is_of_one: bool) -> None:
        names = {} if is_of_one else names_of(configuration)
        told: dict[tuple[str, date, StreamKey], list[Restatement]] = {}
        for row in rows:
            told.setdefault((row.metric, row.day, row.stream), []).append(row)
        self._changes: dict[str, dict[date, list[Change]]] = {}
        for (metric, day, stream), changes in told.items():
            if changes[0].new_value != changes[-1].old_value:  # back where it was is no change
                found = change(changes, stream=names.get(stream))
                self._changes.setdefault(metric, {}).setdefault(day, []).append(found)

    def on(self, metric: str, day: date) -> Sequence[Change]:
        """Return the changes of a metric on a day; none for most."""
        return self._changes.get(metric, {}).get(day, ())

    def of(self, metrics: Iterable[str]) -> list[Change]:
        """Return all changes of some metrics, the latest day first."""
        found = [row for name in metrics for days in self._changes.get(name, {}).values() for row in days]
        return sorted(found, key=lambda row: (row.day, row.at), reverse=True)


NOTHING = Restated((), configuration=Configuration(), is_of_one=True)


def change(changes: Sequence[Restatement], *, stream: str | None) -> Change:
    """Return what became of a value over its restatements, the latest first; at least one."""
    latest, first = changes[0], changes[-1]
    before, after = _said(first.old_value, latest.new_value, unit=latest.unit)
    return Change(
        metric=latest.metric,
        title=METRICS[latest.metric].title if latest.metric in METRICS else latest.metric,
        day=latest.day,
        stream=stream,
        before=before,
        after=after,
        samples=(first.old_sample, latest.new_sample),
        why=CAUSES[latest.cause],
        what=latest.detail,
        at=latest.restated_at,
        times=len(changes),
    )


def _said(before: float | None, after: float | None, *, unit: str) -> tuple[str, str]:
    """Return two values in words; those that would read alike get as many digits as tell them apart."""
    figure = Figure(value=None, unit=unit, sample_size=0)
    said = words.in_unit(before, figure), words.in_unit(after, figure)
    if said[0] != said[1] or before is None or after is None or before == after:
        return said
    digits = next((count for count in range(2, 9) if round(before, count) != round(after, count)), 9)
    write = manner.reader().number
    return write(f"{before:,.{digits}f}"), f"{write(f'{after:,.{digits}f}')} {words.unit_word(figure)}"


def names_of(configuration: Configuration) -> dict[StreamKey, str]:
    """Return what people call the streams."""
    return {
        **{StreamKey(Dimension.DELIVERY, row.stream_id): row.display_name for row in configuration.delivery_streams},
        **{StreamKey(Dimension.TECH, row.stream_id): row.display_name for row in configuration.tech_streams},
    }


def address(filters: Filters, *, metric: str | None = None) -> str:
    """Return where the restatements of the days that are shown are listed."""
    return f"/restatements?{urlencode([*filters.pairs(), *([('metric', metric)] if metric else [])])}"
