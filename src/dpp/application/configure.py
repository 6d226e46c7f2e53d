"""Changing the configuration by a file that states all of it (``dpp config apply``, ``dpp config export``)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dpp.application.configuration_changes import difference
from dpp.application.configuration_checks import Place
from dpp.application.ports import ConfigurationStore
from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput

__all__ = ["Applied", "ConfigurationFile", "FileProblem", "InvalidConfiguration", "apply", "difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """One thing that is wrong with a file.

    Attributes:
        line: counted from 1; None when it is about something that the file does not mention.
        message: what is wrong, where, and what to do about it.
        place: where it stands in the document; empty when that is not known.
        fault: what is wrong, without where.
    """

    line: int | None
    message: str
    place: Place = ()
    fault: str = ""

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class InvalidConfiguration(InvalidInput):
    """A file that cannot be applied, with everything that is wrong with it; nothing of it was."""

    code = "invalid_configuration"

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"the configuration has {count} problem{'s' * (count != 1)}; nothing was changed"
        super().__init__("\n".join([head, *map(str, self.problems)]))


class ConfigurationFile(Protocol):
    """Reads and writes configurations as people edit them."""

    @abstractmethod
    def parse(self, text: str, *, current: Configuration) -> Configuration:
        """Return what the configuration becomes by this file.

        A section that the file has replaces that section as a whole; one that it has not stays as it is. A stream keeps
        its id by its name, or by the name that ``renamed_from`` gives; one that the file no longer has is inactive.

        Raises:
            InvalidConfiguration: with every fault that was found.
        """

    @abstractmethod
    def render(self, configuration: Configuration) -> str:
        """Return a file that states all of a configuration: parsed on top of it, it changes nothing."""

    @abstractmethod
    def describe(self, configuration: Configuration) -> dict[str, Any]:
        """Return what ``render`` writes, as plain values: tables are dictionaries, the reader's own to change."""

    @abstractmethod
    def interpret(self, document: Mapping[str, Any], *, current: Configuration) -> Configuration:
        """Return what the configuration becomes by such values, as ``parse`` does by a file with them.

        Raises:
            InvalidConfiguration: with every fault that was found, each with its place and without a line.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What applying a file changed, in readable lines, and the configuration that it gave."""

    changes: tuple[str, ...]
    configuration: Configuration


async def apply(
    text: str,
    *,
    file: ConfigurationFile,
    store: ConfigurationStore,
    actor: str,
    now: datetime,
    dry_run: bool = False,
) -> Applied:
    """Bring the configuration to what a file states; applying the same file again changes nothing.

    Raises:
        InvalidConfiguration: the file cannot be applied.
        Conflict: somebody else changed the configuration meanwhile; applying anew is right.
        Unavailable: the store does not answer.
    """
    before = await store.load()
    after = file.parse(text, current=before)
    changes = tuple(difference(before, after))
    if not changes:
        return Applied(changes=(), configuration=before)
    if not dry_run:
        after = await store.save(after, expected_version=before.version, actor=actor, at=now)
    return Applied(changes=changes, configuration=after)
