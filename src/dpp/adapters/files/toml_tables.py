"""Reading a table key by key: every key has a type, and what nobody asked for is a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

from dpp.application.configuration_checks import Place, Problem, hint

_TYPES: Mapping[type, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number with a fraction",
    bool: "true or false",
    list: "a list in [ ]",
    dict: "a table",
}


class Table:
    """A table of the document. A value that cannot be used is reported, and a harmless one stands in for it."""

    def __init__(self, values: Mapping[str, object], *, place: Place, problems: list[Problem]) -> None:
        self._values = values
        self._place = place
        self._problems = problems
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        """Tell whether the table has a key."""
        self._asked.append(key)
        return key in self._values

    def text(self, key: str) -> str:
        """Return text that must be there; empty when it is not."""
        if not self.has(key):
            self.report("is missing", key)
            return ""
        text = self._text(self._values[key], key)
        if text is not None and not text.strip():
            self.report("must not be empty", key)
        return (text or "") if (text or "").strip() else ""

    def optional_text(self, key: str) -> str | None:
        """Return text that may be missing."""
        return self._text(self._values[key], key) if self.has(key) else None

    def choice(self, key: str, choices: Collection[str], *, what: str, default: str | None = None) -> str | None:
        """Return one of some words; the default, or None with a report, when it is missing or another one."""
        if default is not None and not self.has(key):
            return default
        word = self.text(key)
        if word in choices:
            return str(word)
        if word:
            self.report(f"{word!r} is no {what}{hint(word, choices)}; it is one of {', '.join(choices)}", key)
        return default

    def whole(self, key: str, *, low: int, high: int, default: int) -> int:
        """Return a whole number of a range."""
        number = self.optional_whole(key, low=low, high=high)
        return default if number is None else number

    def required_whole(self, key: str, *, low: int, high: int, why: str) -> int:
        """Return a whole number of a range that must be there; the lowest when it is not."""
        if not self.has(key):
            self.report(f"is missing; {why}", key)
        return self.whole(key, low=low, high=high, default=low)

    def optional_whole(self, key: str, *, low: int, high: int) -> int | None:
        """Return a whole number of a range, or None when it is missing."""
        if not self.has(key):
            return None
        value = self._values[key]
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong_type(value, _TYPES[int], key)
        elif not low <= value <= high:
            self.report(f"must be from {low} to {high}, not {value}", key)
        else:
            return value
        return None

    def optional_number(self, key: str, *, above: float, high: float) -> float | None:
        """Return a number, with or without a fraction, above one and up to another; None when it is missing."""
        if not self.has(key):
            return None
        value = self._values[key]
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._wrong_type(value, "a number", key)
        elif not above < value <= high:
            self.report(f"must be above {above:g} and at most {high:g}, not {value:g}", key)
        else:
            return float(value)
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        found = self.optional_flag(key)
        return default if found is None else found

    def required_flag(self, key: str, *, why: str) -> bool:
        """Return true or false that must be there; false when it is not."""
        if not self.has(key):
            self.report(f"is missing; {why}", key)
        return self.flag(key, default=False)

    def optional_flag(self, key: str) -> bool | None:
        """Return true or false, or None when it is missing."""
        if not self.has(key):
            return None
        value = self._values[key]
        if isinstance(value, bool):
            return value
        self._wrong_type(value, _TYPES[bool], key)
        return None

    def texts(self, key: str, *, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        if not self.has(key):
            return default
        return tuple(text for index, item in self._items(key) if (text := self._text(item, key, index)))

    def choices(self, key: str, choices: Collection[str], *, what: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of some words, in whatever case, each once."""
        words = tuple(word.casefold() for word in self.texts(key, default=default))
        for index, word in enumerate(words):
            if word not in choices:
                message = f"{word!r} is no {what}{hint(word, choices)}; it is one of {', '.join(choices)}"
                self.report(message, key, index)
            elif word in words[:index]:
                self.report(f"{word!r} is there twice", key, index)
        return tuple(word for word in words if word in choices)

    def dates(self, key: str, *, default: tuple[date, ...] = ()) -> tuple[date, ...]:
        """Return a list of dates, written as text or as TOML's own, in order and each once."""
        if not self.has(key):
            return default
        found = (self._date(item, key, index) for index, item in self._items(key))
        return tuple(sorted({day for day in found if day is not None}))

    def table(self, key: str) -> Table | None:
        """Return a table inside of this one, or None when it is missing."""
        if not self.has(key):
            return None
        value = self._values[key]
        if isinstance(value, dict):
            return Table(value, place=(*self._place, key), problems=self._problems)
        self._wrong_type(value, f"a table, written as [{key}]", key)
        return None

    def tables(self, key: str) -> list[Table]:
        """Return the tables of a list; something else in it is reported and left out."""
        if not self.has(key):
            return []
        value = self._values[key]
        if not isinstance(value, list):
            self._wrong_type(value, f"a list of tables, each under [[{key}]]", key)
            return []
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self._wrong_type(item, f"a table, written as [[{key}]]", key, index)
        return [
            Table(item, place=(*self._place, key, index), problems=self._problems)
            for index, item in enumerate(value)
            if isinstance(item, dict)
        ]

    def finish(self) -> None:
        """Report every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                known = hint(key, dict.fromkeys(self._asked)) or f"; known are {', '.join(dict.fromkeys(self._asked))}"
                self.report(f"the key {key!r} is unknown{known}", key)

    def report(self, message: str, *inside: str | int) -> None:
        """Report what is wrong with the table, or with something inside of it."""
        self._problems.append(Problem(place=(*self._place, *inside), message=message))

    def _items(self, key: str) -> Iterator[tuple[int, object]]:
        value = self._values[key]
        if isinstance(value, list):
            yield from enumerate(value)
        else:
            self._wrong_type(value, _TYPES[list], key)

    def _text(self, value: object, *inside: str | int) -> str | None:
        if not isinstance(value, str):
            self._wrong_type(value, _TYPES[str], *inside)
        elif "\x00" in value:
            self.report("must not have the character NUL in it", *inside)
        else:
            return value
        return None

    def _date(self, value: object, *inside: str | int) -> date | None:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            if isinstance(value, str) and len(value) == len("2026-12-24"):
                return date.fromisoformat(value)
        except ValueError:
            pass  # reported like everything else that is no date
        self.report(f"{str(value)!r} is no date; write it as 2026-12-24", *inside)
        return None

    def _wrong_type(self, value: object, wanted: str, *inside: str | int) -> None:
        given = _TYPES.get(type(value), "a date or time")
        self.report(f"must be {wanted}, not {given}", *inside)
