"""Cards of figures beside the catalogue, by the names that templates have for them."""

from __future__ import annotations

from dpp.domain.catalogue import METRICS
from dpp.domain.companions import AGEING, ARRIVALS, BLOCKED, CHANGES, CUMULATIVE_FLOW, IMPACT, Companion

__all__ = ["AGEING", "ARRIVALS", "BLOCKED", "CHANGES", "CUMULATIVE_FLOW", "HEATMAP", "IMPACT"]

HEATMAP = Companion(
    name="cross_stream_bottleneck",
    title="Technology dependency heatmap",
    question="Which deliveries depend on which technology, and where does that hold them up?",
    action="Begin where the most blocks are, and agree with that technology on what unblocks them.",
    explanation=METRICS["cross_stream_bottleneck"].explanation,
)
"""The bottlenecks of the catalogue as a matrix: explained by the same things."""
