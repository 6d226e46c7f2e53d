"""Which of a Jira's custom fields are likely to be those that the platform reads (Appendix A)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dpp.adapters.jira.api_payloads import FieldRow
from dpp.adapters.jira.values import cleaned
from dpp.domain.configuration import folded


class _Wanted(NamedTuple):
    """How a field is recognised: the kind that only it has, names that it bears, words in its name, best first."""

    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_WANTED: Mapping[str, _Wanted] = {
    "delivery_stream": _Wanted(names=("delivery stream", "value stream", "delivery_stream"), words=("stream",)),
    "tech_streams": _Wanted(
        names=("technology streams", "tech streams", "technology stream", "tech_streams"), words=("technolog",)
    ),
    "story_points": _Wanted(
        kinds=("com.pyxis.greenhopper.jira:jsw-story-points",),
        names=("story points", "story point estimate"),
        words=("story point",),
    ),
    "sprint": _Wanted(kinds=("com.pyxis.greenhopper.jira:gh-sprint",), names=("sprint",)),
    "flagged": _Wanted(names=("flagged", "impediment"), words=("flag",)),
    "found_in_stage": _Wanted(names=("found in stage", "found in", "detected in"), words=("found in",)),
    "introduced_in_stage": _Wanted(names=("introduced in stage", "introduced in"), words=("introduced",)),
    "blocking_tech_stream": _Wanted(names=("blocking technology", "blocking tech stream"), words=("blocking",)),
    "root_cause_category": _Wanted(names=("root cause", "root cause category"), words=("root cause",)),
}
_KIND, _NAME, _WORD = 3, 2, 1


class Proposal(NamedTuple):
    """A field that may be meant, others that may be as well, and whether its name or kind says so outright."""

    meaning: str
    field: FieldRow
    others: tuple[FieldRow, ...]
    is_certain: bool


def proposals(fields: Iterable[FieldRow]) -> list[Proposal]:
    """
    Return the likeliest field for each meaning, in the order of the configuration; none for what nothing resembles.

    Of those that are equally likely the one with the smallest number is taken: the first one made. No field is proposed
    for two meanings.
    """
    custom = [field for field in fields if field.custom]
    found: list[Proposal] = []
    taken: set[str] = set()
    for meaning, wanted in _WANTED.items():
        ranked = sorted(
            (
                (-rank, _number(field), field)
                for field in custom
                if (rank := _rank(field, wanted)) and field.id not in taken
            ),
            key=lambda one: one[:2],
        )
        if ranked:
            best = ranked[0][2]
            taken.add(best.id)
            others = tuple(field for rank, _, field in ranked[1:] if rank == ranked[0][0])
            found.append(Proposal(meaning, best, others, is_certain=not others and -ranked[0][0] > _WORD))
    return found


def as_toml(found: Iterable[Proposal]) -> str:
    """Return the ``fields`` table of a project, and in comments what each is called and what else it may be."""
    lines = ["[jira_projects.fields]"]
    for proposal in found:
        name = json.dumps(cleaned(proposal.field.name) or "", ensure_ascii=False)
        lines.append(f"{proposal.meaning} = {json.dumps(proposal.field.id)}  # {name}{_doubt(proposal)}")
    missing = [meaning for meaning in _WANTED if meaning not in {proposal.meaning for proposal in found}]
    lines += [f"# {meaning}: no field of this Jira resembles it" for meaning in missing]
    return "\n".join(lines) + "\n"


def _doubt(proposal: Proposal) -> str:
    if proposal.others:
        return ", or " + ", ".join(f"{field.id} {json.dumps(field.name)}" for field in proposal.others)
    return "" if proposal.is_certain else ", by a word of its name: please look"


def _rank(field: FieldRow, wanted: _Wanted) -> int:
    if field.schema and field.schema.custom in wanted.kinds:
        return _KIND
    name = folded(field.name or "")
    if name in wanted.names:
        return _NAME
    return _WORD if any(word in name for word in wanted.words) else 0


def _number(field: FieldRow) -> int:
    digits = field.id.rpartition("_")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
