"""The archive of a data directory, for those who only read it: no database is needed."""

from __future__ import annotations

from dpp.adapters.files.archive import FileArchive
from dpp.adapters.system.clock import RandomIds, SystemClock
from dpp.application.ports import Archive
from dpp.entrypoints.bootstrap.settings import Settings


def archive_of(settings: Settings) -> Archive:
    """Return the archive; it makes nothing until something is appended."""
    return FileArchive(settings.archive_dir, writer=RandomIds().new(), now=SystemClock().now)
