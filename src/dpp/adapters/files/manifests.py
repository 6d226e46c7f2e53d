"""What a writer says about its own segments: one small file a writer, synced before a segment is used.

Without it nobody would miss the newest segment. Its lines have the format of a segment's; line 0 names the writer,
every other line says that a segment was opened, or closed with so many records.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from dpp.adapters.files.durable import create_synced, write_at
from dpp.adapters.files.segments import FORMAT, Flaw, Line, Tail, encode_line, scan

SUFFIX = ".manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Segment ``number`` came into use."""

    number: int
    at: datetime

    def body(self) -> dict[str, Any]:
        """Return the entry as it is written."""
        return {"opened": self.number, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Segment ``number`` is final: its first ``size`` bytes are it, with ``records`` records behind the header."""

    number: int
    records: int
    size: int
    last_crc: str

    def body(self) -> dict[str, Any]:
        """Return the entry as it is written."""
        return {"closed": self.number, "records": self.records, "size": self.size, "last_crc": self.last_crc}


@dataclass(slots=True, kw_only=True)
class Manifest:
    """One writer's list of segments, as read from its file, with the place where the next line goes."""

    path: Path
    opened: dict[int, Opened] = field(default_factory=dict)
    closed: dict[int, Closed] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    lines: int = 0
    size: int = 0

    def records(self, number: int) -> int | None:
        """Return how many records a segment has, None while that is open."""
        closed = self.closed.get(number)
        return closed.records if closed else None

    def append(self, entries: Sequence[Opened | Closed]) -> None:
        """Add entries and sync them; when that fails the file is as before.

        Raises:
            OSError: the entries could not be stored.
        """
        data = b"".join(_line(self.lines + offset, entry.body()) for offset, entry in enumerate(entries))
        self._store(data)
        self.lines += len(entries)
        for entry in entries:
            self._take(entry)

    def _store(self, data: bytes) -> None:
        with self.path.open("r+b", buffering=0) as file:
            file.truncate(self.size)  # an entry that its writer died in was never acted upon
            try:
                write_at(file.fileno(), data, self.size)
                os.fdatasync(file.fileno())
            except OSError:
                file.truncate(self.size)
                raise
        self.size += len(data)

    def _take(self, entry: Opened | Closed) -> None:
        if isinstance(entry, Opened):
            self.opened[entry.number] = entry
        else:
            self.closed[entry.number] = entry


def create_manifest(*, directory: Path, writer: UUID, at: datetime) -> Manifest:
    """Create a writer's manifest and sync it and the directory.

    Raises:
        FileExistsError: the writer has been here before.
        OSError: it could not be stored.
    """
    path = manifest_path(directory=directory, writer=writer)
    line = _line(0, {"format": FORMAT, "writer": str(writer), "at": at.isoformat()})
    create_synced(path, line)
    return Manifest(path=path, lines=1, size=len(line))


def read_manifest(*, directory: Path, writer: UUID) -> Manifest | None:
    """Return a writer's manifest as far as it can be read, with its flaws; None when there is none."""
    manifest = Manifest(path=manifest_path(directory=directory, writer=writer))
    try:
        with manifest.path.open("rb") as stream:
            items = list(scan(stream))
            manifest.size = stream.tell()
    except FileNotFoundError:
        return None
    for item in items:
        _read_item(manifest, item)
    return manifest


def manifest_path(*, directory: Path, writer: UUID) -> Path:
    """Return where a writer's manifest lies."""
    return directory / f"{writer}{SUFFIX}"


def _read_item(manifest: Manifest, item: Line | Flaw | Tail) -> None:
    match item:
        case Line(number=number, body=body):
            manifest.lines = number + 1
            said = json.loads(body)
            if "opened" in said:
                manifest._take(Opened(number=said["opened"], at=datetime.fromisoformat(said["at"])))
            elif "closed" in said:
                manifest._take(
                    Closed(number=said["closed"], records=said["records"], size=said["size"], last_crc=said["last_crc"])
                )
        case Flaw():
            manifest.flaws.append(item)
            manifest.lines = max(manifest.lines, item.last + 1)
        case Tail(size=size):
            manifest.size -= size


def _line(number: int, body: dict[str, Any]) -> bytes:
    return encode_line(number=number, body=json.dumps(body, separators=(",", ":")).encode())
