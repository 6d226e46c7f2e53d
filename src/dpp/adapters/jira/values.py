"""Values of custom fields, which may have any shape: options, names, texts, numbers, lists and cascades of these.

A field that was configured by mistake must not cost the delivery: what cannot be read is empty.
"""

from __future__ import annotations

import math

from dpp.domain.scrubbing import scrub
from dpp.domain.stages import Stage

MAX_TEXT = 255
"""Characters that are kept of a name."""
MAX_DEPTH = 4
"""Levels of a value that are looked at; a cascade in a list has three."""
PRODUCTION = "production"

_PERSONAL = frozenset({"accountId", "displayName", "emailAddress"})
_STAGE_NAMES = {
    "analysis": Stage.BA,
    "business_analysis": Stage.BA,
    "requirements": Stage.BA,
    "development": Stage.DEV,
    "review": Stage.CODE_REVIEW,
    "test": Stage.QA,
    "testing": Stage.QA,
    "quality_assurance": Stage.QA,
    "acceptance": Stage.UAT,
    "user_acceptance_test": Stage.UAT,
    "user_acceptance_testing": Stage.UAT,
    "prod": PRODUCTION,
    "live": PRODUCTION,
}


def cleaned(value: object) -> str | None:
    """Return a text without surrounding blanks and NUL, which no database keeps; None for blanks and for no text."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").strip()[:MAX_TEXT] or None


def scrubbed(value: object) -> str | None:
    """Return ``cleaned`` without addresses and mentions: for what anybody may type, unlike statuses and types."""
    # The whole text is scrubbed before it is cut, since half an address is not recognised.
    if isinstance(value, str) and any(sign in value for sign in "@%~"):
        value = scrub(value)
    return cleaned(value)


def names(value: object, *, depth: int = MAX_DEPTH) -> tuple[str, ...]:
    """
    Return the names in a value, each once, in order; of a cascade the innermost choice. Persons have none here.

    Empty for null and for shapes that hold no name.
    """
    return tuple(dict.fromkeys(_names(value, depth)))


def name(value: object) -> str | None:
    """Return the first name in a value, or None."""
    return next(iter(names(value)), None)


def number(value: object) -> float | None:
    """Return a finite number that is written as such, as text or as an option's name; None for anything else."""
    try:
        found = float(name(value) or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def stage_name(text: str | None) -> str | None:
    """
    Return the stage that a text names: a canonical stage, ``production``, or, when neither, the folded text itself.

    The last is kept for people to see what they have to mend; no rule counts it as escaped.
    """
    folded = "_".join((text or "").replace("-", " ").replace("_", " ").split()).casefold()
    return str(_STAGE_NAMES.get(folded, folded)) or None


def _names(value: object, depth: int) -> list[str]:
    if depth == 0 or value is None or isinstance(value, bool):
        return []
    if isinstance(value, list):
        return [text for part in value for text in _names(part, depth - 1)]
    if isinstance(value, dict):
        return [] if _PERSONAL & value.keys() else _names_of_option(value, depth - 1)
    text = scrubbed(str(value))
    return [text] if text else []


def _names_of_option(option: dict[str, object], depth: int) -> list[str]:
    return _names(option.get("child"), depth) or _names(option.get("value"), depth) or _names(option.get("name"), depth)
