"""``dpp doctor``."""

from __future__ import annotations

from dataclasses import asdict

from dpp.domain.errors import DppError
from dpp.entrypoints.bootstrap.checks import examine
from dpp.entrypoints.bootstrap.database import owner_dsn_of
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, settings_of


def doctor(*, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Check the installation, and say what is wrong and how to mend it. The exit status is 1 when anything is.

    Example: dpp doctor --json

    With --json the answer has database_url, which psql accepts: of the account that owns the tables, with its password.
    """
    settings = settings_of(data_dir)
    findings = list(examine(settings))
    is_well = all(finding.is_well for finding in findings)
    if json:
        print_json(
            {"is_well": is_well, "database_url": _url(settings), "checks": [asdict(finding) for finding in findings]}
        )
    else:
        for finding in findings:
            print(f"{'well' if finding.is_well else 'ILL '}  {finding.check}: {finding.found}")
            if not finding.is_well and finding.remedy:
                print(f"      {finding.remedy}")
    return 0 if is_well else 1


def _url(settings: Settings) -> str | None:
    try:
        return owner_dsn_of(settings)
    except DppError:
        return None
