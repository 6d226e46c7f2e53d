"""Assembles the commands, and says errors in one line.

Exit status: 0 done, 1 something went wrong (one line on standard error says what), 2 the call cannot be understood.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import cyclopts
from cyclopts.exceptions import CycloptsError

from dpp import __version__
from dpp.domain.errors import DppError

_COMMANDS = "dpp.entrypoints.cli"

#: What each command is for, in the overview; its module is imported, and its own help shown, when it is called.
_PURPOSES = {
    "up": "The whole platform on this machine.",
    "serve": "Answer HTTP: webhooks, the API and the dashboard.",
    "worker": "Derive figures from what came in.",
    "migrate": "Bring the database to the present schema.",
    "config.apply": "Apply a configuration file.",
    "config.export": "Print the configuration as a file.",
    "users.add": "Add a local user.",
    "keys.create": "Make an API key and print it, once.",
    "backfill": "Read the history of a source, resumable.",
    "fields": "Propose the fields table of the configuration from what Jira has.",
    "rebuild": "Make the derived tables anew from the events.",
    "archive.verify": "Check the archive for damage.",
    "archive.replay": "Write the archive's deliveries to the event tables again.",
    "archive.cat": "Print the archive's records as JSON lines.",
    "corrections.export": "Print all that people have said beside the sources.",
    "corrections.apply": "Add what people have said from a file.",
    "simulate": "Let a simulated organisation send webhooks to a running platform.",
    "faults": "Let a source of a demonstration fail for a while.",
    "doctor": "Check the installation and say what is wrong and how to mend it.",
}
_GROUPS = {
    "config": "Apply and export the configuration.",
    "users": "Local users.",
    "keys": "API keys of services.",
    "corrections": "What people have said beside the sources.",
    "archive": "The archive of accepted deliveries.",
}


def assembled(arguments: Sequence[str]) -> cyclopts.App:
    """Return the commands; the one that is called has the help of its docstring, the others only their purpose."""
    app = cyclopts.App(
        name="dpp",
        version=__version__,
        help="Delivery Performance Platform: from signed webhooks to delivery figures.",
        help_format="plaintext",
    )
    groups = {name: cyclopts.App(name=name, help=purpose) for name, purpose in _GROUPS.items()}
    called = ".".join(arguments[:2]) + "."
    for path, purpose in _PURPOSES.items():
        prefix, _, name = path.rpartition(".")
        is_called = called.startswith(f"{path}.")
        # A help that is given here would hide the docstring's, with its example.
        groups.get(prefix, app).command(
            f"{_COMMANDS}.{prefix or name}:{name}", name=name, help=None if is_called else purpose
        )
    for group in groups.values():
        app.command(group)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = assembled(given)(
            given,
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        print(f"dpp: {error}\nTry `dpp --help`.", file=sys.stderr)
        return 2
    except DppError as error:
        print(f"dpp: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough.
        sys.stderr.close()
        return 1
    return result if isinstance(result, int) else 0
