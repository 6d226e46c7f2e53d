"""Where requests come from, for limits that go by the network address."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

FORWARDED = "x-forwarded-for"
#: What a household or an office is given of IPv6: within it addresses cost nothing.
NETWORK_BITS = 64
UNKNOWN = "unknown"


def address_of(*, peer: str | None, headers: Mapping[str, str], is_behind_proxy: bool) -> str:
    """
    Return what stands for the sender of a request: an IPv4 address, or an IPv6 network of 64 bits.

    Args:
        peer: the other end of the connection; None when that is not known.
        headers: of the request.
        is_behind_proxy: whether the other end is a proxy. Then the last address that ``X-Forwarded-For`` names counts:
            the proxy itself has added it, while all before it is what the sender claims.
    """
    claimed = headers.get(FORWARDED, "").rpartition(",")[2].strip() if is_behind_proxy else ""
    for text in (claimed, peer or ""):
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if isinstance(address, IPv6Address):
            mapped = address.ipv4_mapped
            return str(mapped) if mapped else f"{IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS)}/64"
        return str(address)
    return peer or UNKNOWN
