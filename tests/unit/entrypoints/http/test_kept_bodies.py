"""What kept answers look like when they are sent."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import pytest

from dpp.entrypoints.http import kept_bodies
from dpp.entrypoints.http.kept_bodies import MOST, encoded, remembered, tagged, zipped


@dataclass(frozen=True)
class Asked:
    """As much as is looked at."""

    is_live: bool


@dataclass(frozen=True)
class Found:
    """An answer."""

    value: int
    asked: Asked = Asked(is_live=True)


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_bodies, "_by_answers", type(kept_bodies._by_answers)())
    monkeypatch.setattr(kept_bodies, "_by_data", {})


@remembered
def shape(*found: Found) -> list[int]:
    """Return the values of answers, in an object of its own."""
    return [one.value for one in found]


def test_the_same_answer_has_the_same_shape_and_an_equal_one_another() -> None:
    """Identity decides, so that an answer that was worked out anew is written anew."""
    answer = Found(1)
    assert shape(answer) is shape(answer)
    assert [1] == shape(Found(1))
    assert shape(answer) is not shape(Found(1))


def test_answers_about_another_moment_are_not_kept() -> None:
    """One answer that is not about the present is enough."""
    live, past = Found(1), Found(2, Asked(is_live=False))
    assert [1, 2] == shape(live, past)
    assert shape(live, past) is not shape(live, past)


def test_data_of_kept_answers_are_written_tagged_and_compressed_once() -> None:
    """Others each time."""
    calls: list[object] = []

    def encode(data: object) -> bytes:
        calls.append(data)
        return repr(data).encode()

    data = shape(Found(7))
    assert b"[7]" == encoded(data, encode) == encoded(data, encode)
    assert 1 == len(calls)
    assert b"[7]" == encoded([7], encode) == encoded([7], encode)
    assert 3 == len(calls)
    tags = iter("abc")
    assert "a" == tagged(data, b"meta", lambda: next(tags)) == tagged(data, b"meta", lambda: next(tags))
    assert "b" == tagged(data, b"other", lambda: next(tags))
    body = b"{" + b"x" * 5000 + b"}"
    assert zipped(data, body) is zipped(data, body)
    assert body == gzip.decompress(zipped(data, body))
    assert b"another" == gzip.decompress(zipped(data, b"another"))
    assert b"another" == gzip.decompress(zipped([7], b"another"))


def test_the_oldest_is_forgotten_first() -> None:
    """Never more than ``MOST`` bodies are kept."""
    answers = [Found(number) for number in range(MOST + 1)]
    shapes = [shape(answer) for answer in answers]
    assert MOST == len(kept_bodies._by_answers) == len(kept_bodies._by_data)
    assert shapes[-1] is shape(answers[-1])
    assert shapes[0] is not shape(answers[0])
