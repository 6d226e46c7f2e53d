"""What holds for the formats of all other systems: what is no JSON object is refused, and nothing else ever is."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.push.foreign import ignored, together, understood, unknown
from dpp.adapters.push.readers import FORMATS
from dpp.application.reading import MalformedPayload, PushFormat
from dpp.domain.errors import InvalidInput
from dpp.domain.events import Outcome, Source
from tests.support.foreign_payloads import Json, alert, cdevent, group, opsgenie, pagerduty
from tests.unit.adapters.push.foreign_reading import read
from tests.unit.adapters.push.test_deployment import JSON

GOOD: Mapping[PushFormat, Json] = {
    PushFormat.CDEVENTS: cdevent("service.deployed", content={"environment": {"id": "production"}}),
    PushFormat.ALERTMANAGER: group(alert()),
    PushFormat.PAGERDUTY: pagerduty(),
    PushFormat.OPSGENIE: opsgenie(),
    PushFormat.GRAFANA: group(alert()),
}

forms = pytest.mark.parametrize("form", PushFormat)


def test_every_format_has_a_reader() -> None:
    """There is a reader for each format; deployments come from CDEvents, alarms from the others."""
    found = {form: reader.verified(body=b"x", idempotency_key="k") for form, reader in FORMATS.items()}
    assert set(PushFormat) == found.keys()
    assert {form.value for form in PushFormat} == {verified.kind for verified in found.values()}
    assert [Source.DEPLOYMENT, *[Source.MONITORING] * 4] == [verified.source for verified in found.values()]
    assert {(b"x", "k")} == {(verified.body, verified.delivery_id) for verified in found.values()}


@forms
def test_the_same_payload_twice(form: PushFormat) -> None:
    """A payload that is sent again, alone or in a list, gives the same facts."""
    once = read(form, GOOD[form]).facts
    assert once
    assert once == read(form, GOOD[form]).facts == read(form, [GOOD[form]]).facts


@forms
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON: it breaks off at byte 0"),
        (b'{"alerts": x}', "the body is not JSON: invalid character at byte 11"),
        (b"{} x", "the body is not JSON: trailing characters at byte 3"),
        (b"[" * 100_000, "the body nests objects and arrays too deeply"),
    ],
)
def test_malformed(form: PushFormat, body: bytes, message: str) -> None:
    """A body that is not JSON is refused with the position."""
    with pytest.raises(MalformedPayload) as caught:
        read(form, body)
    assert message == str(caught.value)


@forms
@pytest.mark.parametrize("payload", ["text", 5, None, [], [5], [[]], [{}, None]])
def test_no_object(form: PushFormat, payload: object) -> None:
    """What no system ever sends is refused as a whole."""
    with pytest.raises(InvalidInput) as caught:
        read(form, payload)
    assert not isinstance(caught.value, MalformedPayload)


@forms
@pytest.mark.parametrize("body", [b"{}", b' \n{"a": {"b": []}} ', b"[{}, {}]"])
def test_another_object(form: PushFormat, body: bytes) -> None:
    """An object of another shape is unknown, with a reason that quotes nothing."""
    found = read(form, body)
    assert (Outcome.UNKNOWN, False, True) == (found.outcome, bool(found.facts), bool(found.reason))


def test_parts() -> None:
    """The worst part tells the outcome of the whole, and the facts of all parts count."""
    facts = read(PushFormat.PAGERDUTY, pagerduty()).facts
    good = understood(incidents=facts.incidents)
    assert (Outcome.UNKNOWN, "first", facts) == _end(ignored("no"), unknown("first"), good, unknown("second"))
    assert (Outcome.UNDERSTOOD, None, facts) == _end(ignored("no"), good)
    assert (Outcome.IGNORED, "no", type(facts)()) == _end(ignored("no"), ignored("neither"))
    assert (Outcome.IGNORED, "there is nothing in it", type(facts)()) == _end()


def _end(*parts: object) -> tuple[object, ...]:
    found = together(parts)  # type: ignore[arg-type]
    return found.outcome, found.reason, found.facts


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[PushFormat, object]:
    """Return a good payload with any JSON in place of one of its members, however deep."""
    form = draw(st.sampled_from([*PushFormat]))
    whole = msgspec.json.decode(msgspec.json.encode(GOOD[form]))
    place = whole
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.booleans()):
            place[key] = draw(JSON)
            return form, whole
        place = inner


@given(spoilt())
def test_any_value_has_one_of_three_outcomes(case: tuple[PushFormat, object]) -> None:
    """Whatever stands in a member, the payload is understood, ignored or unknown, and nothing is raised."""
    found = read(*case)
    assert (found.reason is None) == (found.outcome is Outcome.UNDERSTOOD)
    assert bool(found.facts) or found.outcome is not Outcome.UNDERSTOOD
