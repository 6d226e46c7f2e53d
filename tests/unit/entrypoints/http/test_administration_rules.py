"""Rules, repositories, projects and the file, administered over HTTP and on pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration, EnvironmentRule, GroupRole
from dpp.domain.events import CicdEventType, Event, PullRequestEventType, WorkItemEventType
from tests.support.administering import administrated, shown_values
from tests.support.derivation import (
    CONFIGURATION,
    CORE,
    PAYMENTS,
    delivery,
    deployment_event,
    finished_ticket,
    pull_request_event,
    ticket_event,
)

pytestmark = pytest.mark.anyio

TECH_LEAD = (Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),)
PAGES = (
    "/admin",
    "/admin/repositories",
    "/admin/jira-projects",
    "/admin/jira-projects/PAY",
    "/admin/sprints",
    "/admin/pull-requests",
    "/admin/platform",
    "/admin/environments",
    "/admin/severities",
    "/admin/group-roles",
    "/admin/configuration",
    "/admin/data-quality",
    "/admin/connections",
    "/admin/integration-health",
    "/admin/dead-letters",
)


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


async def test_every_page_opens_to_an_administrator() -> None:
    """Each page answers with its title, none is kept by the browser, and nothing in it runs or styles inline."""
    async with administrated() as admin:
        for path in PAGES:
            page = await admin.page(path)
            assert (200, "no-store") == (page.status_code, page.headers["cache-control"]), path
            assert 1 == page.text.count("<h1>")
            assert (' style="' in page.text, "onclick" in page.text) == (False, False)


async def test_pages_of_all_streams_are_closed_to_leads() -> None:
    """Rules, groups, the file, health and payloads name everybody's streams, and open to administrators only."""
    async with administrated(TECH_LEAD) as lead:
        statuses = {path: (await lead.page(path)).status_code for path in PAGES}
        open_to_leads = {path for path, status in statuses.items() if status == 200}
        assert {
            "/admin",
            "/admin/repositories",
            "/admin/sprints",
            "/admin/pull-requests",
            "/admin/data-quality",
        } == open_to_leads
        assert {200, 403} == set(statuses.values())
        for path in ("/platform", "/environments", "/severities", "/group-roles", "/jira-projects", "/dead-letters"):
            assert 403 == (await lead.call("GET", path)).status_code
        assert [403, 403] == [
            (await lead.page("/admin/configuration/dpp.toml")).status_code,
            (await lead.send("/admin/environments", {"pattern": "x", "environment": "dev"})).status_code,
        ]


async def test_the_platform_is_changed_by_key() -> None:
    """What is sent is changed and the rest stays; a value out of range is refused by name."""
    async with administrated() as admin:
        before = (await admin.call("GET", "/platform")).json()["data"]
        changes = {"time_zone": "Europe/London", "holidays": ["GB-ENG"], "window_days": 14}
        changed = await admin.call("PATCH", "/platform", changes, revision=before["revision"])
        assert [
            "platform: calendar.time_zone UTC → Europe/London",
            "platform: calendar.holidays none → GB-ENG",
            "platform: window_days 30 → 14",
        ] == changed.json()["data"]["changes"]
        wrong = await admin.call("PATCH", "/platform", {"holidays": ["ATLANTIS"]}, revision="*")
        assert (422, True) == (wrong.status_code, wrong.json()["error"]["message"].startswith("holidays.0: "))


async def test_lists_are_replaced_as_a_whole() -> None:
    """Environments keep their order; a pattern that is none, or a role that is none, is told with its row."""
    async with administrated() as admin:
        empty = (await admin.call("GET", "/environments")).json()["data"]
        rows = [
            {"pattern": "(?i)^prod", "environment": "production"},
            {"pattern": "^p", "environment": "staging"},
        ]
        made = await admin.call("PUT", "/environments", {"environments": rows}, revision=empty["revision"])
        assert 200 == made.status_code
        read = (await admin.call("GET", "/environments")).json()["data"]
        assert (rows, False) == (read["environments"], read["revision"] == empty["revision"])
        rows[1]["pattern"] = "("
        wrong = await admin.call("PUT", "/environments", {"environments": rows}, revision=read["revision"])
        assert (422, True) == (wrong.status_code, wrong.json()["error"]["message"].startswith("1.pattern: "))
        groups = {"group_roles": [{"role": "stream_lead", "group": "g", "delivery_stream": "paymnets"}]}
        lost = await admin.call("PUT", "/group-roles", groups, revision="*")
        assert (
            "0.delivery_stream: there is no stream 'paymnets' (did you mean 'payments'?)"
            == lost.json()["error"]["message"]
        )
        severities = (await admin.call("GET", "/severities")).json()["data"]["severities"]
        assert 5 == len(severities)


async def test_a_list_page_shows_what_was_typed_with_what_to_mend() -> None:
    """A wrong row stays as it was typed with its problem beside it; blank rows are left out when it is saved."""
    async with administrated() as admin:
        page = (await admin.page("/admin/group-roles")).text
        fields = {
            "revision": shown_values(page)["revision"],
            "group": ["", "dpp-leads", ""],
            "pattern": ["", "", ""],
            "role": ["viewer", "stream_lead", "viewer"],
            "delivery_stream": ["", "payments", ""],
            "tech_stream": ["", "", ""],
        }
        wrong = await admin.send("/admin/group-roles", {**fields, "pattern": ["", "^x$", ""]})
        assert 422 == wrong.status_code
        assert "give either group, for one group, or pattern, for several" in wrong.text
        assert 'value="dpp-leads"' in wrong.text
        assert 303 == (await admin.send("/admin/group-roles", fields)).status_code
        expected = GroupRole(role="stream_lead", group="dpp-leads", delivery_stream="payments")
        assert (expected,) == (await admin.configuration()).group_roles
        late = await admin.send("/admin/group-roles", fields)
        assert (409, True) == (late.status_code, "Somebody else has changed this list" in late.text)


async def test_a_number_that_is_none_is_told() -> None:
    """A word where a number belongs is shown again with what belongs there."""
    async with administrated() as admin:
        fields = {
            "revision": "*",
            "severity": ["high"],
            "impacted_streams": ["two"],
            "confidence_below": ["70 %"],
        }
        wrong = await admin.send("/admin/severities", fields)
        assert (422, True) == (wrong.status_code, "must be a whole number<" in wrong.text)
        assert 303 == (await admin.send("/admin/severities", {**fields, "impacted_streams": ["2"]})).status_code
        [row] = (await admin.configuration()).severities
        assert (2, 70.0) == (row.impacted_streams, row.confidence_below)


async def test_repositories_say_where_they_were_found() -> None:
    """Repositories that were found and that are only described are told apart; a word can be taken back."""
    found = [pull_request_event(PullRequestEventType.OPENED, 3)]
    pushed = deployment_event(CicdEventType.DEPLOY_COMPLETED, 5, environment="production")
    async with administrated(deliveries=[delivery(*found), delivery(pushed)]) as admin:
        rows = {row["full_name"]: row for row in (await admin.call("GET", "/repositories")).json()["data"]}
        service = rows["acme-core/service"]
        assert ("core", "ecs:core", 1) == (service["tech_stream"], service["deploy_target"], service["pull_requests"])
        assert "configuration" == rows["acme-apps/service"]["found_by"]
        path = "/repositories/acme-core/service"
        said = await admin.call("PATCH", path, {"is_deployable": False}, revision=service["revision"])
        assert ["repository acme-core/service: is_deployable none → no"] == said.json()["data"]["changes"]
        nothing = dict.fromkeys(("is_deployable", "deploy_target", "default_branch"))
        assert 200 == (await admin.call("PATCH", path, nothing, revision="*")).status_code
        assert ["acme-apps/service"] == [row.full_name for row in (await admin.configuration()).repositories]
        new = await admin.call("PATCH", "/repositories/acme-core/new", {"deploy_target": "ecs:new"}, revision="*")
        assert ["repository acme-core/new: added"] == new.json()["data"]["changes"]


async def test_a_technology_lead_describes_their_repositories() -> None:
    """The lead of a technology stream says whether its repositories deploy, not where to; others are not there."""
    found = [
        pull_request_event(PullRequestEventType.OPENED, 3),
        pull_request_event(PullRequestEventType.OPENED, 3, org="acme-apps"),
    ]
    async with administrated(TECH_LEAD, deliveries=[delivery(*found)]) as lead:
        rows = (await lead.call("GET", "/repositories")).json()["data"]
        assert ["acme-core/service"] == [row["full_name"] for row in rows]
        own = "/repositories/acme-core/service"
        assert 200 == (await lead.call("PATCH", own, {"is_deployable": False}, revision="*")).status_code
        assert 403 == (await lead.call("PATCH", own, {"deploy_target": "ecs:theirs"}, revision="*")).status_code
        other = await lead.call("PATCH", "/repositories/acme-apps/service", {"is_deployable": False}, revision="*")
        assert (404, 404) == (other.status_code, (await lead.page("/admin/repositories/acme-apps/service")).status_code)
        page = await lead.page("/admin/repositories/acme-core/service")
        assert (200, False) == (page.status_code, "deploy_target" in page.text)
        sent = await lead.send("/admin/repositories/acme-core/service", shown_values(page.text))
        assert 303 == sent.status_code


async def test_a_project_is_described_on_its_page() -> None:
    """A project is added with its stream, then given custom fields and resolutions that cancel."""
    seen = ticket_event(WorkItemEventType.CREATED, 1, key="NEW-1", issue="9", status="Somewhere")
    async with administrated(deliveries=[delivery(seen)]) as admin:
        assert "nobody has described came in: NEW" in (await admin.page("/admin/jira-projects")).text
        added = await admin.send("/admin/jira-projects", {"key": "new", "delivery_stream": "payments"})
        assert (303, "/admin/jira-projects/NEW?done=added") == (added.status_code, added.headers["location"])
        again = await admin.send("/admin/jira-projects", {"key": "NEW", "delivery_stream": ""})
        assert (409, True) == (again.status_code, "There is a Jira project &#39;NEW&#39; already" in again.text)
        fields = shown_values((await admin.page("/admin/jira-projects/NEW")).text) | {
            "field_sprint": "customfield_10020",
            "cancelled_resolutions": "Won't Do\nDuplicate",
        }
        wrong = await admin.send("/admin/jira-projects/NEW", {**fields, "delivery_stream_from": "feild\nlabel"})
        assert (422, True) == (wrong.status_code, "did you mean &#39;field&#39;" in wrong.text)
        assert 303 == (await admin.send("/admin/jira-projects/NEW", fields)).status_code
        project = (await admin.configuration()).project("NEW")
        assert ("payments", "customfield_10020", ("Won't Do", "Duplicate")) == (
            project.delivery_stream,
            project.fields.sprint,
            project.cancelled_resolutions,
        )


async def test_the_file_is_tried_then_applied() -> None:
    """A file says what it would change and changes nothing; applied, it does; a faulty one is told with its lines."""
    async with administrated() as admin:
        text = '[[environments]]\npattern = "^live"\nenvironment = "production"\n'
        tried = await admin.send("/admin/configuration", {"text": text, "do": "try"})
        line = "environment pattern ^live: added as production"
        assert (200, True, ()) == (tried.status_code, line in tried.text, (await admin.configuration()).environments)
        applied = await admin.send("/admin/configuration", {"text": text, "do": "apply"})
        assert (200, True) == (applied.status_code, "What was changed" in applied.text)
        assert (EnvironmentRule(pattern="^live", environment="production"),) == (
            await admin.configuration()
        ).environments
        wrong = await admin.send("/admin/configuration", {"text": f"{text}x = 1\n", "do": "apply"})
        assert (422, True, True) == (wrong.status_code, "line 4" in wrong.text, "^live" in wrong.text)
        assert "^live" in (await admin.page("/admin/configuration/dpp.toml")).text


async def test_a_pull_request_is_linked_on_the_page() -> None:
    """One without a ticket is listed and linked; a key that is none is shown again with what to mend."""
    lost = pull_request_event(PullRequestEventType.OPENED, 3, branch="main", number=9)
    async with administrated(deliveries=[delivery(lost)]) as admin:
        listed = (await admin.call("GET", "/unlinked-pull-requests")).json()["data"]
        assert [("acme-core/service", 9)] == [(row["repository"], row["pr_number"]) for row in listed]
        fields = shown_values((await admin.page("/admin/pull-requests?repository=acme-core/service&pr_number=9")).text)
        assert ("acme-core/service", "9") == (fields["repository"], fields["pr_number"])
        wrong = await admin.send("/admin/pull-requests", fields | {"ticket": "nothing"})
        assert (422, "NOTHING", True) == (
            wrong.status_code,
            shown_values(wrong.text)["ticket"].upper(),
            'id="ticket-problem"' in wrong.text,
        )
        assert 303 == (await admin.send("/admin/pull-requests", fields | {"ticket": "pay-1"})).status_code
        [link] = admin.stores.database.manual_links
        assert (9, "PAY-1") == (link.pr_number, link.ticket_id)


async def test_quality_is_shown_by_stream_against_its_targets() -> None:
    """Below its target a rate is marked with the target; who leads one stream sees that stream only."""
    lost = [pull_request_event(PullRequestEventType.OPENED, 3, branch="main", number=number) for number in (1, 2)]
    async with administrated(deliveries=[delivery(*lost)]) as admin:
        page = (await admin.page("/admin/data-quality")).text
        assert '<span class="is-low">0 %</span>' in page
        assert ("Logistics" in page, "Apps" in page) == (True, True)
    async with administrated(TECH_LEAD, deliveries=[delivery(*lost)]) as lead:
        page = (await lead.page("/admin/data-quality")).text
        assert ("Core" in page, "Logistics" in page, "Apps" in page) == (True, False, False)


async def test_an_archived_stream_that_is_named_elsewhere_stays() -> None:
    """A stream that a project is for cannot be archived, and it is said where it is named."""
    named = replace(CONFIGURATION, group_roles=(GroupRole(role="viewer", group="g", delivery_stream="logistics"),))
    async with administrated(configuration=named) as admin:
        kept = await admin.call("PATCH", "/delivery-streams/logistics", {"is_active": False}, revision="*")
        assert 422 == kept.status_code
        assert "jira_projects.delivery_stream: the stream 'logistics' is archived" in kept.json()["error"]["message"]
        assert "group_roles.delivery_stream" in kept.json()["error"]["message"]


async def test_what_a_lead_sees_does_not_depend_on_other_streams() -> None:
    """Nothing that a lead can open or read changes when other streams are set otherwise and get other tickets."""
    own: list[Event] = [
        *finished_ticket(number=1),
        ticket_event(WorkItemEventType.TRANSITIONED, 50, status="Odd", change="90"),
    ]
    foreign: list[Event] = [
        *finished_ticket(number=5, project="LOG"),
        ticket_event(WorkItemEventType.TRANSITIONED, 60, key="LOG-5", issue="10005", status="Odd", change="91"),
        pull_request_event(PullRequestEventType.OPENED, 3, branch="LOG-5", org="acme-apps"),
        pull_request_event(PullRequestEventType.OPENED, 4, branch="main", org="acme-apps", number=8),
    ]
    payments, logistics = CONFIGURATION.delivery_streams
    core, apps = CONFIGURATION.tech_streams
    other = replace(
        CONFIGURATION,
        delivery_streams=(payments, replace(logistics, display_name="Freight", team_size=70)),
        tech_streams=(core, replace(apps, display_name="Phones", branch_pattern=None, lead_time_method="commit")),
        status_mappings=tuple(row for row in CONFIGURATION.status_mappings if row.project == "PAY"),
        environments=(EnvironmentRule(pattern="^live", environment="production"),),
    )
    grants = (Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS), *TECH_LEAD)
    mapping = {"mappings": [{"status": "Odd", "stage": "qa", "active": True}]}
    pages = [path for path in PAGES if path not in ("/admin/jira-projects/PAY",)]
    pages += ["/admin/delivery-streams", "/admin/tech-streams", "/admin/status-mappings", f"/admin/tech-streams/{CORE}"]
    calls = ("delivery-streams", "tech-streams", "status-mappings", "repositories", "unlinked-pull-requests")

    async def seen(configuration: Configuration, *events: Event) -> list[str]:
        async with administrated(grants, configuration=configuration, deliveries=[delivery(*events)]) as lead:
            found = [(await lead.page(path)).text for path in pages]
            found += [(await lead.call("GET", f"/{path}")).text for path in calls]
            preview = await lead.call("POST", "/status-mappings/PAY/preview", mapping, revision="*")
            assert 200 == preview.status_code
            return [*found, preview.text]

    assert await seen(CONFIGURATION, *own) == await seen(other, *own, *foreign)
