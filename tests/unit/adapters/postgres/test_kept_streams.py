"""Codes of tickets, and the streams that they had at a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import TicketStreams
from dpp.adapters.postgres.row_groups import Codes, Groups
from dpp.adapters.postgres.rows import Rows
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.calendar import from_micros
from dpp.domain.histories import FOREVER

NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
STREAMS = (None, UUID(int=1), UUID(int=2))
NOBODY = -7


class _Span(NamedTuple):
    ticket: int
    valid_from: int
    valid_to: int
    stream: UUID | None


@st.composite
def _spans(draw: st.DrawFn) -> list[_Span]:
    """Draw the streams of a few tickets, with times of which nothing is known, in any order within a ticket."""
    spans: list[_Span] = []
    for ticket in draw(st.lists(st.integers(0, 6), unique=True, max_size=5)):
        edges = draw(st.lists(st.integers(1, 12), unique=True, min_size=2, max_size=6).map(sorted))
        ends = [*edges[1:-1], draw(st.sampled_from([edges[-1], FOREVER]))]
        told = [
            _Span(ticket, start, end, draw(st.sampled_from(STREAMS)))
            for start, end in zip(edges[:-1], ends, strict=True)
            if draw(st.booleans())
        ]
        spans += draw(st.permutations(told))
    return spans


def _rows(spans: list[_Span]) -> Rows:
    groups = Groups()
    return Rows(
        columns={
            name: np.array([getattr(span, name) for span in spans], dtype=np.int64)
            for name in ("ticket", "valid_from", "valid_to")
        },
        group=np.array([groups.number([span.stream, []]) for span in spans], dtype=np.int32),
        groups=groups,
    )


def _number(stream: UUID | None, _tech: tuple[UUID, ...]) -> int:
    return STREAMS.index(stream)


@given(spans=_spans(), moment=st.integers(0, 14), asked=st.lists(st.integers(0, 9), max_size=12))
def test_a_ticket_has_the_streams_of_the_span_that_holds(spans: list[_Span], moment: int, asked: list[int]) -> None:
    """At every moment each ticket has the streams of its span that has the moment, and none where there is none."""
    kept = KeptRows(database=Database("unused"))
    view = View(scope=StreamScope.everything(), as_of=from_micros(0) + timedelta(microseconds=moment))
    kept.codes.of(np.arange(7))
    streams = TicketStreams(_rows(spans), view=view, kept=kept)
    told = streams.told(np.array(asked, dtype=np.int64), _number, none=NOBODY, dtype=np.int64)
    holds = {span.ticket: STREAMS.index(span.stream) for span in spans if span.valid_from <= moment < span.valid_to}
    assert told.tolist() == [holds.get(ticket, NOBODY) for ticket in asked]


@given(st.lists(st.lists(NUMBERS, max_size=8), max_size=6))
def test_equal_numbers_have_equal_codes(batches: list[list[int]]) -> None:
    """Whenever they come, equal numbers have one code, others have others, and there are as many codes as numbers."""
    codes, known = Codes(), dict[int, int]()
    for numbers in batches:
        found = codes.of(np.array(numbers, dtype=np.int64)).tolist()
        for number, code in zip(numbers, found, strict=True):
            assert known.setdefault(number, code) == code
    assert sorted(known.values()) == list(range(len(known))) == list(range(len(codes)))
