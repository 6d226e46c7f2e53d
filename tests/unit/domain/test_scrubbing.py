"""Free texts without the people whom they address."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.scrubbing import REMOVED, scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ask alice@acme.example", f"ask {REMOVED}"),
        ("<Alice.O'Hara+ci@mail.acme.co.uk>: no", f"<{REMOVED}>: no"),
        ("root@localhost failed.", f"{REMOVED} failed."),
        ("mailto:a.b%40acme.example", f"mailto:{REMOVED}"),
        ("jürgen@müller.example", REMOVED),
        ("cc @alice, @acme/core-team and (@bob)", f"cc {REMOVED}, {REMOVED} and ({REMOVED})"),
        ("@@alice", f"@{REMOVED}"),
        ("[~alice] and [~accountid:5b10:ac8d]", f"{REMOVED} and {REMOVED}"),
        ("<@U024BE7LH> rolled back <!here>", f"{REMOVED} rolled back {REMOVED}"),
        ("https://alice:s3cret@acme.example/x", "https://acme.example/x"),
        ("https://alice:p@ss@acme.example/x", "https://acme.example/x"),
    ],
)
def test_removed(text: str, expected: str) -> None:
    """Addresses and mentions go, and the text around them stays."""
    assert expected == scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exit code 137: out of memory",
        "left-pad@1.3.0 was not found",
        "5 @ 3 GHz",
        "array[~x",
        "line one\nline two",
        "https://acme.example/@",
    ],
)
def test_kept(text: str) -> None:
    """What addresses nobody stays as it is."""
    assert text == scrub(text)


WORDS = st.lists(
    st.sampled_from(["@", "a", "é", "1", ".", "-", "%40", "%", "/", "://", "<", ">", "[~", "]", " ", "_"]),
    max_size=40,
)


@given(WORDS.map("".join) | st.text(max_size=100))
def test_twice_is_once(text: str) -> None:
    """Scrubbing a text of a line or two again changes nothing."""
    assert scrub(text) == scrub(scrub(text))


@given(WORDS.map("".join))
def test_no_address_is_left(text: str) -> None:
    """Whatever stands around them, no letter is left on both sides of an at sign."""
    assert None is re.search(r"[^\W\d_]@[^\W\d_]", scrub(text))


@pytest.mark.parametrize("unit", ["a", "a%", "a.", "@", "a@", "a@1.", "[~", "<@", "://", "://a@", "@a/", "1@1"])
def test_time_grows_with_the_length(unit: str) -> None:
    """A text that is made to be slow costs no more than its length."""
    short, long = unit * 2_000, unit * 64_000
    scrub(short)

    def seconds(text: str) -> float:
        started = time.perf_counter()
        scrub(text)
        return time.perf_counter() - started

    # 32 times the length would take about a thousand times as long if the time grew with its square.
    assert min(seconds(long) for _ in range(3)) < 300 * max(min(seconds(short) for _ in range(5)), 1e-5)
