"""
Payloads in the formats of other systems: each part is understood, ignored on purpose, or unknown (decision 0006).

Whoever runs such a system cannot mend its payloads, so that nothing is refused but what is no JSON object at all. What
cannot be used is kept for repair, and spoils nothing of what came with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dpp.adapters.push.decoding import Item, items_of
from dpp.application.reading import MalformedPayload
from dpp.domain.errors import InvalidInput
from dpp.domain.events import CicdEvent, Facts, IncidentEvent, Normalised, Outcome

NOTHING_IN_IT: Final = "there is nothing in it"
NOT_OF_THIS_FORMAT: Final = "it is no object of this format"


def understood(*, cicd: Sequence[CicdEvent] = (), incidents: Sequence[IncidentEvent] = ()) -> Normalised:
    """Return what a part tells of."""
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(cicd=tuple(cicd), incidents=tuple(incidents)))


def ignored(reason: str) -> Normalised:
    """Return that a part is left out on purpose."""
    return Normalised(outcome=Outcome.IGNORED, reason=reason)


def unknown(reason: str) -> Normalised:
    """Return that a part cannot be used as it is; the reason is one of few, and quotes nothing."""
    return Normalised(outcome=Outcome.UNKNOWN, reason=reason)


def read_each(body: bytes, read: Callable[[Item], Normalised]) -> Normalised:
    """
    Return what the objects of a body come to together: one object, or a list of them.

    Raises:
        MalformedPayload: the body is not JSON.
        InvalidInput: it holds something else than objects, or nothing.
    """
    items = [Item(raw=item.raw.strip()) for item in items_of(body)]
    if not all(item.raw.startswith(b"{") for item in items):
        raise InvalidInput("the body is neither a JSON object nor a list of them")
    return together(part(read, item) for item in items)


def part(read: Callable[[Item], Normalised], item: Item) -> Normalised:
    """
    Return what one part comes to; one with a field that cannot be used is unknown.

    Raises:
        MalformedPayload: it is not JSON.
    """
    try:
        return read(item)
    except MalformedPayload:
        raise
    except InvalidInput as error:
        return unknown(f"{error.field} is missing or cannot be used" if error.field else NOT_OF_THIS_FORMAT)


def together(parts: Iterable[Normalised]) -> Normalised:
    """
    Return several parts as one payload.

    It is unknown as soon as one part is, since it has to be kept for that part's sake; the facts of the others count
    all the same. It is ignored if each part is. The first reason stands for all; no parts at all are ignored.
    """
    known = tuple(parts)
    facts = Facts.of(one.facts for one in known)
    for outcome in (Outcome.UNKNOWN, Outcome.UNDERSTOOD, Outcome.IGNORED):
        found = next((one for one in known if one.outcome is outcome), None)
        if found is not None:
            return Normalised(outcome=outcome, facts=facts, reason=found.reason)
    return ignored(NOTHING_IN_IT)
