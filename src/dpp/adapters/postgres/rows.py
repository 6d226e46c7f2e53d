"""Rows as numpy columns, each of a group of rows that have the same values in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres.row_groups import Group, Groups, Tell
from dpp.adapters.postgres.unpacking import Columns
from dpp.domain.arrays import BoolArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """
    Some rows of a table, n of them, in the order of ``KeptTable.by``.

    Attributes:
        columns: each of shape (n,).
        group: shape (n,), the number of each row's group.
        groups: what the numbers stand for.
    """

    columns: Columns
    group: NDArray[np.int32]
    groups: Groups

    def only(self, chosen: BoolArray | IntArray | slice) -> Rows:
        """Return those marked, shape (n,), or those at places, in their order."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Rows(columns=columns, group=self.group[chosen], groups=self.groups)

    def by_group(self) -> list[tuple[Group, int]]:
        """Return the values of each group that has rows, and how many."""
        counts = np.bincount(self.group)
        return [(self.groups.values(number), int(counts[number])) for number in np.flatnonzero(counts).tolist()]

    def beside(self, **columns: NDArray[Any]) -> Rows:
        """Return them with further columns, each of shape (n,)."""
        return Rows(columns={**self.columns, **columns}, group=self.group, groups=self.groups)

    def told(self, tell: Tell, *, dtype: type[np.generic] = np.bool_) -> NDArray[Any]:
        """Return what is told of each row's group, shape (n,)."""
        found: NDArray[Any] = self.groups.told(tell, dtype=dtype)[self.group]
        return found


def together(chosen: Iterable[tuple[Rows, BoolArray]]) -> Rows:
    """Return the rows that are marked in some parts, one or more; columns that only some parts have are left out."""
    return joined([part.only(np.flatnonzero(marked)) for part, marked in chosen])


def joined(parts: Sequence[Rows], *, names: Collection[str] = ()) -> Rows:
    """Return the rows of some parts, one or more, likewise; with just some columns, if these are named."""
    if len(parts) == 1:
        return parts[0]
    names = names or parts[0].columns.keys() & parts[-1].columns.keys()
    return Rows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in names},
        group=np.concatenate([part.group for part in parts]),
        groups=parts[0].groups,
    )
