"""The zones of the primary dashboard (§7.1.1): which there are, and which news makes each look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.domain.catalogue import METRICS, metrics_in
from dpp.domain.metric import Zone
from dpp.domain.quality import QualityRate

#: What kind of change moves each rate of §5.6, and with it the confidence in the figures that rest on it.
TOPIC_OF_RATE: Mapping[QualityRate, str] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: "pull_requests",
        QualityRate.TICKET_STREAM_TAGGING: "tickets",
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: "defects",
        QualityRate.DEPLOYMENT_TRACEABILITY: "deployments",
        QualityRate.PULSE_RESPONSE: "survey",
    }
)

#: Metrics whose figures the platform has by now, in the order of the catalogue; the rest appears with its figures.
SHOWN = tuple(
    name
    for name in METRICS
    if name
    in {
        "wip_by_stage",
        "cycle_time_p50",
        "cycle_time_p85",
        "cycle_time_p95",
        "cycle_time_scatter",
        "flow_efficiency",
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
    rates = {TOPIC_OF_RATE[rate] for name in names for rate in METRICS[name].affected_by}
    return frozenset({"tickets", "configuration"} | rates)


def _zone(zone: Zone, title: str) -> ZoneView:
    names = [metric.name for metric in metrics_in(zone) if metric.name in SHOWN]
    return ZoneView(name=zone.value, title=title, topics=topics_of(names))


HEALTH_BAR = ZoneView(
    name="health-bar",
    title="Stream health",
    topics=topics_of(SHOWN) | frozenset(TOPIC_OF_RATE.values()),
)
"""Always on top: it also tells how complete the data is, which every kind of change moves."""

REAL_TIME = _zone(Zone.REAL_TIME, "Right now")
DIAGNOSTIC = _zone(Zone.DIAGNOSTIC, "Diagnosis")

CHOICES: tuple[ZoneView, ...] = (REAL_TIME, DIAGNOSTIC)
"""Those that readers may leave out, in the order of the page."""

CHOICE_NAMES = tuple(zone.name for zone in CHOICES)
