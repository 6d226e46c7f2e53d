"""The envelopes of CloudEvents over HTTP: structured and batched mode have one around the event, binary mode none."""

from __future__ import annotations

from base64 import b64decode

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dpp.adapters.push.decoding import Item, decode, inner
from dpp.domain.errors import InvalidInput


class Envelope(Struct, frozen=True, kw_only=True):
    """What tells an envelope from the event itself, which has a ``context`` at this place."""

    specversion: str | None = None
    context: Raw = Raw()
    data: Raw = Raw()
    data_base64: str | None = None


_ENVELOPE = Decoder(Envelope)


def opened(item: Item) -> Item:
    """
    Return the event without its envelope; one that has none stays as it is.

    In binary mode the attributes travel in headers. They repeat what CDEvents say in the event's own context, so that
    nothing is lost by reading the body alone.

    Raises:
        InvalidInput: there is an envelope with nothing in it.
    """
    envelope = decode(item, decoder=_ENVELOPE)
    if inner(envelope.context) is not None:
        return item
    if envelope.data_base64 is not None:
        return Item(raw=_decoded(envelope.data_base64))
    data = inner(envelope.data)
    if data is None:
        raise InvalidInput("there is no event in it", field="context" if envelope.specversion is None else "data")
    return data


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise InvalidInput("data_base64 is not in base 64", field="data_base64") from None
