"""What a view shows, told of the streams of a group of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from dpp.application.evidence_reader import Among, is_among
from dpp.application.views import View

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """Tells whether a view shows groups that begin with the delivery stream and the technology streams."""

    view: View
    among: Among

    @classmethod
    def by(cls, view: View, among: Among = Among.SHOWN) -> Shown:
        """Return what tells it for a view, the same for all of its moments; or which groups may be of the view."""
        return cls(replace(view, as_of=_ANY_TIME, is_live=False), among)

    def __call__(self, delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...], *_: object) -> bool:
        """Tell it of one group."""
        return is_among(self.view, self.among, delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids)

    @property
    def is_restricted(self) -> bool:
        """Whether there are groups that are not shown."""
        return self.is_of_delivery or self.view.tech_stream_id is not None or self.among is not Among.SHOWN

    @property
    def is_of_delivery(self) -> bool:
        """Whether the answer depends on the delivery stream at all."""
        return self.view.delivery_stream_id is not None or not self.view.scope.is_all
