"""Pushes to branches, from which the commit-based lead time is counted (§6.4.4)."""

from __future__ import annotations

from msgspec.json import Decoder

from dpp.adapters.github.decoding import decode, required_moment
from dpp.adapters.github.payloads import Commit, PushDelivery
from dpp.adapters.github.references import person, repository_ref
from dpp.application.reading import Reading
from dpp.domain.events import Facts, Normalised, Outcome, PushEvent

_PUSH = Decoder(PushDelivery)
_BRANCHES = "refs/heads/"


def read_push(body: bytes, *, action: str | None, reading: Reading) -> Normalised:
    """Return the commits that came to a branch; tags, removed branches and pushes without commits bring none."""
    delivery = decode(body, decoder=_PUSH)
    commits = delivery.commits or ()
    if reason := _ignored_because(delivery, commits):
        return Normalised(outcome=Outcome.IGNORED, reason=reason)
    event = _event(delivery, commits, reading=reading)
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pushes=(event,)))


def _ignored_because(delivery: PushDelivery, commits: tuple[Commit, ...]) -> str | None:
    if not delivery.ref.startswith(_BRANCHES):
        return "a tag brings no commits to a branch"
    if delivery.deleted or (delivery.after and not delivery.after.strip("0")):
        return "a removed branch changes no figure"
    return None if commits else "a push without commits brings nothing new to its branch"


def _event(delivery: PushDelivery, commits: tuple[Commit, ...], *, reading: Reading) -> PushEvent:
    sender = person(delivery.sender, reading=reading) if delivery.sender else None
    committed_at = delivery.head_commit.timestamp if delivery.head_commit else commits[-1].timestamp
    return PushEvent(
        # When GitHub received it. Commits carry the time of the machine where they were made, hours or weeks before;
        # it stands in only where the other is missing.
        event_timestamp=required_moment(delivery.repository.pushed_at, committed_at, field="repository.pushed_at"),
        repository=repository_ref(delivery.repository, installation=delivery.installation),
        branch_name=delivery.ref.removeprefix(_BRANCHES),
        first_commit_sha=commits[0].id,
        last_commit_sha=delivery.after or commits[-1].id,
        commit_count=len(commits),
        # Who pushed: the authors of the commits are named by e-mail address, which is another identity.
        author_hash=sender.hash if sender else None,
        author_is_bot=sender.is_bot if sender else False,
    )
