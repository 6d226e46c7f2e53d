"""What commands share: the settings, and a wired process for one question."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.entrypoints.bootstrap import logging
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import Settings, load

T = TypeVar("T")

DataDir = Annotated[
    Path | None,
    Parameter(name="--data-dir", help="Directory of the platform (DPP_DATA_DIR; default: the user's data directory)."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]


def settings_of(data_dir: Path | None = None, **given: object) -> Settings:
    """Read the settings of this process, those of the command line first."""
    resolved = data_dir.expanduser().resolve() if data_dir else None
    settings = load(os.environ, data_dir=resolved, **given)
    logging.configure(level=settings.log_level, form=settings.log_format)
    return settings


def run(settings: Settings, question: Callable[[AsyncContainer], Awaitable[T]]) -> T:
    """Wire a process, ask it one thing, and take it apart again."""

    async def ask() -> T:
        wired = container(settings)
        try:
            return await question(wired)
        finally:
            await wired.close()

    return asyncio.run(ask())


def print_json(value: object) -> None:
    """Print a value as one JSON document."""
    json.dump(value, sys.stdout, default=str, indent=2)
    print()
