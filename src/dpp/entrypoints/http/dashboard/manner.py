"""How a reader writes numbers, days and times: the words are English, the figures are the reader's own.

The browser names its languages with each request, and its time zone in a cookie that ``theme.js`` keeps. Both are held
for the length of the request, where ``words`` finds them: what every sentence depends on is no argument of each.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from litestar import Request

ZONE_COOKIE = "dpp_zone"
NARROW_SPACE = "\u202f"
APOSTROPHE = "\u2019"
MAX_HEADER = 200


class Order(Enum):
    """In which order a day is written: with an English month, which nobody takes for a day, most read the day first."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"


class Manner(NamedTuple):
    """
    How somebody writes.

    Attributes:
        decimal: sign before the decimals.
        group: sign between thousands.
        order: of a day.
        is_twelve_hours: whether hours go to twelve.
        zone: the reader's own; None for that of the platform.
    """

    decimal: str = "."
    group: str = NARROW_SPACE
    order: Order = Order.DAY_FIRST
    is_twelve_hours: bool = False
    zone: ZoneInfo | None = None

    def number(self, plain: str) -> str:
        """Return a number that Python wrote with commas between thousands and a point before decimals."""
        return "".join({",": self.group, ".": self.decimal}.get(sign, sign) for sign in plain)

    def day(self, when: date) -> str:
        """Return a day with its year."""
        between = " " if self.order is Order.DAY_FIRST else ", "
        return f"{self.short_day(when)}{between}{when.year}"

    def short_day(self, when: date) -> str:
        """Return a day without its year."""
        return f"{when.day} {when:%b}" if self.order is Order.DAY_FIRST else f"{when:%b} {when.day}"

    def clock(self, local: datetime) -> str:
        """Return the time of day with the name of its zone."""
        hours = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
        return f"{hours if self.is_twelve_hours else f'{local:%H:%M}'} {local:%Z}"


NEUTRAL = Manner()
"""For whoever does not say: signs that nobody misreads, the platform's zone."""

_COMMA_AND_POINT = "az bs ca da de el es eu fo gl hr id is it mk nl pt ro sl sr tr vi"
_COMMA_AND_SPACE = "be bg cs et fi fr hu hy ka kk lt lv nb nn no pl ru sk sq sv uk"
#: What a country does otherwise than its language elsewhere.
_SIGNS = {
    **dict.fromkeys(("de-CH", "de-LI", "it-CH"), (".", APOSTROPHE)),
    **dict.fromkeys(("de-AT", "pt-PT", "en-ZA"), (",", NARROW_SPACE)),
    **dict.fromkeys(("es-MX", "es-US", "es-PR", "es-GT", "es-HN", "es-NI", "es-SV", "es-DO", "es-PA"), (".", ",")),
}
_MONTH_FIRST = frozenset({"en-US"})
_TWELVE_HOURS = frozenset({"en-US", "en-AU", "en-CA", "en-IN", "en-NZ", "hi", "hi-IN"})

_reader: ContextVar[Manner] = ContextVar("reader", default=NEUTRAL)


def reader() -> Manner:
    """Return how the reader of the present request writes."""
    return _reader.get()


def zone_of(platform: ZoneInfo) -> ZoneInfo:
    """Return the zone in which the reader of the present request is told of moments."""
    return _reader.get().zone or platform


def follow(request: Request[Any, Any, Any]) -> None:
    """Write as the sender of a request does, until the request ends."""
    manner = manner_of(request.headers.get("accept-language", "")[:MAX_HEADER])
    _reader.set(manner._replace(zone=_zone(request.cookies.get(ZONE_COOKIE, ""))))


@lru_cache(maxsize=256)
def manner_of(accepted: str) -> Manner:
    """
    Return how somebody writes whose browser accepts these languages.

    Args:
        accepted: an ``Accept-Language`` header; empty for a reader who does not say.
    """
    tag = _first(accepted)
    if tag is None:
        return NEUTRAL
    decimal, group = _SIGNS.get(tag) or _signs_of(tag.partition("-")[0])
    return Manner(
        decimal=decimal,
        group=group,
        order=Order.MONTH_FIRST if tag in _MONTH_FIRST else Order.DAY_FIRST,
        is_twelve_hours=tag in _TWELVE_HOURS,
    )


def _signs_of(language: str) -> tuple[str, str]:
    if language in _COMMA_AND_POINT.split():
        return ",", "."
    return (",", NARROW_SPACE) if language in _COMMA_AND_SPACE.split() else (".", ",")


def _first(accepted: str) -> str | None:
    """Return the language that is wanted most, as ``de`` or ``de-CH``; None when none is."""
    best: tuple[float, str] | None = None
    for part in accepted.split(","):
        tag, _, parameters = part.strip().partition(";")
        wanted = _weight(parameters)
        pieces = tag.split("-")
        if wanted > 0 and pieces[0].isalpha() and (best is None or wanted > best[0]):
            country = next((piece.upper() for piece in pieces[1:] if len(piece) == 2 and piece.isalpha()), None)
            best = wanted, "-".join(filter(None, (pieces[0].lower(), country)))
    return best[1] if best else None


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    # Looked up among the known names: a name from outside must not be tried as a path.
    return ZoneInfo(name) if name in _known_zones() else None


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())
