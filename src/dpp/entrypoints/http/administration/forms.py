"""Forms of administration pages: what was typed stays, and what to mend stands beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar import Request

#: Enough for a project with a hundred statuses.
BODY_BYTES = 256 * 1024
EXPIRED = "This form had expired. What you typed is still here: please send it once more."

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """
    What somebody typed into a form, or what it begins with, and what is wrong with it.

    Attributes:
        values: by the names of the fields; a name that is not there stands for an empty field.
        lists: all values of a name, for fields that are there several times.
        problems: what to mend, by the names of the fields.
        general: what to mend that is about no single field.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    general: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """Return what is in a field, empty when nothing is."""
        return self.values.get(name, "")

    def is_checked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self.values

    def column(self, name: str) -> Sequence[str]:
        """Return the values of a field that is there once a row, in the order of the rows."""
        return self.lists.get(name, ())

    def text(self, name: str) -> str | None:
        """Return what is in a field without surrounding blanks; None when nothing is."""
        return self.value(name).strip() or None

    def number(self, name: str) -> int | str | None:
        """Return a whole number; what is none comes back as it was typed, for whoever checks to say so."""
        return whole(self.value(name))

    def lines(self, name: str) -> list[str]:
        """Return what is in a field line by line (a comma ends a line too), without blanks and empty lines."""
        parts = self.value(name).replace(",", "\n").splitlines()
        return [part.strip() for part in parts if part.strip()]

    def with_problems(self, problems: Mapping[str, str], general: Iterable[str] = ()) -> Typed:
        """Return the same with what is wrong with it."""
        return Typed(values=self.values, lists=self.lists, problems=problems, general=tuple(general))


def whole(text: str) -> int | str | None:
    """Return text as a whole number; None when it is blank, and the text itself when it is none."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        return int(stripped)
    except ValueError:
        return stripped


async def typed(request: AnyRequest) -> Typed:
    """Read the form of a request; files in it are left out."""
    given = await request.form()
    lists: dict[str, list[str]] = {}
    for name, value in given.multi_items():
        if isinstance(value, str):
            lists.setdefault(name, []).append(value.replace("\x00", ""))
    return Typed(values={name: values[-1] for name, values in lists.items()}, lists=lists)
