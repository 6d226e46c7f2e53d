"""Groups of the identity provider and the roles that they bring (§3.2.1, §3.3).

A row of the table matches a group by its exact value, or by a regular expression that must match the whole of it. The
row says for which stream its role is, or its expression captures the stream's name; whatever is not understood brings
no role, never one for all streams.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from uuid import UUID

from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration, DeliveryStream, GroupRole, TechStream
from dpp.domain.patterns import MAX_TEXT, compile_pattern

DELIVERY, TECH = "delivery_stream", "tech_stream"
#: What the groups of an expression may be called.
CAPTURES = (DELIVERY, TECH)


def mapped_grants(*, groups: Iterable[str], configuration: Configuration) -> frozenset[Grant]:
    """
    Return what a person's groups bring.

    Args:
        groups: as the identity provider names them: names, or ids.
        configuration: its ``group_roles`` must have passed the checks of a configuration.

    Returns:
        Empty when no row matches a group. A row whose stream does not exist brings nothing.
    """
    names = sorted(set(groups))
    return frozenset(grant for rule in configuration.group_roles for grant in _brought(rule, names, configuration))


def beside_manual(*, mapped: Iterable[Grant], manual: Iterable[Grant]) -> frozenset[Grant]:
    """
    Return those of the mapped grants that hold beside what was assigned by hand.

    What somebody assigned wins: where a grant by hand is for exactly the same streams, it alone counts, whether it
    allows more or less.
    """
    taken = {_streams(grant) for grant in manual}
    return frozenset(grant for grant in mapped if _streams(grant) not in taken)


def captured_streams(rule: GroupRole) -> tuple[str, ...]:
    """
    Return which kinds of stream the row's expression captures the name of; none for a row without expression.

    Groups say which by their name. A group without name stands for the delivery stream where nothing else names one:
    with the alternative, a role for all streams, a pair of brackets would open everything.

    Raises:
        InvalidPattern: the expression cannot be used.
    """
    if rule.pattern is None:
        return ()
    pattern = compile_pattern(rule.pattern)
    named = tuple(kind for kind in CAPTURES if kind in pattern.groupindex)
    if named or not pattern.groups or rule.delivery_stream or rule.tech_stream:
        return named
    return (DELIVERY,)


def _brought(rule: GroupRole, groups: list[str], configuration: Configuration) -> Iterator[Grant]:
    if rule.pattern is None:
        if rule.group in groups:
            yield from _grant(rule, rule.delivery_stream, rule.tech_stream, configuration)
        return
    pattern, captured = compile_pattern(rule.pattern), captured_streams(rule)
    for group in groups:
        match = pattern.fullmatch(group) if len(group) <= MAX_TEXT else None
        if match is not None:
            delivery, tech = _named(match, rule, captured, DELIVERY), _named(match, rule, captured, TECH)
            yield from _grant(rule, delivery, tech, configuration)


def _named(match: re.Match[str], rule: GroupRole, captured: tuple[str, ...], kind: str) -> str | None:
    """Return the name of the stream of a kind: captured, or the row's own; empty when the capture took no part."""
    if kind not in captured:
        return rule.delivery_stream if kind == DELIVERY else rule.tech_stream
    return match[kind if kind in match.re.groupindex else 1] or ""


def _grant(rule: GroupRole, delivery: str | None, tech: str | None, configuration: Configuration) -> Iterator[Grant]:
    role = Role(rule.role)
    of_delivery, of_tech = configuration.delivery_stream(delivery), configuration.tech_stream(tech)
    is_known = (delivery is None or of_delivery is not None) and (tech is None or of_tech is not None)
    is_limited = delivery is not None or tech is not None
    if is_known and not (role is Role.PLATFORM_ADMIN and is_limited):
        yield Grant(role=role, delivery_stream_id=_id(of_delivery), tech_stream_id=_id(of_tech))


def _id(stream: DeliveryStream | TechStream | None) -> UUID | None:
    return None if stream is None else stream.stream_id


def _streams(grant: Grant) -> tuple[UUID | None, UUID | None]:
    return grant.delivery_stream_id, grant.tech_stream_id
