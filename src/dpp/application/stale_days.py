"""From what made things stale to the days whose figures that may change (decision 0025).

As of a moment only what had happened counts, so a fact changes no figure of a day that ended before it: the time that a
fact is about tells which days are concerned. What a setting or a person changes may concern any day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from dpp.application.derivation import News
from dpp.application.measures import Cause, StaleDays, StreamKey
from dpp.application.stale import StaleKey, StaleKind
from dpp.domain.metric import Dimension

_NOUNS = {kind: kind.value.replace("_", " ") for kind in StaleKind}
_RANK = {cause: place for place, cause in enumerate(Cause)}


class Reason(NamedTuple):
    """Why a thing is stale, and the earliest time that this is about; None when it may be about any."""

    key: StaleKey
    since: datetime | None
    cause: Cause


def reason(key: StaleKey, since: datetime | None, cause: str | None) -> Reason:
    """Return the reason of a mark; one that does not say is of a fact that something else came to know late."""
    return Reason(key, since, Cause.LATE_EVENT if cause is None else Cause(cause))


def reaching(reasons: Iterable[Reason], news: News) -> list[Reason]:
    """Return the reasons, each about as early a time as the thing's rows differ from."""
    return [
        one if one.since is None else one._replace(since=min(one.since, news.reaches.get(one.key, one.since)))
        for one in reasons
    ]


def stale_days(reasons: Iterable[Reason], news: News) -> dict[StaleDays, list[StreamKey]]:
    """Return the days that are concerned, cause by cause, with the streams: each by its own things alone.

    Args:
        reasons: why things were derived; none gives nothing.
        news: the streams of these things' rows.
    """
    of_thing: dict[StaleKey, list[Reason]] = {}
    for one in reasons:
        of_thing.setdefault(one.key, []).append(one)
    found: dict[StaleDays, list[StreamKey]] = {}
    for stream, things in _streams(news):
        for days in _by_cause(one for thing in things for one in of_thing.get(thing, ())):
            found.setdefault(days, []).append(stream)
    return found


def _by_cause(reasons: Iterable[Reason]) -> list[StaleDays]:
    of_cause: dict[Cause, list[Reason]] = {}
    for one in reasons:
        of_cause.setdefault(one.cause, []).append(one)
    return [StaleDays(_since(some), cause, _detail(some)) for cause, some in of_cause.items()]


def inherited(reasons: Sequence[Reason]) -> tuple[datetime | None, Cause]:
    """Return since when, and why, what follows from some stale things is stale; at least one."""
    return _since(reasons), min((one.cause for one in reasons), key=_RANK.__getitem__)


def _streams(news: News) -> Iterator[tuple[StreamKey, Collection[StaleKey]]]:
    for stream, things in news.delivery_streams.items():
        yield StreamKey(Dimension.DELIVERY, stream), things
    for stream, things in news.tech_streams.items():
        yield StreamKey(Dimension.TECH, stream), things


def _since(reasons: Iterable[Reason]) -> datetime | None:
    times = [one.since for one in reasons]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def _detail(reasons: Sequence[Reason]) -> str:
    """Say how many things of the stream there were, and of which kind: those of one derivation are of one."""
    kind, count = _NOUNS[reasons[0].key.kind], len({one.key for one in reasons})
    return f"{count} {kind}" if count == 1 else f"{count} {kind}s"


def kind_told(detail: str | None) -> StaleKind | None:
    """Return the kind of thing that a detail of ``stale_days`` tells of; None for any other text."""
    noun = (detail or "").partition(" ")[2]
    return next((kind for kind, told in _NOUNS.items() if noun in {told, f"{told}s"}), None)
