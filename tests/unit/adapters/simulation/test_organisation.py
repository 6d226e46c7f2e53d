"""The simulated organisation as a whole: repeatable, ordered, extendable, and full of the oddities that it promises."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dpp.adapters.simulation import QUIET, Delivery, SimulatedOrganisation, Size, signed

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def organisation() -> SimulatedOrganisation:
    """Six small weeks."""
    return SimulatedOrganisation(11, start=START, weeks=6, size=Size.SMALL)


@pytest.fixture(scope="module")
def deliveries(organisation: SimulatedOrganisation) -> list[Delivery]:
    """What happened in them."""
    return list(organisation.deliveries())


def fingerprint(deliveries: Iterable[Delivery]) -> str:
    """A digest over everything that would go over the wire."""
    digest = hashlib.sha256()
    for delivery in deliveries:
        digest.update(repr((delivery.at, delivery.path, sorted(delivery.headers.items()))).encode() + delivery.body)
    return digest.hexdigest()


def changelogs(deliveries: Iterable[Delivery]) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Payload and changelog items of every Jira update that has some."""
    for delivery in deliveries:
        if delivery.source == "jira":
            payload = json.loads(delivery.body)
            if payload["webhookEvent"] == "jira:issue_updated" and "changelog" in payload:
                yield payload, payload["changelog"]["items"]


def test_same_seed_same_bytes(deliveries: list[Delivery]) -> None:
    """Two organisations of one seed send the same bytes under the same ids; another seed sends others."""
    again, other = (SimulatedOrganisation(seed, start=START, weeks=6, size=Size.SMALL) for seed in (11, 12))
    assert fingerprint(deliveries) == fingerprint(again.deliveries())
    assert fingerprint(deliveries) != fingerprint(other.deliveries())


def test_start_in_another_zone_is_the_same_moment(deliveries: list[Delivery]) -> None:
    """The zone in which the start is written changes nothing."""
    start = START.astimezone(ZoneInfo("Asia/Tokyo"))
    again = SimulatedOrganisation(11, start=start, weeks=6, size=Size.SMALL)
    assert fingerprint(deliveries) == fingerprint(again.deliveries())


def test_history_and_live_make_a_longer_history(deliveries: list[Delivery]) -> None:
    """Six weeks and what comes live after them are the eight weeks that were planned at once."""
    six = SimulatedOrganisation(11, start=START, weeks=6, size=Size.SMALL)
    eight = SimulatedOrganisation(11, start=START, weeks=8, size=Size.SMALL)
    expected = list(eight.deliveries())
    live = itertools.takewhile(lambda delivery: delivery.at < eight.end, six.live())
    # An alarm that is sent after its own resolution may lie on the border; everything else must be there once.
    got = {delivery.body for delivery in itertools.chain(six.deliveries(), live)}
    missing = [delivery for delivery in expected if delivery.body not in got]
    assert all(delivery.source == "incident" for delivery in missing)
    assert len(missing) <= 2
    assert len(deliveries) < len(expected)


def test_deliveries_are_in_order(organisation: SimulatedOrganisation, deliveries: list[Delivery]) -> None:
    """Deliveries come in the order of time and begin with the ping of the new webhook."""
    assert [delivery.at for delivery in deliveries] == sorted(delivery.at for delivery in deliveries)
    assert ("ping", START) == (deliveries[0].headers["X-GitHub-Event"], deliveries[0].at)
    assert organisation.start + timedelta(weeks=6) == organisation.end


def test_delivery_ids_are_unique(deliveries: list[Delivery]) -> None:
    """GitHub never sends two deliveries under one id."""
    ids = Counter(delivery.headers["X-GitHub-Delivery"] for delivery in deliveries if delivery.source == "github")
    assert 1 == max(ids.values())


def test_signatures(deliveries: list[Delivery]) -> None:
    """Each source proves its deliveries in its own header, over the raw body."""
    secrets = {"github_secret": b"g", "jira_secret": b"j", "api_key": "dpp_1_x"}
    first: dict[str, Delivery] = {delivery.source: delivery for delivery in reversed(deliveries)}
    for source, header, secret in (("github", "X-Hub-Signature-256", b"g"), ("jira", "X-Hub-Signature", b"j")):
        body = first[source].body
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        assert expected == signed(first[source], **secrets).headers[header]  # type: ignore[arg-type]
    assert "Bearer dpp_1_x" == signed(first["deployment"], **secrets).headers["Authorization"]  # type: ignore[arg-type]
    assert "Authorization" not in first["deployment"].headers


def test_sizes_are_those_of_real_payloads(deliveries: list[Delivery]) -> None:
    """A pull request weighs 20 to 32 kB and an issue 4 to 14 kB, as the real ones do."""
    pulls = [len(one.body) for one in deliveries if one.headers.get("X-GitHub-Event") == "pull_request"]
    issues = [len(one.body) for one in deliveries if b'"jira:issue_' in one.body[:120]]
    assert 20_000 < min(pulls) <= max(pulls) < 32_000
    assert 4_000 < min(issues) <= max(issues) < 14_000


def test_every_kind_of_delivery_occurs(deliveries: list[Delivery]) -> None:
    """Six weeks hold every event that intake must understand, and some that it must ignore."""
    names = {delivery.headers.get("X-GitHub-Event") for delivery in deliveries} - {None}
    assert {
        "ping", "installation", "repository", "pull_request", "pull_request_review", "push", "workflow_run",
        "deployment", "deployment_status",
    } == names  # fmt: skip
    jira = {json.loads(delivery.body)["webhookEvent"] for delivery in deliveries if delivery.source == "jira"}
    assert {"jira:issue_created", "jira:issue_updated", "comment_created"} <= jira
    assert {"deployment", "incident"} <= {delivery.source for delivery in deliveries}


def test_oddities_of_tickets() -> None:
    """Half a year holds moves, re-openings, blocks, cancellations, late attribution, deletions and noise."""
    half_year = SimulatedOrganisation(3, start=START, weeks=26, size=Size.SMALL)
    told = [delivery for delivery in half_year.deliveries() if delivery.source == "jira"]
    seen: Counter[str] = Counter()
    for payload, items in changelogs(told):
        fields = {item["field"]: item for item in items}
        status = fields.get("status")
        seen["moved"] += "Key" in fields
        seen["moved with status"] += "Key" in fields and status is not None
        seen["several facts"] += len(items) > 2
        seen["raised"] += fields.get("Flagged", {}).get("toString") == "Impediment"
        seen["cleared"] += fields.get("Flagged", {}).get("toString") == ""
        seen["blocked by a stream"] += "Blocking Technology" in fields
        seen["attributed"] += "Introduced In Stage" in fields
        seen["won't do"] += fields.get("resolution", {}).get("toString") in {"Won't Do", "Duplicate"}
        seen["resolution alone"] += "resolution" in fields and status is None
        seen["tagged late"] += "Delivery Stream" in fields or "Technology Streams" in fields
        seen["server"] += "fieldId" not in items[0] and payload["issue"]["key"].startswith("INS2-")
        if status is not None:
            seen["same status"] += status["from"] == status["to"]
            seen["reopened"] += status["fromString"] in {"Done", "Closed"}
            seen["rework"] += (status["fromString"], status["toString"]) == ("Ready for QA", "In QA")
            seen["unmapped"] += status["toString"] in {"Awaiting Vendor", "On Ice"}
    seen["deleted"] = sum(b"jira:issue_deleted" in delivery.body[:120] for delivery in told)
    assert [] == [name for name, count in seen.items() if count == 0]


def test_one_instant_one_change() -> None:
    """No two changes of one ticket share a millisecond, and no two events of a pull request a second."""
    plan = SimulatedOrganisation(5, start=START, weeks=10, size=Size.MEDIUM).plan
    for ticket in plan.tickets:
        times = [change.at for change, _, _ in ticket.entries]
        assert len(times) == len(set(times))
        assert times == sorted(times)
        assert all(at.microsecond % 1000 == 0 for at in times)
    for request in plan.requests:
        moments = [event.at for event in request.events if event.what != "pushed"]
        assert len(moments) == len(set(moments))
        assert all(at.microsecond == 0 for at in moments)


def test_every_update_changes_something() -> None:
    """An update from Jira Cloud that is no comment lists at least one changed field."""
    told = SimulatedOrganisation(7, start=START, weeks=10, size=Size.MEDIUM).deliveries()
    for payload in (json.loads(delivery.body) for delivery in told if delivery.source == "jira"):
        if payload["webhookEvent"] == "jira:issue_updated" and "comment" not in payload:
            assert payload["changelog"]["items"]


def test_bugs_without_a_field_have_a_parent_in_a_test_stage() -> None:
    """Where a bug's own field is empty and it has a parent, that parent was in QA or UAT when it was logged."""
    plan = SimulatedOrganisation(5, start=START, weeks=10, size=Size.MEDIUM).plan
    bugs = [ticket for ticket in plan.tickets if ticket.parent is not None and ticket.first.found_in is None]
    assert len(bugs) > 10
    for bug in bugs:
        state = bug.parent.state_at(bug.created_at) if bug.parent else None
        assert state is not None
        assert state.step in {"qa", "uat"}


def test_people_are_named_in_payloads_and_nowhere_else(
    organisation: SimulatedOrganisation, deliveries: list[Delivery]
) -> None:
    """The payloads carry the people's names as the sources do; the configuration carries none."""
    everything = b"".join(delivery.body for delivery in deliveries)
    assert 24 == len(organisation.people)
    identifiers = [name for person in organisation.people for name in person.identifiers]
    assert len(identifiers) == len(set(identifiers))
    for attribute in ("name", "email", "login", "account_id"):
        assert any(getattr(person, attribute).encode() in everything for person in organisation.people)
    assert any(b'"name":"%s"' % person.jira_name.encode() in everything for person in organisation.people)
    configuration = organisation.configuration_toml()
    assert not [name for name in identifiers if name in configuration]


def test_a_quiet_organisation_has_nothing_odd() -> None:
    """With every rate at zero each ticket goes forward only and no deployment fails."""
    quiet = SimulatedOrganisation(2, start=START, weeks=8, size=Size.SMALL, rates=QUIET)
    figures = quiet.truth(as_of=quiet.end)
    assert (0.0, 0, 0) == (figures.deployments.change_failure_rate, figures.unmapped, figures.unstarted)
    assert not {"backlog", "done", "unmapped"} & set(figures.stage_durations)
    assert figures.cycle_time_sample > 0


def test_truth_of_all_holds_the_streams(organisation: SimulatedOrganisation) -> None:
    """Work in progress of the three streams is that of all, less the tickets that no stream claims."""
    as_of = organisation.end - timedelta(days=3)
    whole = organisation.truth(as_of=as_of)
    parts = [
        organisation.truth(as_of=as_of, delivery_stream=name) for name in ("payments", "onboarding", "insights")
    ]  # fmt: skip
    assert sum(part.wip_total for part in parts) <= whole.wip_total
    assert whole.cycle_time_p50 is not None
    assert whole.cycle_time_p85 is not None
    assert 0 < whole.cycle_time_p50 <= whole.cycle_time_p85
    assert {stage for part in parts for stage in part.wip} == set(whole.wip)


def test_configuration_file(organisation: SimulatedOrganisation) -> None:
    """The configuration is TOML with every stream, organisation, repository, project and mapped status."""
    parsed = tomllib.loads(organisation.configuration_toml())
    assert {
        "platform", "delivery_streams", "tech_streams", "repositories", "jira_projects", "status_mappings",
        "environments",
    } == set(parsed)  # fmt: skip
    assert "Europe/London" == parsed["platform"]["time_zone"]
    assert "2026-04-03" in parsed["platform"]["extra_holidays"]
    assert ["payments", "onboarding", "insights"] == [stream["name"] for stream in parsed["delivery_streams"]]
    projects = {project["key"]: project for project in parsed["jira_projects"]}
    assert (["project"], "payments") == (projects["PAY"]["delivery_stream_from"], projects["PAY"]["delivery_stream"])
    assert (["field", "label", "component"], None) == (
        projects["PLT"]["delivery_stream_from"], projects["PLT"].get("delivery_stream"),
    )  # fmt: skip
    assert "customfield_10050" == projects["PAY"]["fields"]["delivery_stream"]
    queue = [row for row in parsed["status_mappings"] if (row["project"], row["status"]) == ("PAY", "Ready for QA")]
    assert [{"project": "PAY", "status": "Ready for QA", "stage": "qa", "active": False, "order": 6}] == queue
    assert not [row for row in parsed["status_mappings"] if row["status"] in {"Awaiting Vendor", "On Ice"}]


@pytest.mark.parametrize(("start", "weeks"), [(datetime(2026, 1, 5), 2), (START, 0)])
def test_impossible_organisations(start: datetime, weeks: int) -> None:
    """A start without a zone and a history of no weeks are refused."""
    with pytest.raises(ValueError, match=r"zone|weeks"):
        SimulatedOrganisation(1, start=start, weeks=weeks, size=Size.SMALL)
