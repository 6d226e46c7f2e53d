"""Cards of figures that are in no catalogue, with the sentences that a metric of the catalogue has: said here, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card is about: the question it answers, and what somebody does differently because of it."""

    title: str
    question: str
    action: str


AGEING = Card(
    title="Ageing work",
    question="Which unfinished items have been going on for longer than finished ones took?",
    action="Talk about the oldest items first, from the right end of the board to the left.",
)
CUMULATIVE_FLOW = Card(
    title="Cumulative flow",
    question="Does more come into progress than goes out, and in which stage does the band grow?",
    action="Stop starting and start finishing while a band gets wider.",
)
BLOCKED = Card(
    title="Blocked time",
    question="How much of the time in progress do blockers eat, and whose are they?",
    action="Take the dearest blocker to whoever owns it, with what it costs.",
)
CHANGES = Card(
    title="Change ledger",
    question="What is merged and still not with users, and what reached them last?",
    action="Deploy what waits longest, or say why it waits.",
)
