"""Notifications of Prometheus Alertmanager, version 4 of its webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dpp.adapters.push.alerts import read_alerts
from dpp.domain.events import Normalised

_ALWAYS_ON = "it fires always, to show that alerts are sent"

#: Alerts of the usual sets of rules that are no alarms.
IGNORED_ALERTS: Mapping[str, str] = MappingProxyType(
    {
        "Watchdog": _ALWAYS_ON,
        "DeadMansSwitch": _ALWAYS_ON,
        "InfoInhibitor": "it silences other alerts and says nothing of a service",
    }
)


def read_alertmanager(body: bytes) -> Normalised:
    """Return the starts and the ends of alerts; errors as ``read_alerts``."""
    return read_alerts(body, ignored_names=IGNORED_ALERTS)
