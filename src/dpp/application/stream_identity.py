"""Which stream of a file is which stream of the platform: figures hang on ids, people write names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from uuid import UUID, uuid5

from dpp.application.configuration_checks import Problem, hint
from dpp.domain.configuration import DeliveryStream, TechStream, folded
from dpp.domain.events import NAMESPACE

S = TypeVar("S", DeliveryStream, TechStream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[S]):
    """A stream as a file states it, with an id that does not count yet."""

    stream: S
    renamed_from: str | None = None


@dataclass(slots=True, kw_only=True)
class Settled(Generic[S]):
    """The streams with their ids, in the order of the file, those archived by their absence behind; and the faults."""

    streams: tuple[S, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def settle(read: Sequence[Read[S]], *, current: Sequence[S], section: str, kind: str) -> Settled[S]:
    """Give every stream the id that it has, or a new one that follows from its name.

    A new id is the same wherever the same file is applied to an empty platform, so that a platform can be built anew.

    Args:
        read: the streams of the file.
        current: those of the platform, archived ones included.
        section: what the file calls them, for the problems.
        kind: what goes into new ids beside the name.
    """
    known = {folded(stream.name): stream for stream in current}
    listed = {folded(item.stream.name) for item in read}
    result = Settled[S]()
    used: set[UUID] = set()
    streams: list[S] = []
    for index, item in enumerate(read):
        former, fault = _former(item, known=known, listed=listed, used=used)
        if fault:
            result.problems.append(Problem(place=(section, index, "renamed_from"), message=fault))
        name = item.renamed_from or item.stream.name
        taken = used | {stream.stream_id for stream in current}
        stream_id = former.stream_id if former else _new_id(kind, name, taken)
        used.add(stream_id)
        streams.append(replace(item.stream, stream_id=stream_id))
    streams += [replace(stream, is_active=False) for stream in current if stream.stream_id not in used]
    result.streams = tuple(streams)
    return result


def _former(item: Read[S], *, known: Mapping[str, S], listed: set[str], used: set[UUID]) -> tuple[S | None, str | None]:
    """Return which stream of the platform this one is, and what is wrong with its old name."""
    same = known.get(folded(item.stream.name))
    if item.renamed_from is None:
        return same, None
    old = known.get(folded(item.renamed_from))
    if same is not None:
        # Renamed by an earlier application, most likely; then the old name is gone, or belongs to another stream.
        merged = old is not None and old is not same and folded(old.name) not in listed
        return (
            same,
            f"there are both {same.name!r} and {item.renamed_from!r}: streams cannot be merged" if merged else None,
        )
    if old is None:
        close = hint(item.renamed_from, [stream.name for stream in known.values()])
        missing = f"there is no stream {item.renamed_from!r} to rename{close}"
        return None, missing if known else None
    if folded(old.name) in listed:
        return None, f"{item.renamed_from!r} is itself a stream of this file; it cannot be renamed and stay"
    if old.stream_id in used:
        return None, f"{item.renamed_from!r} has been renamed to another stream already"
    return old, None


def _new_id(kind: str, name: str, taken: set[UUID]) -> UUID:
    """Return the id of a name; when a stream that was renamed has kept it, the next one."""
    number, new = 1, uuid5(NAMESPACE, f"{kind}\x1f{name}")
    while new in taken:
        number += 1
        new = uuid5(NAMESPACE, f"{kind}\x1f{name}\x1f{number}")
    return new
