"""Changing the configuration piece by piece, with the checks, records and consequences that applying a file has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dpp.application.configuration_authority import Authority, NotYours
from dpp.application.configuration_changes import difference
from dpp.application.configuration_checks import Place
from dpp.application.configuration_edits import Document, Edit, Edited
from dpp.application.configure import Applied, ConfigurationFile, FileProblem, InvalidConfiguration
from dpp.application.ports import Clock, ConfigurationStore
from dpp.domain.access import Principal
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Conflict, InvalidInput

#: A change that met another one, about something else, is made again; more often than this in a row means a loop.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProblem:
    """
    One thing that is wrong with a change.

    Attributes:
        place: within what was changed: a key, or the position in a list and a key; empty for the whole of it.
        message: what is wrong, and what to do about it.
    """

    place: Place
    message: str

    def __str__(self) -> str:
        where = ".".join(map(str, self.place))
        return f"{where}: {self.message}" if where else self.message


class InvalidChange(InvalidInput):
    """A change that cannot be made, with everything that is wrong with it; nothing was changed."""

    code = "invalid_configuration"

    def __init__(self, problems: tuple[ChangeProblem, ...]) -> None:
        self.problems = problems
        field = next((str(part) for problem in problems for part in problem.place if isinstance(part, str)), None)
        super().__init__("; ".join(map(str, problems)), field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A change that could be made: the configuration with it and without it, and what differs, a line each."""

    before: Configuration
    after: Configuration
    changes: tuple[str, ...]


class Administration:
    """Makes changes; one per process."""

    def __init__(self, *, store: ConfigurationStore, file: ConfigurationFile, clock: Clock) -> None:
        self._store = store
        self._file = file
        self._clock = clock

    async def configuration(self) -> Configuration:
        """Return the configuration as it is stored now."""
        return await self._store.load()

    def document(self, configuration: Configuration) -> Document:
        """Return a configuration as the values of a file, from which revisions are taken."""
        return self._file.describe(configuration)

    def text(self, configuration: Configuration) -> str:
        """Return a configuration as a file."""
        return self._file.render(configuration)

    async def propose(self, principal: Principal, edit: Edit) -> Proposed:
        """Return what a change would make of the configuration, and make nothing of it.

        Raises:
            InvalidChange, NotFound, Conflict, NotYours: as ``change``.
        """
        return self._proposed(principal, edit, await self._store.load())

    async def change(self, principal: Principal, edit: Edit) -> Applied:
        """
        Make a change.

        Args:
            principal: whoever makes it; it is on record as theirs.
            edit: made to the configuration as it is now, or not at all.

        Raises:
            InvalidChange: the configuration would be impossible.
            NotFound: what is to be changed is not there.
            RevisionConflict: somebody else has changed the same thing since it was read.
            NotYours: the caller may not make this change.
            Unavailable: the store does not answer; nothing was changed.
        """
        return await self._made(principal, lambda before: self._proposed(principal, edit, before))

    async def apply(self, principal: Principal, text: str, *, dry_run: bool = False) -> Applied:
        """Bring the configuration to what a file states, as ``dpp config apply`` does.

        Raises:
            InvalidConfiguration: the file cannot be applied.
            NotYours: the caller may not make one of the changes.
        """

        def proposed(before: Configuration) -> Proposed:
            if not Authority.of(principal).is_admin:
                raise NotYours
            return _allowed(principal, before, self._file.parse(text, current=before))

        if dry_run:
            found = proposed(await self._store.load())
            return Applied(changes=found.changes, configuration=found.after)
        return await self._made(principal, proposed)

    async def _made(self, principal: Principal, propose: Callable[[Configuration], Proposed]) -> Applied:
        for attempt in range(1, ATTEMPTS + 1):
            before = await self._store.load()
            found = propose(before)
            if not found.changes:
                return Applied(changes=(), configuration=before)
            try:
                saved = await self._store.save(
                    found.after, expected_version=before.version, actor=principal.actor, at=self._clock.now()
                )
            except Conflict:
                # Somebody was faster. Whether with the same thing shows when the change is made to what is there now.
                if attempt == ATTEMPTS:
                    raise
                continue
            return Applied(changes=found.changes, configuration=saved)
        raise AssertionError("the last attempt returns or raises")

    def _proposed(self, principal: Principal, edit: Edit, before: Configuration) -> Proposed:
        Authority.of(principal).check_edit(edit, before)
        document: dict[str, Any] = self._file.describe(before)
        edited = edit(document)
        try:
            after = self._file.interpret(document, current=before)
        except InvalidConfiguration as error:
            raise InvalidChange(_in_own_words(error.problems, edited, Authority.of(principal))) from error
        return _allowed(principal, before, after)


def _allowed(principal: Principal, before: Configuration, after: Configuration) -> Proposed:
    Authority.of(principal).check(before, after)
    return Proposed(before=before, after=after, changes=tuple(difference(before, after)))


def _in_own_words(problems: tuple[FileProblem, ...], edited: Edited, authority: Authority) -> tuple[ChangeProblem, ...]:
    """Return problems as seen from what was changed; those elsewhere are for whoever may see all of it."""
    found = []
    for problem in problems:
        inside = edited.inside(problem.place)
        if inside is not None:
            found.append(ChangeProblem(place=inside, message=problem.fault))
        elif authority.reads_all:
            found.append(ChangeProblem(place=(), message=problem.message))
    contradiction = "it contradicts another part of the configuration; ask an administrator"
    return tuple(found) or (ChangeProblem(place=(), message=contradiction),)
