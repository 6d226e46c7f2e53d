"""Python's garbage collector, out of the way of work that makes no garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no cycles of garbage meanwhile.

    Deriving twenty thousand tickets makes a million objects that refer to each other in no cycles; looking at all of
    them time and again would take half of the calculation's time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
