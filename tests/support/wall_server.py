"""The dashboard's application with sixteen delivery streams for a server process, which a browser test moves."""

from dataclasses import replace
from uuid import UUID

from litestar import Litestar

from dpp.domain.configuration import DeliveryStream
from tests.support import dashboard_server
from tests.support.dashboard_app import CONFIGURATION, Dashboard, Feed

STREAMS = tuple(
    DeliveryStream(stream_id=UUID(int=100 + number), name=f"s{number}", display_name=f"Delivery stream {number}")
    for number in range(1, 17)
)


def build() -> Litestar:
    """Build the application with the test's routes."""
    feed = Feed(replace(CONFIGURATION, delivery_streams=STREAMS))
    dashboard_server.DASHBOARD = Dashboard(feed=feed)
    return dashboard_server.build()
