"""Numbers for what many rows have in common, and codes for what tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.domain.arrays import IntArray

Group: TypeAlias = tuple[Any, ...]
Tell: TypeAlias = Callable[..., Any]

#: What so many tellers have told of groups is kept.
_TELLERS = 1024


class Groups:
    """Numbers for the values of groups, the same ones for all tables whose groups have the same columns."""

    def __init__(self) -> None:
        self._known: list[Group] = []
        self._number_of: dict[Group, int] = {}
        self._told: dict[Tell, NDArray[Any]] = {}

    def number(self, values: Sequence[Any]) -> int:
        """Return the number of a group's values, as the database sends them."""
        group = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        if group not in self._number_of:
            self._number_of[group] = len(self._known)
            self._known.append(group)
        return self._number_of[group]

    def values(self, number: int) -> Group:
        """Return what a number stands for."""
        return self._known[number]

    def told(self, tell: Tell, *, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of the values of each group, and keep it: ``tell`` is a value that says who tells."""
        told = self._told.pop(tell, np.empty(0, dtype=dtype))
        if len(told) < len(self._known):
            more = np.fromiter((tell(*group) for group in self._known[len(told) :]), dtype=dtype)
            told = np.concatenate([told, more])
        # The one used last is last.
        self._told[tell] = told
        if len(self._told) > _TELLERS:
            del self._told[next(iter(self._told))]
        return told


class Codes:
    """Codes from 0 on for numbers of 64 bits, in the order in which they come."""

    def __init__(self) -> None:
        self._known: IntArray = np.empty(0, dtype=np.int64)
        self._code_of: IntArray = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return self._known.size

    def of(self, numbers: IntArray) -> IntArray:
        """Return the code of each number, shape (n,)."""
        wanted, place_of = np.unique(numbers, return_inverse=True)
        new = np.setdiff1d(wanted, self._known, assume_unique=True)
        if new.size:
            codes = np.concatenate([self._code_of, np.arange(len(self), len(self) + new.size)])
            known = np.concatenate([self._known, new])
            order = np.argsort(known)
            self._known, self._code_of = known[order], codes[order]
        found: IntArray = self._code_of[np.searchsorted(self._known, wanted)][place_of]
        return found


class StreamNumbers:
    """Numbers the delivery streams with which groups begin, as they come."""

    def __init__(self) -> None:
        self.known: dict[UUID | None, int] = {}

    def __call__(self, delivery_stream_id: UUID | None, *_: object) -> int:
        """Return the number of one, None included."""
        return self.known.setdefault(delivery_stream_id, len(self.known))
