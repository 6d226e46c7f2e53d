"""Every figure answers "why": what it means, what it was taken from, what was left out, and how fresh that is.

The value is that of the metric's own answer, taken from where that comes from, with its scope and its small-team
safeguard (decision 0026).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from dpp.application.evidence_answers import Evidence, Found, Question
from dpp.application.evidence_of_changes import ChangeEvidence
from dpp.application.evidence_of_deliveries import DeliveryEvidence
from dpp.application.evidence_of_flow import FlowEvidence
from dpp.application.evidence_of_outlooks import OutlookEvidence
from dpp.application.evidence_of_tickets import TicketEvidence
from dpp.application.readers import OperationsReader

Provider = Callable[[Question], Awaitable[Found]]


class Explanations:
    """Explains figures.

    Args:
        tickets: names tickets.
        changes: names pull requests and defects.
        deliveries: names deployments and incidents.
        outlooks: names what forecasts, pulse and bottlenecks rest on.
        flow: names what is behind the figures beside the catalogue.
        operations: tells how fresh the sources are.
    """

    def __init__(
        self,
        *,
        tickets: TicketEvidence,
        changes: ChangeEvidence,
        deliveries: DeliveryEvidence,
        outlooks: OutlookEvidence,
        flow: FlowEvidence,
        operations: OperationsReader,
    ) -> None:
        self._operations = operations
        self._outlooks = outlooks
        self._providers: Mapping[str, Provider] = {
            "wip_by_stage": tickets.in_progress,
            "sprint_confidence": outlooks.sprint_confidence,
            "cycle_time_p50": tickets.cycle_times,
            "cycle_time_p85": tickets.cycle_times,
            "cycle_time_p95": tickets.cycle_times,
            "cycle_time_scatter": tickets.cycle_times,
            "flow_efficiency": tickets.flow_efficiency,
            "defect_escape_rate": changes.defect_escape_rate,
            "review_turnaround_p50": changes.review_turnaround,
            "review_turnaround_p85": changes.review_turnaround,
            "reviewer_concentration": changes.reviewer_concentration,
            "deployment_frequency": deliveries.deployment_frequency,
            "change_failure_rate": deliveries.change_failure_rate,
            "ttr_median": deliveries.time_to_restore,
            "ttr_mean": deliveries.time_to_restore,
            "lead_time_p50": deliveries.lead_time,
            "lead_time_p85": deliveries.lead_time,
            "monte_carlo_forecast": outlooks.forecast,
            "team_pulse": outlooks.pulse,
            "cross_stream_bottleneck": outlooks.bottlenecks,
            "ageing_work": flow.ageing,
            "cumulative_flow": flow.cumulative_flow,
            "arrivals": flow.arrivals,
            "blocked_time": flow.blocked,
            "changes": flow.changes,
            "technology_impact": flow.impact,
        }

    async def explain(self, question: Question) -> Evidence:
        """Return the evidence of a metric's figure, or of one beside the catalogue.

        Raises:
            InvalidInput: the window is too short or too long, or a stream has to be chosen.
            Unavailable: the store does not answer.
        """
        found = await self._providers[question.metric.name](question)
        return Evidence(found=found, metric=question.metric, sources=await self.sources())

    async def sources(self) -> Mapping[str, datetime]:
        """Return when something readable last came through each door; raises ``Unavailable``."""
        return await self._operations.last_event_at()
