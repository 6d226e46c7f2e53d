"""Deliveries as lines of the archive."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from dpp.adapters.files.codec import DeliveryUnreadable, JsonDeliveryCodec
from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.push.readers import DeploymentReader, IncidentReader, SurveyReader
from dpp.adapters.simulation import SimulatedOrganisation, Size
from dpp.application.deliveries import AcceptedDelivery
from dpp.application.reading import PushReader, Reading, Verified, WebhookReader
from dpp.domain.configuration import Configuration, DeliveryStream
from dpp.domain.events import Normalised, Outcome, Source
from dpp.domain.privacy import Pseudonymiser

TEAMS = Configuration(
    delivery_streams=tuple(
        DeliveryStream(stream_id=UUID(int=number), name=name, display_name=name)
        for number, name in enumerate(("payments", "onboarding", "insights"), start=1)
    )
)
READING = Reading(configuration=TEAMS, pseudonymiser=Pseudonymiser(b"a key of sixteen bytes or more"))
READERS: dict[str, WebhookReader | PushReader] = {
    "github": GitHubWebhookReader(),
    "jira": JiraReader(),
    "deployment": DeploymentReader(),
    "incident": IncidentReader(),
    "survey": SurveyReader(),
}


def normalised() -> list[tuple[str, Normalised]]:
    """Return what a simulated fortnight becomes."""
    organisation = SimulatedOrganisation(2, start=datetime(2026, 3, 2, tzinfo=UTC), weeks=2, size=Size.SMALL)
    return [
        (
            delivery.source,
            READERS[delivery.source].normalise(
                Verified(source=Source.GITHUB, kind=delivery.headers.get("X-GitHub-Event"), body=delivery.body),
                reading=READING,
            ),
        )
        for delivery in organisation.deliveries()
    ]


def accepted(channel: str, what: Normalised) -> AcceptedDelivery:
    """Return a delivery that holds it."""
    return AcceptedDelivery(
        delivery_uid=UUID(int=7),
        received_at=datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC),
        channel=channel,
        source=Source.GITHUB,
        outcome=what.outcome,
        reason=what.reason,
        facts=what.facts,
    )


def test_round_trip() -> None:
    """Every kind of fact is read as it was written, to the microsecond, from one line without a line's end."""
    codec = JsonDeliveryCodec()
    deliveries = [accepted(channel, what) for channel, what in normalised()]
    lines = [codec.encode(delivery) for delivery in deliveries]
    assert deliveries == [codec.decode(line) for line in lines]
    assert not any(b"\n" in line for line in lines)
    kinds = {type(event).__name__ for delivery in deliveries for event in delivery.facts.events}
    assert kinds >= {"WorkItemEvent", "DefectEvent", "PullRequestEvent", "CicdEvent", "IncidentEvent", "PushEvent"}
    assert any(delivery.facts.pulses for delivery in deliveries)
    assert {Outcome.UNDERSTOOD, Outcome.IGNORED} == {delivery.outcome for delivery in deliveries}


@pytest.mark.parametrize("line", [b"", b"{", b"{}", b"[]", b'{"delivery_uid": "no id"}'])
def test_what_is_no_delivery(line: bytes) -> None:
    """A line that is no delivery is named as unreadable rather than guessed at."""
    with pytest.raises(DeliveryUnreadable, match="no delivery"):
        JsonDeliveryCodec().decode(line)


def test_an_answer_off_the_scale_is_no_delivery() -> None:
    """A record whose values cannot be is as unreadable as one without its fields."""
    codec = JsonDeliveryCodec()
    line = next(codec.encode(accepted(channel, what)) for channel, what in normalised() if what.facts.pulses)
    with pytest.raises(DeliveryUnreadable, match="no delivery"):
        codec.decode(re.sub(rb'"pace_score":\d', b'"pace_score":9', line))


def test_later_versions_may_add() -> None:
    """A field that nobody knows is passed over, and one that is missing has its default."""
    codec = JsonDeliveryCodec()
    delivery = accepted("github", Normalised(outcome=Outcome.IGNORED))
    line = codec.encode(delivery).replace(b'"kind":null,', b'"colour":"green",')
    assert delivery == codec.decode(line)
