"""What a page is asked to show, in its address: the same link shows the same page (§7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar.datastructures import MultiDict

from dpp.application.views import MAX_WINDOW_DAYS
from dpp.domain.errors import InvalidInput

PRESET_DAYS = (30, 90, 365)
CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """
    What to show.

    Attributes:
        stream: delivery stream, by name or id; None for all.
        tech_stream: technology stream, likewise.
        window: days to look back, 1 to ``MAX_WINDOW_DAYS``.
        as_of: ISO 8601 with a zone; None for now.
        zones: names of the zones to show; empty for all.
    """

    stream: str | None = None
    tech_stream: str | None = None
    window: int
    as_of: str | None = None
    zones: tuple[str, ...] = ()

    @property
    def is_preset(self) -> bool:
        """Whether the window is one of those offered by a button."""
        return self.window in PRESET_DAYS

    def shows(self, zone: str) -> bool:
        """Whether a zone is to be shown."""
        return not self.zones or zone in self.zones

    def local_as_of(self, zone: ZoneInfo) -> str:
        """Return the moment as a field for local date and time holds it; empty for now."""
        if self.as_of is None:
            return ""
        return datetime.fromisoformat(self.as_of).astimezone(zone).strftime("%Y-%m-%dT%H:%M")

    def query(self) -> str:
        """Return these filters as a query string, without what goes without saying."""
        pairs = [
            ("stream", self.stream),
            ("tech_stream", self.tech_stream),
            ("window", str(self.window)),
            ("as_of", self.as_of),
            *(("zones", name) for name in self.zones),
        ]
        return urlencode([(name, value) for name, value in pairs if value])

    def now(self) -> Filters:
        """Return the same filters as of now."""
        return replace(self, as_of=None)


def read(parameters: MultiDict[Any], *, default_window: int, zone: ZoneInfo, known_zones: Sequence[str]) -> Filters:
    """
    Read the filters of a query string; empty parameters count as absent, unknown ones are ignored.

    Args:
        parameters: as they came.
        default_window: days, when none are asked for.
        zone: what a moment without a zone is meant in, since the form's own field knows none.
        known_zones: the zones that there are.

    Raises:
        InvalidInput: a window, a moment or a zone that cannot be.
    """
    return Filters(
        stream=parameters.get("stream", "").strip() or None,
        tech_stream=parameters.get("tech_stream", "").strip() or None,
        window=_window(parameters.get("window", ""), parameters.get("days", ""), default=default_window),
        as_of=_as_of(parameters.get("as_of", ""), zone=zone),
        zones=_zones(parameters.getall("zones", []), known=known_zones),
    )


def _window(window: str, custom: str, *, default: int) -> int:
    text = (custom if window == CUSTOM else window).strip()
    if not text:
        return default
    # isdecimal lets through digits of other scripts, which int reads as well.
    if not text.isdecimal() or len(text) > 6 or not 1 <= int(text) <= MAX_WINDOW_DAYS:
        raise InvalidInput(f"The window is {text!r}; give a number of days from 1 to {MAX_WINDOW_DAYS}", field="window")
    return int(text)


def _as_of(text: str, *, zone: ZoneInfo) -> str | None:
    # A plus sign that nobody escaped arrives as a blank.
    text = text.strip().replace(" ", "+")
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
        moment = given if given.tzinfo is not None else given.replace(tzinfo=zone)
        moment.astimezone(zone)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"The date is {text!r}; give a moment such as 2026-03-01T09:00 or 2026-03-01T09:00:00Z", field="as_of"
        ) from None
    return moment.isoformat(timespec="seconds")


def _zones(given: Sequence[str], *, known: Sequence[str]) -> tuple[str, ...]:
    wanted = {name for text in given for name in text.split(",") if name}
    unknown = sorted(wanted - set(known))
    if unknown:
        raise InvalidInput(f"There is no zone {unknown[0]!r}; there are {', '.join(known)}", field="zones")
    return () if wanted == set(known) else tuple(name for name in known if name in wanted)
