"""What the documentation tells people to run, as they would paste it."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What stands for the reader's own address.
THEIRS = "https://dpp.example"
_BLOCK = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
_RUN = re.compile(r"^( *)(?:- )?run: (.*)\n((?:\1  .*\n)*)", re.MULTILINE)


def blocks(page: str) -> Iterator[str]:
    """Yield the indented blocks of a page, without their indentation."""
    for found in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        yield textwrap.dedent(found)


def commands(page: str) -> list[str]:
    """Return the blocks that push something to the platform with curl."""
    return [one for one in blocks(page) if one.startswith("curl") and ("$DPP/" in one or THEIRS in one.split()[3])]


def workflow_steps(page: str) -> list[str]:
    """Return the scripts of the steps of the example workflow, in order."""
    (workflow,) = (one for one in blocks(page) if "steps.deploy.outcome" in one)
    return [textwrap.dedent(more) if first == "|" else first for _, first, more in _RUN.findall(workflow)]


def bash(script: str, *, where: Path, environment: Mapping[str, str]) -> str:
    """Run a script as a shell of a pipeline does (``bash -e``), and return what it printed."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: there is no curl here")
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=where,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(where), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout
