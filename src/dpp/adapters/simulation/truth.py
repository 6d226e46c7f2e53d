"""The figures that the platform should show, read off the plan.

Written to be obviously right, not fast, and without any code of the platform: business time is walked day by day,
percentiles are interpolated by hand. Everything is as of a time: only what happened before it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dpp.adapters.simulation.plan import Plan
from dpp.adapters.simulation.statistics import mean, percentile
from dpp.adapters.simulation.true_delivery import (
    DefectFigures,
    DeploymentFigures,
    RestoreFigures,
    defect_figures,
    deployment_figures,
    restore_figures,
    review_hours,
)
from dpp.adapters.simulation.true_pulse import PulseMonth, pulse_months
from dpp.adapters.simulation.true_scope import Scope
from dpp.adapters.simulation.true_work import Account, accounts, wip_by_stage

REALTIME_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A dot of the cycle-time scatter; the key is the one that the ticket has at ``as_of``."""

    ticket_id: str
    completed_at: datetime
    cycle_time_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFigures:
    """What is true of a scope at a time. Figures without a sample are None.

    ``wip`` maps each stage to its ``active`` and ``queue`` counts, backlog included; ``wip_total`` leaves the backlog
    out. Cycle times are business days over the 30 days before ``as_of``, whatever the window; ``scatter`` is ordered by
    completion. ``stage_durations`` averages each label over the items that have been in it. ``unstarted`` counts items
    completed in the window that never were in an active status, ``unmapped`` those that are in an unmapped status now.
    """

    wip: dict[str, dict[str, int]]
    wip_total: int
    unmapped: int
    cycle_time_p50: float | None
    cycle_time_p85: float | None
    cycle_time_p95: float | None
    cycle_time_sample: int
    scatter: tuple[Point, ...]
    flow_efficiency: float | None
    flow_sample: int
    stage_durations: dict[str, float]
    unstarted: int
    review_turnaround_p50: float | None
    review_turnaround_p85: float | None
    review_sample: int
    deployments: DeploymentFigures
    restore: RestoreFigures
    defects: DefectFigures
    pulse: tuple[PulseMonth, ...]


def true_figures(
    plan: Plan, *, as_of: datetime, window_days: int, delivery_stream: str | None, tech_stream: str | None
) -> TrueFigures:
    """Work out the figures of a scope; streams by name, None for all. A stream that is not there holds nothing."""
    scope = Scope.at(plan, as_of=as_of, delivery_stream=delivery_stream, tech_stream=tech_stream)
    known = [account for account in accounts(plan, as_of) if scope.holds(account.ticket)]
    since = as_of - timedelta(days=window_days)
    done = [account for account in known if account.completed_at is not None and account.completed_at >= since]
    recent = _recent(known, as_of)
    cycles = [account.cycle_days for account in recent if account.cycle_days is not None]
    shares = [account.efficiency for account in done if account.efficiency is not None]
    hours = review_hours(plan, scope, since=since)
    wip = wip_by_stage(known)
    return TrueFigures(
        wip=wip,
        wip_total=sum(sum(counts.values()) for stage, counts in wip.items() if stage != "backlog"),
        unmapped=sum(account.unmapped for account in known),
        cycle_time_p50=percentile(cycles, 50),
        cycle_time_p85=percentile(cycles, 85),
        cycle_time_p95=percentile(cycles, 95),
        cycle_time_sample=len(cycles),
        scatter=_scatter(recent),
        flow_efficiency=mean(shares),
        flow_sample=len(shares),
        stage_durations=_stage_durations(done),
        unstarted=sum(account.cycle_days is None for account in done),
        review_turnaround_p50=percentile(hours, 50),
        review_turnaround_p85=percentile(hours, 85),
        review_sample=len(hours),
        deployments=deployment_figures(plan, scope, since=since, days=window_days),
        restore=restore_figures(plan, scope, since=since),
        defects=defect_figures(plan, scope, since=since),
        pulse=pulse_months(plan, as_of=as_of, delivery_stream=delivery_stream, tech_stream=tech_stream),
    )


def _recent(known: list[Account], as_of: datetime) -> list[Account]:
    since = as_of - timedelta(days=REALTIME_DAYS)
    return [account for account in known if account.completed_at is not None and account.completed_at >= since]


def _scatter(recent: list[Account]) -> tuple[Point, ...]:
    points = [
        Point(ticket_id=account.key, completed_at=account.completed_at, cycle_time_days=account.cycle_days)
        for account in recent
        if account.completed_at is not None and account.cycle_days is not None
    ]
    return tuple(sorted(points, key=lambda point: (point.completed_at, point.ticket_id)))


def _stage_durations(done: list[Account]) -> dict[str, float]:
    samples: dict[str, list[float]] = {}
    for account in done:
        for label, days in account.durations.items():
            samples.setdefault(label, []).append(days)
    return {label: sum(days) / len(days) for label, days in sorted(samples.items())}
