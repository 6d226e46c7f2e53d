"""What is wrong with the simulated sources for a while, in a file: whoever may write there makes them fail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias, get_args

SimulatedSource: TypeAlias = Literal["github", "jira"]
Trouble: TypeAlias = Literal["down", "silent", "truncated", "lying", "rate-limit", "refused", "forbidden"]
"""Answers with a 5xx; no answer; half of one; something else; the limit is used up; status 401; status 403."""

SOURCES: tuple[SimulatedSource, ...] = get_args(SimulatedSource)
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is wrong with a source, and until when."""

    trouble: Trouble
    until: datetime


@dataclass(frozen=True, slots=True)
class StandingFaults:
    """Faults by source, in a file that is read afresh on each look and replaced as a whole."""

    path: Path

    def of(self, source: SimulatedSource, *, now: datetime) -> Standing | None:
        """Return what is wrong with a source; None when nothing is (any more)."""
        found = self._all().get(source)
        return found if found is not None and now < found.until else None

    def put(self, source: SimulatedSource, standing: Standing | None) -> None:
        """Have a source fail, or answer again."""
        known = self._all()
        known.pop(source, None)
        if standing is not None:
            known[source] = standing
        rows = {name: {"trouble": one.trouble, "until": one.until.isoformat()} for name, one in known.items()}
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(rows), encoding="utf-8")
        draft.replace(self.path)

    def _all(self) -> dict[str, Standing]:
        """Return all that is written; a file that somebody spoiled by hand is as none."""
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                name: Standing(trouble=row["trouble"], until=datetime.fromisoformat(row["until"]))
                for name, row in rows.items()
            }
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return {}
