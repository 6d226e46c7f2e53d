"""Every metric of §6, declared once: storage, API, pages, help texts and tests iterate over ``METRICS``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dpp.domain.companions import COMPANIONS, Companion
from dpp.domain.errors import NotFound
from dpp.domain.explanations import EXPLANATIONS
from dpp.domain.metric import Cadence, Dimension, Framework, Metric, Unit, Zone
from dpp.domain.quality import QualityRate


class UnknownMetric(NotFound):
    """No metric has this name."""

    code = "unknown_metric"


_BOTH = frozenset(Dimension)
_DELIVERY = frozenset({Dimension.DELIVERY})
_TECH = frozenset({Dimension.TECH})


# What puts a ticket into a stream, and a change to its ticket, decides how much of the truth a figure sees.
_TICKETS = (QualityRate.TICKET_STREAM_TAGGING,)
_CHANGES = (QualityRate.PR_TICKET_LINKAGE,)
_DEPLOYMENTS = (QualityRate.PR_TICKET_LINKAGE, QualityRate.DEPLOYMENT_TRACEABILITY)


def _cycle_time(percent: int, question: str, action: str) -> Metric:
    return Metric(
        name=f"cycle_time_p{percent}",
        title=f"Cycle time, {percent}th percentile",
        unit=Unit.DAYS,
        zone=Zone.REAL_TIME,
        framework=Framework.DORA_PROXY,
        question=question,
        action=action,
        cadence=Cadence.ON_EVENT,
        inputs=("work_item_cycles",),
        affected_by=_TICKETS,
        dimensions=_BOTH,
        section="6.2.3",
        explanation=EXPLANATIONS[f"cycle_time_p{percent}"],
        percentile=percent,
    )


def _review_turnaround(percent: int, question: str, action: str) -> Metric:
    return Metric(
        name=f"review_turnaround_p{percent}",
        title=f"Time to first review, {percent}th percentile",
        unit=Unit.HOURS,
        zone=Zone.DIAGNOSTIC,
        framework=Framework.SPACE_COMMUNICATION,
        question=question,
        action=action,
        cadence=Cadence.ON_EVENT,
        inputs=("pr_cycles",),
        affected_by=_CHANGES,
        dimensions=_BOTH,
        section="6.3.3",
        explanation=EXPLANATIONS[f"review_turnaround_p{percent}"],
        percentile=percent,
    )


def _lead_time(percent: int, question: str, action: str) -> Metric:
    return Metric(
        name=f"lead_time_p{percent}",
        title=f"Lead time for changes, {percent}th percentile",
        unit=Unit.HOURS,
        zone=Zone.TREND,
        framework=Framework.DORA,
        question=question,
        action=action,
        cadence=Cadence.ON_EVENT,
        inputs=("deployment_records", "pr_cycles"),
        affected_by=_DEPLOYMENTS,
        dimensions=_BOTH,
        section="6.4.4",
        explanation=EXPLANATIONS[f"lead_time_p{percent}"],
        percentile=percent,
    )


_REAL_TIME = (
    Metric(
        name="wip_by_stage",
        title="Work in progress by stage",
        unit=Unit.COUNT,
        zone=Zone.REAL_TIME,
        framework=Framework.SPACE_EFFICIENCY,
        question="Where is begun work piling up right now, and is it being worked on or waiting?",
        action="Help the stage with the pile before taking on anything new.",
        cadence=Cadence.ON_EVENT,
        inputs=("work_item_events", "status_mappings"),
        affected_by=_TICKETS,
        dimensions=_BOTH,
        section="6.2.1",
        explanation=EXPLANATIONS["wip_by_stage"],
    ),
    Metric(
        name="sprint_confidence",
        title="Sprint delivery confidence",
        unit=Unit.PERCENT,
        zone=Zone.REAL_TIME,
        framework=Framework.OKR,
        question="How likely is it that the running sprint finishes what is left in it?",
        action="Agree on what to leave out while the sprint still runs.",
        cadence=Cadence.TWO_HOURLY,
        inputs=("sprint_snapshots", "sprints", "work_item_cycles"),
        affected_by=_TICKETS,
        dimensions=_DELIVERY,
        section="6.2.2",
        explanation=EXPLANATIONS["sprint_confidence"],
    ),
    _cycle_time(
        50,
        "How long does a typical item take from the start of work until it is done?",
        "Cut items smaller when the typical one takes longer than feedback may wait.",
    ),
    _cycle_time(
        85,
        "Within what time are all but the slowest items done?",
        "Promise dates by this time, and look into every item that passes it.",
    ),
    _cycle_time(
        95,
        "How bad do the worst delays get?",
        "Take the few worst items apart and remove what held them up.",
    ),
    Metric(
        name="cycle_time_scatter",
        title="Cycle time of each finished item",
        unit=Unit.DAYS,
        zone=Zone.REAL_TIME,
        framework=Framework.DORA_PROXY,
        question="Which finished items took unusually long, and are they getting more?",
        action="Ask of each item far above the line what it was waiting for.",
        cadence=Cadence.ON_EVENT,
        inputs=("work_item_cycles",),
        affected_by=_TICKETS,
        dimensions=_BOTH,
        section="6.2.3",
        explanation=EXPLANATIONS["cycle_time_scatter"],
    ),
)

_DIAGNOSTIC = (
    Metric(
        name="flow_efficiency",
        title="Flow efficiency",
        unit=Unit.PERCENT,
        zone=Zone.DIAGNOSTIC,
        framework=Framework.SPACE_EFFICIENCY,
        question="How much of an item's time is work, and at which handover does it wait longest?",
        action="Shorten the longest queue instead of asking people to work faster.",
        cadence=Cadence.DAILY,
        inputs=("work_item_cycles",),
        affected_by=_TICKETS,
        dimensions=_BOTH,
        section="6.3.1",
        explanation=EXPLANATIONS["flow_efficiency"],
    ),
    Metric(
        name="defect_escape_rate",
        title="Defect escape rate",
        unit=Unit.PERCENT,
        zone=Zone.DIAGNOSTIC,
        framework=Framework.SPACE_PERFORMANCE,
        question="How many defects are found only in acceptance or by users, and where were they made?",
        action="Strengthen the check that comes right after the stage where most escaping defects are made.",
        cadence=Cadence.DAILY,
        inputs=("defect_events",),
        affected_by=(QualityRate.DEFECT_ORIGIN_ATTRIBUTION, QualityRate.TICKET_STREAM_TAGGING),
        dimensions=_BOTH,
        section="6.3.2",
        explanation=EXPLANATIONS["defect_escape_rate"],
    ),
    _review_turnaround(
        50,
        "How long does a change usually wait until somebody looks at it?",
        "Make room for reviews in the day when the wait exceeds a few hours.",
    ),
    _review_turnaround(
        85,
        "How long do the changes wait that are picked up late?",
        "Find out which changes nobody picks up, and split or reassign them.",
    ),
    Metric(
        name="reviewer_concentration",
        title="Reviewer concentration",
        unit=Unit.PERCENT,
        zone=Zone.DIAGNOSTIC,
        framework=Framework.SPACE_COMMUNICATION,
        question="Does reviewing rest on one person?",
        action="Pair others with whoever reviews most, so that the knowledge spreads.",
        cadence=Cadence.ON_EVENT,
        inputs=("pr_events",),
        affected_by=_CHANGES,
        dimensions=_BOTH,
        section="6.3.3",
        explanation=EXPLANATIONS["reviewer_concentration"],
    ),
)

_TRENDS = (
    Metric(
        name="deployment_frequency",
        title="Deployment frequency",
        unit=Unit.PER_WEEK,
        zone=Zone.TREND,
        framework=Framework.DORA,
        question="How often do changes reach users?",
        action="Release smaller batches when the rate falls.",
        cadence=Cadence.ON_EVENT,
        inputs=("deployment_records",),
        affected_by=_DEPLOYMENTS,
        dimensions=_BOTH,
        section="6.4.1",
        explanation=EXPLANATIONS["deployment_frequency"],
    ),
    Metric(
        name="change_failure_rate",
        title="Change failure rate",
        unit=Unit.PERCENT,
        zone=Zone.TREND,
        framework=Framework.DORA,
        question="How many deployments do harm or have to be taken back?",
        action="Slow down and mend the pipeline's checks when frequent deploying is not safe deploying.",
        cadence=Cadence.ON_EVENT,
        inputs=("deployment_records", "incident_events"),
        affected_by=_DEPLOYMENTS,
        dimensions=_BOTH,
        section="6.4.2",
        explanation=EXPLANATIONS["change_failure_rate"],
    ),
    Metric(
        name="ttr_median",
        title="Time to restore (median)",
        unit=Unit.MINUTES,
        zone=Zone.TREND,
        framework=Framework.DORA,
        question="How long does a typical disturbance last?",
        action="Practise taking back and switching off when recovery takes longer than it used to.",
        cadence=Cadence.ON_EVENT,
        inputs=("incident_events",),
        affected_by=_DEPLOYMENTS,
        dimensions=_BOTH,
        section="6.4.3",
        explanation=EXPLANATIONS["ttr_median"],
        percentile=50,
    ),
    Metric(
        name="ttr_mean",
        title="Time to restore (mean)",
        unit=Unit.MINUTES,
        zone=Zone.TREND,
        framework=Framework.DORA,
        question="How long do disturbances last on average, the rare long ones included?",
        action="Study the long outages when the mean runs away from the median.",
        cadence=Cadence.ON_EVENT,
        inputs=("incident_events",),
        affected_by=_DEPLOYMENTS,
        dimensions=_BOTH,
        section="6.4.3",
        explanation=EXPLANATIONS["ttr_mean"],
    ),
    _lead_time(
        50,
        "How long does a typical change take until users have it?",
        "Remove the slowest of writing, waiting for review, reviewing and deploying.",
    ),
    _lead_time(
        85,
        "How long do slow changes take until users have them?",
        "Look for changes that sit finished and undeployed, and deploy them sooner.",
    ),
)

_OTHERS = (
    Metric(
        name="monte_carlo_forecast",
        title="Delivery forecast",
        unit=Unit.COUNT,
        zone=Zone.FORECAST,
        framework=Framework.OKR,
        question="By what date will the remaining work be done, and how sure is that?",
        action="Settle scope or date by the chance one is ready to take.",
        cadence=Cadence.DAILY,
        inputs=("work_item_events", "work_item_cycles"),
        affected_by=_TICKETS,
        dimensions=_DELIVERY,
        section="6.5.1",
        explanation=EXPLANATIONS["monte_carlo_forecast"],
    ),
    Metric(
        name="team_pulse",
        title="Team health pulse",
        unit=Unit.SCORE,
        zone=Zone.HEALTH,
        framework=Framework.SPACE_SATISFACTION,
        question="Can people keep this pace, with these tools and this clarity?",
        action="Change, with the team, the one thing that it rates lowest, and say so.",
        cadence=Cadence.MONTHLY,
        inputs=("pulse_responses",),
        affected_by=(QualityRate.PULSE_RESPONSE,),
        dimensions=_DELIVERY,
        section="6.6.1",
        explanation=EXPLANATIONS["team_pulse"],
    ),
    Metric(
        name="cross_stream_bottleneck",
        title="Shared bottlenecks",
        unit=Unit.SEVERITY,
        zone=Zone.CROSS_STREAM,
        framework=Framework.SPACE_EFFICIENCY,
        question="Which technology holds up several deliveries at once?",
        action="Invest in the shared system instead of blaming the streams that wait for it.",
        cadence=Cadence.HOURLY,
        inputs=("work_item_events", "work_item_cycles", "sprint_snapshots"),
        affected_by=_TICKETS,
        dimensions=_TECH,
        section="6.7",
        explanation=EXPLANATIONS["cross_stream_bottleneck"],
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*_REAL_TIME, *_DIAGNOSTIC, *_TRENDS, *_OTHERS)}
)
"""All of them by name, in the order in which they are shown."""


def metric(name: str) -> Metric:
    """Return the metric of that name; raises ``UnknownMetric`` when there is none."""
    if name not in METRICS:
        raise UnknownMetric(f"there is no metric {name!r}; the names are {', '.join(METRICS)}")
    return METRICS[name]


def explained(name: str) -> Metric | Companion:
    """Return a metric, or a figure beside the catalogue.

    Raises:
        UnknownMetric: there is neither.
    """
    return COMPANIONS[name] if name in COMPANIONS else metric(name)


def metrics_in(zone: Zone) -> tuple[Metric, ...]:
    """Return the metrics of a zone in the order in which they are shown."""
    return tuple(metric for metric in METRICS.values() if metric.zone is zone)
