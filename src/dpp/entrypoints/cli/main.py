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

app = cyclopts.App(
    name="dpp",
    version=__version__,
    help="Delivery Performance Platform: from signed webhooks to delivery figures.",
    help_format="plaintext",
)
config = cyclopts.App(name="config", help="Apply and export the configuration.")
users = cyclopts.App(name="users", help="Local users.")
keys = cyclopts.App(name="keys", help="API keys of services.")
archive = cyclopts.App(name="archive", help="The archive of accepted deliveries.")

_COMMANDS = "dpp.entrypoints.cli"

#: What each command is for; its module is imported when the command is used.
_PURPOSES = {
    "up": "The whole platform on this machine.",
    "serve": "Answer HTTP: webhooks, the API and the dashboard.",
    "worker": "Derive figures from what came in.",
    "migrate": "Bring the database to the present schema.",
    "config.apply": "Apply a configuration file.",
    "config.export": "Print the configuration as a file.",
    "users.add": "Add a local user.",
    "keys.create": "Make an API key and print it, once.",
    "rebuild": "Make the derived tables anew from the events.",
    "archive.verify": "Check the archive for damage.",
    "archive.replay": "Write the archive's deliveries to the event tables again.",
    "archive.cat": "Print the archive's records as JSON lines.",
    "simulate": "Let a simulated organisation send webhooks to a running platform.",
    "doctor": "Check the installation and say what is wrong and how to mend it.",
}
_GROUPS = {"config": config, "users": users, "keys": keys, "archive": archive}
for _path, _purpose in _PURPOSES.items():
    _prefix, _, _name = _path.rpartition(".")
    _target = f"{_COMMANDS}.{_prefix or _name}:{_name}"
    _GROUPS.get(_prefix, app).command(_target, name=_name, help=_purpose)
for _group in (config, users, keys, archive):
    app.command(_group)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        result = app(
            list(sys.argv[1:] if arguments is None else arguments),
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
