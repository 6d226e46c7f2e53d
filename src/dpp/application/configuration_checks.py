"""What makes a configuration impossible, whoever wrote it and in whatever form."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from dpp.application.calendars import Holidays
from dpp.domain.access import Role
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import (
    CalendarRules,
    Configuration,
    DeliveryStream,
    GroupRole,
    TechStream,
    folded,
)
from dpp.domain.errors import InvalidInput
from dpp.domain.group_roles import CAPTURES, captured_streams
from dpp.domain.linking import BranchPattern
from dpp.domain.patterns import compile_pattern

Place = tuple[str | int, ...]
"""Where something stands: section, position in it, key, and what is inside, as far as they apply."""

#: Any year will do: whether a code is known does not depend on it.
SOME_YEARS = (2026,)

_PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,31}", re.ASCII)
_FULL_NAME = re.compile(r"[^/\s]+/[^/\s]+")
#: Whoever is asked gets credentials, which go in clear to the reader's own machine at the most.
_URL = re.compile(r"https://[^/\s]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that cannot be as it is, and what to do about it."""

    place: Place
    message: str


def hint(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean …?)" when a known word is close to the one given, else nothing."""
    by_folded = {item.casefold(): str(item) for item in known}
    close = get_close_matches(word.casefold(), by_folded, n=1)
    return f" (did you mean {by_folded[close[0]]!r}?)" if close else ""


def problems(configuration: Configuration, *, holidays: Holidays) -> Iterator[Problem]:
    """Yield everything that makes a configuration impossible; nothing when it can be used.

    Empty text in a place that needs some is not reported: whoever read the configuration has seen that it is missing.
    """
    yield from _calendar(configuration.platform.calendar, ("platform",), holidays)
    yield from _streams("delivery_streams", configuration.delivery_streams)
    yield from _streams("tech_streams", configuration.tech_streams)
    for index, stream in enumerate(configuration.delivery_streams):
        if stream.calendar is not None:
            yield from _calendar(stream.calendar, ("delivery_streams", index, "calendar"), holidays)
    yield from _organisations(configuration.tech_streams)
    yield from _repositories(configuration)
    yield from _projects(configuration)
    yield from _statuses(configuration)
    yield from _environments(configuration)
    yield from _severities(configuration)
    for index, rule in enumerate(configuration.group_roles):
        yield from _group_role(rule, index, configuration)
    yield from _connections(configuration)


def _calendar(rules: CalendarRules, place: Place, holidays: Holidays) -> Iterator[Problem]:
    yield from _attempt(partial(BusinessCalendar, zone=rules.time_zone), (*place, "time_zone"))
    yield from _attempt(partial(BusinessCalendar, zone="UTC", weekend=rules.weekend), (*place, "weekend"))
    for index, code in enumerate(rules.holidays):
        yield from _attempt(partial(holidays.dates, (code,), SOME_YEARS), (*place, "holidays", index))


def _streams(section: str, streams: Sequence[DeliveryStream | TechStream]) -> Iterator[Problem]:
    """Tickets name streams by either of their two names, so no two streams may share one."""
    owners: dict[str, int] = {}
    for index in _archived_first(streams):
        stream = streams[index]
        for key, name in (("name", stream.name), ("display_name", stream.display_name)):
            owner = owners.setdefault(folded(name), index)
            if owner != index and name:
                message = f"{name!r} is also a name of the stream {_called(streams[owner])}; give each its own"
                yield Problem(place=(section, index, key), message=message)
                break


def _organisations(streams: Sequence[TechStream]) -> Iterator[Problem]:
    for key in ("github_org", "github_install_id"):
        owners: dict[str, int] = {}
        for index in _archived_first(streams):
            value = getattr(streams[index], key)
            owner = streams[owners.setdefault(folded(value), index)]
            if value and owner is not streams[index]:
                message = f"{value!r} belongs to the stream {_called(owner)}; an organisation has one stream"
                yield Problem(place=("tech_streams", index, key), message=message)
    for index, stream in enumerate(streams):
        if (pattern := stream.branch_pattern) is not None:
            yield from _attempt(partial(BranchPattern, pattern), ("tech_streams", index, "branch_pattern"))


def _archived_first(streams: Sequence[DeliveryStream | TechStream]) -> list[int]:
    """Return positions in the order of claims: what an archived stream holds, a new one cannot take."""
    return sorted(range(len(streams)), key=lambda index: (streams[index].is_active, index))


def _called(stream: DeliveryStream | TechStream) -> str:
    if stream.is_active:
        return repr(stream.name)
    return f"{stream.name!r}, which is archived (to continue that one, set renamed_from = {stream.name!r})"


def _repositories(configuration: Configuration) -> Iterator[Problem]:
    names = [repository.full_name for repository in configuration.repositories]
    for index, name in enumerate(names):
        if name and not _FULL_NAME.fullmatch(name):
            message = f"{name!r} is no full name; write organisation/repository"
            yield Problem(place=("repositories", index, "full_name"), message=message)
    for index, _ in _repeated([folded(name) or None for name in names]):
        message = f"{names[index]!r} is described twice; keep one of the entries"
        yield Problem(place=("repositories", index, "full_name"), message=message)


def _projects(configuration: Configuration) -> Iterator[Problem]:
    keys = [project.key for project in configuration.jira_projects]
    for index, project in enumerate(configuration.jira_projects):
        if project.key and not _PROJECT_KEY.fullmatch(project.key):
            message = f"{project.key!r} is no project key; it has capitals and digits only, such as PAY"
            yield Problem(place=("jira_projects", index, "key"), message=message)
        place = ("jira_projects", index, "delivery_stream")
        yield from _known_stream(project.delivery_stream, configuration.delivery_streams, place)
    for index, _ in _repeated([key or None for key in keys]):
        message = f"the project {keys[index]} is described twice; keep one of the entries"
        yield Problem(place=("jira_projects", index, "key"), message=message)


def _statuses(configuration: Configuration) -> Iterator[Problem]:
    mappings, known = configuration.status_mappings, configuration.known_projects
    for index, mapping in enumerate(mappings):
        if mapping.project and mapping.project not in known:
            close = hint(mapping.project, known)
            message = f"there is no project {mapping.project!r}{close or '; describe it in [[jira_projects]]'}"
            yield Problem(place=("status_mappings", index, "project"), message=message)
    pairs = [(it.project, folded(it.status)) if it.project and it.status else None for it in mappings]
    for index, _ in _repeated(pairs):
        mapping = mappings[index]
        message = f"the status {mapping.status!r} of {mapping.project} is mapped twice; keep one of the entries"
        yield Problem(place=("status_mappings", index, "status"), message=message)


def _environments(configuration: Configuration) -> Iterator[Problem]:
    patterns = [rule.pattern for rule in configuration.environments]
    for index, pattern in enumerate(patterns):
        yield from _attempt(partial(compile_pattern, pattern), ("environments", index, "pattern"))
    for index, _ in _repeated([pattern or None for pattern in patterns]):
        message = f"the pattern {patterns[index]!r} is there twice, and the first one wins; keep one of the entries"
        yield Problem(place=("environments", index, "pattern"), message=message)


def _severities(configuration: Configuration) -> Iterator[Problem]:
    """Rows are read from the most severe one down, so of two with one condition the milder could never apply."""
    rows = configuration.severities
    for index, first in _repeated([(row.impacted_streams, row.confidence_below) for row in rows]):
        message = (
            f"{rows[index].severity} has the same condition as {rows[first].severity}, and the more severe one wins; "
            "keep one of the entries"
        )
        yield Problem(place=("severities", index, "impacted_streams"), message=message)


def _group_role(rule: GroupRole, index: int, configuration: Configuration) -> Iterator[Problem]:
    place: Place = ("group_roles", index)
    if rule.role and rule.role not in list(Role):
        message = f"{rule.role!r} is no role{hint(rule.role, Role)}; it is one of {', '.join(Role)}"
        yield Problem(place=(*place, "role"), message=message)
    if (rule.group is None) == (rule.pattern is None):
        yield Problem(place=place, message="give either group, for one group, or pattern, for several")
    if rule.pattern is not None:
        yield from _group_pattern(rule, rule.pattern, (*place, "pattern"))
    if rule.role == Role.PLATFORM_ADMIN and (rule.delivery_stream or rule.tech_stream):
        message = "platform_admin is for all streams; for single ones give stream_lead"
        yield Problem(place=(*place, "role"), message=message)
    yield from _known_stream(rule.delivery_stream, configuration.delivery_streams, (*place, "delivery_stream"))
    yield from _known_stream(rule.tech_stream, configuration.tech_streams, (*place, "tech_stream"))


def _group_pattern(rule: GroupRole, pattern: str, place: Place) -> Iterator[Problem]:
    if not (pattern.startswith("^") and pattern.endswith("$")):
        message = (
            f"the pattern {pattern!r} must begin with ^ and end with $, or groups that merely contain it get the role"
        )
        yield Problem(place=place, message=message)
        return
    unusable = list(_attempt(partial(compile_pattern, pattern), place))
    yield from unusable or _group_captures(rule, compile_pattern(pattern), place)


def _group_captures(rule: GroupRole, pattern: re.Pattern[str], place: Place) -> Iterator[Problem]:
    for name in pattern.groupindex:
        if name not in CAPTURES:
            yield Problem(place=place, message=f"a group may be called {' or '.join(CAPTURES)}, not {name}")
        elif getattr(rule, name):
            yield Problem(place=place, message=f"the pattern captures the {name}, so the entry must not name one")
    if rule.role == Role.PLATFORM_ADMIN and captured_streams(rule):
        message = "platform_admin is for all streams, so the pattern must capture none; write (?:…) to group only"
        yield Problem(place=place, message=message)


def _connections(configuration: Configuration) -> Iterator[Problem]:
    for place, url in (
        (("github", "api_url"), configuration.github.api_url),
        (("jira", "base_url"), configuration.jira.base_url),
    ):
        if url and not _URL.fullmatch(url):
            yield Problem(place=place, message=f"{url!r} is no address; it begins with https://")


def _known_stream(name: str | None, streams: Sequence[DeliveryStream | TechStream], place: Place) -> Iterator[Problem]:
    if not name:
        return
    found = [stream for stream in streams if folded(name) in (folded(stream.name), folded(stream.display_name))]
    if not found:
        known = [stream.name for stream in streams if stream.is_active]
        listed = f"; there are {', '.join(known)}" if known else "; there is none yet"
        yield Problem(place=place, message=f"there is no stream {name!r}{hint(name, known) or listed}")
    elif not any(stream.is_active for stream in found):
        yield Problem(place=place, message=f"the stream {name!r} is archived; bring it back or name another one")


def _repeated(keys: Sequence[Hashable | None]) -> Iterator[tuple[int, int]]:
    """Yield positions of keys that were there before, with the first position of the same; None is no key."""
    first: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        if key is not None and first.setdefault(key, index) != index:
            yield index, first[key]


def _attempt(make: Callable[[], object], place: Place) -> Iterator[Problem]:
    """Let the domain judge."""
    try:
        make()
    except InvalidInput as error:
        yield Problem(place=place, message=str(error))
