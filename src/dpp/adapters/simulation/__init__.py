"""A seeded software organisation that speaks the sources' wire formats and knows its own true figures."""

from dpp.adapters.simulation.deliveries import Delivery, signed
from dpp.adapters.simulation.disorder import disordered, paced, shuffled
from dpp.adapters.simulation.organisation import SimulatedOrganisation
from dpp.adapters.simulation.people import Person
from dpp.adapters.simulation.rates import QUIET, Rates, Size
from dpp.adapters.simulation.truth import Point, TrueFigures

__all__ = [
    "QUIET",
    "Delivery",
    "Person",
    "Point",
    "Rates",
    "SimulatedOrganisation",
    "Size",
    "TrueFigures",
    "disordered",
    "paced",
    "shuffled",
    "signed",
]
