"""Answers that are kept until the news says that they may have changed, and never for long (§7.3.4).

An answer is put in its place before it is worked out, so that whoever asks meanwhile waits for the same one. A change
takes it from there, worked out or not: who asked before the change gets it, who asks after it starts anew. So no
answer from before a change is ever given to a question from after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from dpp.application.ports import Change
from dpp.application.views import View

T = TypeVar("T")

#: More answers than this are not kept; the oldest goes first.
MAX_ANSWERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """
    How long one kind of answer is kept.

    Attributes:
        ttl: at most so long.
        unmoved_by: the topics of changes that do not touch it; every other change does, unknown ones included.
    """

    ttl: timedelta
    unmoved_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    task: asyncio.Task[Any]
    view: View
    keeping: Keeping

    def is_fresh(self, now: datetime) -> bool:
        # Of two who ask at once, the second may have read the clock first; a clock that was put back is not trusted.
        return abs(now - self.view.as_of) < self.keeping.ttl


class Cache:
    """Keeps answers to questions about the present; one per process, on one event loop."""

    def __init__(self, *, max_answers: int = MAX_ANSWERS) -> None:
        self._answers: dict[Hashable, _Answer] = {}
        self._max_answers = max_answers

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, question: Hashable, *, view: View, keeping: Keeping, compute: Callable[[], Awaitable[T]]) -> T:
        """Return the kept answer to a question about a live view, or work it out, once for all who ask at a time.

        Args:
            question: what is asked beside the view's streams and scope.
            view: its moment is the present, and tells how old a kept answer is.
            keeping: how long the answer may be kept.
            compute: works it out; its error goes to all who wait, and is not kept.
        """
        key = (question, view.scope.cache_key(), view.delivery_stream_id, view.tech_stream_id)
        kept = self._answers.get(key)
        if kept is None or not kept.is_fresh(view.as_of):
            kept = self._begin(key, _Answer(task=_task(compute), view=view, keeping=keeping))
        # One who goes away must not take the answer from the others.
        result: T = await asyncio.shield(kept.task)
        return result

    def drop(self, change: Change) -> None:
        """Forget every answer that a change may touch."""
        touched = [key for key, answer in self._answers.items() if _touches(change, answer)]
        for key in touched:
            del self._answers[key]

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()

    def _begin(self, key: Hashable, answer: _Answer) -> _Answer:
        self._answers.pop(key, None)
        while len(self._answers) >= self._max_answers:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = answer

        def forget_failure(task: asyncio.Task[Any]) -> None:
            if (task.cancelled() or task.exception() is not None) and self._answers.get(key) is answer:
                del self._answers[key]

        answer.task.add_done_callback(forget_failure)
        return answer


def _task(compute: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
    async def run() -> T:
        return await compute()

    return asyncio.create_task(run(), name="answer")


def _touches(change: Change, answer: _Answer) -> bool:
    return change.topic not in answer.keeping.unmoved_by and concerns(change, answer.view)


def concerns(change: Change, view: View) -> bool:
    """Whether a change may touch something that a view shows.

    A change names the streams of everything it is about, as it was and as it is; what has no stream is shown only by
    views that nothing restricts, which every change concerns.
    """
    delivery, tech, scope = change.delivery_streams, change.tech_streams, view.scope
    if not delivery and not tech:
        return True
    if view.delivery_stream_id is not None and view.delivery_stream_id not in delivery:
        return False
    if view.tech_stream_id is not None and view.tech_stream_id not in tech:
        return False
    return scope.is_all or bool(scope.delivery_streams & delivery or scope.tech_streams & tech)
