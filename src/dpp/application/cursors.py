"""Cursors of one reading: a source that names a page twice as the next one would be read for ever."""

from __future__ import annotations

from dpp.application.source_errors import SourceUnavailable


class Cursors:
    """
    Sees that the pages of one reading come to an end.

    Args:
        source: what people call whoever tells.
        first: where the reading begins; None for the beginning.
    """

    def __init__(self, source: str, *, first: str | None = None) -> None:
        self._source = source
        self._seen: set[str] = set() if first is None else {first}

    def after(self, cursor: str | None) -> str | None:
        """
        Return where the next page begins, as the source says; None after the last.

        Raises:
            SourceUnavailable: it has named that page before.
        """
        if cursor is None:
            return None
        if cursor in self._seen:
            raise SourceUnavailable(
                f"{self._source} names as the next page one that it has shown already, so that its list does not end; "
                "it is tried again by itself. If that does not pass, ask whoever runs it"
            )
        self._seen.add(cursor)
        return cursor
