"""Which rows of a history are read in full."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.postgres.histories import change_rows

Row = tuple[int, int, int]

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 2)), max_size=12)


def _kept(rows: list[Row]) -> set[int]:
    place, time, attributes = (np.array([row[cell] for row in rows], dtype=np.int64) for cell in range(3))
    return set(change_rows(place=place, time=time, attributes=attributes).tolist())


def _steps(rows: list[Row]) -> list[tuple[int, int]]:
    """Tell when the attributes became what, of rows of one ticket in the order in which they happened."""
    steps: list[tuple[int, int]] = []
    for _, time, attributes in rows:
        if steps and steps[-1][0] == time:
            steps.pop()
        if not steps or steps[-1][1] != attributes:
            steps.append((time, attributes))
    return steps


@given(st.data())
def test_nothing_that_matters_is_left_out(data: st.DataObject) -> None:
    """Whatever the order within an instant is, the rows kept tell the same attributes over time as all rows."""
    rows = data.draw(ROWS)
    kept = _kept(rows)
    numbers = sorted(data.draw(st.permutations(range(len(rows)))), key=lambda number: rows[number][1])
    for ticket in {place for place, *_ in rows}:
        of_ticket = [number for number in numbers if rows[number][0] == ticket]
        everything = [rows[number] for number in of_ticket]
        sparse = [rows[number] for number in of_ticket if number in kept]
        assert _steps(everything) == _steps(sparse)


def test_equal_neighbours_are_left_out() -> None:
    """Of a history in which nothing changes only the first row is kept, and of a change only the row that brings it."""
    assert {0} == _kept([(7, 1, 5), (7, 2, 5), (7, 3, 5)])
    assert {0, 2} == _kept([(7, 1, 5), (7, 2, 5), (7, 3, 6), (7, 4, 6)])


def test_no_history() -> None:
    """Without rows none is kept."""
    assert set() == _kept([])
