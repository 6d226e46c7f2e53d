"""
Run the uv of this environment with the machine's pip settings.

uv does not read pip's configuration. A machine that reaches its packages through a mirror usually says so to pip
only, so what pip knows (index, local wheels, certificates, trusted hosts) is handed to uv as environment variables.
Variables that are already set win. Extra indexes are left out: every pinned file comes from the main index, and uv
would give an extra index precedence over it.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

# pip's option, uv's variable, and what stands between several values of the latter.
PASSED_ON = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("cert", "SSL_CERT_FILE", " "),
)
# pip lets the command's own section override the general one, and its environment variables override both.
SECTIONS = ("global", "install", ":env:")


def pip_settings() -> dict[str, str]:
    """Return what `pip config list` prints, such as `{"global.index-url": "..."}`; empty when nothing is set."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.partition("=") for line in printed.splitlines() if "=" in line)
    return {name: str(ast.literal_eval(value)) for name, _, value in pairs}


def uv_environment() -> dict[str, str]:
    """Return the variables that uv is to be started with, this process's own included."""
    settings = pip_settings()
    environment = {"UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": sys.prefix}
    for option, variable, separator in PASSED_ON:
        for section in SECTIONS:
            if value := settings.get(f"{section}.{option}"):
                environment[variable] = separator.join(value.split())
    return environment | os.environ | {"VIRTUAL_ENV": sys.prefix}


if __name__ == "__main__":
    uv = Path(sys.executable).parent / "uv"
    raise SystemExit(subprocess.run([uv, *sys.argv[1:]], env=uv_environment(), check=False).returncode)
