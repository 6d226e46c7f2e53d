"""What every event store promises, asked of the one in memory and of PostgreSQL's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpp.adapters.postgres.engine import Database
from dpp.application.archive import Position
from dpp.application.deliveries import Appended
from dpp.application.ports import Batch
from dpp.application.stale import StaleKey, StaleKind, run_key
from dpp.domain.events import (
    DefectEvent,
    DefectEventType,
    Facts,
    IncidentEvent,
    IncidentEventType,
    Outcome,
    PullRequestEventType,
    PushEvent,
    RepositoryFact,
    SprintFact,
    TicketFields,
    WorkItemEventType,
)
from tests.contracts.stores import (
    CORE,
    ORGANISATION,
    PAYMENTS,
    T0,
    WEB,
    Platform,
    delivery,
    deployed,
    memory_platform,
    moved_to,
    postgres_platform,
    repository,
    reviewed,
)
from tests.support.postgres import TestServer

pytestmark = pytest.mark.anyio


async def test_a_fact_is_stored_once(platform: Platform) -> None:
    """A fact that comes again is a duplicate and changes nothing."""
    facts = Facts(work_items=(moved_to("In Dev"),))
    assert (Appended(accepted=1),) == await platform.append(facts)
    before = await platform.inside.events()
    assert (Appended(duplicates=1),) == await platform.append(facts)
    assert before == await platform.inside.events()
    assert 1 == (await platform.events.counts())["work_item_events"]


async def test_a_fact_twice_in_one_batch_is_new_once(platform: Platform) -> None:
    """Of two equal facts in one batch the first counts as new and the second as a duplicate, delivery by delivery."""
    one, two = moved_to("In Dev", change="7"), moved_to("Done", after=5, change="8")
    results = await platform.append(Facts(work_items=(one,)), Facts(), Facts(work_items=(two, one, two)))
    assert (Appended(accepted=1), Appended(), Appended(accepted=1, duplicates=2)) == results


async def test_one_change_reported_with_two_times_is_one_fact(platform: Platform) -> None:
    """A webhook and the history tell of one change with times that differ; the change's own id tells them to be one."""
    webhook = moved_to("In Dev", change="7")
    history = replace(webhook, event_timestamp=T0 + timedelta(seconds=1))
    assert (Appended(accepted=1),) == await platform.append(Facts(work_items=(webhook,)))
    assert (Appended(duplicates=1),) == await platform.append(Facts(work_items=(history,)))
    other = reviewed(source_change_id="9")
    moved = replace(other, event_timestamp=T0 + timedelta(seconds=1))
    both = Facts(pull_requests=(other, moved))
    assert (Appended(accepted=1, duplicates=1),) == await platform.append(both)
    assert (Appended(duplicates=2),) == await platform.append(both)


@pytest.mark.parametrize("turned", [False, True])
async def test_of_two_reports_the_same_one_stands_in_any_order(platform: Platform, turned: bool) -> None:
    """The report that tells more stands, then the earlier one; the other is kept, once, and the ticket marked anew."""
    webhook = moved_to("In Dev", change="7", after=0.01)
    history = replace(webhook, event_timestamp=T0)
    bare = replace(moved_to("In Dev", change="8"), fields=None)
    full = replace(bare, fields=TicketFields(priority="High"), event_timestamp=T0 + timedelta(seconds=1))
    first, second = deployed(after=3), deployed(after=1, commit_sha="c")
    reports = [(webhook, bare, first), (history, full, second)]
    for work, other, deployment in reports[::-1] if turned else reports:
        await platform.append(Facts(work_items=(work, other), cicd=(deployment,)))
    assert {history.event_id, full.event_id, second.event_id} == set(await platform.inside.events())
    assert [
        ("cicd_events", first.event_id),
        *sorted([("work_item_events", webhook.event_id), ("work_item_events", bare.event_id)]),
    ] == await platform.inside.other_reports()
    await platform.inside.forget_stale()
    everything = Facts(work_items=(webhook, bare, history, full), cicd=(first, second))
    assert (Appended(duplicates=6),) == await platform.append(everything)
    assert 3 == len(await platform.inside.other_reports())
    assert [] == await platform.inside.stale()


async def test_a_better_report_makes_stale_what_followed_from_the_other(platform: Platform) -> None:
    """When a report gives way, the thing is marked; of a push the times that it was believed to have had as well."""
    late = PushEvent(
        event_timestamp=T0 + timedelta(minutes=1),
        repository=repository("acme/ledger"),
        branch_name="b",
        first_commit_sha="1",
        last_commit_sha="2",
        commit_count=2,
    )
    await platform.append(Facts(pushes=(late,)))
    (before,) = await platform.inside.stale()
    await platform.append(Facts(pushes=(replace(late, event_timestamp=T0),)))
    marks = await platform.inside.stale()
    assert 3 == len(marks)
    assert before in marks[1:]
    assert {StaleKind.PUSH.value} == {kind for _, kind, _ in marks}


async def test_a_key_that_another_report_names_leads_to_the_ticket(platform: Platform) -> None:
    """The former key of a moved ticket is known from a report that does not stand for the change."""
    now = moved_to("In Dev", ticket="OPS-4", change="7")
    then = replace(now, ticket_id="PAY-1", project_key="PAY", event_timestamp=T0 + timedelta(seconds=1))
    await platform.append(Facts(work_items=(now,)))
    await platform.append(Facts(work_items=(then,)))
    assert {now.event_id} == set(await platform.inside.events())
    assert {("OPS-4", "101"), ("PAY-1", "101")} == await platform.inside.ticket_keys()


async def test_a_report_may_say_that_two_facts_are_one(platform: Platform) -> None:
    """A report that shares one key with each of two facts leaves one of the three standing."""
    plain, later = moved_to("In Dev", issue=None, change="7"), moved_to("In Dev", after=1, change="7")
    await platform.append(Facts(work_items=(plain,)), Facts(work_items=(later,)))
    assert 2 == len(await platform.inside.events())
    between = moved_to("In Dev", change="7", blocked_reason="tells more")
    await platform.append(Facts(work_items=(between,)))
    assert {between.event_id} == set(await platform.inside.events())
    assert {later.event_id, plain.event_id} == {event_id for _, event_id in await platform.inside.other_reports()}


async def test_two_changes_in_one_instant_are_two_facts(platform: Platform) -> None:
    """Two changes of one ticket that share type and time are told apart by their ids."""
    facts = Facts(work_items=(moved_to("In Dev", change="7"), moved_to("To Do", change="8")))
    assert (Appended(accepted=2),) == await platform.append(facts)


async def test_every_kind_goes_to_its_table(platform: Platform) -> None:
    """Facts of every kind go to the table of their kind; types beside the specification's lists have tables apart."""
    ledger = repository("acme/ledger")
    push = PushEvent(
        event_timestamp=T0,
        repository=ledger,
        branch_name="main",
        first_commit_sha="1",
        last_commit_sha="2",
        commit_count=2,
    )
    incident = IncidentEvent(
        event_type=IncidentEventType.ALARM_TRIGGERED, event_timestamp=T0, incident_id="i", service_name="ledger"
    )
    defect = DefectEvent(event_type=DefectEventType.LOGGED, event_timestamp=T0, ticket_id="PAY-9", project_key="PAY")
    facts = Facts(
        work_items=(moved_to("In Dev"), moved_to("In Dev", event_type=WorkItemEventType.UPDATED)),
        defects=(defect,),
        pull_requests=(reviewed(), reviewed(event_type=PullRequestEventType.REOPENED)),
        cicd=(deployed(),),
        incidents=(incident,),
        pushes=(push,),
    )
    assert (Appended(accepted=8),) == await platform.append(facts)
    assert (Appended(duplicates=8),) == await platform.append(facts)
    assert {
        "work_item_events": 1,
        "work_item_facts": 1,
        "defect_events": 1,
        "pr_events": 1,
        "pull_request_facts": 1,
        "cicd_events": 1,
        "incident_events": 1,
        "push_events": 1,
    } == await platform.events.counts()


async def test_names_are_resolved_as_configured(platform: Platform) -> None:
    """Streams, stages, tickets and environments are filled in from the configuration of the moment."""
    await platform.configure(ORGANISATION)
    work, pull, web = moved_to("in dev "), reviewed(), reviewed("acme-web/shop", github_id=6, branch_name="pay-77-x")
    deployment = deployed()
    await platform.append(Facts(work_items=(work,), pull_requests=(pull, web), cicd=(deployment,)))
    seen = await platform.inside.events()
    stages = {"from_stage": "backlog", "to_stage": "dev", "to_active": True}
    assert {"delivery_stream_id": PAYMENTS, **stages} == seen[work.event_id]
    link = {"linked_ticket_id": "PAY-1", "link_method": "branch"}
    assert {"tech_stream_id": CORE, "full_name": "acme/ledger", **link} == seen[pull.event_id]
    assert ("PAY-77", WEB) == (seen[web.event_id]["linked_ticket_id"], seen[web.event_id]["tech_stream_id"])
    assert {"tech_stream_id": CORE, "full_name": "acme/ledger", "environment": "production"} == seen[
        deployment.event_id
    ]


async def test_what_nobody_has_configured_is_stored_all_the_same(platform: Platform) -> None:
    """Without a configuration the resolved columns are empty and nothing is lost."""
    work, pull = moved_to("Nobody Knows"), reviewed("elsewhere/x", branch_name="main", body_keys=("UTF-8",))
    assert (Appended(accepted=2),) == await platform.append(Facts(work_items=(work,), pull_requests=(pull,)))
    assert {work.event_id: {}, pull.event_id: {"full_name": "elsewhere/x"}} == await platform.inside.events()


async def test_a_bug_without_origin_was_found_in_an_unknown_stage(platform: Platform) -> None:
    """A defect that names no stage is stored as found in ``unknown``, in the stream of the ticket that came with it."""
    await platform.configure(ORGANISATION)
    told, untold = (
        DefectEvent(
            event_type=DefectEventType.LOGGED,
            event_timestamp=T0 + timedelta(minutes=minute),
            ticket_id="PAY-1",
            project_key="PAY",
            issue_id="101",
            found_in_stage=stage,
        )
        for minute, stage in enumerate(("qa", None))
    )
    await platform.append(Facts(work_items=(moved_to("In Dev"),), defects=(told, untold)))
    seen = await platform.inside.events()
    assert {"found_in_stage": "qa", "delivery_stream_id": PAYMENTS} == seen[told.event_id]
    assert "unknown" == seen[untold.event_id]["found_in_stage"]


async def test_an_incident_belongs_to_the_stream_that_deploys_the_service(platform: Platform) -> None:
    """A service is found by the whole deployment target of a repository, or by its part behind the colon."""
    await platform.configure(ORGANISATION)
    await platform.append(Facts(pull_requests=(reviewed(),)))
    incidents = tuple(
        IncidentEvent(
            event_type=IncidentEventType.INCIDENT_OPENED, event_timestamp=T0, incident_id=name, service_name=name
        )
        for name in ("ecs:ledger", "Ledger", "ecs", "shop")
    )
    await platform.append(Facts(incidents=incidents))
    seen = await platform.inside.events()
    assert [CORE, CORE, None, None] == [seen[item.event_id].get("tech_stream_id") for item in incidents]


async def test_new_facts_mark_what_they_make_stale(platform: Platform) -> None:
    """A new fact marks what it is about, once a batch, in its group; a duplicate marks nothing."""
    facts = Facts(
        work_items=(moved_to("In Dev"), moved_to("To Do", after=1), moved_to("To Do", ticket="PAY-2", issue=None)),
        pull_requests=(reviewed(),),
        cicd=(deployed(),),
    )
    await platform.append(facts)
    repo_id = (await platform.inside.repositories())["acme/ledger"].repo_id
    run = deployed()
    keys = [
        StaleKey(StaleKind.DEPLOYMENT, run_key(run.pipeline_id, run.pipeline_run_id)),
        StaleKey(StaleKind.PULL_REQUEST, f"{repo_id}/1"),
        StaleKey(StaleKind.TICKET, "101"),
        StaleKey(StaleKind.TICKET, "PAY-2"),
    ]
    marks = sorted((key.group, key.kind.value, key.key) for key in keys)
    assert marks == sorted(await platform.inside.stale())
    await platform.append(facts)
    assert marks == sorted(await platform.inside.stale())


async def test_former_keys_of_a_ticket_are_remembered(platform: Platform) -> None:
    """Every key that a ticket had is kept with the identity that survives."""
    move = moved_to("x", ticket="NEW-1", event_type=WorkItemEventType.MOVED, from_ticket_id="PAY-1")
    await platform.append(Facts(work_items=(move, moved_to("In Dev", ticket="PAY-2", issue=None))))
    assert {("NEW-1", "101"), ("PAY-1", "101"), ("PAY-2", "PAY-2")} == await platform.inside.ticket_keys()


# --- repositories -----------------------------------------------------------------------------------------------------


async def test_repositories_are_registered_on_sight(platform: Platform) -> None:
    """A repository is known from the first event that names it, whichever way its name is spelt, and learns its id."""
    await platform.configure(ORGANISATION)
    await platform.append(Facts(cicd=(deployed("ACME/Ledger"),)))
    await platform.append(Facts(pull_requests=(reviewed("acme/ledger", after=1),)))
    await platform.append(Facts(cicd=(deployed("acme/LEDGER", run="2"),)))
    register = await platform.inside.repositories()
    assert ["acme/ledger"] == list(register)
    ledger = register["acme/ledger"]
    assert (5, CORE, "ecs:ledger") == (ledger.github_repo_id, ledger.tech_stream_id, ledger.deploy_target)
    assert {"acme/ledger"} == {row["full_name"] for row in (await platform.inside.events()).values()}


@pytest.mark.parametrize("late_first", [False, True], ids=["in order", "out of order"])
async def test_a_renamed_repository_stays_the_same(platform: Platform, *, late_first: bool) -> None:
    """The latest sighting names a repository, in whatever order they come; a former name still leads to it."""
    events = [reviewed("acme/old", after=0), reviewed("acme-web/new", number=2, after=5)]
    for event in reversed(events) if late_first else events:
        await platform.append(Facts(pull_requests=(event,)))
    await platform.append(Facts(cicd=(deployed("Acme/Old", after=9),)))
    assert ["acme-web/new"] == list(await platform.inside.repositories())


async def test_a_name_passes_to_the_repository_seen_under_it_last(platform: Platform) -> None:
    """When another repository takes a name, the name leads to that one, and the former holder is marked by its id."""
    await platform.append(
        Facts(pull_requests=(reviewed("acme/shop", github_id=5), reviewed("acme/shop", github_id=6, after=5)))
    )
    assert {"acme/shop": 6, "acme/shop@5": 5} == {
        name: item.github_repo_id for name, item in (await platform.inside.repositories()).items()
    }
    await platform.append(Facts(pull_requests=(reviewed("acme/shop-old", github_id=5, after=9),)))
    event = deployed("acme/shop")
    await platform.append(Facts(cicd=(event,)))
    assert {"acme/shop": 6, "acme/shop-old": 5} == {
        name: item.github_repo_id for name, item in (await platform.inside.repositories()).items()
    }
    assert "acme/shop" == (await platform.inside.events())[event.event_id]["full_name"]


async def test_two_repositories_may_swap_their_names(platform: Platform) -> None:
    """Names that change hands in one batch end where the latest sightings put them."""
    names = ("acme/a", 5, 0), ("acme/b", 6, 0), ("acme/b", 5, 5), ("acme/a", 6, 5)
    for name, github_id, after in names[:2]:
        await platform.append(Facts(pull_requests=(reviewed(name, github_id=github_id, after=after),)))
    swapped = tuple(reviewed(name, github_id=github_id, after=after, number=2) for name, github_id, after in names[2:])
    await platform.append(Facts(pull_requests=swapped))
    assert {"acme/b": 5, "acme/a": 6} == {
        name: item.github_repo_id for name, item in (await platform.inside.repositories()).items()
    }


async def test_a_reported_rename_joins_what_was_known_by_name(platform: Platform) -> None:
    """A repository known by a former name alone turns out to be the one that a report names."""
    await platform.append(Facts(cicd=(deployed("acme/old"),)))
    await platform.append(Facts(pull_requests=(reviewed("acme/new", after=5),)))
    fact = RepositoryFact(
        event_timestamp=T0 + timedelta(minutes=3),
        repository=repository("acme/new"),
        previous_full_name="acme/old",
        is_active=False,
    )
    await platform.append(Facts(repositories=(fact,)))
    late = deployed("acme/old", run="2")
    await platform.append(Facts(cicd=(late,)))
    register = await platform.inside.repositories()
    assert register["acme/new"].repo_id == register["acme/old"].merged_into
    assert not register["acme/new"].is_active
    assert "acme/new" == (await platform.inside.events())[late.event_id]["full_name"]


# --- sprints, counts, letters, positions -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_newest_report_of_a_sprint_counts(platform: Platform, order: tuple[int, ...]) -> None:
    """A sprint is as its newest report says, in whatever order reports come; tickets alone make it known."""
    reports = [
        SprintFact(event_timestamp=T0 + timedelta(days=day), jira_sprint_id="7", name=f"Sprint {day}", state=state)
        for day, state in enumerate(("future", "active", "closed"))
    ]
    await platform.append(
        Facts(work_items=(moved_to("x", fields=TicketFields(jira_sprint_id="7")),)),
        Facts(work_items=(moved_to("x", after=1, fields=TicketFields(jira_sprint_id="8")),)),
    )
    for position in order:
        await platform.append(Facts(sprints=(reports[position],)))
    assert {"7": ("Sprint 2", "closed"), "8": (None, None)} == await platform.inside.sprints()


async def test_deliveries_are_counted(platform: Platform) -> None:
    """Deliveries are counted by door, outcome, kind and reason, with their new facts and their duplicates."""
    facts = Facts(work_items=(moved_to("In Dev"),))
    ignored = delivery(uid="i", outcome=Outcome.IGNORED, kind="labeled", reason="no event")
    await platform.events.append(Batch(deliveries=[delivery(facts), ignored, delivery(facts, kind=None)]))
    await platform.events.append(Batch(deliveries=[delivery(facts), ignored]))
    assert {
        ("jira", "understood", "issue_updated", ""): (2, 1, 1),
        ("jira", "understood", "", ""): (1, 0, 1),
        ("jira", "ignored", "labeled", "no event"): (2, 0, 0),
    } == await platform.inside.intake()


async def test_unread_payloads_wait_and_expire(platform: Platform) -> None:
    """An unknown payload is kept, sealed, for 30 days; a second delivery of it changes nothing."""
    unknown = delivery(uid="u", outcome=Outcome.UNKNOWN, kind=None, reason="no time")
    later = delivery(uid="v", outcome=Outcome.UNKNOWN, received_at=T0 + timedelta(hours=1))
    sealed = {unknown.delivery_uid: b"\x00sealed"}
    await platform.events.append(Batch(deliveries=[unknown, later], sealed=sealed))
    await platform.events.append(Batch(deliveries=[unknown], sealed={unknown.delivery_uid: b"other"}))
    letters = await platform.events.dead_letters()
    assert [later.delivery_uid, unknown.delivery_uid] == [letter.delivery_uid for letter in letters]
    assert ("no time", None, T0 + timedelta(days=30)) == (letters[1].reason, letters[1].kind, letters[1].expires_at)
    assert [later.delivery_uid] == [letter.delivery_uid for letter in await platform.events.dead_letters(limit=1)]
    assert b"\x00sealed" == await platform.events.dead_letter(unknown.delivery_uid)
    assert None is await platform.events.dead_letter(later.delivery_uid)
    assert 1 == await platform.events.expire_dead_letters(now=T0 + timedelta(days=30))
    assert None is await platform.events.dead_letter(unknown.delivery_uid)
    assert None is await platform.events.dead_letter(UUID(int=0))


async def test_archive_positions_only_advance(platform: Platform) -> None:
    """The records of a segment that are written never become fewer."""
    for records in ((3, 9), (5, 2)):
        positions = [Position(segment=segment, record=record) for segment, record in zip("ab", records, strict=True)]
        await platform.events.append(Batch(deliveries=[], positions=positions))
    assert {"a": 5, "b": 9} == await platform.events.settled()


async def test_texts_that_a_database_cannot_keep_are_mended(platform: Platform) -> None:
    """A NUL character in a text keeps no fact out."""
    odd = moved_to("In\x00Dev", blocked_reason="\\u0000 \x00 \\", fields=TicketFields(labels=("a\x00", 'b"', "{c,d}")))
    assert (Appended(accepted=1),) == await platform.append(Facts(work_items=(odd,)))
    assert (Appended(duplicates=1),) == await platform.append(Facts(work_items=(odd,)))


# --- order does not matter --------------------------------------------------------------------------------------------

_tickets = st.builds(
    moved_to,
    st.sampled_from(["To Do", "In Dev"]),
    ticket=st.sampled_from(["PAY-1", "PAY-2", "OPS-1"]),
    issue=st.none(),
    after=st.integers(0, 3),
)
# One change is reported with different times and contents.
_changes = st.builds(
    moved_to,
    st.sampled_from(["To Do", "In Dev"]),
    ticket=st.sampled_from(["PAY-1", "OPS-1"]),
    after=st.sampled_from([0, 0.01, 3]),
    change=st.sampled_from("012"),
    fields=st.sampled_from([None, TicketFields(), TicketFields(story_points=3, labels=("a", "b"))]),
)
_reviews = st.builds(
    reviewed,
    st.sampled_from(["acme/a", "acme/b", "acme-web/a"]),
    github_id=st.sampled_from([5, 6, 7]),
    number=st.integers(1, 2),
    after=st.integers(0, 400),
)
_deployments = st.builds(
    deployed,
    st.sampled_from([None, "acme/ledger"]),
    run=st.sampled_from("12"),
    after=st.sampled_from([0, 1]),
    commit_sha=st.sampled_from([None, "c", "d"]),
)
_facts = st.one_of(
    st.builds(Facts, work_items=st.tuples(_tickets | _changes)),
    st.builds(Facts, pull_requests=st.tuples(_reviews)),
    st.builds(Facts, cicd=st.tuples(_deployments)),
)


@asynccontextmanager
async def _new_platform(family: str, server: TestServer) -> AsyncIterator[Platform]:
    if family == "memory":
        yield memory_platform()
        return
    with server.database(template=server.template) as url:
        async with Database(url, max_size=2) as database:
            yield postgres_platform(database)


async def _outcome(family: str, server: TestServer, batches: list[list[Facts]]) -> tuple[int, Any]:
    async with _new_platform(family, server) as platform:
        await platform.configure(ORGANISATION)
        accepted = 0
        for batch in batches:
            accepted += sum(result.accepted for result in await platform.append(*batch))
        events = await platform.inside.events()
        keys = {(kind, key) for _, kind, key in await platform.inside.stale()}
        inside = platform.inside
        return accepted, (set(events), await inside.other_reports(), await inside.ticket_keys(), keys)


@pytest.mark.parametrize(("family", "examples"), [("memory", 150), ("postgres", 6)])
def test_order_and_duplication_change_nothing(family: str, examples: int, postgres_server: TestServer) -> None:
    """Any order, grouping and repetition of the same deliveries leaves the same facts, counts each once as new, and
    marks the same things.
    """

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def any_order(data: st.DataObject) -> None:
        facts = data.draw(st.lists(_facts, min_size=1, max_size=10))
        again = data.draw(st.lists(st.sampled_from(facts), max_size=5))
        shuffled = data.draw(st.permutations(facts + again))
        cut = data.draw(st.integers(0, len(shuffled)))
        straight = asyncio.run(_outcome(family, postgres_server, [facts]))
        other = asyncio.run(_outcome(family, postgres_server, [shuffled[:cut], shuffled[cut:]]))
        assert straight == other
        assert straight[0] == len(straight[1][0])

    any_order()


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(_facts, max_size=6), max_size=4))
def test_memory_and_postgres_agree(postgres_server: TestServer, batches: list[list[Facts]]) -> None:
    """The same batches leave the same rows, marks and register in both families, which hold them all afterwards."""
    seen = []

    async def story(family: str) -> None:
        async with _new_platform(family, postgres_server) as platform:
            await platform.configure(ORGANISATION)
            results = [await platform.append(*batch) for batch in batches]
            inside = platform.inside
            stored = (await inside.events(), await inside.other_reports(), await inside.repositories())
            seen.append((results, stored, set(await inside.stale())))
            told = [facts for batch in batches for facts in batch]
            # One by one: a name that a later fact brought is no news to an earlier one.
            held = [(await platform.events.holds(facts))[0] for facts in told]
            assert all(held)
            await platform.append(*told)
            assert stored == (await inside.events(), await inside.other_reports(), await inside.repositories())

    asyncio.run(story("memory"))
    asyncio.run(story("postgres"))
    assert seen[0] == seen[1]


async def test_processes_with_overlapping_batches_do_not_block_each_other(database_url: str) -> None:
    """Several processes that append the same facts at once count each fact as new exactly once, and none fails."""
    facts = [
        Facts(
            work_items=(moved_to("In Dev", ticket=f"PAY-{number}", issue=str(number), change=str(number)),),
            pull_requests=(reviewed(f"acme/r{number % 7}", github_id=number % 7 + 1, number=number),),
        )
        for number in range(120)
    ]
    async with Database(database_url) as one, Database(database_url) as two, Database(database_url) as three:
        platforms = [postgres_platform(database) for database in (one, two, three)]
        orders = [facts, facts[::-1], facts[60:] + facts[:60]]
        appends = [
            platform.append(*order[start : start + 40])
            for platform, order in zip(platforms, orders, strict=True)
            for start in range(0, 120, 40)
        ]
        results = await asyncio.gather(*appends)
    assert 240 == sum(result.accepted for batch in results for result in batch)
    assert 480 == sum(result.duplicates for batch in results for result in batch)


async def test_processes_that_report_the_same_changes_differently_agree(database_url: str) -> None:
    """Several processes that append differing reports of the same changes at once leave the one that is to stand."""
    reports = [
        [moved_to("In Dev", ticket=f"PAY-{number}", issue=str(number), change="7", after=after) for number in range(40)]
        for after in (0.02, 0, 0.01)
    ]
    async with Database(database_url) as one, Database(database_url) as two, Database(database_url) as three:
        platforms = [postgres_platform(database) for database in (one, two, three)]
        results = await asyncio.gather(
            *(
                platform.append(*(Facts(work_items=(event,)) for event in events[start : start + 8]))
                for platform, events in zip(platforms, reports, strict=True)
                for start in range(0, 40, 8)
            )
        )
        assert {event.event_id for event in reports[1]} == set(await platforms[0].inside.events())
        others = {event.event_id for event in (*reports[0], *reports[2])}
        assert others == {event_id for _, event_id in await platforms[0].inside.other_reports()}
    assert (40, 80) == (
        sum(result.accepted for batch in results for result in batch),
        sum(result.duplicates for batch in results for result in batch),
    )


async def test_a_fact_is_held_once_it_is_told_just_so(platform: Platform) -> None:
    """What stands or was reported beside it is held; another report of the same change, and what is new, is not."""
    webhook = moved_to("In Dev", change="7")
    history = replace(webhook, event_timestamp=T0 - timedelta(seconds=1))
    third = replace(webhook, event_timestamp=T0 + timedelta(seconds=1))
    review = reviewed(source_change_id="9")
    push = PushEvent(
        event_timestamp=T0,
        repository=repository("acme/ledger"),
        branch_name="b",
        first_commit_sha="1",
        last_commit_sha="2",
        commit_count=2,
    )
    await platform.append(Facts(work_items=(webhook,), pull_requests=(review,), pushes=(push,), cicd=(deployed(),)))
    await platform.append(Facts(work_items=(history,)))
    asked = Facts(
        work_items=(webhook, history, third, moved_to("Done", after=5, change="8")),
        pull_requests=(review, replace(review, pr_number=review.pr_number + 1)),
        cicd=(deployed(), deployed(after=1)),
        pushes=(push,),
    )
    before = await platform.inside.events()
    assert (True, True, False, False, True, False, True, False, True) == await platform.events.holds(asked)
    assert before == await platform.inside.events()


async def test_what_tells_news_of_repositories_is_not_held(platform: Platform) -> None:
    """A repository that is called otherwise now is news, so that nothing which names it is left out."""
    first = reviewed(source_change_id="9")
    await platform.append(Facts(pull_requests=(first,)))
    assert (True,) == await platform.events.holds(Facts(pull_requests=(first,)))
    renamed = replace(first, repository=replace(first.repository, name="renamed"))
    assert (False, False) == await platform.events.holds(Facts(pull_requests=(first, renamed)))
