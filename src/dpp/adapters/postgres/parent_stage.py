"""Where a parent was at a moment: a defect that does not say where it was found was found there."""

from __future__ import annotations

_STAGE = """
    SELECT stay.stage
    FROM (
        SELECT key.issue_id FROM ticket_keys AS key LEFT JOIN work_items AS item USING (issue_id)
        WHERE key.ticket_id = {parent}
        ORDER BY item.ticket_id IS DISTINCT FROM key.ticket_id, item.ticket_id IS NULL, key.issue_id COLLATE "C" LIMIT 1
    ) AS named
    JOIN work_item_stays AS stay ON stay.issue_id = named.issue_id
    WHERE stay.entered_at <= {at} AND stay.left_at > {at} AND stay.stage NOT IN ('deleted', 'unmapped')
    LIMIT 1
"""


def stage_of(parent: str, *, at: str) -> str:
    """Return the statement for the stage of a ticket by a key of its; no row where it was in none that says anything.

    Of tickets that had the key one after the other, the one that has it now is meant.

    Args:
        parent: expression for the key.
        at: expression for the moment.
    """
    return _STAGE.replace("{parent}", parent).replace("{at}", at)
