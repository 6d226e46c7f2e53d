"""How large the benchmarks are: all of it, or the share that is asked for."""

from __future__ import annotations

import os

VARIABLE = "DPP_BENCHMARK_SCALE"


def scaled(size: int, *, least: int = 1) -> int:
    """Return a size times the scale asked for, ``least`` at least."""
    return max(least, round(size * float(os.environ.get(VARIABLE, "1"))))
