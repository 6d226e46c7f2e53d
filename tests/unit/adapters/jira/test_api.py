"""The client of Jira's APIs: pages to their end, patience with what passes, and words for what does not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dpp.adapters.jira.proposing import as_toml, proposals
from dpp.adapters.jira.source import jql
from dpp.adapters.simulation.jira_api import Fault, Style
from dpp.application.source_errors import SourceRefused, SourceUnavailable
from dpp.application.ticket_source import Asked
from tests.support.simulated_jira import Wired, organisation, wired

PAY = Asked(project="PAY")


def ids(to: Wired, asked: Asked = PAY) -> list[str]:
    """Return the numbers of the tickets that a search finds."""
    return list(asyncio.run(to.source.ids(asked)))


def true_ids(project: str) -> set[str]:
    """Return the numbers of the tickets that a project has at the end."""
    end = organisation().end
    return {
        str(ticket.jira_id)
        for ticket in organisation().plan.tickets
        if (state := ticket.state_at(end)) is not None and state.project == project
    }


@pytest.mark.parametrize("style", ["cloud", "datacenter"])
@pytest.mark.parametrize("page_size", [3, 50])
def test_a_search_is_read_to_its_end(style: Style, page_size: int) -> None:
    """By token in Cloud and by number in Data Center, every ticket once, however few a page holds."""
    found = ids(wired(style, page_size=page_size))
    assert true_ids("PAY") == set(found)
    assert len(found) == len(set(found))


def test_cloud_is_asked_by_its_present_search() -> None:
    """Cloud's search is the one by token, Data Center's the one by number."""
    cloud, own = wired("cloud"), wired("datacenter")
    ids(cloud), ids(own)
    assert "/rest/api/3/search/jql" in {path for path, _ in cloud.jira.asked}
    assert "/rest/api/2/search" in {path for path, _ in own.jira.asked}


@pytest.mark.parametrize("style", ["cloud", "datacenter"])
@pytest.mark.parametrize(
    ("fault", "pauses"), [("rate_limit", [7.0]), ("server_error", [1.0]), ("timeout", [1.0]), ("truncated", [1.0])]
)
def test_what_passes_is_waited_for(style: Style, fault: Fault, pauses: list[float]) -> None:
    """After a rate limit as long as Jira says, after anything else a second; nothing is missing then."""
    to = wired(style)
    to.jira.faults = [None, fault]
    assert true_ids("PAY") == set(ids(to))
    assert pauses == to.slept


def test_what_does_not_pass_is_left_for_later() -> None:
    """Four attempts with longer and longer pauses, and then the next run."""
    to = wired()
    to.jira.faults = ["server_error"] * 4
    with pytest.raises(SourceUnavailable, match="status 503"):
        ids(to)
    assert [1.0, 2.0, 4.0] == to.slept


@pytest.mark.parametrize(("fault", "words"), [("unauthorised", "secret jira_api_token"), ("forbidden", "permission")])
def test_a_refusal_says_what_to_do(fault: Fault, words: str) -> None:
    """Nothing is tried again that a person has to mend, and no answer of Jira's is quoted."""
    to = wired()
    to.jira.faults = [None, fault]
    with pytest.raises(SourceRefused, match=words):
        ids(to)
    assert [] == to.slept


def test_a_wrong_token_is_refused() -> None:
    """The fake asks for the credentials that the client is to show: without them nobody gets in."""
    to = wired("datacenter")
    to.jira.token = "another"
    with pytest.raises(SourceRefused):
        ids(to)


def test_a_wrong_address_is_named() -> None:
    """An address that answers but is no Jira is a matter of base_url."""
    to = wired()
    to.jira.style = "datacenter"
    api: Any = to.api
    api._is_cloud = True
    to.jira.token = None
    with pytest.raises(SourceRefused, match="base_url"):
        asyncio.run(api.fields())


def test_only_what_has_changed_is_asked_for() -> None:
    """A time is written as minutes before the present, which no zone moves."""
    now = organisation().end
    asked = Asked(project="PAY", updated_since=now - timedelta(hours=30), unfinished=True)
    expected = 'project = "PAY" AND statusCategory != Done AND updated >= -1800m ORDER BY created ASC, key ASC'
    assert expected == jql(asked, now=now)
    assert set(ids(wired(), asked)) < true_ids("PAY")


def test_a_ticket_that_is_gone_is_none() -> None:
    """Jira shows no ticket of a number that it never gave."""
    assert None is asyncio.run(wired().source.ticket("999999"))


def test_fields_are_proposed_by_kind_and_name() -> None:
    """Of the simulated Jira every field of the configuration is found: the first made of two of one name."""
    found = {one.meaning: one for one in proposals(asyncio.run(wired().api.fields()))}
    assert "customfield_10020" == found["sprint"].field.id
    assert "customfield_10016" == found["story_points"].field.id
    assert "customfield_10050" == found["delivery_stream"].field.id
    assert "customfield_10062" == found["blocking_tech_stream"].field.id
    assert ["customfield_11104"] == [field.id for field in found["sprint"].others]
    assert "root_cause_category" not in found
    text = as_toml(found.values())
    assert 'found_in_stage = "customfield_10060"  # "Found In Stage", or customfield_11060 "Found In Stage"' in text
    assert "# root_cause_category: no field of this Jira resembles it" in text
