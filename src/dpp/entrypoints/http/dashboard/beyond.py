"""Cards of figures that are in no catalogue, with the sentences that a metric of the catalogue has: said here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.domain.explanations import EXPLANATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """
    What a card is about.

    Attributes:
        name: in the address of its explanation; the API has the figure under the same name.
        question: what it answers.
        action: what somebody does differently because of it.
        definition: what it says.
        formula: how it is reckoned.
        counts: what takes part in it.
    """

    name: str
    title: str
    question: str
    action: str
    definition: str
    formula: str
    counts: str


AGEING = Card(
    name="ageing_work",
    title="Ageing work",
    question="Which unfinished items have been going on for longer than finished ones took?",
    action="Talk about the oldest items first, from the right end of the board to the left.",
    definition="How many tickets somebody has begun and nobody has finished, with the working days since then.",
    formula=(
        "Of each ticket the working days from its first moment in a status of work until now, on its stream's "
        "calendar; beside it the percentiles of the cycle times of the usual window."
    ),
    counts="Unfinished tickets that have ever been in a status of work, those put back into the backlog included.",
)
CUMULATIVE_FLOW = Card(
    name="cumulative_flow",
    title="Cumulative flow",
    question="Does more come into progress than goes out, and in which stage does the band grow?",
    action="Stop starting and start finishing while a band gets wider.",
    definition="Where tickets were at the end of each day; the number is the work in progress at the last of them.",
    formula="Of each day the tickets by stage at its end, and those finished since the first day began.",
    counts="Tickets that were in a stage from analysis to acceptance at the end of the day.",
)
ARRIVALS = Card(
    name="arrivals",
    title="Arrivals and departures",
    question="Is more work begun each week than is brought to an end?",
    action="Begin the next item only when one has left, until both bars are of one height.",
    definition="How many tickets came into progress in the window; beside it how many left it, and were finished.",
    formula=(
        "Of each day the tickets that entered the stages from analysis to acceptance, less those that left them; what "
        "was in progress before and came, less what left, is what is in progress at the end."
    ),
    counts="Each time that a ticket came into progress in the window; one that came back counts again.",
)
BLOCKED = Card(
    name="blocked_time",
    title="Blocked time",
    question="How much of the time in progress do blockers eat, and whose are they?",
    action="Take the dearest blocker to whoever owns it, with what it costs.",
    definition="How many working days tickets in progress stood blocked, by the technology that blocked them.",
    formula=(
        "Of each ticket the working days of the window in which its flag was up while it was in progress; of all the "
        "sum. What several blocked at once counts for each of them, and once in all."
    ),
    counts="Tickets in progress whose flag was up in the window; time in the backlog or after the end costs nothing.",
)
CHANGES = Card(
    name="changes",
    title="Change ledger",
    question="What is merged and still not with users, and what reached them last?",
    action="Deploy what waits longest, or say why it waits.",
    definition="How many merged pull requests users do not have yet.",
    formula="Number of pull requests that are merged and that no successful deployment to production has carried.",
    counts="Pull requests that are merged and wait at the moment, whenever they were merged.",
)
HEATMAP = Card(
    name="cross_stream_bottleneck",
    title="Technology dependency heatmap",
    question="Which deliveries depend on which technology, and where does that hold them up?",
    action="Begin where the most blocks are, and agree with that technology on what unblocks them.",
    definition=EXPLANATIONS["cross_stream_bottleneck"].definition,
    formula=EXPLANATIONS["cross_stream_bottleneck"].formula,
    counts=EXPLANATIONS["cross_stream_bottleneck"].counted,
)
"""The bottlenecks of the catalogue as a matrix: explained by the same things."""
IMPACT = Card(
    name="technology_impact",
    title="Impact of one technology",
    question="Whom does this technology hold up, with which items, and what does that cost?",
    action="Take these items to the people of the technology, the longest blocked first.",
    definition="How many working days of the window tickets in progress stood blocked by this technology.",
    formula="Of each ticket the working days in which this technology blocked it while it was in progress; the sum.",
    counts="Tickets in progress that were blocked by it in the window; listed are those that it blocks at the moment.",
)

CARDS: Mapping[str, Card] = MappingProxyType(
    {card.name: card for card in (AGEING, CUMULATIVE_FLOW, ARRIVALS, BLOCKED, CHANGES, IMPACT)}
)
"""By their names."""
