"""Flat rows for the diagnostic figures about defects and reviews (§6.3.2, §6.3.3)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from dpp.application.views import View, Window
from dpp.domain.arrays import FloatArray
from dpp.domain.defects import FoundDefect
from dpp.domain.small_teams import Contribution


class DiagnosticsReader(Protocol):
    """Rows of a window, in any order, as known at the view's moment, of what the view shows.

    A defect belongs to the streams of its ticket, a pull request to its repository's technology stream and to the
    delivery stream of its ticket, each as the ticket stood at the view's moment (decision 0022).
    """

    @abstractmethod
    async def defects(self, view: View, *, window: Window) -> Sequence[FoundDefect]:
        """Return every defect with an event in the window, by its latest attribution at the view's moment.

        A defect that does not say where it was found has the stage in which its parent was when it was logged; with
        neither that is ``UNKNOWN_STAGE``.
        """

    @abstractmethod
    async def review_hours(self, view: View, *, window: Window) -> FloatArray:
        """Return the hours to the first review of every pull request that was merged or closed in the window.

        As of the view's moment: what was open then is left out, and later reviews are unknown.

        Returns:
            shape (n,), >= 0, nan for a pull request without a review.
        """

    @abstractmethod
    async def contributions(self, view: View, *, window: Window) -> Sequence[Contribution]:
        """Return who contributed in the window, each once for pull requests or tickets of the same streams, no bots.

        Authors and reviewers of pull requests that had an event in it, and assignees of tickets that had one; of
        reviewers with the number of their peer reviews (``is_peer_review``).
        """
