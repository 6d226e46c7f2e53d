"""Groups of the identity provider and the roles that they bring."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration, DeliveryStream, GroupRole, TechStream
from dpp.domain.group_roles import beside_manual, captured_streams, mapped_grants

PAYMENTS, LENDING, CORE = UUID(int=1), UUID(int=2), UUID(int=11)
VIEWER = Grant(role=Role.VIEWER)


def organisation(*rules: GroupRole) -> Configuration:
    """Return two delivery streams, one technology stream and a mapping table."""
    return Configuration(
        delivery_streams=(
            DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),
            DeliveryStream(stream_id=LENDING, name="lending", display_name="Lending & Savings"),
        ),
        tech_streams=(
            TechStream(stream_id=CORE, name="core", display_name="Core", github_org="acme", github_install_id="1"),
        ),
        group_roles=rules,
    )


def brought(groups: list[str], *rules: GroupRole) -> set[Grant]:
    """Return what groups bring."""
    return set(mapped_grants(groups=groups, configuration=organisation(*rules)))


def lead(delivery: UUID | None = None, tech: UUID | None = None) -> Grant:
    """Return the leading of streams."""
    return Grant(role=Role.STREAM_LEAD, delivery_stream_id=delivery, tech_stream_id=tech)


def test_a_group_is_matched_by_its_exact_value() -> None:
    """A row for one group brings its role for its streams to that group, and nothing to one of a similar name."""
    rule = GroupRole(role="stream_lead", group="leads", delivery_stream="payments", tech_stream="core")
    assert {lead(PAYMENTS, CORE)} == brought(["leads", "others"], rule)
    assert set() == brought(["Leads", "leads ", "my-leads", "leads-of-all", ""], rule)


def test_groups_add_up() -> None:
    """Several groups bring all of their roles, and no group brings none."""
    rules = (
        GroupRole(role="viewer", group="staff"),
        GroupRole(role="stream_lead", group="leads", delivery_stream="payments"),
        GroupRole(role="platform_admin", group="admins"),
    )
    assert {VIEWER, lead(PAYMENTS)} == brought(["leads", "staff"], *rules)
    assert set() == brought([], *rules)


@pytest.mark.parametrize(
    ("pattern", "group", "grants"),
    [
        ("^dpp-(?P<delivery_stream>.+)-leads$", "dpp-payments-leads", {lead(PAYMENTS)}),
        ("^dpp-(?P<delivery_stream>.+)-leads$", "dpp-PAYMENTS-leads", {lead(PAYMENTS)}),
        ("^dpp-(?P<delivery_stream>.+)-leads$", "dpp-Lending & Savings-leads", {lead(LENDING)}),
        ("^dpp-(?P<tech_stream>.+)-leads$", "dpp-core-leads", {lead(None, CORE)}),
        ("^dpp-(?P<delivery_stream>[a-z]+)-(?P<tech_stream>[a-z]+)$", "dpp-payments-core", {lead(PAYMENTS, CORE)}),
        ("^dpp-(.+)-leads$", "dpp-payments-leads", {lead(PAYMENTS)}),
        ("^dpp-(?:payments|lending)-leads$", "dpp-lending-leads", {lead()}),
        ("^dpp-(.+)-leads$", "dpp-unknown-leads", set()),
        ("^dpp-(.+)-leads$", "dpp-core-leads", set()),
        ("^dpp-(?P<delivery_stream>[a-z]+)-(?P<tech_stream>[a-z]+)$", "dpp-payments-nothing", set()),
        ("^dpp(?:-(?P<delivery_stream>[a-z]+))?$", "dpp", set()),
        ("^dpp-(.+)-leads$", "dpp-payments-leads\n", set()),
        ("^dpp-(.+)-leads$", "not-dpp-payments-leads", set()),
        ("^a$|^dpp.*", "dpp-payments-leads-of-old", {lead()}),
        ("^(.+)$", "x" * 300, set()),
    ],
)
def test_a_pattern_must_match_the_whole_group(pattern: str, group: str, grants: set[Grant]) -> None:
    """A stream that the expression captures limits the role; one that is unknown, or was not captured, brings none."""
    assert grants == brought([group], GroupRole(role="stream_lead", pattern=pattern))


def test_a_pattern_matches_several_groups() -> None:
    """One row brings a role for each stream that a group names."""
    rule = GroupRole(role="stream_lead", pattern="^(?P<delivery_stream>.+)-leads$")
    assert {lead(PAYMENTS), lead(LENDING)} == brought(["payments-leads", "lending-leads", "payments"], rule)


def test_the_stream_of_a_row_comes_before_an_unnamed_capture() -> None:
    """Where the row names its stream, brackets only group; a named capture beside it opens the other kind."""
    rule = GroupRole(role="stream_lead", pattern="^dpp-(.+)-leads$", delivery_stream="payments")
    assert {lead(PAYMENTS)} == brought(["dpp-lending-leads"], rule)
    both = GroupRole(role="stream_lead", pattern="^(?P<tech_stream>.+)-leads$", delivery_stream="payments")
    assert {lead(PAYMENTS, CORE)} == brought(["core-leads"], both)


def test_a_stream_that_is_gone_brings_nothing() -> None:
    """A row for a stream that does not exist never becomes one for all streams."""
    assert set() == brought(["g"], GroupRole(role="viewer", group="g", delivery_stream="gone"))


def test_administration_is_never_of_one_stream() -> None:
    """A captured stream does not bring the platform's administration."""
    assert set() == brought(["payments-admins"], GroupRole(role="platform_admin", pattern="^(.+)-admins$"))


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        (GroupRole(role="viewer", group="g"), ()),
        (GroupRole(role="viewer", pattern="^a.*$"), ()),
        (GroupRole(role="viewer", pattern="^(.+)$"), ("delivery_stream",)),
        (GroupRole(role="viewer", pattern="^(.+)$", tech_stream="core"), ()),
        (GroupRole(role="viewer", pattern="^(?P<tech_stream>.+)$"), ("tech_stream",)),
    ],
)
def test_what_a_row_captures_is_known_beforehand(rule: GroupRole, kinds: tuple[str, ...]) -> None:
    """The kinds of stream that a row names by capturing them can be told without a group."""
    assert kinds == captured_streams(rule)


def test_what_was_assigned_by_hand_wins() -> None:
    """For the very streams that a grant by hand is for, it alone counts; mapped grants for other streams hold."""
    by_hand = Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS)
    assert {lead(LENDING), lead()} == beside_manual(mapped=[lead(PAYMENTS), lead(LENDING), lead()], manual=[by_hand])


@given(st.lists(st.text(max_size=12), max_size=6), st.lists(st.sampled_from(["staff", "payments-leads"]), max_size=2))
def test_only_listed_groups_bring_anything(strange: list[str], known: list[str]) -> None:
    """Whatever else the provider sends, a person's roles are those of the groups that the table knows."""
    rules = (
        GroupRole(role="viewer", group="staff"),
        GroupRole(role="stream_lead", pattern="^(?P<delivery_stream>payments|lending)-leads$"),
    )
    others = [group for group in strange if group not in ("staff", "payments-leads", "lending-leads")]
    expected = {grant for name, grant in (("staff", VIEWER), ("payments-leads", lead(PAYMENTS))) if name in known}
    assert expected == brought([*others, *known], *rules)
