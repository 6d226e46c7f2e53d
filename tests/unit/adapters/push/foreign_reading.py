"""Reading payloads in the formats of other systems, for the tests of their readers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from dpp.adapters.push.readers import FORMATS
from dpp.application.reading import PushFormat, Reading
from dpp.domain.configuration import Configuration, RepositoryOverride
from dpp.domain.events import IncidentEvent, Normalised, Outcome
from tests.unit.adapters.push.pushing import PSEUDONYMISER

#: Payloads that real systems sent, beside the repository.
REAL = Path(__file__).parents[5] / "shared" / "payloads"

CONFIGURED = Configuration(
    repositories=(
        RepositoryOverride(full_name="acme/payments", deploy_target="ecs:payments-service"),
        RepositoryOverride(full_name="acme/left", deploy_target="ecs:shared"),
        RepositoryOverride(full_name="acme/right", deploy_target="k8s:shared"),
    )
)


def read(form: PushFormat, payload: object) -> Normalised:
    """Read a payload, or the bytes of one, by the reader of a format."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    reader = FORMATS[form]
    reading = Reading(configuration=CONFIGURED, pseudonymiser=PSEUDONYMISER)
    return reader.normalise(reader.verified(body=body, idempotency_key=None), reading=reading)


def incidents(form: PushFormat, payload: object) -> tuple[IncidentEvent, ...]:
    """Read a payload that is understood and tells of incidents alone."""
    found = read(form, payload)
    assert (Outcome.UNDERSTOOD, None, ()) == (found.outcome, found.reason, found.facts.cicd)
    return found.facts.incidents


def told(form: PushFormat, payload: object) -> list[tuple[str, datetime, str, str, str | None]]:
    """Return what incidents a payload tells of: type, time, id, service, severity."""
    return [
        (event.event_type.value, event.event_timestamp, event.incident_id, event.service_name, event.severity)
        for event in incidents(form, payload)
    ]
