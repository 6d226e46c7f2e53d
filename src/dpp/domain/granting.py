"""What somebody may give to others, and whom they may change: never more than they have themselves (§3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from dpp.domain.access import Grant, Permission, Principal, StreamScope


def covers(scope: StreamScope, *, other: StreamScope) -> bool:
    """Tell whether everything that ``other`` opens is open to ``scope``; what opens nothing is covered by all."""
    if scope.is_all:
        return True
    return (
        not other.is_all
        and other.delivery_streams <= scope.delivery_streams
        and other.tech_streams <= scope.tech_streams
    )


def has(principal: Principal, *, permissions: Iterable[Permission], scope: StreamScope) -> bool:
    """Tell whether somebody has each of the permissions for all of the streams of a scope."""
    return all(covers(principal.scope_of(permission), other=scope) for permission in permissions)


def may_give(principal: Principal, *, grants: Iterable[Grant]) -> bool:
    """
    Tell whether somebody may give these grants, or change a person who has them.

    The same question twice: whoever could take the place of a person with more rights, by setting their password, would
    have those rights. So who administers a part, or holds a key for administration, touches nobody who has more.

    Args:
        principal: must have ``admin:write``, which is asked elsewhere.
        grants: none at all may be given by anybody.
    """
    return all(has(principal, permissions=grant.permissions, scope=grant.scope) for grant in grants)
