"""Finding the ticket that a pull request is about (§5.3.4): its branch, else its title, else its body.

Titles and bodies are read once, when a delivery comes in, and never stored; the branch is. So extraction and choice
are two steps: ``title_candidates`` and ``body_candidates`` keep nothing of a text but the keys in it, and ``choose``
decides later, as often as configuration changes. ``find_ticket`` is both at once.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NewType

from dpp.domain.errors import InvalidInput
from dpp.domain.patterns import MAX_TEXT, InvalidPattern, compile_pattern

TicketKey = NewType("TicketKey", str)
"""A Jira issue key, such as ``PAY-456``: project, hyphen, number; upper case."""

DEFAULT_BRANCH_PATTERN = r"^(?:feature|bugfix|hotfix|chore|spike)?/?([A-Z][A-Z0-9]+-\d+)"

MAX_CANDIDATES = 20
"""Keys that are kept of one text."""
MAX_BODY = 65_536
"""Characters of a body that are looked at, which is as many as GitHub allows."""

# The lengths are bounded so that a body of nothing but capitals costs no more than one of prose.
_KEY = r"[A-Z][A-Z0-9_]{1,31}-\d{1,12}"
_WHOLE_KEY = re.compile(_KEY, re.ASCII)
_KEY_IN_PROSE = re.compile(rf"(?<![A-Za-z0-9-]){_KEY}(?![A-Za-z0-9])", re.ASCII)
_WRAPPING = " \t\r\n\N{NO-BREAK SPACE}[({<"


class InvalidTicketKey(InvalidInput):
    """A text is no Jira issue key."""

    code = "invalid_ticket_key"


class LinkMethod(StrEnum):
    """Where the ticket of a pull request was found, in order of trust below a link made by hand."""

    BRANCH = "branch"
    TITLE = "title"
    BODY = "body"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The ticket of a pull request, and how it was found."""

    key: TicketKey
    method: LinkMethod


def ticket_key(text: str) -> TicketKey:
    """Return ``text`` as a key; raises ``InvalidTicketKey`` when it is none. Case and blanks are not mended."""
    if not _WHOLE_KEY.fullmatch(text):
        raise InvalidTicketKey(f"{text[:64]!r} is no ticket key such as PAY-456", field="ticket")
    return TicketKey(text)


def project_of(key: TicketKey) -> str:
    """Return the project part of a key: ``PAY`` of ``PAY-456``."""
    return key.partition("-")[0]


@dataclass(frozen=True, slots=True)
class BranchPattern:
    """
    A technology stream's way to write the ticket into branch names and titles.

    What it captures, in the group named ``key`` or else in its only group, is put into upper case and counts when it is
    a ticket key; so a pattern that begins with ``(?i)`` also finds ``feature/pay-456``.

    Raises:
        InvalidPattern: as ``compile_pattern``; or there is neither exactly one capturing group nor one named ``key``.
    """

    text: str = DEFAULT_BRANCH_PATTERN
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = compile_pattern(self.text)
        if compiled.groups != 1 and "key" not in compiled.groupindex:
            raise InvalidPattern(
                f"it has {compiled.groups} capturing groups; put ( ) around the ticket key alone, (?: ) elsewhere",
                pattern=self.text,
                position=0,
            )
        object.__setattr__(self, "_compiled", compiled)

    def key_in(self, text: str) -> TicketKey | None:
        """Return the key that the pattern finds in the first 256 characters of a branch name or title, if any."""
        # A number at the very cut might go on behind it and be another ticket's.
        found = self._compiled.search(text if len(text) <= MAX_TEXT else text[:MAX_TEXT].rstrip("0123456789"))
        captured = found and found["key" if "key" in self._compiled.groupindex else 1]
        key = captured.upper() if captured else ""
        return TicketKey(key) if _WHOLE_KEY.fullmatch(key) else None


def title_candidates(title: str | None, *, pattern: BranchPattern) -> tuple[TicketKey, ...]:
    """
    Return the key that ``pattern`` finds in a title as it stands, or else without its leading blanks and brackets.

    The pattern is applied now, because the title is gone later: a changed pattern counts for titles read from then on.
    Empty when there is none.
    """
    text = title or ""
    key = pattern.key_in(text) or pattern.key_in(text.lstrip(_WRAPPING))
    return (key,) if key else ()


def body_candidates(body: str | None) -> tuple[TicketKey, ...]:
    """Return what looks like a key in a body, each once, in order, at most ``MAX_CANDIDATES``; may be empty."""
    looks = (TicketKey(found.group()) for found in _KEY_IN_PROSE.finditer((body or "")[:MAX_BODY]))
    return tuple(islice(dict.fromkeys(looks), MAX_CANDIDATES))


def choose(
    *,
    branch: str | None,
    title_keys: Iterable[TicketKey],
    body_keys: Iterable[TicketKey],
    pattern: BranchPattern,
    known_projects: Container[str],
) -> Link | None:
    """
    Return the ticket of a pull request by its branch, else its title, else its body; None when none of them names one.

    Args:
        branch: name of the head branch, without ``refs/heads/``.
        title_keys: as ``title_candidates`` gave them.
        body_keys: as ``body_candidates`` gave them; only keys of known projects count, since bots paste texts full of
            look-alikes.
        pattern: of the technology stream.
        known_projects: keys of the Jira projects that are configured or have been seen.
    """
    if key := pattern.key_in(branch or ""):
        return Link(key=key, method=LinkMethod.BRANCH)
    for key in title_keys:
        return Link(key=key, method=LinkMethod.TITLE)
    for key in body_keys:
        if project_of(key) in known_projects:
            return Link(key=key, method=LinkMethod.BODY)
    return None


def find_ticket(
    *, branch: str | None, title: str | None, body: str | None, pattern: BranchPattern, known_projects: Container[str]
) -> Link | None:
    """Return the ticket of a pull request whose title and body are at hand; see ``choose``."""
    return choose(
        branch=branch,
        title_keys=title_candidates(title, pattern=pattern),
        body_keys=body_candidates(body),
        pattern=pattern,
        known_projects=known_projects,
    )
