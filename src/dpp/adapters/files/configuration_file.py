"""The configuration as a TOML file; ``docs/configuration.md`` describes its format."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from dpp.adapters.files.configuration_reading import read
from dpp.adapters.files.configuration_writing import written
from dpp.adapters.files.toml_lines import TomlLines
from dpp.application.calendars import Holidays
from dpp.application.configuration_checks import Place, Problem, problems
from dpp.application.configure import ConfigurationFile, FileProblem, InvalidConfiguration
from dpp.domain.configuration import Configuration

MAX_CHARACTERS = 4_000_000
_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class TomlConfigurationFile(ConfigurationFile):
    """Reads and writes ``dpp.toml``."""

    def __init__(self, holidays: Holidays) -> None:
        """``holidays``: knows which codes of public holidays there are."""
        self._holidays = holidays

    def parse(self, text: str, *, current: Configuration) -> Configuration:
        """Return what the configuration becomes by this file."""
        text = text.removeprefix("\ufeff")
        if len(text) > MAX_CHARACTERS:
            raise InvalidConfiguration([FileProblem(line=None, message="the file is too long to be a configuration")])
        configuration, faults = self._read(_document(text), current=current)
        if faults:
            raise InvalidConfiguration(_located(faults, TomlLines(text)))
        return configuration

    def interpret(self, document: Mapping[str, Any], *, current: Configuration) -> Configuration:
        """Return what the configuration becomes by the values of a file."""
        configuration, faults = self._read(document, current=current)
        if faults:
            raise InvalidConfiguration(
                FileProblem(line=None, message=_dotted_fault(fault), place=fault.place, fault=fault.message)
                for fault in faults
            )
        return configuration

    def _read(self, document: Mapping[str, Any], *, current: Configuration) -> tuple[Configuration, list[Problem]]:
        faults: list[Problem] = []
        configuration = read(dict(document), current=current, problems=faults)
        # What could not be read was replaced by something harmless; judging that as well would only confuse.
        unread = {fault.place for fault in faults}
        faults += [
            problem
            for problem in problems(configuration, holidays=self._holidays)
            if not any(problem.place[:length] in unread for length in range(1, len(problem.place) + 1))
        ]
        return configuration, faults

    def render(self, configuration: Configuration) -> str:
        """Return a file that states all of a configuration."""
        return written(configuration)

    def describe(self, configuration: Configuration) -> dict[str, Any]:
        """Return the values of such a file."""
        return tomllib.loads(written(configuration))


def _document(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = text.count("\n") + 1 if found is None or found[1] is None else int(found[1])
        message = f"this is not TOML: {_POSITION.sub('', str(error))}"
        raise InvalidConfiguration([FileProblem(line=line, message=message)]) from error
    except RecursionError as error:
        raise InvalidConfiguration([FileProblem(line=None, message="the file is nested too deeply")]) from error


def _located(faults: Iterable[Problem], lines: TomlLines) -> list[FileProblem]:
    """Return the faults in the order of the file; those about what it does not mention come last."""
    found = [
        FileProblem(line=lines.of(fault.place), message=_message(fault, lines), place=fault.place, fault=fault.message)
        for fault in faults
    ]
    return sorted(found, key=lambda problem: (problem.line is None, problem.line or 0))


def _message(fault: Problem, lines: TomlLines) -> str:
    where = _dotted(fault.place)
    if lines.of(fault.place) is None and fault.place:
        where += " (not in this file, but in the configuration that it changes)"
    return f"{where}: {fault.message}" if where else fault.message


def _dotted_fault(fault: Problem) -> str:
    where = _dotted(fault.place)
    return f"{where}: {fault.message}" if where else fault.message


def _dotted(place: Place) -> str:
    return ".".join(part for part in place if isinstance(part, str))
