"""Changes of the configuration piece by piece: what they check, what they leave alone, and who may make them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.memory.access import MemoryAccessStore
from dpp.adapters.memory.configuration import MemoryConfigurationStore
from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.administration import Administration, InvalidChange
from dpp.application.affected import ConfigurationChanged
from dpp.application.configuration_authority import NotYours
from dpp.application.configuration_edits import (
    Add,
    Change,
    Edit,
    Remove,
    ReplaceList,
    ReplaceMappings,
    ReplaceTable,
    RevisionConflict,
    revision_of,
)
from dpp.application.configure import apply
from dpp.domain.access import (
    Grant,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    StreamScope,
    user_principal,
)
from dpp.domain.configuration import CalendarRules, Configuration, RepositoryOverride
from dpp.domain.errors import DppError, NotFound
from dpp.domain.stages import Stage, StatusMapping
from tests.support.access import HandClock
from tests.support.derivation import CONFIGURATION, CORE, LOGISTICS, PAYMENTS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILE = TomlConfigurationFile(LibraryHolidays())
ADMIN = user_principal(user_id=UUID(int=1), name="Ada", grants=[Grant(role=Role.PLATFORM_ADMIN)])
LEAD = user_principal(
    user_id=UUID(int=2),
    name="Lee",
    grants=[
        Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS),
        Grant(role=Role.STREAM_LEAD, tech_stream_id=CORE),
        Grant(role=Role.VIEWER),
    ],
)


class Setting:
    """A store with the configuration of the tests, and administration over it."""

    def __init__(self, configuration: Configuration = CONFIGURATION) -> None:
        self.log = MemoryAccessStore()
        self.store = MemoryConfigurationStore(database=MemoryDatabase(), log=self.log)
        asyncio.run(self.store.save(configuration, expected_version=0, actor="test", at=NOW))
        self.administration = Administration(store=self.store, file=FILE, clock=HandClock(NOW))

    def change(self, edit: Edit, *, principal: Principal = ADMIN) -> tuple[str, ...]:
        """Make a change and return its lines."""
        return asyncio.run(self.administration.change(principal, edit)).changes

    @property
    def now(self) -> Configuration:
        """What is stored."""
        return asyncio.run(self.store.load())


def test_a_change_gives_what_a_file_gives() -> None:
    """The same change by a piece and by a file ends in the same configuration and the same words on record."""
    by_piece, by_file = Setting(), Setting()
    values = {"stage": "ba", "status": "Thinking", "active": True, "order": 9}
    rows = [
        {"status": row.status, "stage": row.stage.value, "active": row.active, "order": row.order}
        for row in CONFIGURATION.status_mappings
        if row.project == "PAY"
    ]
    lines = by_piece.change(ReplaceMappings(project="pay", entries=[*rows, values], revision="*"))
    mapping = StatusMapping(project="PAY", status="Thinking", stage=Stage.BA, active=True, order=9)
    text = FILE.render(replace(by_file.now, status_mappings=(*CONFIGURATION.status_mappings, mapping)))
    applied = asyncio.run(apply(text, file=FILE, store=by_file.store, actor="cli", now=NOW))
    assert ("status PAY/Thinking: added as ba, active",) == lines == applied.changes
    assert set(by_piece.now.status_mappings) == set(by_file.now.status_mappings)
    (piece, _), (file, _) = (asyncio.run(one.log.entries()) for one in (by_piece, by_file))
    assert (ADMIN.actor, "cli") == (piece.actor, file.actor)
    assert (piece.action, piece.subject, piece.details) == (file.action, file.subject, file.details)


def test_a_change_is_on_record_with_before_and_after() -> None:
    """The entry has the lines, and of each thing the values that differ; of a new thing all of them."""
    setting = Setting()
    setting.change(Change(section="delivery_streams", name="payments", values={"team_size": 9}, revision="*"))
    setting.change(Add(section="jira_projects", values={"key": "NEW", "delivery_stream": "payments"}))
    new, sized, _ = asyncio.run(setting.log.entries())
    assert ("configuration.changed", "configuration:2", ADMIN.actor, NOW) == (
        sized.action,
        sized.subject,
        sized.actor,
        sized.occurred_at,
    )
    assert {
        "changes": ["delivery stream payments: team_size none → 9"],
        "before": {"version": 1, "delivery stream payments": {"team_size": None}},
        "after": {"version": 2, "delivery stream payments": {"team_size": 9}},
        "left_out": 0,
    } == sized.details
    details: Any = new.details
    assert ({"version": 2}, "payments") == (
        details["before"],
        details["after"]["Jira project NEW"]["delivery_stream"],
    )


def test_a_change_that_met_another_one_is_made_again() -> None:
    """A change about something else that was saved in between is kept beside this one; about the same, it wins."""
    setting = Setting()
    load = setting.store.load
    others = [
        Change(section="delivery_streams", name="logistics", values={"team_size": 2}, revision="*"),
        Change(section="delivery_streams", name="payments", values={"team_size": 3}, revision="*"),
    ]

    class Overtaken(MemoryConfigurationStore):
        """Lets somebody else save between loading and saving, once for each of ``others``."""

        def __init__(self) -> None:
            """Nothing of its own is kept."""

        async def load(self) -> Configuration:
            found = await load()
            if others:
                await setting.administration.change(ADMIN, others.pop(0))
            return found

        async def save(self, configuration: Configuration, **more: Any) -> Configuration:
            return await setting.store.save(configuration, **more)

    slow = Administration(store=Overtaken(), file=FILE, clock=HandClock(NOW))
    table = FILE.describe(CONFIGURATION)["delivery_streams"][0]
    edit = Change(
        section="delivery_streams", name="payments", values={"description": "late"}, revision=revision_of(table)
    )
    with pytest.raises(RevisionConflict, match="Somebody else has changed the delivery stream 'payments'"):
        asyncio.run(slow.change(ADMIN, edit))
    payments, logistics = setting.now.delivery_streams
    assert (3, None, 2) == (payments.team_size, payments.description, logistics.team_size)


def test_nobody_waits_for_ever_for_their_turn() -> None:
    """When others are faster every time, the conflict is told in the end."""

    class Always(MemoryConfigurationStore):
        """Refuses to save."""

        async def save(self, configuration: Configuration, **more: Any) -> Configuration:
            raise ConfigurationChanged(version=9, expected=1)

    database = MemoryDatabase()
    administration = Administration(store=Always(database=database), file=FILE, clock=HandClock(NOW))
    with pytest.raises(ConfigurationChanged):
        asyncio.run(administration.change(ADMIN, Add(section="delivery_streams", values={"name": "x"})))


def test_what_is_wrong_is_told_where_it_was_typed() -> None:
    """Problems come with their place in what was changed, those elsewhere with their place in the configuration."""
    setting = Setting()
    with pytest.raises(InvalidChange) as found:
        setting.change(
            ReplaceMappings(
                project="LOG",
                entries=[
                    {"status": "a", "stage": "dev", "active": True},
                    {"status": "b", "stage": "qaa", "active": True},
                    {"status": "A", "stage": "dev"},
                ],
                revision="*",
            )
        )
    assert {(1, "stage"), (2, "active"), (2, "status")} == {one.place for one in found.value.problems}
    with pytest.raises(InvalidChange) as found:
        setting.change(Change(section="delivery_streams", name="payments", values={"is_active": False}, revision="*"))
    assert [()] == [one.place for one in found.value.problems]
    assert "jira_projects.delivery_stream: the stream 'payments' is archived" in str(found.value)


def test_a_thing_that_is_not_there_cannot_be_changed() -> None:
    """Changing or removing what does not exist says so, and removing takes exactly one thing away."""
    setting = Setting()
    for edit in (
        Change(section="tech_streams", name="none", values={}, revision="*"),
        Remove(section="jira_projects", name="NONE", revision="*"),
        ReplaceMappings(project="NONE", entries=[], revision="*"),
    ):
        with pytest.raises(NotFound, match="There is no"):
            setting.change(edit)
    gone = setting.change(Remove(section="repositories", name="ACME-CORE/service", revision="*"))
    assert ("repository acme-core/service: removed",) == gone


def test_a_key_for_one_stream_is_like_its_lead() -> None:
    """A key that may administer, for one stream, changes what its lead may and nothing else."""
    key = Principal(
        kind=PrincipalKind.KEY,
        id=UUID(int=7),
        name="terraform",
        permissions=frozenset({Permission.ADMIN_WRITE}),
        scope=StreamScope(delivery_streams=frozenset({PAYMENTS})),
    )
    setting = Setting()
    own = Change(section="delivery_streams", name="payments", values={"team_size": 5}, revision="*")
    assert 1 == len(setting.change(own, principal=key))
    with pytest.raises(NotYours):
        setting.change(Add(section="delivery_streams", values={"name": "x"}), principal=key)


# --- what a lead can reach --------------------------------------------------------------------------------------------

_streams = st.sampled_from(["payments", "logistics", "core", "apps", "Payments", "nothing"])
_names = st.sampled_from(["name", "display_name", "description", "team_size", "minimum_contributors", "is_active"])
_more_names = st.sampled_from(["github_org", "branch_pattern", "lead_time_method", "calendar", "github_install_id"])
_values = st.sampled_from(
    [None, "x", "Logistics", "commit", 4, False, {"time_zone": "Europe/Paris"}, r"^([A-Z]+-\d+)", "acme-apps"]
)
_tables = st.dictionaries(_names | _more_names, _values, max_size=3)
_mappings = st.lists(
    st.fixed_dictionaries({"status": st.sampled_from("abc"), "stage": st.just("qa"), "active": st.booleans()}),
    max_size=2,
)
_overrides = st.dictionaries(
    st.sampled_from(["deploy_target", "is_deployable", "default_branch"]),
    st.sampled_from([None, True, "x"]),
    max_size=3,
)
_edits = st.one_of(
    st.builds(Change, section=st.just("delivery_streams"), name=_streams, values=_tables, revision=st.just("*")),
    st.builds(Change, section=st.just("tech_streams"), name=_streams, values=_tables, revision=st.just("*")),
    st.builds(
        Change,
        section=st.just("repositories"),
        name=st.sampled_from(["acme-core/service", "acme-apps/service", "acme-core/new", "else/where"]),
        values=_overrides,
        revision=st.just("*"),
        if_missing=st.just({"full_name": "acme-core/new"}),
    ),
    st.builds(
        ReplaceMappings, project=st.sampled_from(["PAY", "LOG", "NEW"]), entries=_mappings, revision=st.just("*")
    ),
    st.builds(Add, section=st.just("delivery_streams"), values=_tables),
    st.builds(Remove, section=st.just("tech_streams"), name=_streams, revision=st.just("*")),
    st.builds(
        ReplaceList, section=st.sampled_from(["environments", "severities"]), entries=st.just([]), revision=st.just("*")
    ),
    st.builds(ReplaceTable, section=st.just("platform"), values=st.just({"window_days": 9}), revision=st.just("*")),
)


def _of_others(configuration: Configuration) -> Configuration:
    """Return a configuration without what a lead of payments and core may change."""
    payments, core = (
        {"description": None, "team_size": None, "calendar": CalendarRules()},
        {"description": None, "lead_time_method": "", "branch_pattern": None},
    )
    own: Any = {PAYMENTS: payments, CORE: core}
    overrides = (
        RepositoryOverride(full_name=row.full_name, deploy_target=row.deploy_target)
        if row.full_name.startswith("acme-core/")
        else row
        for row in configuration.repositories
    )
    return replace(
        configuration,
        version=0,
        delivery_streams=tuple(replace(row, **own.get(row.stream_id, {})) for row in configuration.delivery_streams),
        tech_streams=tuple(replace(row, **own.get(row.stream_id, {})) for row in configuration.tech_streams),
        status_mappings=tuple(row for row in configuration.status_mappings if row.project != "PAY"),
        repositories=tuple(
            row for row in overrides if row.deploy_target is not None or not row.full_name.startswith("acme-core/")
        ),
    )


@given(_edits)
@example(Change(section="delivery_streams", name="payments", values={"display_name": "Logistics"}, revision="*"))
@example(Change(section="repositories", name="acme-core/service", values={"deploy_target": "apps"}, revision="*"))
def test_a_lead_reaches_nothing_of_others(edit: Edit) -> None:
    """Whatever a lead tries, all that is not theirs stays as it was, and no error names what they do not lead."""
    setting = Setting()
    before = setting.now
    try:
        setting.change(edit, principal=LEAD)
    except DppError as error:
        # What they have typed themselves may be repeated to them.
        told = str(error)
        typed = [getattr(edit, "name", ""), getattr(edit, "project", ""), *getattr(edit, "values", {}).values()]
        for word in filter(None, map(str, typed)):
            told = told.replace(word, "")
        assert [] == [name for name in ("logistics", "Logistics", "apps", "LOG", str(LOGISTICS)) if name in told]
        assert before == setting.now
    assert _of_others(before) == _of_others(setting.now)
