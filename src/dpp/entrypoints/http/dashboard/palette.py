"""The colours of the pages, read from their stylesheets: for pictures that leave the pages and bring their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from dpp.entrypoints.http.dashboard import assets

STYLESHEETS = ("app.css", "views.css")
_TOKEN = re.compile(r"--([\w-]+):\s*(?:light-dark\((#[0-9a-f]{3,8}),\s*(#[0-9a-f]{3,8})\)|(#[0-9a-f]{3,8}))\s*;")


class Theme(StrEnum):
    """Which of the two sets of colours."""

    LIGHT = "light"
    DARK = "dark"


@cache
def inks(theme: Theme) -> Mapping[str, str]:
    """Return the colours by the names of their tokens, with ``_`` for ``-``; each as ``#rrggbb``."""
    found: dict[str, str] = {}
    for name in STYLESHEETS:
        for token, light, dark, always in _TOKEN.findall(assets.assets()[name].body.decode()):
            colour = always or (light if theme is Theme.LIGHT else dark)
            found.setdefault(token.replace("-", "_"), colour)
    return MappingProxyType(found)
