"""Patterns of administrators: what is let through, what is refused, and that the refusal names the place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.patterns import MAX_PATTERN, InvalidPattern, compile_pattern


@pytest.mark.parametrize(
    "text",
    [
        r"^(?:feature|bugfix|hotfix|chore|spike)?/?([A-Z][A-Z0-9]+-\d+)",
        r"([A-Z]{2,10}-[0-9]{1,6})",
        r"^.*?(PAY-\d+)",
        r"(?i)^(?:.*/)?(?P<key>(?:pay|auth)-\d+)(?:$|[-_/])",
        r"^(?:a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p)/([A-Z]+-\d++)(?!\d)",
        r"^[]()*+?|]+\(([A-Z]+-\d{4})\)",
        r"^{x}[^]a]{3}\{1,2\}(A-1)",
        r"(?i)^prod",
        r"^dpp-(.+)-leads$",
        r"(?:ab){3}x",
        "",
    ],
)
def test_ordinary_patterns(text: str) -> None:
    """Patterns that people write for branches, environments and groups are accepted."""
    assert text == compile_pattern(text).pattern


@pytest.mark.parametrize(
    ("position", "text"),
    [
        # what is repeated: a group that repeats or chooses
        (0, r"(a+)+$"),
        (1, r"^(?:a|aa)*$"),
        (1, r"^(?:\w+/)*([A-Z]+-\d+)"),
        (2, r"x/((a?b*))*"),
        (0, r"(?:a?){20}a{20}"),
        (0, r"(a{1,30}){1,30}"),
        (0, r"(?:(?:x+)y){2,}"),
        (0, r"([A-Z]+){2}"),
        (3, r"[(](a*[)]){,}"),
        # the fifth repeat
        (11, r"^.*.*.*.*a.*x"),
        # the fifth, in that every place of the text may be its beginning
        (9, r".*.*.*.*x"),
        (11, r"^.*.*.*.*|x"),
        # the tenth optional part: 2 to the power of 10 is over a thousand
        (20, "^" + "a?" * 30 + "a" * 30),
        # the tenth pair of alternatives, at its closing parenthesis
        (70, "^" + "(?:a|b)" * 12),
        (3, r"(a)\1"),
    ],
)
def test_dangerous_patterns(position: int, text: str) -> None:
    """Patterns that could match for ever are refused at the culprit, or where a limit is passed."""
    with pytest.raises(InvalidPattern) as refusal:
        compile_pattern(text)
    assert position == refusal.value.position


@pytest.mark.parametrize(("position", "text"), [(0, "(abc"), (3, "abc)"), (0, "*a"), (1, "a[b"), (0, "(?u)a")])
def test_broken_patterns(position: int, text: str) -> None:
    """A pattern that does not compile is refused with the position at which it stops making sense."""
    with pytest.raises(InvalidPattern) as refusal:
        compile_pattern(text)
    assert position == refusal.value.position


@pytest.mark.parametrize(
    "text", [r"(?x) a # (", r"(?P<n>a)(?P=n)", r"(a)?(?(1)b|c)", r"(?#note)a", r"(?u)a", r"(?x:a)"]
)
def test_unsupported_groups(text: str) -> None:
    """References, conditions, comments and flags that change the syntax are refused rather than misread."""
    with pytest.raises(InvalidPattern):
        compile_pattern(text)


def test_too_long() -> None:
    """A pattern longer than the limit is refused, and is not shown in full."""
    with pytest.raises(InvalidPattern, match="longer than 256") as refusal:
        compile_pattern("a" * 10_000)
    assert MAX_PATTERN == refusal.value.position
    assert len(str(refusal.value)) < 400


def test_refusal_repeats_the_pattern() -> None:
    """The refusal shows the pattern, its field and the place."""
    with pytest.raises(
        InvalidPattern, match=r"the pattern '\(a\+\)\+' cannot be used: .* \(at position 0\)"
    ) as refusal:
        compile_pattern("(a+)+")
    assert ("pattern", "invalid_pattern") == (refusal.value.field, refusal.value.code)


@given(st.text(alphabet=r"ab()[]{}|?*+\^$.,-:=!<>P1i#0", max_size=24))
def test_any_text(text: str) -> None:
    """Any text either gives a compiled pattern or is refused at a place inside it."""
    try:
        place = len(compile_pattern(text).pattern)
    except InvalidPattern as refusal:
        place = refusal.position
    assert 0 <= place <= len(text)


@given(st.text(alphabet=r"ab()|?*+", max_size=14))
def test_what_is_accepted_ends(text: str) -> None:
    """What is accepted comes to an end on a text of like characters, on which nested repeats would not."""
    try:
        compiled = compile_pattern(text)
    except InvalidPattern:
        return
    assert None is compiled.fullmatch("a" * 40 + "!")


def test_an_ambiguous_class_is_refused() -> None:
    """A class that a later Python may read otherwise is refused rather than warned of."""
    with pytest.raises(InvalidPattern, match="set"):
        compile_pattern("[[a]([A-Z]+-1)")
