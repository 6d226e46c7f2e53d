"""Pipeline stages, and how a source's statuses map to them (§4.2.3, Appendix C)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """The canonical pipeline stages of §4.2.3, in the order of the flow."""

    BACKLOG = "backlog"
    BA = "ba"
    DEV = "dev"
    CODE_REVIEW = "code_review"
    QA = "qa"
    UAT = "uat"
    DONE = "done"
    CANCELLED = "cancelled"


#: Stages whose items are work in progress; ``backlog`` is reported beside them and is not part of the total.
WIP_STAGES: tuple[Stage, ...] = (Stage.BA, Stage.DEV, Stage.CODE_REVIEW, Stage.QA, Stage.UAT)

#: Label of time spent in a status that nobody has mapped.
UNMAPPED = "unmapped"


def label(stage: Stage, *, active: bool) -> str:
    """Return the name under which time in a stage is counted: ``qa`` while worked on, ``qa_queue`` while waiting.

    ``backlog``, ``done`` and ``cancelled`` have no queue of their own: they are waiting by nature and keep their name.
    """
    if active or stage in (Stage.BACKLOG, Stage.DONE, Stage.CANCELLED):
        return stage.value
    return f"{stage.value}_queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMapping:
    """One row of ``status_mappings``: what a status of a Jira project means."""

    project: str
    status: str
    stage: Stage
    active: bool
    order: int = 0


def _folded(project: str, status: str) -> tuple[str, str]:
    return project.strip().upper(), status.strip().casefold()


@dataclass(frozen=True, slots=True)
class StatusMap:
    """Looks statuses up by project and name, without regard to case and surrounding blanks."""

    mappings: tuple[StatusMapping, ...] = ()
    _index: Mapping[tuple[str, str], StatusMapping] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {_folded(row.project, row.status): row for row in self.mappings})

    @classmethod
    def of(cls, mappings: Iterable[StatusMapping]) -> StatusMap:
        """Build a map from rows; of two rows for one status the later one counts."""
        return cls(tuple(mappings))

    def find(self, project: str, status: str | None) -> StatusMapping | None:
        """Return what the status means, or None when nobody has mapped it (or the source named none)."""
        return None if status is None else self._index.get(_folded(project, status))
