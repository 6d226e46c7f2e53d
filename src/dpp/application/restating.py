"""What becomes of stored figures when their days are measured again (decision 0025)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from dpp.application.measures import (
    Cause,
    DayFigure,
    FigureName,
    MeasuredDays,
    Restatement,
    StaleDays,
    StoredFigure,
    StreamKey,
)
from dpp.application.stale import StaleKind
from dpp.application.stale_days import kind_told
from dpp.domain.catalogue import METRICS
from dpp.domain.explanations import Input

_RANK = {cause: place for place, cause in enumerate(Cause)}
_UNKNOWN = StaleDays(None, Cause.LATE_EVENT)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_KINDS = {
    Input.TICKET: StaleKind.TICKET,
    Input.DEFECT: StaleKind.TICKET,
    Input.PULL_REQUEST: StaleKind.PULL_REQUEST,
    Input.DEPLOYMENT: StaleKind.DEPLOYMENT,
    Input.INCIDENT: StaleKind.INCIDENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """
    What is to be written.

    Attributes:
        figures: to be stored in place of what is there.
        removed: figures that have no value any more.
        restatements: changes to days that were closed.
    """

    figures: Sequence[DayFigure]
    removed: Sequence[DayFigure]
    restatements: Sequence[Restatement]


def writes(stream: StreamKey, measured: MeasuredDays, *, stored: Iterable[StoredFigure]) -> Writes:
    """
    Compare what was measured with what is stored.

    A day is closed once one of its figures was found after the time that closes it; only a value that changes in a
    closed day is a restatement. What was measured before that was the figure of a day that went on.

    Args:
        stream: whose figures they are.
        measured: all figures of some days.
        stored: what is stored of these days.
    """
    before = {(row.figure.day, row.figure.name): row for row in stored}
    after = {(figure.day, figure.name): figure for figure in measured.figures}
    closes_at = measured.closes_at
    closed = {day for (day, _), row in before.items() if row.computed_at >= closes_at[day]}
    changed = [
        figure
        for key, figure in after.items()
        if key not in before or _differ(before[key], figure) or _closes_first(before[key], measured)
    ]
    removed = [row.figure for key, row in before.items() if key not in after]
    return Writes(
        figures=changed,
        removed=removed,
        restatements=list(_restatements(stream, measured, before, after, closed)),
    )


def _differ(row: StoredFigure, figure: DayFigure) -> bool:
    return (row.figure.value, row.figure.sample_size) != (figure.value, figure.sample_size)


def _closes_first(row: StoredFigure, measured: MeasuredDays) -> bool:
    """Tell whether a day is closed by what was measured now, and was not before."""
    return row.computed_at < measured.closes_at[row.figure.day] <= measured.computed_at


def _restatements(
    stream: StreamKey,
    measured: MeasuredDays,
    before: Mapping[tuple[date, FigureName], StoredFigure],
    after: Mapping[tuple[date, FigureName], DayFigure],
    closed: Iterable[date],
) -> Iterator[Restatement]:
    days = set(closed)
    told = {**{key: row.figure for key, row in before.items()}, **after}
    for (day, name), figure in sorted(told.items(), key=lambda item: _order(item[1])):
        row, new = before.get((day, name)), after.get((day, name))
        old = row.figure if row else None
        if day not in days or (old and old.value) == (new and new.value):
            continue
        cause = _cause(day, measured.first_days, metric=figure.metric)
        yield Restatement(
            stream=stream,
            day=day,
            metric=figure.metric,
            percentile=figure.percentile,
            unit=figure.unit,
            old_value=old.value if old else None,
            new_value=new.value if new else None,
            old_sample=old.sample_size if old else 0,
            new_sample=new.sample_size if new else 0,
            cause=cause.cause,
            detail=cause.detail,
            since=cause.since,
            restated_at=measured.computed_at,
        )


def _order(figure: DayFigure) -> tuple[object, ...]:
    return (figure.day, figure.metric, -1 if figure.percentile is None else figure.percentile)


def _cause(day: date, first_days: Sequence[tuple[date, StaleDays]], *, metric: str) -> StaleDays:
    """
    Return the cause that concerns a day's figure: of several the weightiest, then that of a thing which it is made of.

    What else decides lies in the causes themselves. The order in which they were found depends on what was derived
    beside them, which may be hidden from whoever reads this.
    """
    concerned = [cause for first, cause in first_days if first <= day]
    made_of = [_KINDS[kind] for kind in METRICS[metric].explanation.inputs if kind in _KINDS]

    def weight(cause: StaleDays) -> tuple[int, int, datetime, str]:
        kind = kind_told(cause.detail)
        order = [*made_of, *(other for other in StaleKind if other not in made_of)]
        place = len(order) if kind is None else order.index(kind)
        return (_RANK[cause.cause], place, cause.since or _BEGINNING, cause.detail or "")

    return min(concerned, key=weight, default=_UNKNOWN)
