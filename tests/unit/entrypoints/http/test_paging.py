"""Pages of a list, whatever happens to it between two of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.paging import DEFAULT_LIMIT, MAX_LIMIT, InvalidCursor, page

OF = ("list", None)


def walk(rows: list[str], limit: int) -> list[str]:
    """Return what somebody gets who follows the cursors to the end."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        found = page(rows, key=str, of=OF, limit=limit, cursor=cursor)
        seen += found.rows
        cursor = found.meta.next_cursor
        if cursor is None:
            return seen


@given(st.lists(st.text(), unique=True, max_size=40), st.integers(1, 15))
def test_pages_make_up_the_list(rows: list[str], limit: int) -> None:
    """Every row once, in its order."""
    assert rows == walk(rows, limit)


@given(st.integers(0, 20), st.integers(1, 10), st.integers(0, 5))
def test_rows_that_come_first_move_nothing(count: int, limit: int, new: int) -> None:
    """Whoever reads on after new rows came before gets the rest of the old list, without one twice."""
    rows = [f"old {number}" for number in range(count)]
    first = page(rows, key=str, of=OF, limit=limit, cursor=None)
    grown = [f"new {number}" for number in range(new)] + rows
    if first.meta.next_cursor is not None:
        rest = page(grown, key=str, of=OF, limit=MAX_LIMIT, cursor=first.meta.next_cursor)
        assert rows[limit:] == list(rest.rows)
    else:
        assert rows == list(first.rows)


def test_a_row_that_is_gone_leaves_its_place() -> None:
    """The next page begins where the vanished row was."""
    first = page(["a", "b", "c", "d"], key=str, of=OF, limit=2, cursor=None)
    assert ["c", "d"] == page(["a", "c", "d"], key=str, of=OF, limit=2, cursor=first.meta.next_cursor).rows


def test_the_limit_has_bounds() -> None:
    """Beyond them the request is refused; without a limit it is the default."""
    assert DEFAULT_LIMIT == page([], key=str, of=OF, limit=None, cursor=None).meta.limit
    for limit in (0, -1, MAX_LIMIT + 1):
        with pytest.raises(InvalidInput, match="limit must be between 1 and 1000"):
            page([], key=str, of=OF, limit=limit, cursor=None)


@pytest.mark.parametrize("cursor", ["x", "äöü", "bnVsbA", "W10", "WyJhIiwtMSwiYiJd", "\x00", "=" * 9])
def test_a_cursor_of_nobody_is_refused(cursor: str) -> None:
    """With what to do instead."""
    with pytest.raises(InvalidCursor, match=r"take meta\.next_cursor"):
        page(["a"], key=str, of=OF, limit=1, cursor=cursor)


def test_a_cursor_of_another_list_is_refused() -> None:
    """Other filters are another list."""
    cursor = page(["a", "b"], key=str, of=("list", "open"), limit=1, cursor=None).meta.next_cursor
    with pytest.raises(InvalidCursor):
        page(["a", "b"], key=str, of=("list", "closed"), limit=1, cursor=cursor)
