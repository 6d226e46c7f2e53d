"""Checking the whole archive: every line, the chain of each writer's segments, and its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from dpp.adapters.files.closing import torn_tail
from dpp.adapters.files.listing import files, writers
from dpp.adapters.files.locks import is_alive
from dpp.adapters.files.manifests import Manifest, manifest_path, read_manifest
from dpp.adapters.files.segments import COMPRESSED, Flaw, Line, Tail, scan_segment, segment_name
from dpp.application.archive import Damage, DamageKind, SegmentUnknown


@dataclass(slots=True, kw_only=True)
class _Checked:
    """What reading one segment through has shown."""

    segment: str
    header: dict[str, object] | None = None
    records: int = 0
    last_crc: str = ""
    sound: bool = True
    tail: int = 0


def verify_all(*, directory: Path) -> Iterator[Damage]:
    """Yield what is wrong with the archive, writer by writer."""
    for writer in writers(directory=directory):
        # In this order what is listed has a manifest entry, what has an entry has a file, and the dead stay dead.
        alive = is_alive(directory=directory, writer=writer)
        listed = sorted(number for owner, number in files(directory=directory) if owner == writer)
        manifest = read_manifest(directory=directory, writer=writer)
        yield from _verify_manifest(directory, writer, manifest, alive=alive)
        yield from _verify_writer(directory, writer, manifest, listed, alive=alive)


def _verify_manifest(directory: Path, writer: UUID, manifest: Manifest | None, *, alive: bool) -> Iterator[Damage]:
    name = manifest_path(directory=directory, writer=writer).name
    if manifest is not None:
        for flaw in manifest.flaws:
            yield Damage(kind=flaw.kind, segment=name, record=flaw.first, detail=f"manifest: {flaw.detail}")
    elif not alive:  # a living writer may be on its way from taking the lock to creating the file
        yield Damage(
            kind=DamageKind.UNREADABLE,
            segment=name,
            record=None,
            detail="the writer's manifest is missing: whether its last segments are all here cannot be known",
        )


def _verify_writer(
    directory: Path, writer: UUID, manifest: Manifest | None, listed: list[int], *, alive: bool
) -> Iterator[Damage]:
    known = set(listed) | (manifest.opened.keys() if manifest else set())
    latest = max(known, default=0)
    before: _Checked | None = None
    for number in range(1, latest + 1):
        name = segment_name(writer=writer, number=number)
        checked = _Checked(segment=name)
        try:
            yield from _verify_segment(directory, checked, manifest.records(number) if manifest else None)
        except SegmentUnknown:
            yield _missing_segment(name, manifest, number)
            before = None
            continue
        yield from _verify_tail(directory, checked, last=number == latest, alive=alive)
        yield from _verify_header(checked, writer, number, before)
        if manifest is not None and number not in manifest.opened and checked.records:
            yield from _verify_listed(directory, writer, number)
        before = checked


def _verify_segment(directory: Path, checked: _Checked, records: int | None) -> Iterator[Damage]:
    for item in scan_segment(directory=directory, segment=checked.segment, records=records):
        match item:
            case Line(number=0):
                checked.header, checked.last_crc = json.loads(item.body), item.crc
            case Line():
                checked.records, checked.last_crc = item.number, item.crc
            case Tail():
                checked.tail = item.size
            case Flaw():
                checked.sound = False
                yield Damage(kind=item.kind, segment=checked.segment, record=item.first, detail=item.detail)


def _verify_tail(directory: Path, checked: _Checked, *, last: bool, alive: bool) -> Iterator[Damage]:
    if not checked.tail or (last and alive):
        return
    record = checked.records + 1
    if last and not (directory / f"{checked.segment}{COMPRESSED}").exists():
        yield torn_tail(segment=checked.segment, record=record, size=checked.tail)
    else:
        checked.sound = False
        detail = f"{checked.tail} byte(s) behind record {checked.records} are no record, in a segment that was closed"
        yield Damage(kind=DamageKind.CORRUPT, segment=checked.segment, record=record, detail=detail)


def _verify_header(checked: _Checked, writer: UUID, number: int, before: _Checked | None) -> Iterator[Damage]:
    """Compare what a header says with where it stands, and with the segment before."""
    header = checked.header
    if header is None:
        if checked.sound:  # else its loss is named already
            detail = "the header, which was synced before the first record, is not in the segment"
            yield Damage(kind=DamageKind.MISSING_RECORD, segment=checked.segment, record=0, detail=detail)
        return
    if (header["writer"], header["segment"]) != (str(writer), number):
        detail = f"the header is that of segment {header['segment']} of writer {header['writer']}"
        yield Damage(kind=DamageKind.CORRUPT, segment=checked.segment, record=0, detail=detail)
        return
    if before is None or not before.sound:
        return
    wanted = header["previous_records"]
    if isinstance(wanted, int) and before.records < wanted:
        detail = f"records {before.records + 1} to {wanted}: not in the segment, though the next one counts them"
        yield Damage(kind=DamageKind.MISSING_RECORD, segment=before.segment, record=before.records + 1, detail=detail)
    elif before.records == wanted and before.last_crc != header["previous_crc"]:
        detail = f"its last record is not the one that {checked.segment} was chained to"
        yield Damage(kind=DamageKind.CORRUPT, segment=before.segment, record=before.records, detail=detail)


def _missing_segment(name: str, manifest: Manifest | None, number: int) -> Damage:
    records = manifest.records(number) if manifest else None
    held = f"{records} record(s) were in it" if records is not None else "how many records were in it is not known"
    detail = f"the segment's file is missing; {held}"
    return Damage(kind=DamageKind.MISSING_SEGMENT, segment=name, record=None, detail=detail)


def _verify_listed(directory: Path, writer: UUID, number: int) -> Iterator[Damage]:
    """Look again for the entry of a segment that has records: a living writer may have made it since the first look."""
    manifest = read_manifest(directory=directory, writer=writer)
    if manifest is not None and number not in manifest.opened:
        detail = f"the manifest has lost the entry of segment {segment_name(writer=writer, number=number)}"
        yield Damage(kind=DamageKind.MISSING_RECORD, segment=manifest.path.name, record=None, detail=detail)
