"""What is soon guessed, as whoever guesses would begin."""

from __future__ import annotations

import pytest

from dpp.adapters.identity.guessing import LOOKED_AT, weakness

#: Of lists of the passwords that were found most often, all of twelve characters and more.
COMMON = ("123456789012", "qwertyuiop123", "password1234", "iloveyou1234", "1q2w3e4r5t6y", "administrator1")


@pytest.mark.parametrize("password", [*COMMON, "aaaaaaaaaaaaaaaa", "abcdefghijkl", "abcabcabcabcabc", "11.11.1111"])
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    """Common passwords, rows of keys, repeats, runs and dates are named as what they are."""
    told = weakness(password, [])
    assert told is not None
    assert told.endswith(".")
    assert password not in told


@pytest.mark.parametrize("password", ["pewter lamp orchard", "Xk3!vPq9zL#m", "wenn der Regen fällt, singt niemand"])
def test_what_nobody_tries_soon_is_taken(password: str) -> None:
    """A few unrelated words or letters by chance are good, without rules about kinds of characters."""
    assert weakness(password, []) is None


def test_the_words_of_whose_it_is_are_tried_first() -> None:
    """The same password is weak for whom it names, and for nobody else."""
    assert weakness("kowalczykson1", []) is None
    assert weakness("kowalczykson1", ["kowalczykson"]) is not None


def test_a_very_long_one_is_judged_by_its_beginning() -> None:
    """What lies beyond the part that is looked at neither helps nor takes time."""
    assert weakness("a" * LOOKED_AT + "pewter lamp orchard" * 40, []) is not None
    assert weakness("pewter lamp orchard " * 50, []) is None
