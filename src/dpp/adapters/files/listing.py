"""What lies in the archive's directory: writers and their segments."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from dpp.adapters.files import locks, manifests
from dpp.adapters.files.manifests import Manifest, read_manifest
from dpp.adapters.files.segments import COMPRESSED, PLAIN, parse_name, segment_name
from dpp.application.archive import SegmentInfo

UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)


def writers(*, directory: Path) -> list[UUID]:
    """Return every writer that any file in the archive speaks of, in a fixed order."""
    found = {writer for writer, _ in files(directory=directory)}
    for suffix in (locks.SUFFIX, manifests.SUFFIX):
        for path in directory.glob(f"*{suffix}"):
            # A writer's other files carry its id as a segment's name does.
            if named := parse_name(f"{path.name.removesuffix(suffix)}-000000"):
                found.add(named[0])
    return sorted(found)


def files(*, directory: Path) -> dict[tuple[UUID, int], Path]:
    """Return the file of each segment; the compressed one where, after a crash, both are there."""
    found: dict[tuple[UUID, int], Path] = {}
    for suffix in (PLAIN, COMPRESSED):
        for path in directory.glob(f"*{suffix}"):
            if named := parse_name(path.name.removesuffix(suffix)):
                found[named] = path
    return found


def list_segments(*, directory: Path) -> list[SegmentInfo]:
    """List all segments, the earliest opened first; those that no manifest dates come before them."""
    known = {writer: read_manifest(directory=directory, writer=writer) for writer in writers(directory=directory)}
    found = [
        info
        for (writer, number), path in files(directory=directory).items()
        if (info := _info(known.get(writer), writer, number, path)) is not None
    ]
    return sorted(found, key=lambda info: (info.opened_at or UNKNOWN_TIME, str(info.writer), info.number))


def _info(manifest: Manifest | None, writer: UUID, number: int, path: Path) -> SegmentInfo | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # compressed since it was listed
        path = path.with_name(f"{path.name}.zst")
        if not path.exists():
            return None
        size = path.stat().st_size
    opened = manifest.opened.get(number) if manifest else None
    return SegmentInfo(
        segment=segment_name(writer=writer, number=number),
        writer=writer,
        number=number,
        closed=path.name.endswith(COMPRESSED) or (manifest is not None and number in manifest.closed),
        records=manifest.records(number) if manifest else None,
        size=size,
        opened_at=opened.at if opened else None,
    )
