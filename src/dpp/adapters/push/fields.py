"""The values of a push's fields: what is wrong is named with its field and a remedy, and never quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from dpp.domain.errors import InvalidInput
from dpp.domain.events import RepositoryRef
from dpp.domain.scrubbing import scrub

#: Characters of a name, a version, a commit id or a run id.
MAX_NAME = 512

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Outside of these a time is a default that somebody forgot to fill in, and moving it to UTC could overflow.
FIRST_YEAR, LAST_YEAR = 1971, 9998
_EXAMPLE = "such as 2026-03-01T12:00:00Z"


def missing(field: str, *, give: str) -> InvalidInput:
    """Return the error for a field that is needed and absent or blank."""
    return InvalidInput(f"{field} is missing: give {give}", field=field)


def text(value: str | None, *, field: str) -> str | None:
    """Return a name without surrounding blanks; None when it is absent or blank."""
    stripped = (value or "").strip()
    if len(stripped) > MAX_NAME:
        raise InvalidInput(f"{field} has {len(stripped)} characters: give at most {MAX_NAME}", field=field)
    if _CONTROL.search(stripped):
        raise InvalidInput(f"{field} has line breaks or other control characters: leave them out", field=field)
    return stripped or None


def needed_text(value: str | None, *, field: str, give: str) -> str:
    """Return a name that has to be there; ``give`` says what it is."""
    found = text(value, field=field)
    if found is None:
        raise missing(field, give=give)
    return found


def word(value: str | None, *, field: str, among: Iterable[str]) -> str | None:
    """Return one of a few words, whatever its case; None when it is absent or blank."""
    found = text(value, field=field)
    if found is None:
        return None
    if found.lower() not in (words := tuple(among)):
        raise InvalidInput(f"{field} is none of the words it can be: give {' or '.join(words)}", field=field)
    return found.lower()


def repository_ref(full_name: str, *, field: str) -> RepositoryRef:
    """Return the repository that ``organisation/repository`` names."""
    org, _, name = full_name.partition("/")
    if not (org and name) or "/" in name or any(map(str.isspace, full_name)):
        raise InvalidInput(f"{field} does not name a repository: give organisation/repository", field=field)
    return RepositoryRef(org=org, name=name)


def free_text(value: str | None) -> str | None:
    """Return a text without the people it addresses; None when nothing is left of it."""
    return scrub((value or "").replace("\0", "")).strip() or None


def moment(value: str | None, *, field: str) -> datetime | None:
    """Return an ISO 8601 time in UTC; None when it is absent or blank. One without a zone is refused."""
    if not value or not value.strip():
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidInput(f"{field} is no ISO 8601 time: give one {_EXAMPLE}", field=field) from None
    if found.tzinfo is None:
        raise InvalidInput(f"{field} has no time zone: end it with Z or an offset, {_EXAMPLE}", field=field)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise InvalidInput(f"{field} has a year that cannot be meant: give a time {_EXAMPLE}", field=field)
    return found.astimezone(UTC)
