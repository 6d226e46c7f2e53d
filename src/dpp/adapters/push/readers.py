"""The readers of pushes, one for each address of the event API (§5.4.2, §5.5.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dpp.adapters.push.alertmanager import read_alertmanager
from dpp.adapters.push.cdevents import read_cdevents
from dpp.adapters.push.deployment import read_deployment
from dpp.adapters.push.grafana import read_grafana
from dpp.adapters.push.incident import read_incident
from dpp.adapters.push.opsgenie import read_opsgenie
from dpp.adapters.push.pagerduty import read_pagerduty
from dpp.adapters.push.pulse import read_pulse
from dpp.application.reading import PushFormat, PushReader, Reading, Verified
from dpp.domain.events import Normalised, Source


class DeploymentReader(PushReader):
    """``POST /api/v1/events/deployment``. The key of a push may stand in for its run, so it travels with the body."""

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""
        return Verified(source=Source.DEPLOYMENT, kind="deployment", body=body, delivery_id=idempotency_key)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Return the steps of the pushed deployments; errors as ``read_deployment``. Pushes name nobody."""
        return read_deployment(verified.body, idempotency_key=verified.delivery_id)


class IncidentReader(PushReader):
    """``POST /api/v1/events/incident``. An incident's id and the type of the event tell one push from another."""

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""
        return Verified(source=Source.MONITORING, kind="incident", body=body, delivery_id=idempotency_key)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Return the pushed alarms and incidents; errors as ``read_incident``. Pushes name nobody."""
        return read_incident(verified.body)


class SurveyReader(PushReader):
    """``POST /api/v1/events/pulse``. Month, person and stream tell one answer from another; the latest counts."""

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""
        return Verified(source=Source.SURVEY, kind="pulse", body=body, delivery_id=idempotency_key)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Return the pushed answers, respondents hashed; errors as ``read_pulse``."""
        return read_pulse(verified.body, reading=reading)


class CdEventsReader(PushReader):
    """``POST /api/v1/events/cdevents``. The id of an event tells one deployment from another."""

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""
        return Verified(
            source=Source.DEPLOYMENT, kind=PushFormat.CDEVENTS.value, body=body, delivery_id=idempotency_key
        )

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Return what the events tell of; errors as ``read_cdevents``. They name nobody."""
        return read_cdevents(verified.body, reading=reading)


class MonitoringReader(PushReader):
    """The addresses of monitoring systems that send what they always send."""

    def __init__(self, *, form: PushFormat, read: Callable[[bytes], Normalised]) -> None:
        self._form = form
        self._read = read

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""
        return Verified(source=Source.MONITORING, kind=self._form.value, body=body, delivery_id=idempotency_key)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Return the starts and the ends of alarms and incidents, without whoever works on them."""
        return self._read(verified.body)


_MONITORING: Mapping[PushFormat, Callable[[bytes], Normalised]] = {
    PushFormat.ALERTMANAGER: read_alertmanager,
    PushFormat.PAGERDUTY: read_pagerduty,
    PushFormat.OPSGENIE: read_opsgenie,
    PushFormat.GRAFANA: read_grafana,
}

#: A reader for every format of other systems.
FORMATS: Mapping[PushFormat, PushReader] = MappingProxyType(
    {
        PushFormat.CDEVENTS: CdEventsReader(),
        **{form: MonitoringReader(form=form, read=read) for form, read in _MONITORING.items()},
    }
)
