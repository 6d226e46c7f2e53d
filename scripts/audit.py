"""
Ask for known vulnerabilities of everything that the platform runs on, as pinned in `requirements/run.txt`.

Exit status: 0 when none is known, 1 when some are, 3 when no source of advisories could be asked, which is no good news
but no bad news either. The tool runs in an environment of its own, so that what it needs is not among what it audits.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RUN = Path(__file__).parents[1] / "requirements" / "run.txt"
#: In this order; the first that answers counts.
SOURCES = ("pypi", "osv")
FOUND, NOBODY_ASKED = 1, 3


def ask(source: str) -> list[dict[str, Any]] | None:
    """Return what a source says of each package; None when it says nothing."""
    command = [sys.executable, str(Path(__file__).with_name("uv.py")), "tool", "run", "pip-audit"]
    options = ["--vulnerability-service", source, "--format", "json", "--progress-spinner", "off"]
    pinned = ["--disable-pip", "--require-hashes", "--requirement", str(RUN)]
    done = subprocess.run([*command, *options, *pinned], capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return packages if any("skip_reason" not in package for package in packages) else None


def told(packages: list[dict[str, Any]]) -> int:
    """Print what is known, and return the exit status."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    faults = [(package, fault) for package in packages for fault in package.get("vulns", ())]
    for package, fault in faults:
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
    if unknown:
        print(f"not known to the source: {', '.join(unknown)}")
    print(f"{len(packages) - len(unknown)} packages asked about, {len(faults)} known vulnerabilities")
    return FOUND if faults else 0


def main() -> int:
    """Ask the sources one after the other."""
    for source in SOURCES:
        if (packages := ask(source)) is not None:
            return told(packages)
    print("No source of advisories could be reached: nothing is known of the packages, good or bad.", file=sys.stderr)
    return NOBODY_ASKED


if __name__ == "__main__":
    sys.exit(main())
