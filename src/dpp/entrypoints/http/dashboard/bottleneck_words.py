"""What is said of shared bottlenecks: why one is as severe as it is, and what points to a root cause (§6.7, §7.1.2)."""

from __future__ import annotations

from collections.abc import Iterable

from dpp.application.cross_stream_answers import SharedBottleneck
from dpp.domain.bottlenecks import BLOCK_DAYS, BottleneckSeverity, SeverityRow
from dpp.entrypoints.http.dashboard import words


def reason(row: SharedBottleneck, *, rows: Iterable[SeverityRow]) -> str:
    """
    Return why a technology stream has its severity, in one sentence or two.

    Args:
        row: the technology stream.
        rows: the severity table.
    """
    bottleneck = row.bottleneck
    impacted = len(bottleneck.impacts)
    if not impacted:
        return f"It blocked no ticket of a delivery stream in {BLOCK_DAYS} days."
    rule = _rule(row, rows)
    holds = f"It holds up {words.counted(impacted, 'delivery stream')}{_from(impacted, rule)}"
    if bottleneck.average_confidence is None:
        return f"{holds}. Nobody knows the confidence of their sprints, so good confidence is supposed."
    verb = "is" if impacted == 1 else "averages"
    confident = f"{holds}, whose sprint confidence {verb} {_percent(bottleneck.average_confidence)}"
    if rule is None or rule.confidence_below is None:
        return f"{confident}, which makes it no worse."
    return f"{confident} (below {_percent(rule.confidence_below)})."


def evidence(row: SharedBottleneck) -> str:
    """Return what points to the technology stream with the highest impact, in one sentence or two."""
    bottleneck = row.bottleneck
    counts = {impact.delivery_stream_id: impact.block_count for impact in bottleneck.impacts}
    whose = ", ".join(f"{stream.display_name} {counts[stream.stream_id]}" for stream in row.impacted)
    blocks = words.counted(bottleneck.block_count, "block")
    said = f"It stands behind {blocks} in the last {BLOCK_DAYS} days ({whose})"
    blocked = sum(impact.blocked_tickets for impact in bottleneck.blocked)
    if not blocked:
        return f"{said}; no ticket is still blocked by it."
    return f"{said}, and {words.tickets(blocked)} {'is' if blocked == 1 else 'are'} still blocked by it."


def severity(level: BottleneckSeverity) -> str:
    """Return what people call a severity."""
    return level.value.capitalize()


def _rule(row: SharedBottleneck, rows: Iterable[SeverityRow]) -> SeverityRow | None:
    """Return the row of the table that gave the severity; of several, the one that asks for most."""
    bottleneck = row.bottleneck
    matching = [
        rule
        for rule in rows
        if rule.severity is bottleneck.severity
        and rule.matches(impacted_streams=len(bottleneck.impacts), average_confidence=bottleneck.average_confidence)
    ]
    return max(matching, key=lambda rule: rule.impacted_streams, default=None)


def _from(impacted: int, rule: SeverityRow | None) -> str:
    """Return from how many streams on the rule applies, where that is not just as many as there are."""
    return "" if rule is None or rule.impacted_streams == impacted else f" ({rule.impacted_streams} are enough)"


def _percent(value: float) -> str:
    return f"{words.percent(value)}{words.FIXED_SPACE}%"
