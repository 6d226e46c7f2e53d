"""How bad an alarm or incident is, by the words and priorities that monitoring systems use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dpp.domain.events import Severity

_WORDS = {
    Severity.CRITICAL: ("critical", "crit", "page", "emergency", "fatal", "disaster", "p0", "p1", "sev0", "sev1"),
    Severity.HIGH: ("high", "error", "major", "p2", "sev2"),
    Severity.MEDIUM: ("medium", "moderate", "warning", "warn", "average", "p3", "sev3"),
    Severity.LOW: ("low", "minor", "info", "information", "informational", "notice", "p4", "p5", "sev4", "sev5"),
}
#: By the word in lower case.
SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {word: severity for severity, words in _WORDS.items() for word in words}
)


def severity_of(word: str | None) -> Severity | None:
    """Return what a word means; None when there is none, or one that nobody agreed on."""
    return SEVERITIES.get((word or "").strip().lower())
