"""Deliveries as lines of JSON, for the archive."""

from __future__ import annotations

import msgspec

from dpp.application.deliveries import AcceptedDelivery
from dpp.application.ports import DeliveryCodec
from dpp.domain.errors import Damaged, InvalidInput


class DeliveryUnreadable(Damaged):
    """A line of the archive is whole, and is no delivery that this version can read."""

    code = "delivery_unreadable"


class JsonDeliveryCodec(DeliveryCodec):
    """Writes every field by its name, so that a record explains itself and later versions can add to it."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(AcceptedDelivery)

    def encode(self, delivery: AcceptedDelivery) -> bytes:
        """Return one line of UTF-8 JSON, without the line's end."""
        return self._encoder.encode(delivery)

    def decode(self, record: bytes) -> AcceptedDelivery:
        """Read such a line; fields that it lacks have their defaults, those that nobody knows are passed over.

        Raises:
            DeliveryUnreadable: the line is no delivery.
        """
        try:
            return self._decoder.decode(record)
        except (msgspec.MsgspecError, InvalidInput) as error:
            raise DeliveryUnreadable(f"a record of the archive is no delivery: {error}") from error
