"""Where in a TOML text something stands; the parser of the standard library tells only values."""

from __future__ import annotations

import re

Place = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_TRIPLE = re.compile(r'"""|' + "'''")


class TomlLines:
    """Finds the lines of headers and keys in a text that is known to be TOML.

    The n-th ``[[section]]`` is the place ``("section", n)`` from 0. What stands inside of a value is found at the line
    where its key stands.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._counts: dict[Place, int] = {}
        self._inside: Place = ()
        quote: str | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            if quote is None:
                self._read(line, number)
            quote = _open_quote(line, quote)

    def of(self, place: Place) -> int | None:
        """Return the line, from 1, of a place or of the nearest thing around it; None when the text has none of it."""
        for length in range(len(place), 0, -1):
            line = self._lines.get(place[:length])
            if line is not None:
                return line
        return None

    def _read(self, line: str, number: int) -> None:
        if header := _HEADER.fullmatch(line):
            self._enter(_parts(header[2]), is_array=header[1] == "[[", number=number)
        elif key := _KEY.match(line):
            self._lines.setdefault(self._inside + _parts(key[1]), number)

    def _enter(self, names: Place, *, is_array: bool, number: int) -> None:
        place: Place = ()
        for name in names[:-1]:
            place = self._latest((*place, name))
        place = (*place, names[-1])
        if is_array:
            self._counts[place] = self._counts.get(place, -1) + 1
            place = self._latest(place)
        self._inside = place
        self._lines.setdefault(place, number)

    def _latest(self, place: Place) -> Place:
        """Return the last element of an array of tables, or the table itself."""
        count = self._counts.get(place)
        return place if count is None else (*place, count)


def _parts(dotted: str) -> Place:
    return tuple(found[1] or found[2] or found[3] or "" for found in _PART.finditer(dotted))


def _open_quote(line: str, quote: str | None) -> str | None:
    """Return the mark of a string of several lines that is still open at the end of a line."""
    for found in _TRIPLE.finditer(line):
        if quote is None:
            quote = found.group()
        elif quote == found.group():
            quote = None
    return quote
