"""The zones of the primary dashboard (§7.1.1): which there are, and which news makes each look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.application import current, pulse_ports
from dpp.application.derivation import TOPICS
from dpp.application.stale import StaleKind
from dpp.domain.catalogue import METRICS, metrics_in
from dpp.domain.metric import Zone
from dpp.domain.quality import QualityRate

#: What kind of change moves each rate of §5.6, and with it the confidence in the figures that rest on it.
TOPIC_OF_RATE: Mapping[QualityRate, str] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: TOPICS[StaleKind.PULL_REQUEST],
        QualityRate.TICKET_STREAM_TAGGING: TOPICS[StaleKind.TICKET],
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: TOPICS[StaleKind.TICKET],
        QualityRate.DEPLOYMENT_TRACEABILITY: TOPICS[StaleKind.DEPLOYMENT],
        QualityRate.PULSE_RESPONSE: pulse_ports.TOPIC,
    }
)

#: What kind of change moves the tables that metrics are taken from.
TOPIC_OF_INPUT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("work_item_events", "work_item_cycles", "defect_events", "sprints", "sprint_snapshots"),
            TOPICS[StaleKind.TICKET],
        ),
        **dict.fromkeys(("pr_events", "pr_cycles"), TOPICS[StaleKind.PULL_REQUEST]),
        "deployment_records": TOPICS[StaleKind.DEPLOYMENT],
        "incident_events": TOPICS[StaleKind.INCIDENT],
        "pulse_responses": pulse_ports.TOPIC,
        "status_mappings": current.TOPIC,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneView:
    """One zone of the page.

    Attributes:
        name: in the address (``zones=``) and in the page.
        topics: the kinds of change after which its figures may differ.
    """

    name: str
    title: str
    topics: frozenset[str]

    @property
    def topic_list(self) -> str:
        """The topics as one word for the page's markup."""
        return " ".join(sorted(self.topics))


def topics_of(names: Iterable[str]) -> frozenset[str]:
    """Return the kinds of change that may move the figures of these metrics, or the confidence in them."""
    metrics = [METRICS[name] for name in names]
    rates = {TOPIC_OF_RATE[rate] for metric in metrics for rate in metric.affected_by}
    inputs = {TOPIC_OF_INPUT[table] for metric in metrics for table in metric.inputs}
    return frozenset({current.TOPIC} | rates | inputs)


def _zone(zone: Zone, title: str, *, also: Iterable[str] = ()) -> ZoneView:
    topics = topics_of(metric.name for metric in metrics_in(zone))
    return ZoneView(name=zone.value, title=title, topics=topics | frozenset(also))


BAR = (
    "sprint_confidence",
    "cycle_time_p85",
    "flow_efficiency",
    "deployment_frequency",
    "change_failure_rate",
    "defect_escape_rate",
)
"""The summary figures of §7.1.1, in its order."""

HEALTH_BAR = ZoneView(
    name="health-bar",
    title="Stream health",
    topics=topics_of(BAR) | frozenset(TOPIC_OF_RATE.values()),
)
"""Always on top: it also tells how complete the data is, which every kind of change moves."""

REAL_TIME = _zone(Zone.REAL_TIME, "Right now")
DIAGNOSTIC = _zone(Zone.DIAGNOSTIC, "Diagnosis")
TRENDS = _zone(Zone.TREND, "Trends", also=[TOPICS[StaleKind.CHANGE]])
FORECAST = _zone(Zone.FORECAST, "Forecast")
HEALTH = _zone(Zone.HEALTH, "Team health")

CHOICES: tuple[ZoneView, ...] = (REAL_TIME, DIAGNOSTIC, TRENDS, FORECAST, HEALTH)
"""Those that readers may leave out, in the order of the page."""

CHOICE_NAMES = tuple(zone.name for zone in CHOICES)
