import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import dpp

ROOT = Path(__file__).parents[2]
VENDOR = Path(dpp.__file__).parent / "entrypoints/http/dashboard/static/vendor"
PACKAGES: list[dict[str, Any]] = tomllib.loads((VENDOR / "VENDORED.toml").read_text("utf-8"))["package"]
CHECKSUMS: dict[str, str] = {name: checksum for package in PACKAGES for name, checksum in package["sha256"].items()}


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_vendored_file_is_unchanged(name: str) -> None:
    """A vendored file has the checksum that is stated for it."""
    assert CHECKSUMS[name] == hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()


def test_every_vendored_file_is_stated() -> None:
    """No file lies among the vendored ones without being stated."""
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}

    assert CHECKSUMS.keys() | {"VENDORED.toml"} == present


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_a_vendored_package_states_release_and_licence(package: dict[str, Any]) -> None:
    """A vendored package states the pinned release and a licence, and its licence text lies beside it."""
    pinned = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]

    assert pinned[package["name"]] == package["version"]
    assert package["licence"] in {"0BSD", "Apache-2.0"}
    assert any(name.startswith("licences/") for name in package["sha256"])
