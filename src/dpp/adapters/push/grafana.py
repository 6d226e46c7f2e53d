"""Notifications of Grafana's alerting, whose webhooks are shaped as Alertmanager's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dpp.adapters.push.alertmanager import IGNORED_ALERTS
from dpp.adapters.push.alerts import read_alerts
from dpp.domain.events import Normalised

_BLIND = "Grafana could not look; nothing is known of the service"

#: Alerts that are no alarms: those that Grafana makes up by itself, and those that come from Prometheus.
IGNORED_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **IGNORED_ALERTS,
        "TestAlert": "somebody only asks whether anybody answers",
        "DatasourceError": _BLIND,
        "DatasourceNoData": _BLIND,
    }
)


def read_grafana(body: bytes) -> Normalised:
    """
    Return the starts and the ends of alerts; errors as ``read_alerts``.

    The alerting of dashboards before Grafana 9 sends no times, and so is unknown.
    """
    return read_alerts(body, ignored_names=IGNORED_NAMES)
