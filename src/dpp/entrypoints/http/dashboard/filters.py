"""What a page is asked to show, in its address: the same link shows the same page (§7.2)."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar.datastructures import MultiDict

from dpp.application.forecast_answers import MAX_SCOPE_CHANGE, WhatIf
from dpp.application.views import MAX_WINDOW_DAYS
from dpp.domain.errors import InvalidInput

PRESET_DAYS = (30, 90)
SPRINT = "sprint"
CUSTOM = "custom"
WHAT_IF = ("scope_change", "by_date", "confidence")
"""What the forecast may be asked beyond the usual, by the names that the API has for it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """
    What to show.

    Attributes:
        stream: delivery stream, by name or id; None for all.
        tech_stream: technology stream, likewise.
        window: days to look back, 1 to ``MAX_WINDOW_DAYS``; of a sprint, those since it began.
        is_sprint: whether to look back as far as the running sprint does.
        as_of: ISO 8601 with a zone; None for now.
        zones: names of the zones to show; empty for all.
        what_if: what the forecast is asked beyond the usual.
    """

    stream: str | None = None
    tech_stream: str | None = None
    window: int
    is_sprint: bool = False
    as_of: str | None = None
    zones: tuple[str, ...] = ()
    what_if: WhatIf = WhatIf()  # noqa: RUF009 - immutable

    @property
    def is_preset(self) -> bool:
        """Whether the window is one of those offered by a button."""
        return self.is_sprint or self.window in PRESET_DAYS

    @property
    def chosen_window(self) -> str:
        """The window as the address has it."""
        return SPRINT if self.is_sprint else str(self.window)

    def shows(self, zone: str) -> bool:
        """Whether a zone is to be shown."""
        return not self.zones or zone in self.zones

    def local_as_of(self, zone: ZoneInfo) -> str:
        """Return the moment as a field for local date and time holds it; empty for now."""
        if self.as_of is None:
            return ""
        return datetime.fromisoformat(self.as_of).astimezone(zone).strftime("%Y-%m-%dT%H:%M")

    def pairs(self, *, but: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return these filters as names and values, without what goes without saying and without some names."""
        wondered = self.what_if
        pairs = [
            ("stream", self.stream),
            ("tech_stream", self.tech_stream),
            ("window", self.chosen_window),
            ("as_of", self.as_of),
            *(("zones", name) for name in self.zones),
            ("scope_change", str(wondered.scope_change) if wondered.scope_change else None),
            ("by_date", wondered.by_date.isoformat() if wondered.by_date else None),
            ("confidence", f"{wondered.confidence_pct:g}" if wondered.confidence_pct else None),
        ]
        return [(name, value) for name, value in pairs if value and name not in but]

    def query(self) -> str:
        """Return these filters as a query string."""
        return urlencode(self.pairs())

    def now(self) -> Filters:
        """Return the same filters as of now."""
        return replace(self, as_of=None)

    def of_stream(self, name: str) -> Filters:
        """Return the same filters for one delivery stream."""
        return replace(self, stream=name, what_if=WhatIf())

    def certain(self) -> Filters:
        """Return the same filters without anything to wonder about."""
        return replace(self, what_if=WhatIf())


def read(parameters: MultiDict[Any], *, default_window: int, zone: ZoneInfo, known_zones: Sequence[str]) -> Filters:
    """
    Read the filters of a query string; empty parameters count as absent, unknown ones are ignored.

    Args:
        parameters: as they came.
        default_window: days, when none are asked for.
        zone: what a moment without a zone is meant in, since the form's own field knows none.
        known_zones: the zones that there are.

    Raises:
        InvalidInput: a window, a moment, a zone or something wondered about that cannot be.
    """
    window = parameters.get("window", "").strip()
    return Filters(
        stream=parameters.get("stream", "").strip() or None,
        tech_stream=parameters.get("tech_stream", "").strip() or None,
        window=_window("" if window == SPRINT else window, parameters.get("days", ""), default=default_window),
        is_sprint=window == SPRINT,
        as_of=_as_of(parameters.get("as_of", ""), zone=zone),
        zones=_zones(parameters.getall("zones", []), known=known_zones),
        what_if=WhatIf(
            scope_change=_scope_change(parameters.get("scope_change", "")),
            by_date=_by_date(parameters.get("by_date", "")),
            confidence_pct=_confidence(parameters.get("confidence", "")),
        ),
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


def _scope_change(text: str) -> int:
    # A plus sign that nobody escaped arrives as a blank.
    text = text.strip()
    if not text:
        return 0
    try:
        return int(text) if len(text) <= 12 else MAX_SCOPE_CHANGE + 1
    except ValueError:
        raise InvalidInput(
            f"The change of scope is {text!r}; give a number of items such as 10 or -5", field="scope_change"
        ) from None


def _by_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise InvalidInput(f"The day is {text!r}; give one such as 2026-03-31", field="by_date") from None


def _confidence(text: str) -> float | None:
    text = text.strip()
    try:
        found = float(text) if text else None
    except ValueError:
        found = math.nan
    if found is not None and not math.isfinite(found):
        raise InvalidInput(f"The confidence is {text!r}; give percent such as 85", field="confidence")
    return found
