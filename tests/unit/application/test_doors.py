"""The doors: who may bring something, what becomes of it, and that whoever is turned away is counted."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.memory.archive import MemoryArchive
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import ConfigurationVersion, MemoryDatabase
from dpp.adapters.memory.feed import MemoryChangeFeed
from dpp.application import doors
from dpp.application.current import CurrentConfiguration
from dpp.application.deliveries import Appended
from dpp.application.doors import GITHUB_SECRET, JIRA_SECRET, JIRA_TOKEN, Doors, Readers
from dpp.application.ingest import Intake
from dpp.application.rates import TooManyRequests
from dpp.application.reading import (
    MalformedPayload,
    PushFormat,
    PushReader,
    Reading,
    SignatureRejected,
    TokenReader,
    UnknownStreamNamed,
    Verified,
)
from dpp.application.secrets import SecretMissing
from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, RepositoryOverride, TechStream
from dpp.domain.errors import Forbidden, InvalidInput, Unauthenticated, Unavailable
from dpp.domain.events import (
    CicdEvent,
    CicdEventType,
    Facts,
    IncidentEvent,
    IncidentEventType,
    Normalised,
    Outcome,
    RepositoryRef,
    Source,
)
from dpp.domain.privacy import Pseudonymiser
from dpp.domain.survey import PulseFact
from tests.support.access import START, Access
from tests.support.intake import Box, Reversed, Store

WEB, CORE = UUID(int=11), UUID(int=12)
PAYMENTS, LENDING = UUID(int=1), UUID(int=2)
CONFIGURATION = Configuration(
    delivery_streams=tuple(
        DeliveryStream(stream_id=stream, name=name, display_name=name)
        for stream, name in ((PAYMENTS, "payments"), (LENDING, "lending"))
    ),
    tech_streams=tuple(
        TechStream(stream_id=stream, name=name, display_name=name, github_org=name, github_install_id="")
        for stream, name in ((WEB, "web"), (CORE, "core"))
    ),
    repositories=(RepositoryOverride(full_name="web/shop", deploy_target="ecs:shop"),),
)


def deployed(*orgs: str | None) -> Normalised:
    """Return a deployment of a repository of each organisation; None is a repository that is not named."""
    events = tuple(
        CicdEvent(
            event_type=CicdEventType.DEPLOY_COMPLETED,
            event_timestamp=START,
            pipeline_id="deploy",
            pipeline_run_id=str(number),
            environment="production",
            status="success",
            source=Source.DEPLOYMENT,
            repository=RepositoryRef(org=org, name="shop") if org else None,
        )
        for number, org in enumerate(orgs)
    )
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(cicd=events))


def incident(service: str) -> Normalised:
    """Return the start of an incident of a service."""
    event = IncidentEvent(
        event_type=IncidentEventType.INCIDENT_OPENED, event_timestamp=START, incident_id="1", service_name=service
    )
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(incidents=(event,)))


def answered(*streams: UUID) -> Normalised:
    """Return an answer to the survey for each delivery stream."""
    facts = tuple(
        PulseFact(
            event_timestamp=START,
            survey_period="2026-03",
            delivery_stream_id=stream,
            respondent_hash="a",
            pace_score=3,
            tooling_score=3,
            clarity_score=3,
        )
        for stream in streams
    )
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pulses=facts))


class Webhooks(TokenReader):
    """Believes whoever shows a valid secret, and reads what it is told to read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.reads: Normalised | Exception = Normalised(outcome=Outcome.UNDERSTOOD)
        self.readings: list[Reading] = []

    def verify(self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Verified:
        """Look into the header ``secret``."""
        return self.verify_token(token=headers.get("secret", ""), secrets=secrets, body=body)

    def verify_token(self, *, token: str, secrets: Sequence[bytes], body: bytes) -> Verified:
        """Compare."""
        if token.encode() not in secrets:
            raise SignatureRejected("no")
        return Verified(source=self.source, kind="push", body=body)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Read."""
        self.readings.append(reading)
        if isinstance(self.reads, Exception):
            raise self.reads
        return self.reads


class Pushes(PushReader):
    """Reads what it is told to read."""

    reads: Normalised | Exception = deployed()
    key: str | None = None

    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap."""
        self.key = idempotency_key
        return Verified(source=Source.DEPLOYMENT, kind="pushed", body=body, delivery_id=idempotency_key)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Read."""
        if isinstance(self.reads, Exception):
            raise self.reads
        return self.reads


class House:
    """The doors with everything behind them in memory."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.database.versions.append(
            ConfigurationVersion(applied_at=START, applied_by="test", configuration=CONFIGURATION)
        )
        self.store = Store(self.database)
        self.archive = MemoryArchive()
        self.access = Access()
        for name in (GITHUB_SECRET, JIRA_SECRET, JIRA_TOKEN):
            self.access.secrets.put(name, f"{name} now".encode())
            self.access.secrets.put(f"{name}.previous", f"{name} before".encode())
        self.github, self.jira = Webhooks(Source.GITHUB), Webhooks(Source.JIRA)
        self.deployment, self.incident, self.survey, self.foreign = Pushes(), Pushes(), Pushes(), Pushes()
        self.configuration = CurrentConfiguration(
            store=MemoryConfigurationStore(database=self.database), feed=MemoryChangeFeed()
        )
        self.intake = Intake(
            archive=self.archive,
            store=self.store,
            codec=JsonDeliveryCodec(),
            sealer=Reversed(),
            repair_box=Box(),
            clock=self.access.clock,
            ids=self.access.ids,
        )
        self.doors = self.with_jira(self.jira)

    def with_jira(self, jira: TokenReader) -> Doors:
        """Return the doors with another reader for Jira."""
        return Doors(
            intake=self.intake,
            configuration=self.configuration,
            secrets=self.access.secrets,
            pseudonymiser=Pseudonymiser(b"sixteen bytes at least"),
            readers=Readers(
                github=self.github,
                jira=jira,
                deployment=self.deployment,
                incident=self.incident,
                survey=self.survey,
                formats=dict.fromkeys(PushFormat, self.foreign),
            ),
            keys=self.access.keys,
            clock=self.access.clock,
        )

    async def key(self, permission: str = "events:write", scope: StreamScope | None = None) -> dict[str, str]:
        """Make a key and return the headers that carry it."""
        made = await self.access.keys.create(
            name="pipeline", permissions=[permission], scope=scope or StreamScope.everything(), actor="test"
        )
        return {"authorization": f"Bearer {made.key}", "x-idempotency-key": "run 7"}

    async def refusals(self, channel: str) -> dict[tuple[str, str], int]:
        """Return what the store counts of a door when everything is written."""
        while self.intake.pending:
            await asyncio.sleep(0)
        return self.store.counted(channel)


def story(tell: Callable[[House], Awaitable[None]], *, configured: bool = True) -> None:
    """Run a story in a house that is open."""

    async def whole() -> None:
        house = House()
        if configured:
            await house.configuration.refresh()
        await house.intake.start()
        try:
            await asyncio.wait_for(tell(house), 3)
        finally:
            await asyncio.wait_for(house.intake.stop(), 3)

    asyncio.run(whole())


WEBHOOKS = {"github": GITHUB_SECRET, "jira": JIRA_SECRET, "jira by token": JIRA_TOKEN}


async def webhook(house: House, door: str, secret: str, body: bytes = b"{}") -> Appended:
    """Bring a webhook to one of the doors of ``WEBHOOKS``."""
    if door == "jira by token":
        return await house.doors.jira_by_token(token=secret, body=body)
    return await getattr(house.doors, door)(headers={"secret": secret}, body=body)  # type: ignore[no-any-return]


@pytest.mark.parametrize("door", WEBHOOKS)
@pytest.mark.parametrize("secret", ["now", "before"])
def test_a_webhook_with_either_secret_is_taken(door: str, secret: str) -> None:
    """The secret of now and the one that is being rotated out open the door, and what is read is written."""

    async def tell(house: House) -> None:
        reader = house.github if door == "github" else house.jira
        reader.reads = deployed("web", "core")
        assert Appended(accepted=2) == await webhook(house, door, f"{WEBHOOKS[door]} {secret}")
        assert Appended(duplicates=2) == await webhook(house, door, f"{WEBHOOKS[door]} {secret}")
        assert {("understood", ""): 2} == house.store.counted(door.partition(" ")[0])
        assert [CONFIGURATION] * 2 == [reading.configuration for reading in reader.readings]

    story(tell)


@pytest.mark.parametrize(
    ("door", "reason"), [("github", "signature"), ("jira", "signature"), ("jira by token", "token")]
)
def test_a_webhook_without_proof_is_refused_and_counted(door: str, reason: str) -> None:
    """A wrong secret, and that of another door, are refused under the reason of the door; nothing is read or kept."""

    async def tell(house: House) -> None:
        others = [f"{name} now" for key, name in WEBHOOKS.items() if key != door]
        for secret in ("", "wrong", *others):
            with pytest.raises(SignatureRejected):
                await webhook(house, door, secret)
        channel = door.partition(" ")[0]
        assert {("refused", reason): 4} == await house.refusals(channel)
        assert {(channel, Outcome.REFUSED): 4} == dict(house.intake.outcomes)
        assert ([], []) == (house.github.readings + house.jira.readings, house.archive.segments())

    story(tell)


@pytest.mark.parametrize("door", WEBHOOKS)
def test_a_webhook_that_is_no_json_is_refused_and_counted(door: str) -> None:
    """A malformed body is the sender's fault, said to the sender and counted."""

    async def tell(house: House) -> None:
        house.github.reads = house.jira.reads = MalformedPayload("byte 3")
        with pytest.raises(MalformedPayload, match="byte 3"):
            await webhook(house, door, f"{WEBHOOKS[door]} now")
        assert {("refused", "malformed"): 1} == await house.refusals(door.partition(" ")[0])

    story(tell)


@pytest.mark.parametrize("door", WEBHOOKS)
def test_without_a_secret_of_its_own_a_door_is_closed(door: str) -> None:
    """A secret that is missing is the platform's fault: the sender may try again, and is not counted as refused."""

    async def tell(house: House) -> None:
        house.access.secrets.put(WEBHOOKS[door], b"")
        with pytest.raises(SecretMissing):
            await webhook(house, door, "")
        assert {} == dict(house.intake.outcomes)

    story(tell)


@pytest.mark.parametrize("outcome", [Outcome.IGNORED, Outcome.UNKNOWN])
def test_what_is_not_understood_is_no_error(outcome: Outcome) -> None:
    """A payload that is ignored or unknown is acknowledged and counted under its reason."""

    async def tell(house: House) -> None:
        house.github.reads = Normalised(outcome=outcome, reason="because")
        assert Appended() == await webhook(house, "github", f"{GITHUB_SECRET} now")
        assert {(outcome.value, "because"): 1} == await house.refusals("github")

    story(tell)


def test_jiras_deliveries_are_counted_by_their_kind() -> None:
    """What Jira calls its event, which only the body tells, is what its deliveries are counted under."""

    async def tell(house: House) -> None:
        doors = house.with_jira(JiraReader())
        for event in ("jira:issue_updated", "comment_created", "jira:issue_renamed"):
            body = b'{"webhookEvent":"%s"}' % event.encode()
            await doors.jira_by_token(token=f"{JIRA_TOKEN} now", body=body)
            signature = hmac.digest(f"{JIRA_SECRET} now".encode(), body, "sha256").hex()
            await doors.jira(headers={"x-hub-signature": f"sha256={signature}"}, body=body)
        await doors.jira_by_token(token=f"{JIRA_TOKEN} now", body=b"{}")
        await house.refusals("jira")
        counted = {(row.kind, row.outcome): row.deliveries for row in house.database.intake_counts.values()}
        assert {
            ("jira:issue_updated", "unknown"): 2,
            ("comment_created", "ignored"): 2,
            ("jira:issue_renamed", "unknown"): 2,
            ("", "unknown"): 1,
        } == counted
        unread = {letter.kind for letter in await house.store.dead_letters()}
        assert {"jira:issue_updated", "jira:issue_renamed", None} == unread

    story(tell)


async def push(house: House, channel: str, headers: Mapping[str, str]) -> Appended:
    """Bring something to one of the doors that look at headers."""
    return await getattr(house.doors, channel)(headers=headers, body=b"{}")  # type: ignore[no-any-return]


@pytest.mark.parametrize("channel", ["deployment", "incident"])
def test_a_push_with_a_key_is_taken(channel: str) -> None:
    """A key that may write events opens the door; the sender's own key of the push is passed on."""

    async def tell(house: House) -> None:
        house.deployment.reads, house.incident.reads = deployed("web"), incident("shop")
        assert Appended(accepted=1) == await push(house, channel, await house.key())
        assert {("understood", ""): 1} == house.store.counted(channel)
        assert "run 7" == (house.deployment if channel == "deployment" else house.incident).key

    story(tell)


@pytest.mark.parametrize("channel", ["deployment", "incident"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_a_push_without_a_valid_key_is_refused_and_counted(channel: str, headers: dict[str, str]) -> None:
    """No key and a wrong one are refused before anything is read."""

    async def tell(house: House) -> None:
        house.deployment.reads = house.incident.reads = AssertionError("it was read")
        with pytest.raises(Unauthenticated):
            await push(house, channel, headers)
        assert {("refused", "key"): 1} == await house.refusals(channel)

    story(tell)


@pytest.mark.parametrize("channel", ["deployment", "incident"])
def test_a_key_for_reading_writes_nothing(channel: str) -> None:
    """A key without the permission is told which one it lacks, and counted."""

    async def tell(house: House) -> None:
        with pytest.raises(Forbidden, match="events:write"):
            await push(house, channel, await house.key("metrics:read"))
        assert {("refused", "permission"): 1} == await house.refusals(channel)

    story(tell)


@pytest.mark.parametrize(
    ("error", "reason"), [(MalformedPayload("no JSON"), "malformed"), (InvalidInput("status is missing"), "invalid")]
)
@pytest.mark.parametrize("channel", ["deployment", "incident"])
def test_a_push_that_cannot_be_used_is_refused_and_counted(channel: str, error: InvalidInput, reason: str) -> None:
    """What is no JSON and what lacks a field are counted apart, and the sender hears of either."""

    async def tell(house: House) -> None:
        house.deployment.reads = house.incident.reads = error
        with pytest.raises(type(error)):
            await push(house, channel, await house.key())
        assert {("refused", reason): 1} == await house.refusals(channel)
        assert [] == house.archive.segments()

    story(tell)


@pytest.mark.parametrize(
    ("channel", "reads", "is_open"),
    [
        ("deployment", deployed("web"), True),
        ("deployment", deployed("WEB"), True),
        ("deployment", deployed(), True),
        ("deployment", deployed("core"), False),
        ("deployment", deployed("web", "core"), False),
        ("deployment", deployed("nobody"), False),
        ("deployment", deployed(None), False),
        ("incident", incident("shop"), True),
        ("incident", incident("ecs:shop"), True),
        ("incident", incident("bank"), False),
    ],
)
def test_a_key_writes_for_its_own_streams_only(channel: str, reads: Normalised, is_open: bool) -> None:
    """A key of one stream writes what is that stream's as a whole, and nothing of another or of nobody (§3.2.3)."""

    async def tell(house: House) -> None:
        house.deployment.reads = house.incident.reads = reads
        headers = await house.key(scope=StreamScope(tech_streams=frozenset({WEB})))
        if is_open:
            await push(house, channel, headers)
            assert {("understood", ""): 1} == await house.refusals(channel)
        else:
            with pytest.raises(Forbidden, match="other streams"):
                await push(house, channel, headers)
            assert {("refused", "scope"): 1} == await house.refusals(channel)
            assert [] == house.archive.segments()

    story(tell)


@pytest.mark.parametrize("form", PushFormat)
def test_a_push_in_the_format_of_another_system(form: PushFormat) -> None:
    """It needs the same key, is written once, and is counted under the name of its format, even if half unknown."""

    async def tell(house: House) -> None:
        house.foreign.reads = replace(deployed("web"), outcome=Outcome.UNKNOWN, reason="because")
        scoped = await house.key(scope=StreamScope(tech_streams=frozenset({WEB})))
        assert Appended(accepted=1) == await house.doors.foreign(form, headers=scoped, body=b"{}")
        assert Appended(duplicates=1) == await house.doors.foreign(form, headers=scoped, body=b"{}")
        assert {("unknown", "because"): 2} == await house.refusals(form.value)
        house.foreign.reads = deployed("core")
        with pytest.raises(Forbidden, match="other streams"):
            await house.doors.foreign(form, headers=scoped, body=b"{}")
        with pytest.raises(Unauthenticated):
            await house.doors.foreign(form, headers={}, body=b"{}")
        refused = {("refused", "scope"): 1, ("refused", "key"): 1}
        assert {("unknown", "because"): 2} | refused == await house.refusals(form.value)

    story(tell)


def test_what_is_too_large_is_counted() -> None:
    """A body over the limit of its door is counted there, although nobody has seen it whole."""

    async def tell(house: House) -> None:
        house.doors.refused_too_large(channel="incident")
        assert {("refused", "too_large"): 1} == await house.refusals("incident")

    story(tell)


@pytest.mark.parametrize("door", ["github", "deployment"])
def test_without_a_configuration_the_sender_is_to_try_again(door: str) -> None:
    """A delivery that cannot be read because the configuration was never loaded is not refused, and not kept."""

    async def tell(house: House) -> None:
        headers = {"secret": f"{GITHUB_SECRET} now"} | await house.key()
        with pytest.raises(Unavailable, match="configuration"):
            await push(house, door, headers)
        assert {} == dict(house.intake.outcomes)

    story(tell, configured=False)


def test_an_answer_to_the_survey_is_taken_once() -> None:
    """A key of its delivery stream opens the door; the answer is new the first time and known the second."""

    async def tell(house: House) -> None:
        house.survey.reads = answered(PAYMENTS)
        headers = await house.key(scope=StreamScope(delivery_streams=frozenset({PAYMENTS})))
        assert Appended(accepted=1) == await push(house, "survey", headers)
        assert Appended(duplicates=1) == await push(house, "survey", headers)
        assert [PAYMENTS] == [row.delivery_stream_id for row in house.database.surveys.responses.values()]

    story(tell)


@pytest.mark.parametrize(
    "reads", [answered(LENDING), answered(PAYMENTS, LENDING), UnknownStreamNamed("none", field="delivery_stream")]
)
def test_a_key_is_not_told_which_other_teams_there_are(reads: Normalised | Exception) -> None:
    """Another stream's answers and those of a stream that nobody configured are refused in the same words."""

    async def tell(house: House) -> None:
        house.survey.reads = reads
        headers = await house.key(scope=StreamScope(delivery_streams=frozenset({PAYMENTS})))
        with pytest.raises(Forbidden, match=r"^This API key may not write answers of that delivery stream"):
            await push(house, "survey", headers)
        assert {("refused", "scope"): 1} == await house.refusals("survey")
        assert ({}, []) == (house.database.surveys.responses, house.archive.segments())

    story(tell)


def test_a_key_for_all_streams_is_told_that_a_team_is_unknown() -> None:
    """Its sender may know all names, and hears which field to mend."""

    async def tell(house: House) -> None:
        house.survey.reads = UnknownStreamNamed("delivery_stream is none", field="delivery_stream")
        with pytest.raises(UnknownStreamNamed, match=r"^delivery_stream is none"):
            await push(house, "survey", await house.key())
        assert {("refused", "invalid"): 1} == await house.refusals("survey")

    story(tell)


def test_what_one_key_may_push_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that has used up its allowance is refused, counted, and let in again a moment later; others go on."""
    monkeypatch.setattr(doors, "PUSHES_AT_ONCE", 2)

    async def tell(house: House) -> None:
        headers, another = await house.key(), await house.key()
        house.deployment.reads = deployed("web")
        for _ in range(2):
            await push(house, "deployment", headers)
        with pytest.raises(TooManyRequests) as caught:
            await push(house, "deployment", headers)
        assert 1 == caught.value.retry_after
        await push(house, "deployment", another)
        house.access.clock.forward(seconds=1 / doors.PUSHES_PER_SECOND)
        await push(house, "deployment", headers)
        assert 1 == house.store.counted("deployment")["refused", "rate"]

    story(tell)
