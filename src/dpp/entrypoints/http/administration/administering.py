"""What the routes of administration need, and what they all do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dpp.application.administration import Administration, Proposed
from dpp.application.administration_reader import AdministrationReader
from dpp.application.backfill import Backfill
from dpp.application.configuration_authority import Authority
from dpp.application.configuration_edits import Document, Edit, revision_of
from dpp.application.configure import Applied
from dpp.application.connections import Connections
from dpp.application.current import CurrentConfiguration
from dpp.application.freshness import Freshness
from dpp.application.manual_links import ManualLinks
from dpp.application.mapping_preview import MappingPreview, MappingPreviews
from dpp.application.ports import Clock
from dpp.application.repairing import Repairing
from dpp.application.sprint_corrections import SprintCorrections
from dpp.application.views import View
from dpp.domain.access import Principal, StreamScope
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Forbidden
from dpp.entrypoints.http.admin import Operating
from dpp.entrypoints.http.administration.frame import Framing


@dataclass(frozen=True, slots=True, kw_only=True)
class Administering:
    """What the routes need."""

    framing: Framing
    administration: Administration
    previews: MappingPreviews
    reader: AdministrationReader
    repairing: Repairing
    links: ManualLinks
    freshness: Freshness
    operating: Operating
    backfill: Backfill
    connections: Connections
    sprint_corrections: SprintCorrections
    current: CurrentConfiguration
    clock: Clock

    async def looking(self, principal: Principal) -> Looking:
        """Return the configuration as it is stored, for somebody to look at."""
        configuration = await self.administration.configuration()
        return Looking(
            configuration=configuration,
            document=self.administration.document(configuration),
            authority=Authority.of(principal),
        )

    async def whole(self, principal: Principal) -> Looking:
        """Return the configuration for somebody who may read all of it: rules name streams of everybody.

        Raises:
            Forbidden: the caller, a key for some streams, may not.
        """
        self.check_whole(principal)
        return await self.looking(principal)

    def check_whole(self, principal: Principal) -> None:
        """Refuse whoever may not see everything.

        Raises:
            Forbidden: the caller, a key for some streams, may not.
        """
        if not Authority.of(principal).reads_all:
            raise Forbidden("This is about all streams, and you may see only some; ask an administrator")

    def view(self, principal: Principal) -> View:
        """Return the view of what somebody manages, as of now."""
        authority = Authority.of(principal)
        scope = StreamScope.everything() if authority.reads_all else authority.reads
        return View(scope=scope, as_of=self.clock.now(), is_live=True)

    async def change(self, principal: Principal, edit: Edit) -> Applied:
        """Make a change, and know of it here at once; other processes hear of it in a moment."""
        applied = await self.administration.change(principal, edit)
        if applied.changes:
            await self.current.refresh()
        return applied

    async def apply(self, principal: Principal, text: str, *, dry_run: bool) -> Applied:
        """Bring the configuration to what a file states, or say what that would change."""
        applied = await self.administration.apply(principal, text, dry_run=dry_run)
        if applied.changes and not dry_run:
            await self.current.refresh()
        return applied

    async def preview(self, principal: Principal, edit: Edit) -> tuple[Proposed, MappingPreview]:
        """Return what a change of status mappings is, and would do to the figures that somebody manages."""
        proposed = await self.administration.propose(principal, edit)
        view = self.view(principal)
        return proposed, await self.previews.preview(view, before=proposed.before, after=proposed.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """The configuration in both of its forms, and what whoever looks may see of it."""

    configuration: Configuration
    document: Document
    authority: Authority

    @property
    def meta(self) -> dict[str, int | None]:
        """What an answer says of itself: the version, which would tell others that somebody changed something."""
        return {"version": self.configuration.version if self.authority.reads_all else None}

    def revision(self, section: str, index: int) -> str:
        """Return the revision of a table by its position, which is the same in both forms."""
        return revision_of(self.document[section][index])

    def revision_of_section(self, section: str) -> str:
        """Return the revision of a whole section."""
        return revision_of(self.document.get(section, {} if section in ("platform", "github", "jira") else []))


Provide = Callable[[], Administering]
