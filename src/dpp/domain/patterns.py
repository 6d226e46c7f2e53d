"""Regular expressions that administrators write: compiled once, and refused when matching them could take for ever.

Python's engine backtracks, so a repeat inside a repeat, or many open choices in a row, can take longer than anyone
waits on a name of thirty characters. The check is deliberately stricter than needed: what it lets through takes at
worst a time that is a polynomial of small degree in the length of the text, and callers bound that by ``MAX_TEXT``.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

from dpp.domain.errors import InvalidInput

MAX_PATTERN = 256
"""Characters of a pattern."""
MAX_TEXT = 256
"""Characters of a text that are looked at; GitHub's titles and git's path components end there."""
MAX_REPEATS = 4
"""Open-ended repeats of a pattern, one more being counted when it is not anchored by a leading ``^``."""
MAX_WAYS = 1000
"""Ways through a pattern: the product of the numbers of its alternatives, an optional part having two."""

_QUANTIFIER = re.compile(r"[*+?]|\{(?=[\d,])(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\}", re.ASCII)
_GROUP_OPENING = re.compile(r"\(\?(?:P<\w+>|[aims]*(?:-[ims]+)?[:)]|[=!>]|<[=!])", re.ASCII)
_ANCHORED = re.compile(r"(?:\(\?[aims]+\))?(?:\^|\\A)", re.ASCII)
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)


class InvalidPattern(InvalidInput):
    """A pattern does not compile, captures the wrong thing, or could match for ever; positions count from 0."""

    code = "invalid_pattern"

    def __init__(self, problem: str, *, pattern: str, position: int) -> None:
        shown = pattern if len(pattern) <= MAX_PATTERN else pattern[:MAX_PATTERN] + "…"
        super().__init__(f"the pattern {shown!r} cannot be used: {problem} (at position {position})", field="pattern")
        self.position = position


def compile_pattern(text: str) -> re.Pattern[str]:
    """
    Return ``text`` compiled, with ASCII meanings of ``\\d``, ``\\w`` and ``\\s``.

    Raises:
        InvalidPattern: it does not compile, is longer than ``MAX_PATTERN``, refers back to a group, repeats something
            that itself repeats or chooses, or has too many repeats or choices.
    """
    if len(text) > MAX_PATTERN:
        raise InvalidPattern(f"it is longer than {MAX_PATTERN} characters", pattern=text, position=MAX_PATTERN)
    try:
        with warnings.catch_warnings():
            # Python warns of what a later version may read otherwise: such a pattern has no certain meaning.
            warnings.simplefilter("error", FutureWarning)
            compiled = re.compile(text, re.ASCII)
    except FutureWarning as warning:
        raise InvalidPattern(str(warning), pattern=text, position=0) from warning
    except re.error as error:
        raise InvalidPattern(error.msg, pattern=text, position=error.pos or 0) from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise InvalidPattern(str(error), pattern=text, position=0) from error
    _Scan(text).run()
    return compiled


@dataclass(slots=True)
class _Piece:
    """What the scan knows of a group, or of the single character before the cursor."""

    position: int
    varies: bool = False
    """Whether it can match the same text in several ways, as far as the scan can tell."""
    alternatives: int = 1


@dataclass(slots=True)
class _Scan:
    """One pass over a pattern that is known to compile."""

    text: str
    cursor: int = 0
    repeats: int = 0
    ways: int = 1
    open_groups: list[_Piece] = field(default_factory=lambda: [_Piece(0)])
    last: _Piece | None = None

    def run(self) -> None:
        while self.cursor < len(self.text):
            self._step()
        alternatives = self.open_groups[0].alternatives
        self._multiply(alternatives)
        if alternatives > 1 or not _ANCHORED.match(self.text):
            self._count_repeat()

    def _step(self) -> None:
        character = self.text[self.cursor]
        if self.last and (quantifier := _QUANTIFIER.match(self.text, self.cursor)):
            self._quantify(quantifier, self.last)
        elif character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character == "|":
            self._alternate()
        else:
            self._pass_character()

    def _quantify(self, quantifier: re.Match[str], piece: _Piece) -> None:
        if quantifier.group() in ("?", "{0,1}", "{,1}"):
            piece.varies = True
            self._multiply(2)
        else:
            self._repeat(quantifier, piece)
        self.open_groups[-1].varies |= piece.varies
        self.cursor = quantifier.end()
        # A ? or + right behind a quantifier makes it lazy or possessive; it repeats nothing by itself.
        self.cursor += self.text[self.cursor : self.cursor + 1] in ("?", "+")

    def _repeat(self, quantifier: re.Match[str], piece: _Piece) -> None:
        if piece.varies:
            raise self._refusal("it repeats something that itself repeats or chooses", piece.position)
        if _is_exact(quantifier):
            return
        piece.varies = True
        self._count_repeat()

    def _count_repeat(self) -> None:
        self.repeats += 1
        if self.repeats > MAX_REPEATS:
            raise self._refusal(f"it has more than {MAX_REPEATS} repeats, a missing leading ^ counted", self.cursor)

    def _open(self) -> None:
        opening = _GROUP_OPENING.match(self.text, self.cursor)
        if not opening and self.text.startswith("(?", self.cursor):
            raise self._refusal("this kind of group is not supported", self.cursor)
        self.last = None
        if not (opening and opening.group().endswith(")")):
            self.open_groups.append(_Piece(self.cursor))
        self.cursor = opening.end() if opening else self.cursor + 1

    def _close(self) -> None:
        self.last = self.open_groups.pop()
        self._multiply(self.last.alternatives)
        self.open_groups[-1].varies |= self.last.varies
        self.cursor += 1

    def _alternate(self) -> None:
        self.open_groups[-1].varies = True
        self.open_groups[-1].alternatives += 1
        self.last = None
        self.cursor += 1

    def _multiply(self, ways: int) -> None:
        self.ways *= ways
        if self.ways > MAX_WAYS:
            raise self._refusal("it has too many optional parts and alternatives", self.cursor)

    def _pass_character(self) -> None:
        start = self.cursor
        if self.text[start] == "\\":
            if self.text[start + 1] in "123456789":
                raise self._refusal("it refers back to a group", start)
            self.cursor += 2
        elif characters := _CLASS.match(self.text, start):
            self.cursor = characters.end()
        else:
            self.cursor += 1
        self.last = _Piece(start)

    def _refusal(self, problem: str, position: int) -> InvalidPattern:
        return InvalidPattern(problem, pattern=self.text, position=position)


def _is_exact(quantifier: re.Match[str]) -> bool:
    """Tell whether a quantifier is ``{n}`` or ``{n,n}``."""
    least, most = quantifier["least"], quantifier["most"]
    return bool(least) and (not quantifier["comma"] or least == most)
