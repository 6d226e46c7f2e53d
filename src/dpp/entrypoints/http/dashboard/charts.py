"""Data of the charts: numbers and words only; how they look is decided in the browser."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from dpp.application.flow_answers import Ageing
from dpp.application.queries import Diagnostic, Realtime
from dpp.domain.figures import Figure
from dpp.domain.stages import WIP_STAGES
from dpp.entrypoints.http.dashboard import manner, words

Chart = dict[str, object]

#: More points than this cannot be told apart; the slowest are kept, for the conversation is about them.
MAX_POINTS = 3000


def wip(answer: Realtime) -> Chart:
    """Stacked bars of work and waiting by stage."""
    rows = [(stage, answer.stages.stages[stage]) for stage in WIP_STAGES]
    said = "; ".join(f"{words.stage(stage)} {count.active} active, {count.queue} waiting" for stage, count in rows)
    return {
        "kind": "wip",
        "description": f"Bar chart of work in progress by stage: {said}.",
        "rows": [{"name": words.stage(stage), "active": count.active, "queue": count.queue} for stage, count in rows],
    }


def scatter(answer: Realtime, *, zone: ZoneInfo) -> Chart:
    """Finished tickets by day and cycle time, with the percentiles as lines."""
    shown = sorted(answer.points, key=lambda point: -point.cycle_time_days)[:MAX_POINTS]
    lines = _lines(answer.cycle_times)
    said = ", ".join(f"{line['name']} at {words.number(_number(line['value']))} days" for line in lines)
    return {
        "kind": "scatter",
        "description": f"Scatter chart of {words.tickets(len(answer.points))} by completion and cycle time; {said}.",
        "lines": lines,
        "points": [
            [_wall_clock(point.completed_at, zone), round(point.cycle_time_days, 3), point.ticket_id]
            for point in sorted(shown, key=lambda point: (point.completed_at, point.ticket_id))
        ],
    }


def flow(answer: Diagnostic) -> Chart:
    """Bars of the average time under each label, in the order of the flow."""
    said = "; ".join(f"{words.label(row.label)} {words.number(row.average_days)} days" for row in answer.labels)
    return {
        "kind": "flow",
        "description": f"Bar chart of average working days by stage: {said}.",
        "rows": [
            {
                "name": words.label(row.label),
                "days": round(row.average_days, 3),
                "tickets": row.tickets,
                "queue": row.is_queue,
            }
            for row in answer.labels
        ],
    }


def ageing(answer: Ageing) -> Chart:
    """Unfinished tickets by stage and age, with the percentiles of finished ones as lines."""
    stages = [stage.value for stage in WIP_STAGES]
    elsewhere = sorted({ticket.stage for ticket in answer.tickets} - set(stages))
    places = [*stages, *elsewhere]
    lines = _lines(answer.cycle_times)
    said = ", ".join(f"{line['name']} at {words.number(_number(line['value']))} days" for line in lines)
    return {
        "kind": "ageing",
        "description": f"Scatter chart of {words.tickets(len(answer.tickets))} in progress by stage and age; {said}.",
        "stages": [words.stage(stage) for stage in places],
        "lines": lines,
        "points": [
            [places.index(ticket.stage), round(ticket.age_days, 3), ticket.ticket_id, int(ticket.is_blocked)]
            for ticket in answer.tickets[:MAX_POINTS]
        ],
    }


def _lines(figures: Mapping[str, Figure]) -> list[Chart]:
    return [
        {"name": name.removeprefix("cycle_time_"), "value": round(figure.value, 3)}
        for name, figure in figures.items()
        if figure.value is not None
    ]


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _wall_clock(when: datetime, zone: ZoneInfo) -> int:
    """Milliseconds of a moment as the clock on the reader's wall has it, so that charts and tables agree."""
    return timegm(when.astimezone(manner.zone_of(zone)).timetuple()) * 1000
