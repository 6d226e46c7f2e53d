"""How soon somebody would guess a password: by lists of common ones, names, words, patterns of keys and of dates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

#: Of 0 to 4: below, fewer than a hundred million guesses are enough.
ENOUGH = 3
#: What lies beyond makes a password no weaker, and the search slower.
LOOKED_AT = 72
SOON_GUESSED = "This password is soon guessed."


def weakness(password: str, words: Sequence[str]) -> str | None:
    """Say what is weak about a password and what would be better; None when nothing is (ASVS 5.0, 6.2.4 and 6.2.11).

    Args:
        password: of any length; its first 72 characters are looked at.
        words: what is known of whose it is and what it is for.
    """
    estimate = _estimator()(password[:LOOKED_AT], user_inputs=[*words])
    if estimate["score"] >= ENOUGH:
        return None
    feedback = estimate["feedback"]
    return " ".join([feedback["warning"] or SOON_GUESSED, *feedback["suggestions"]])


@cache
def _estimator() -> Any:
    # Its lists take some megabytes, which only a process needs in which somebody chooses a password.
    from zxcvbn import zxcvbn

    return zxcvbn
