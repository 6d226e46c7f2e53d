"""The platform's own survey: who may answer for which team, when, and how an answer becomes a fact (§5.5.1).

An answer takes the way of every delivery (decision 0029): it is hashed and scrubbed here, archived, then acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from dpp.application.current import CurrentConfiguration
from dpp.application.deliveries import Appended
from dpp.application.ingest import Intake
from dpp.application.ports import Clock
from dpp.application.pulse import local_date
from dpp.application.reading import Verified
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import DeliveryStream
from dpp.domain.errors import Conflict, NotFound
from dpp.domain.events import Facts, Normalised, Outcome, Source
from dpp.domain.privacy import Pseudonymiser
from dpp.domain.pulse import Dimension, SurveyWindow, survey_window
from dpp.domain.small_teams import minimum_contributors
from dpp.domain.survey import PulseFact, kept_text

CHANNEL = "survey"


class SurveyClosed(Conflict):
    """There is no survey to answer today; the message says when the next one opens."""

    code = "survey_closed"


class NotYourTeam(NotFound):
    """There is no such team, or none that the caller may answer for."""

    code = "stream_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """
    What somebody filled in.

    Attributes:
        delivery_stream_id: the team that it is about.
        scores: of each question, 1 to 5.
        free_text: as it was written; neither logged nor shown.
    """

    delivery_stream_id: UUID
    scores: Mapping[Dimension, int]
    free_text: str | None = field(default=None, repr=False)


class Survey:
    """Takes answers in.

    Args:
        intake: keeps them.
        configuration: has the teams, and how long surveys are open.
        pseudonymiser: hashes who answers.
        clock: tells the day.
    """

    def __init__(
        self, *, intake: Intake, configuration: CurrentConfiguration, pseudonymiser: Pseudonymiser, clock: Clock
    ) -> None:
        self._intake = intake
        self._configuration = configuration
        self._pseudonymiser = pseudonymiser
        self._clock = clock

    def window(self) -> SurveyWindow:
        """Return the survey that is open, else the next one.

        Raises:
            Unavailable: the configuration is not loaded yet.
        """
        configuration = self._configuration.value
        today = local_date(self._clock.now(), configuration)
        return survey_window(today, last_day=configuration.platform.survey_last_day)

    def teams(self, principal: Principal) -> Mapping[DeliveryStream, int]:
        """Return the delivery streams that somebody may answer for, in their order, each with the fewest answers that
        its averages are shown from; archived ones are not among them.
        """
        scope, configuration = principal.scope_of(Permission.SURVEY_SUBMIT), self._configuration.value
        return {
            stream: max(minimum_contributors(configuration, stream.stream_id), 1)
            for stream in configuration.delivery_streams
            if stream.is_active and scope.sees(delivery_stream_id=stream.stream_id)
        }

    async def submit(self, principal: Principal, answer: GivenAnswer) -> Appended:
        """Keep an answer, in the place of an earlier one of the same person, team and month.

        Raises:
            SurveyClosed: no survey is open today.
            NotYourTeam: the caller may not answer for that delivery stream.
            InvalidInput: a score or the text cannot be used.
            Unavailable: the archive could not write; nothing was kept.
        """
        window = self.window()
        if not window.is_open:
            raise SurveyClosed(f"The next survey opens on {window.opens_on.isoformat()}")
        if answer.delivery_stream_id not in {stream.stream_id for stream in self.teams(principal)}:
            raise NotYourTeam("There is no such team that you may answer for")
        fact = PulseFact(
            event_timestamp=self._clock.now(),
            survey_period=str(window.period),
            delivery_stream_id=answer.delivery_stream_id,
            respondent_hash=self._pseudonymiser.hash("platform", str(principal.id)),
            pace_score=answer.scores[Dimension.PACE],
            tooling_score=answer.scores[Dimension.TOOLING],
            clarity_score=answer.scores[Dimension.CLARITY],
            free_text=kept_text(answer.free_text),
        )
        # The body would be needed for repair alone, and there is nothing in an answer that could not be read.
        verified = Verified(source=Source.SURVEY, kind="form", body=b"")
        normalised = Normalised(outcome=Outcome.UNDERSTOOD, facts=Facts(pulses=(fact,)))
        return await self._intake.accept(verified, normalised, channel=CHANNEL)


def shown_from(teams: Mapping[DeliveryStream, int]) -> str:
    """Say from how many answers on averages are shown: ``6``, or ``4 to 6`` where teams differ; empty for no team."""
    fewest = sorted(set(teams.values()))
    return " to ".join(map(str, dict.fromkeys((fewest[0], fewest[-1])))) if fewest else ""
