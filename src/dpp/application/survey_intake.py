"""Answers to the survey on their way into a store: which rows they make, and what an append reports of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from dpp.application.deliveries import AcceptedDelivery, Appended
from dpp.application.ports import Change
from dpp.application.pulse_ports import TOPIC, PulseResponse
from dpp.domain.configuration import Configuration
from dpp.domain.pulse import Period


def answers_of(delivery: AcceptedDelivery, *, configuration: Configuration) -> list[PulseResponse]:
    """
    Return the rows of a delivery's answers, in order.

    Args:
        delivery: any.
        configuration: an answer about a stream that it does not have gets none (§5.6); such a row counts nowhere.
    """
    known = {stream.stream_id for stream in configuration.delivery_streams} if delivery.facts.pulses else set()
    return [
        PulseResponse(
            survey_period=Period.parse(fact.survey_period),
            delivery_stream_id=fact.delivery_stream_id if fact.delivery_stream_id in known else None,
            respondent_hash=fact.respondent_hash,
            pace_score=fact.pace_score,
            tooling_score=fact.tooling_score,
            clarity_score=fact.clarity_score,
            answered_at=fact.event_timestamp,
            free_text=fact.free_text,
            received_at=delivery.received_at,
        )
        for fact in delivery.facts.pulses
    ]


def latest(answers: Iterable[PulseResponse]) -> list[PulseResponse]:
    """Return of each person, period and stream the answer that counts, in the order of their keys."""
    found: dict[object, PulseResponse] = {}
    for answer in answers:
        known = found.setdefault(answer.natural_key, answer)
        if known.precedence < answer.precedence:
            found[answer.natural_key] = answer
    return sorted(found.values(), key=lambda answer: answer.natural_key)


def with_answers(
    appended: Sequence[Appended], answers: Sequence[Sequence[PulseResponse]], written: Collection[PulseResponse]
) -> tuple[Appended, ...]:
    """
    Return what became of each delivery, its answers counted in.

    Args:
        appended: what became of its other facts.
        answers: its answers.
        written: those of the batch that are new or took the place of another one; all others changed nothing, and count
            as known. One that is in the batch twice counts the first time.
    """
    left = set(written)
    results = []
    for result, given in zip(appended, answers, strict=True):
        accepted = 0
        for answer in given:
            if answer in left:
                left.discard(answer)
                accepted += 1
        duplicates = result.duplicates + len(given) - accepted
        results.append(Appended(accepted=result.accepted + accepted, duplicates=duplicates))
    return tuple(results)


def news_of(written: Iterable[PulseResponse]) -> Change | None:
    """Return what whoever shows the pulse is to be told; None when nothing was written that anybody may see."""
    streams: frozenset[UUID] = frozenset(
        answer.delivery_stream_id for answer in written if answer.delivery_stream_id is not None
    )
    return Change(topic=TOPIC, delivery_streams=streams) if streams else None
