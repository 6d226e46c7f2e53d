"""``dpp corrections export`` and ``apply``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from dishka import AsyncContainer

from dpp.application.access_ports import AuditEntry
from dpp.application.corrections import ACTION, Applied, Correction, Corrections, LinkSaid, SprintSaid, VerdictSaid
from dpp.application.ports import Clock
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of

KINDS: Mapping[str, type[Correction]] = {"link": LinkSaid, "verdict": VerdictSaid, "sprint": SprintSaid}
_NAMES: Mapping[type, str] = {kind: name for name, kind in KINDS.items()}


class InvalidCorrections(InvalidInput):
    """A line of a file of corrections cannot be read."""

    code = "invalid_corrections"


def export(*, data_dir: DataDir = None) -> int:
    """Print all that people have said beside the sources, one JSON object a line: the archive does not have it.

    Example: dpp corrections export > corrections.jsonl
    """

    async def question(wired: AsyncContainer) -> list[Correction]:
        return list(await (await wired.get(Corrections)).all())

    for said in run(settings_of(data_dir), question):
        sys.stdout.write(msgspec.json.encode({"kind": _NAMES[type(said)], "said": said}).decode() + "\n")
    return 0


def apply(file: Path, *, data_dir: DataDir = None, json: AsJson = False) -> int:
    """Add what people have said from a file; what is known already stays as it is.

    Example: dpp corrections apply corrections.jsonl

    Args:
        file: as ``dpp corrections export`` prints it.
    """
    said = list(_read(file))

    async def question(wired: AsyncContainer) -> Applied:
        now = (await wired.get(Clock)).now()
        entry = AuditEntry(occurred_at=now, actor="cli", action=ACTION)
        store: Corrections = await wired.get(Corrections)
        return await store.add(said, entry=entry)

    told = run(settings_of(data_dir), question)
    if json:
        print_json(told._asdict())
    else:
        print(f"{told.new} corrections were new, {told.known} known")
        for one in told.unplaced:
            print(f"not here: {one}; replay the archive and apply the configuration first", file=sys.stderr)
    return 1 if told.unplaced else 0


def _read(file: Path) -> Iterator[Correction]:
    """Yield the corrections of a file.

    Raises:
        InvalidCorrections: a line is none; nothing was added.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCorrections(f"{file} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            given = msgspec.json.decode(line)
            yield msgspec.convert(given["said"], type=KINDS[given["kind"]])
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise InvalidCorrections(f"{file}, line {number} is no correction: {error}") from error
