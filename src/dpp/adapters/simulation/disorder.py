"""What networks and queues do to a row of deliveries: late, doubled, swapped; and the pace of a live run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta

from dpp.adapters.simulation.deliveries import Delivery


def disordered(
    deliveries: Iterable[Delivery],
    rng: random.Random,
    *,
    late_share: float = 0.05,
    duplicate_share: float = 0.05,
    latest: timedelta = timedelta(hours=6),
) -> list[Delivery]:
    """The deliveries in the order in which they arrive.

    Args:
        late_share: the share (0 to 1) that is overtaken, by up to ``latest``.
        duplicate_share: the share that arrives a second time, up to ``latest`` later, byte for byte the same.
    """
    arrivals = []
    for number, delivery in enumerate(deliveries):
        delay = latest * rng.random() if rng.random() < late_share else timedelta(0)
        arrivals.append((delivery.at + delay, number, delivery))
        if rng.random() < duplicate_share:
            arrivals.append((delivery.at + delay + latest * rng.random(), number, delivery))
    arrivals.sort(key=lambda arrival: arrival[:2])
    return [delivery for _, _, delivery in arrivals]


def shuffled(
    deliveries: Iterable[Delivery], rng: random.Random, *, late_share: float = 1.0, duplicate_share: float = 0.0
) -> list[Delivery]:
    """Any order at all for a share of the deliveries; the others keep theirs among themselves. Some come twice."""
    arrivals = list(deliveries)
    arrivals.extend([delivery for delivery in arrivals if rng.random() < duplicate_share])
    places = [place for place in range(len(arrivals)) if rng.random() < late_share]
    moved = [arrivals[place] for place in places]
    rng.shuffle(moved)
    for place, delivery in zip(places, moved, strict=True):
        arrivals[place] = delivery
    return arrivals


def paced(deliveries: Iterable[Delivery], *, speed: float) -> Iterator[tuple[float, Delivery]]:
    """Each delivery with the seconds to wait before it is sent.

    Args:
        speed: how many seconds of the simulated organisation pass in a second, > 0.

    Raises:
        ValueError: ``speed`` is not positive.
    """
    if speed <= 0:
        raise ValueError("speed must be more than 0")
    before = None
    for delivery in deliveries:
        gap = (delivery.at - before).total_seconds() / speed if before is not None else 0.0
        before = delivery.at
        yield max(gap, 0.0), delivery
