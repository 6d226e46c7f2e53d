"""What GraphQL is asked for, and its answers as the payloads that webhooks carry, so that both are read by one way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Raw, Struct, structs
from msgspec.json import Decoder

from dpp.adapters.github.api import PERMISSION_REMEDY, QUERY_REMEDY, GraphQlAnswer, PermissionMissing, TooMuch
from dpp.adapters.github.decoding import Count, Name, Number, Time
from dpp.adapters.github.payloads import Branch, PullRequest, Review, User
from dpp.application.source_errors import SourceRefused

T = TypeVar("T")

MERGED_WITHIN = timedelta(seconds=5)
"""Merging closes: GitHub lists the closing that belongs to it at most so long after."""

_WHO = """
fragment who on Actor {
  __typename login
  ... on User { databaseId } ... on Bot { databaseId }
  ... on Mannequin { databaseId } ... on Organization { databaseId }
}
"""
_REVIEW = """
fragment given on PullRequestReview { fullDatabaseId state submittedAt commit { oid } author { ...who } }
"""
# The old databaseId has 32 bits, and GitHub has passed them: fullDatabaseId is what webhooks call the id.
PULL_REQUESTS = (
    """
query ($owner: String!, $name: String!, $after: String, $first: Int!, $by: IssueOrderField!, $way: OrderDirection!) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: $first, after: $after, orderBy: {field: $by, direction: $way}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        fullDatabaseId number title body isDraft merged createdAt updatedAt closedAt mergedAt
        additions deletions changedFiles totalCommentsCount headRefName headRefOid baseRefName
        mergeCommit { oid } author { ...who }
        reviews(first: 50) { pageInfo { hasNextPage endCursor } nodes { ...given } }
        timelineItems(first: 50, itemTypes: [CLOSED_EVENT, REOPENED_EVENT, READY_FOR_REVIEW_EVENT,
          CONVERT_TO_DRAFT_EVENT]) {
          nodes {
            __typename
            ... on ClosedEvent { createdAt } ... on ReopenedEvent { createdAt }
            ... on ReadyForReviewEvent { createdAt } ... on ConvertToDraftEvent { createdAt }
          }
        }
      }
    }
  }
}
"""
    + _WHO
    + _REVIEW
)
REVIEWS = (
    """
query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviews(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...given } }
    }
  }
}
"""
    + _WHO
    + _REVIEW
)
# Nothing but where things stand, which GitHub can tell even of a pull request that it cannot show.
PLACES = """
query ($owner: String!, $name: String!, $after: String, $first: Int!, $by: IssueOrderField!, $way: OrderDirection!) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: $first, after: $after, orderBy: {field: $by, direction: $way}) {
      pageInfo { hasNextPage endCursor }
      nodes { number }
    }
  }
}
"""
COUNT = "query ($search: String!) { search(query: $search, type: ISSUE) { issueCount } }"


class PageInfo(Struct, frozen=True, rename="camel"):
    """Where a list goes on."""

    has_next_page: bool
    end_cursor: str | None = None

    @property
    def following(self) -> str | None:
        """Where the next page begins; None after the last."""
        return self.end_cursor if self.has_next_page else None


class RawList(Struct, frozen=True, rename="camel"):
    """A page of things, each to be read on its own, so that one that cannot be read spoils no other."""

    page_info: PageInfo
    nodes: tuple[Raw, ...] = ()


class _PullRequests(Struct, frozen=True, rename="camel"):
    pull_requests: RawList


class _RepositoryOfPulls(Struct, frozen=True):
    repository: _PullRequests | None = None


class _Numbered(Struct, frozen=True):
    number: Count


class _Places(Struct, frozen=True, rename="camel"):
    page_info: PageInfo
    nodes: tuple[_Numbered, ...] = ()


class _PlacesOfPulls(Struct, frozen=True, rename="camel"):
    pull_requests: _Places


class _RepositoryOfPlaces(Struct, frozen=True):
    repository: _PlacesOfPulls | None = None


class Actor(Struct, frozen=True, rename={"typename": "__typename", "database_id": "databaseId"}):
    """Whoever did something; None in its place is a deleted account."""

    login: str | None = None
    typename: str | None = None
    database_id: int | None = None

    def as_user(self) -> User:
        """Return it as webhooks show it."""
        return User(id=self.database_id, login=self.login, type=self.typename)


class _Commit(Struct, frozen=True):
    oid: str


class GraphReview(Struct, frozen=True, rename="camel"):
    """A review."""

    full_database_id: Name
    state: Name
    submitted_at: Time | None = None
    commit: _Commit | None = None
    author: Actor | None = None

    def as_payload(self) -> Review:
        """Return it as webhooks show it."""
        return Review(
            id=int(self.full_database_id),
            state=self.state,
            user=self.author.as_user() if self.author else None,
            submitted_at=self.submitted_at,
        )


class Reviews(Struct, frozen=True, rename="camel"):
    """A page of reviews."""

    page_info: PageInfo
    nodes: tuple[GraphReview, ...] = ()


class _Reviewed(Struct, frozen=True):
    reviews: Reviews


class _ReviewedRepository(Struct, frozen=True, rename="camel"):
    pull_request: _Reviewed | None = None


class _RepositoryOfReviews(Struct, frozen=True):
    repository: _ReviewedRepository | None = None


class Happening(Struct, frozen=True, rename={"typename": "__typename", "created_at": "createdAt"}):
    """Something in the life of a pull request."""

    typename: str
    created_at: Time | None = None


class _Timeline(Struct, frozen=True):
    nodes: tuple[Happening, ...] = ()


class GraphPullRequest(Struct, frozen=True, rename="camel"):
    """A pull request with what happened to it."""

    full_database_id: Name
    number: Number
    head_ref_name: Name
    reviews: Reviews
    timeline_items: _Timeline
    created_at: Time
    updated_at: Time
    title: str | None = None
    body: str | None = None
    is_draft: bool = False
    merged: bool = False
    closed_at: Time | None = None
    merged_at: Time | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    total_comments_count: Count | None = None
    head_ref_oid: str | None = None
    base_ref_name: str | None = None
    merge_commit: _Commit | None = None
    author: Actor | None = None

    def as_payload(self) -> PullRequest:
        """Return it as webhooks show it; before its end, that is not merged."""
        return PullRequest(
            number=self.number,
            id=int(self.full_database_id),
            head=Branch(ref=self.head_ref_name, sha=self.head_ref_oid),
            base=Branch(ref=self.base_ref_name) if self.base_ref_name else None,
            user=self.author.as_user() if self.author else None,
            title=self.title,
            body=self.body,
            draft=self.is_draft,
            created_at=self.created_at,
            updated_at=self.updated_at,
            additions=self.additions,
            deletions=self.deletions,
            changed_files=self.changed_files,
            comments=self.total_comments_count,
        )

    def steps(self) -> Iterator[tuple[str, PullRequest]]:
        """Yield what a webhook would have told: the action, and the pull request as far as it tells of that."""
        plain = self.as_payload()
        # What it was talked about by now says nothing of its opening; a webhook's report of that tells more.
        yield "opened", structs.replace(plain, draft=self._began_as_draft(), comments=None)
        for at in sorted(self._closed_at()):
            yield "closed", structs.replace(plain, closed_at=at)
        for item in self.timeline_items.nodes:
            if item.typename == "ReopenedEvent":
                yield "reopened", structs.replace(plain, updated_at=item.created_at)
            elif item.typename == "ReadyForReviewEvent":
                yield "ready_for_review", structs.replace(plain, updated_at=item.created_at, draft=False)
        if self.merged:
            commit = self.merge_commit.oid if self.merge_commit else None
            ended = {"closed_at": self.closed_at, "merged_at": self.merged_at}
            yield "closed", structs.replace(plain, merged=True, merge_commit_sha=commit, **ended)

    def reviewed(self, review: GraphReview) -> PullRequest:
        """Return it as the webhook of a review shows it: in brief, with the head that was reviewed."""
        head = review.commit.oid if review.commit else self.head_ref_oid
        return structs.replace(
            self.as_payload(),
            head=Branch(ref=self.head_ref_name, sha=head),
            additions=None,
            deletions=None,
            changed_files=None,
            comments=None,
        )

    def _began_as_draft(self) -> bool:
        turns = [one.typename for one in self.timeline_items.nodes if one.typename in _TURNS]
        return turns[0] == "ReadyForReviewEvent" if turns else self.is_draft

    def _closed_at(self) -> set[datetime]:
        """When it was closed without being merged; what GitHub calls its closing by a merge is that merge."""
        times = {one.created_at for one in self.timeline_items.nodes if one.typename == "ClosedEvent"}
        told = {at for at in times if at is not None} | ({self.closed_at} if self.closed_at else set())
        if not self.merged:
            return told
        end = self.merged_at or self.closed_at
        return {at for at in told if end is None or at < end - MERGED_WITHIN}


_TURNS = frozenset({"ReadyForReviewEvent", "ConvertToDraftEvent"})


class _Counted(Struct, frozen=True, rename="camel"):
    issue_count: Count


class Search(Struct, frozen=True):
    """How much a search finds."""

    search: _Counted | None = None


class _CommitNode(Struct, frozen=True):
    commit: _Commit


class CommitList(Struct, frozen=True):
    """Commits of a pull request, oldest first."""

    nodes: tuple[_CommitNode, ...] = ()


class OfPullRequest(Struct, frozen=True, rename="camel"):
    """A pull request that a commit belongs to: its branch, and its commits, oldest first."""

    head_ref_name: str
    commits: CommitList


class _Owners(Struct, frozen=True):
    nodes: tuple[OfPullRequest, ...] = ()


class KnownCommit(Struct, frozen=True, rename="camel"):
    """A commit with the pull requests that it belongs to."""

    associated_pull_requests: _Owners | None = None


class _Commits(Struct, frozen=True):
    repository: dict[str, KnownCommit | None] | None = None


def owners_query(commits: list[str]) -> str:
    """Return the query for the pull requests that each of some commits (40 hexadecimal digits) belongs to."""
    asked = "\n".join(f'c{number}: object(oid: "{oid}") {{ ...owners }}' for number, oid in enumerate(commits))
    return (
        "query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {\n" + asked + "\n} }\n"
        "fragment owners on Commit { associatedPullRequests(first: 5) { nodes { headRefName "
        "commits(first: 100) { nodes { commit { oid } } } } } }"
    )


PULL_REQUESTS_ANSWER = Decoder(GraphQlAnswer[_RepositoryOfPulls])
PLACES_ANSWER = Decoder(GraphQlAnswer[_RepositoryOfPlaces])
REVIEWS_ANSWER = Decoder(GraphQlAnswer[_RepositoryOfReviews])
COUNT_ANSWER = Decoder(GraphQlAnswer[Search])
OWNERS_ANSWER = Decoder(GraphQlAnswer[_Commits])
PULL_REQUEST = Decoder(GraphPullRequest)


def data_of(answer: GraphQlAnswer[T]) -> T | None:
    """Return what GraphQL found; None where the thing asked for is not there.

    Raises:
        SourceRefused: the App may not read it, or the server does not know the query.
        TooMuch: it complains of something else than one thing of a list, as it does when a query takes too long.
    """
    errors = [error for error in answer.errors or () if error.type != "NOT_FOUND"]
    # Without a permission GitHub shows null beside its complaint: that is no empty history.
    if any(error.type == "FORBIDDEN" for error in errors):
        raise PermissionMissing(PERMISSION_REMEDY)
    if any(error.is_of_the_query for error in errors):
        raise SourceRefused(QUERY_REMEDY)
    is_told = answer.data is not None or bool(answer.errors)
    if is_told and all(error.is_of_one_thing for error in errors):
        return answer.data
    kinds = ", ".join(sorted({error.type or "without a type" for error in errors})) or "neither data nor a reason"
    raise TooMuch(f"GitHub cannot answer a query at present ({kinds}); it is tried again by itself")
