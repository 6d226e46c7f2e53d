"""``python -m dpp.entrypoints.cli``: how a platform starts its own processes."""

import sys

from dpp.entrypoints.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
