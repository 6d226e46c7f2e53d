"""The people of the simulated organisation, under every name that the sources know them by.

Nothing of what is written here may survive intake: a test can look for every string of ``identifiers`` on disk.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

_GIVEN = (
    "Amelia", "Tobias", "Niamh", "Rajesh", "Ingrid", "Callum", "Yusra", "Mateusz", "Odette", "Fergus", "Leocadia",
    "Hiroshi", "Philippa", "Kwabena", "Saoirse", "Anselm", "Zainab", "Gwendolyn", "Piotr", "Marisol", "Desmond",
    "Thandiwe", "Lorcan", "Henrietta", "Vikram", "Solveig", "Emeka", "Clementine", "Aurelio", "Bronagh", "Jarvis",
    "Noor", "Casimir", "Elspeth", "Rohini", "Tadhg",
)  # fmt: skip
_FAMILY = (
    "Hartwell", "Okonkwo", "Lindqvist", "Pemberton", "Venkataraman", "Szczepanski", "Featherstone", "Abernathy",
    "Castellanos", "Oyelaran", "Drummond", "Whitcombe", "Nakagawa", "Fitzwilliam", "Bjornstad", "Maldonado",
    "Thistlewood", "Ravenscroft", "Achterberg", "Mukherjee", "Pettigrew", "Kowalczyk", "Winterbourne", "Delacroix",
    "Osterman", "Jayawardena", "Holloway", "Quintanilla", "Stavropoulos", "Blenkinsop", "Marchetti", "Ashdown",
    "Tremblay", "Eriksen", "Vasquez", "Gallagher",
)  # fmt: skip

_MAIL_DOMAIN = "acme.example"
_FIRST_GITHUB_ID = 61_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person: display name, mail address, and the account that each source gives them."""

    name: str
    email: str
    login: str
    github_id: int
    account_id: str
    jira_name: str

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Every string that would give this person away."""
        return (self.name, self.email, self.login, str(self.github_id), self.account_id, self.jira_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A GitHub App's account: it opens pull requests and reviews, but is nobody."""

    login: str
    github_id: int


DEPENDABOT = Bot(login="dependabot[bot]", github_id=49699333)
REVIEW_BOT = Bot(login="acme-review-helper[bot]", github_id=49800101)
ACTIONS_BOT = Bot(login="github-actions[bot]", github_id=41898282)

Account = Person | Bot


def hire(rng: random.Random) -> Iterator[Person]:
    """Yield people without end of names that do not repeat (up to 36 × 36 of them)."""
    pairs = [(given, family) for given in _GIVEN for family in _FAMILY]
    rng.shuffle(pairs)
    for number, (given, family) in enumerate(pairs):
        yield _person(given, family, number, rng)


def _person(given: str, family: str, number: int, rng: random.Random) -> Person:
    short = f"{given[0]}{family}".lower()
    return Person(
        name=f"{given} {family}",
        email=f"{given}.{family}@{_MAIL_DOMAIN}".lower(),
        login=f"{short}-{rng.randrange(100, 1000)}",
        github_id=_FIRST_GITHUB_ID + 7919 * number + rng.randrange(7000),
        account_id="5b" + hashlib.sha256(f"{given}/{family}/{rng.random()}".encode()).hexdigest()[:22],
        jira_name=f"{short}.{rng.randrange(10, 100)}",
    )
