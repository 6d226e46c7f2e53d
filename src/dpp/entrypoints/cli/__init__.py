"""The command ``dpp``: one module a command, each importing what only it needs."""

from dpp.entrypoints.cli.main import main

__all__ = ["main"]
