"""The change ledger: which pull requests reached users when and how, and which still wait (decision 0024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpp.application.answers import Asked
from dpp.application.delivery_reader import ChangePlace, ChangeState, DeliveryReader, LedgerChange
from dpp.application.views import View, Window
from dpp.domain.errors import InvalidInput

DEFAULT_LIMIT = 200
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """
    Some changes of a list.

    Attributes:
        changes: the latest first.
        following: begin behind this place for the next page; None where there is none.
        limit: changes at most.
    """

    asked: Asked
    changes: Sequence[LedgerChange]
    following: ChangePlace | None
    limit: int


class ChangeLedger:
    """Reads the ledger page by page; a page shows what is there now, so nothing of it is kept.

    Args:
        reader: has the changes.
    """

    def __init__(self, *, reader: DeliveryReader) -> None:
        self._reader = reader

    async def page(
        self,
        view: View,
        *,
        state: ChangeState,
        window_days: int,
        after: ChangePlace | None = None,
        limit: int | None = None,
    ) -> LedgerPage:
        """Return a page of the changes that are deployed in a window, or that wait at the view's moment.

        Args:
            view: which changes count.
            state: which of the two lists.
            window_days: days to look back for those that are deployed; what waits may have been merged at any time.
            after: the place of the last change of the page before; None for the first page.
            limit: changes at most, 1 to ``MAX_LIMIT``; None for ``DEFAULT_LIMIT``.

        Raises:
            InvalidInput: the window or the limit is too small or too large.
        """
        size = DEFAULT_LIMIT if limit is None else limit
        if not 1 <= size <= MAX_LIMIT:
            raise InvalidInput(f"limit must be between 1 and {MAX_LIMIT}, not {size}", field="limit")
        window = Window.back_from(view.as_of, days=window_days)
        # One more than is shown tells whether another page follows.
        found = await self._reader.changes(view, state=state, window=window, after=after, limit=size + 1)
        shown = found[:size]
        return LedgerPage(
            asked=Asked.of(view, window_days=window_days if state is ChangeState.DEPLOYED else 0),
            changes=shown,
            following=shown[-1].place(state) if len(found) > size else None,
            limit=size,
        )
