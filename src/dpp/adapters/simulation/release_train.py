"""A week of deployments: merges travel to staging and production, some fail, some break things, some are undone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dpp.adapters.simulation.calendar import working_time_after
from dpp.adapters.simulation.company import Company, Repository
from dpp.adapters.simulation.pull_requests import SECOND, PullRequest, whole_seconds
from dpp.adapters.simulation.rates import Rates
from dpp.adapters.simulation.releases import Deployment, Incident, Outcome, Rollback

_TROUBLE = (
    "Error rate above 5 percent on checkout", "p99 latency above 2 s", "Health check failing in two zones",
    "Queue depth growing", "Login failures above threshold",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class ReleaseTrain:
    """Draws a week's deployments and incidents.

    ``ids`` numbers deployments, pipeline runs and incidents alike; ``free`` holds, from week to week, when a repository
    may be deployed again (nobody deploys over an incident that is being mended). ``before`` is the week before.
    """

    rng: random.Random
    rates: Rates
    company: Company
    ids: Iterator[int]
    free: dict[str, datetime]
    before: ReleaseTrain | None = None
    deployments: list[Deployment] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def run(self, merged: list[PullRequest], *, week: datetime) -> None:
        """Deploy what was merged in the week, then add what has no pull request behind it."""
        for repository in self.company.repositories:
            if repository.releases != "none":
                mine = [request for request in merged if request.repository == repository]
                self._line(repository, sorted(mine, key=lambda request: request.merged_at or week))
        self._strays(week)
        self._configuration_changes(week)

    def _line(self, repository: Repository, merged: list[PullRequest]) -> None:
        """Staging after each merge; production once things are quiet, with what was merged by then."""
        for place, request in enumerate(merged):
            at = request.merged_at
            if at is None:
                continue
            self._deploy(repository, "staging", at + self.rng.randrange(300, 1200) * SECOND, request, "success")
            ready = whole_seconds(working_time_after(at, self.rng.uniform(0.8, 5)))
            following = merged[place + 1].merged_at if place + 1 < len(merged) else None
            if following is not None and following < ready:
                continue
            ready = max(ready, self.free.get(repository.full_name, ready))
            self.free[repository.full_name] = self._to_production(repository, ready, request)

    def _to_production(self, repository: Repository, at: datetime, request: PullRequest) -> datetime:
        """Deploy, again after a failure; the time from which the repository may be deployed again."""
        if self._chance(self.rates.failed_deployment):
            failed = self._deploy(repository, "production", at, request, "failure")
            at = whole_seconds(working_time_after(failed.completed_at, 1))
        elif repository.releases == "push" and self._chance(self.rates.cancelled_deployment):
            cancelled = self._deploy(repository, "production", at, request, "cancelled")
            at = whole_seconds(working_time_after(cancelled.completed_at, 0.5))
        done = self._deploy(repository, "production", at, request, "success")
        if self._chance(self.rates.incident_after_deployment):
            return self._break(done)
        return done.completed_at + timedelta(minutes=5)

    def _break(self, deployment: Deployment) -> datetime:
        """An incident within the correlation window, mended by a rollback or by hand."""
        began = deployment.completed_at + self.rng.randrange(4, 50) * 60 * SECOND
        minutes = 5 + int(self.rng.lognormvariate(3.3, 0.9))
        self._incident(deployment.repository, began, minutes)
        over = began + timedelta(minutes=minutes)
        if self._chance(self.rates.rolled_back):
            self.rollbacks.append(
                Rollback(
                    repository=deployment.repository, run_id=f"rb-{next(self.ids)}", undone=deployment,
                    named=self.rng.random() < 0.6, initiated_at=over - 180 * SECOND, completed_at=over - 60 * SECOND,
                    commit=f"{self.rng.getrandbits(160):040x}",
                )
            )  # fmt: skip
        return over + timedelta(minutes=90)

    def _deploy(
        self, repository: Repository, environment: str, at: datetime, request: PullRequest, outcome: Outcome
    ) -> Deployment:
        number = next(self.ids)
        deployment = Deployment(
            repository=repository,
            environment="production" if environment == "production" else "staging",
            run_id=str(number) if repository.releases == "github" else f"run-{number}",
            started_at=at,
            completed_at=at + self.rng.randrange(90, 600) * SECOND,
            outcome=outcome,
            commit=request.merge_commit,
            request=request,
            names_request=repository.releases == "push" and self._chance(0.5),
        )
        self.deployments.append(deployment)
        return deployment

    def _strays(self, week: datetime) -> None:
        """Incidents that no deployment of the day has to have caused."""
        for stream in self.company.tech_streams:
            if self._chance(self.rates.stray_incident):
                repository = self.rng.choice([known for known in stream.repositories if known.deploy_target])
                at = whole_seconds(week + timedelta(seconds=self.rng.uniform(0, 7 * 86400 - 60)))
                self._incident(repository, at, 5 + int(self.rng.lognormvariate(3.6, 1.0)))

    def _incident(self, repository: Repository, at: datetime, minutes: int) -> None:
        """An incident under the repository's deployment target or its part after the colon; a few stay open."""
        target = repository.deploy_target or repository.name
        never = self.rng.random() < 0.04
        self.incidents.append(
            Incident(
                incident_id=f"INC-{next(self.ids)}",
                service=target if self.rng.random() < 0.5 else target.partition(":")[2],
                severity=self.rng.choice(("critical", "high", "high", "medium", "low")),
                description=self.rng.choice(_TROUBLE),
                started_at=at,
                resolved_at=None if never else at + timedelta(minutes=minutes),
                pairs=self.rng.choice((("alarm",), ("alarm",), ("incident",), ("alarm", "incident"))),
                resolution_first=self._chance(self.rates.resolution_before_alarm),
            )
        )

    def _configuration_changes(self, week: datetime) -> None:
        """Pushes that carry no code, at times that no incident follows."""
        incidents, rollbacks = [*self.incidents], [*self.rollbacks]
        if self.before is not None:
            incidents += self.before.incidents
            rollbacks += self.before.rollbacks
        for repository in self.company.repositories:
            if repository.releases != "push" or self.rng.random() < 0.6:
                continue
            at = whole_seconds(working_time_after(week, self.rng.uniform(1, 40)))
            troubled = any(timedelta(0) <= incident.started_at - at < timedelta(hours=3) for incident in incidents)
            undone = any(timedelta(0) <= back.completed_at - at < timedelta(hours=12) for back in rollbacks)
            if not troubled and not undone:
                self.deployments.append(
                    Deployment(
                        repository=repository, environment="production", run_id=f"run-{next(self.ids)}", started_at=at,
                        completed_at=at + self.rng.randrange(20, 90) * SECOND, outcome="success",
                        commit=f"{self.rng.getrandbits(160):040x}", request=None, config_only=True,
                    )
                )  # fmt: skip

    def _chance(self, rate: float) -> bool:
        return self.rng.random() < rate
