"""Figures beside those of §6: what goes on between them, with the sentences that a metric of the catalogue has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dpp.domain.explanations import Explanation, Input, Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """
    What a figure is that no section of the specification names.

    Attributes:
        name: its key in the API, and in the address of its explanation.
        title: for people.
        question: what it answers.
        action: what somebody does differently because of it.
        explanation: what it means, in words.
    """

    name: str
    title: str
    question: str
    action: str
    explanation: Explanation

    @property
    def section(self) -> None:
        """None: the specification has none about it."""


AGEING = Companion(
    name="ageing_work",
    title="Ageing work",
    question="Which unfinished items have been going on for longer than finished ones took?",
    action="Talk about the oldest items first, from the right end of the board to the left.",
    explanation=Explanation(
        definition="How many tickets somebody has begun and nobody has finished, with the working days since then.",
        formula=(
            "Of each ticket the working days from its first moment in a status of work until now, on its stream's "
            "calendar; beside it the percentiles of the cycle times of the usual window."
        ),
        counted="Unfinished tickets that have ever been in a status of work, those put back into the backlog included.",
        inputs=(Input.TICKET,),
        remarks=(Remark.NOT_BEGUN,),
    ),
)
CUMULATIVE_FLOW = Companion(
    name="cumulative_flow",
    title="Cumulative flow",
    question="Does more come into progress than goes out, and in which stage does the band grow?",
    action="Stop starting and start finishing while a band gets wider.",
    explanation=Explanation(
        definition="Where tickets were at the end of each day; the number is the work in progress at the last of them.",
        formula="Of each day the tickets by stage at its end, and those finished since the first day began.",
        counted="Tickets that were in a stage from analysis to acceptance at the end of the day.",
        inputs=(Input.TICKET,),
        remarks=(),
    ),
)
ARRIVALS = Companion(
    name="arrivals",
    title="Arrivals and departures",
    question="Is more work begun each week than is brought to an end?",
    action="Begin the next item only when one has left, until both bars are of one height.",
    explanation=Explanation(
        definition="How many tickets came into progress in the window; beside it how many left it, and were finished.",
        formula=(
            "Of each day the tickets that entered the stages from analysis to acceptance, less those that left them; "
            "what was in progress before and came, less what left, is what is in progress at the end."
        ),
        counted="Each time that a ticket came into progress in the window; one that came back counts again.",
        inputs=(Input.TICKET,),
        remarks=(Remark.CAME_EARLIER,),
    ),
)
BLOCKED = Companion(
    name="blocked_time",
    title="Blocked time",
    question="How much of the time in progress do blockers eat, and whose are they?",
    action="Take the dearest blocker to whoever owns it, with what it costs.",
    explanation=Explanation(
        definition="How many working days tickets in progress stood blocked, by the technology that blocked them.",
        formula=(
            "Of each ticket the working days of the window in which its flag was up while it was in progress; of all "
            "the sum, and of each technology the part that it blocked."
        ),
        counted=(
            "Tickets in progress whose flag was up in the window; time in the backlog or after the end costs nothing."
        ),
        inputs=(Input.TICKET,),
        remarks=(Remark.BLOCKER_NOT_TOLD,),
    ),
)
CHANGES = Companion(
    name="changes",
    title="Change ledger",
    question="What is merged and still not with users, and what reached them last?",
    action="Deploy what waits longest, or say why it waits.",
    explanation=Explanation(
        definition="How many merged pull requests users do not have yet.",
        formula="Number of pull requests that are merged and that no successful deployment to production has carried.",
        counted="Pull requests that are merged and wait at the moment, whenever they were merged.",
        inputs=(Input.PULL_REQUEST,),
        remarks=(),
    ),
)
IMPACT = Companion(
    name="technology_impact",
    title="Impact of one technology",
    question="Whom does this technology hold up, with which items, and what does that cost?",
    action="Take these items to the people of the technology, the longest blocked first.",
    explanation=Explanation(
        definition="How many working days of the window tickets in progress stood blocked by this technology.",
        formula=(
            "Of each ticket the working days in which this technology blocked it while it was in progress; the sum."
        ),
        counted="Tickets in progress that were blocked by it in the window, whatever technology they are of.",
        inputs=(Input.TICKET,),
        remarks=(),
    ),
)

COMPANIONS: Mapping[str, Companion] = MappingProxyType(
    {one.name: one for one in (AGEING, CUMULATIVE_FLOW, ARRIVALS, BLOCKED, CHANGES, IMPACT)}
)
"""All of them by name."""
