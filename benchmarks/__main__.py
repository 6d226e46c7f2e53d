"""Runs the benchmarks, or those named, and prints what they measured as a table and as JSON.

python -m benchmarks [--scale 0.1] [rebuild one_more_event …]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import benchmarks
from benchmarks.scale import VARIABLE

Run = Callable[[], dict[str, Any]]


def found() -> Iterator[tuple[str, Run]]:
    """Yield every benchmark by name; modules without ``run`` help the others."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name != "__main__":
            run = getattr(importlib.import_module(f"benchmarks.{module.name}"), "run", None)
            if run is not None:
                yield module.name, run


def main() -> int:
    """Run, print a table to standard error and JSON to standard output; 1 when a figure misses its aim."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks to run; all without a name")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, for a quick look")
    options = parser.parse_args()
    os.environ[VARIABLE] = str(options.scale)
    runs = dict(found())
    if unknown := set(options.names) - runs.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(runs)}")
    results = {name: runs[name]() for name in options.names or runs}
    for name, figures in results.items():
        print(f"\n{name}", file=sys.stderr)
        for figure, value in figures.items():
            print(f"  {figure:<44} {_shown(value)}", file=sys.stderr)
    print(json.dumps(results, indent=2))
    return 1 if any(figures.get("within_aim") is False for figures in results.values()) else 0


def _shown(value: object) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
