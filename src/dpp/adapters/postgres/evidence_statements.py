"""The statements that read what figures are made of; ``{shown}`` is the condition on streams.

Each gives the streams of a thing the names ``delivery_stream_id`` and ``tech_stream_ids`` before that condition.
"""

from __future__ import annotations

from dpp.adapters.postgres import event_order
from dpp.adapters.postgres.contributions import PEER
from dpp.adapters.postgres.diagnostics import (
    FOUND_AND_MADE,
    every_defect,
    held,
    in_window,
)
from dpp.adapters.postgres.ended_pull_requests import OF_PULL_REQUEST
from dpp.domain.dora import HELD_RESPONSIBLE

_RESPONSIBLE = ", ".join(f"'{standing}'" for standing in sorted(HELD_RESPONSIBLE))
_TECH = "array_remove(ARRAY[{}.tech_stream_id], NULL) AS tech_stream_ids"

# The condition on the stage is that of the index of unfinished stays, word for word.
_UNFINISHED = """stay.left_at > %(as_of)s AND stay.entered_at <= %(as_of)s
    AND stay.stage NOT IN ('done', 'cancelled', 'deleted')"""
_PLACE = "held.ticket_id, held.delivery_stream_id, stay.stage, stay.is_active_work, stay.entered_at"
_LONGEST_FIRST = 'ORDER BY stay.entered_at, held.ticket_id COLLATE "C"'

PLACED = """
SELECT ticket_id, delivery_stream_id, stage, is_active_work, stayed_from FROM work_item_places
WHERE left_at > %(as_of)s AND entered_at <= %(as_of)s AND stage <> 'done'{shown}
ORDER BY stayed_from, ticket_id COLLATE "C"
"""

_OF_STREAM = "delivery_stream_id IS NOT NULL{shown}"
IN_SPRINT = f"""
SELECT {_PLACE}
FROM (SELECT issue_id FROM work_items WHERE sprint_id = %(sprint)s) AS ticket
JOIN work_item_stays AS stay USING (issue_id) JOIN {held("ticket.issue_id")} ON true
WHERE {_UNFINISHED} AND held.{_OF_STREAM} {_LONGEST_FIRST}
"""  # noqa: S608 - constants
# What the latest event up to then that tells a ticket's fields says of its sprint.
IN_SPRINT_THEN = f"""
SELECT {_PLACE}
FROM work_item_stays AS stay JOIN {held("stay.issue_id")} ON true
CROSS JOIN LATERAL (
    SELECT sprint_id FROM (
        SELECT sprint_id, {event_order.COLUMNS} FROM work_item_events
        WHERE issue_id = stay.issue_id AND has_fields AND event_timestamp <= %(as_of)s
        UNION ALL
        SELECT sprint_id, {event_order.COLUMNS} FROM work_item_facts
        WHERE issue_id = stay.issue_id AND has_fields AND event_timestamp <= %(as_of)s
    ) AS told ORDER BY {event_order.LATEST_FIRST} LIMIT 1
) AS field
WHERE {_UNFINISHED} AND field.sprint_id = %(sprint)s AND held.{_OF_STREAM} {_LONGEST_FIRST}
"""  # noqa: S608 - constants

_IN_WINDOW = "{} >= %(start)s AND {} < %(end)s AND {} <= %(as_of)s"
_COMPLETED_IN_WINDOW = _IN_WINDOW.replace("{}", "completed_at")
_DONE = "issue_id, completed_at, cycle_time_days, flow_efficiency_pct"
# Which completions are shown an index tells alone; only of these the keys are looked up. As in ``readers``, those whose
# streams were others at the moment go by these.
FINISHED = f"""
WITH moved AS MATERIALIZED (
    SELECT issue_id, delivery_stream_id, tech_stream_ids FROM work_item_attributions
    WHERE valid_to < 'infinity' AND valid_to > %(as_of)s AND valid_from <= %(as_of)s
), done AS MATERIALIZED (
    SELECT {_DONE} FROM work_item_cycles AS cycle
    WHERE {_COMPLETED_IN_WINDOW} AND NOT EXISTS (SELECT FROM moved WHERE moved.issue_id = cycle.issue_id){{shown}}
    UNION ALL
    SELECT {_DONE} FROM (SELECT {_DONE} FROM work_item_cycles WHERE {_COMPLETED_IN_WINDOW}) AS cycle
    JOIN moved USING (issue_id) WHERE true{{shown}}
    UNION ALL
    SELECT {_DONE} FROM (
        SELECT {_DONE} FROM superseded_cycles WHERE {_COMPLETED_IN_WINDOW} AND reopened_at > %(as_of)s
    ) AS cycle CROSS JOIN {held("cycle.issue_id", "delivery_stream_id, tech_stream_ids")} WHERE true{{shown}}
)
SELECT held.ticket_id, held.delivery_stream_id, done.completed_at, done.cycle_time_days, done.flow_efficiency_pct
FROM done CROSS JOIN {held("done.issue_id")} ORDER BY done.completed_at DESC, held.ticket_id COLLATE "C"
"""  # noqa: S608 - constants

# A ticket was taken up again if no completion of it holds at the moment; if it was cancelled as well, that counts.
SET_ASIDE = f"""
SELECT held.ticket_id, held.delivery_stream_id, ended.at, ended.is_cancelled
FROM (
    SELECT DISTINCT ON (issue_id) issue_id, at, is_cancelled
    FROM (
        SELECT issue_id, entered_at AS at, true AS is_cancelled FROM work_item_stays
        WHERE stage = 'cancelled' AND {_IN_WINDOW.replace("{}", "entered_at")} AND left_at > %(as_of)s
        UNION ALL
        SELECT issue_id, completed_at, false FROM superseded_cycles AS undone
        WHERE {_COMPLETED_IN_WINDOW} AND reopened_at <= %(as_of)s AND reopened_at >= %(start)s
            AND NOT EXISTS (
                SELECT FROM work_item_cycles AS again
                WHERE again.issue_id = undone.issue_id AND again.completed_at <= %(as_of)s
            ) AND NOT EXISTS (
                SELECT FROM superseded_cycles AS again WHERE again.issue_id = undone.issue_id
                    AND again.completed_at <= %(as_of)s AND again.reopened_at > %(as_of)s
            )
    ) AS one
    ORDER BY issue_id, is_cancelled DESC, at DESC
) AS ended JOIN {held("ended.issue_id")} ON true
WHERE true{{shown}} ORDER BY ended.at DESC, held.ticket_id COLLATE "C"
"""  # noqa: S608 - constants

BLOCKED = f"""
SELECT held.ticket_id, held.delivery_stream_id, flag.event_timestamp, flag.blocking_tech_stream_id
FROM (
    SELECT issue_id, event_timestamp, blocking_tech_stream_id, event_id FROM work_item_events
    WHERE event_type = 'blocked' AND {_IN_WINDOW.replace("{}", "event_timestamp")}
) AS flag JOIN {held("flag.issue_id")} ON true
WHERE true{{shown}} ORDER BY flag.event_timestamp DESC, held.ticket_id COLLATE "C", flag.event_id
"""  # noqa: S608 - constants

_REVIEW = f"{OF_PULL_REQUEST} AND event.event_type = 'review_submitted' AND event.event_timestamp <= %(as_of)s"


#: What follows ``every_ended``. A pull request is looked up by itself (the offset makes the planner do that): few of
#: them end in a window.
PULL_REQUESTS = f"""
, one AS (
    SELECT every.*, coalesce(held.ticket_id, request.linked_ticket_id) AS ticket_id
    FROM every CROSS JOIN LATERAL (
        SELECT linked_ticket_id, linked_issue_id FROM pull_requests AS kept
        WHERE kept.repo_id = every.repo_id AND kept.pr_number = every.pr_number OFFSET 0
    ) AS request
    LEFT JOIN {held("request.linked_issue_id")} ON true
)
SELECT repository.full_name, one.pr_number, one.ticket_id, one.opened_at, one.closed_at,
    CASE WHEN one.first_review_at <= %(as_of)s THEN one.first_review_at END,
    CASE WHEN one.first_review_at <= %(as_of)s THEN false ELSE EXISTS (
        SELECT FROM pr_events AS event WHERE {_REVIEW}
    ) END
FROM one JOIN repositories AS repository USING (repo_id)
ORDER BY one.closed_at DESC, repository.full_name COLLATE "C", one.pr_number
"""  # noqa: S608 - constants


_PEER_REVIEWS = in_window(
    "pr_events", "repo_id, pr_number, event_timestamp", by="tech_stream_id", streams="tech_streams", where=PEER
)
REVIEWED = f"""
SELECT repository.full_name, one.pr_number, one.reviews, one.last_at
FROM (
    SELECT given.*, held.delivery_stream_id, {_TECH.format("request")}
    FROM (
        SELECT repo_id, pr_number, count(*) AS reviews, max(event_timestamp) AS last_at
        FROM ({_PEER_REVIEWS}) AS event GROUP BY repo_id, pr_number
    ) AS given JOIN pull_requests AS request USING (repo_id, pr_number)
    LEFT JOIN {held("request.linked_issue_id")} ON true
) AS one JOIN repositories AS repository USING (repo_id)
WHERE true{{shown}} ORDER BY one.last_at DESC, repository.full_name COLLATE "C", one.pr_number
"""  # noqa: S608 - constants

DEFECTS = (
    every_defect(f"defect.ticket_id, defect.last_at, {FOUND_AND_MADE}")
    + 'ORDER BY defect.last_at DESC, defect.ticket_id COLLATE "C"'
)

_TICKET = "coalesce(held.ticket_id, done.linked_ticket_id) AS ticket_id, held.delivery_stream_id"
DEPLOYMENTS = f"""
SELECT record_id, repository.full_name, pipeline_id, pipeline_run_id, environment, deployed_at, status <> 'failed',
    is_config_only, CASE WHEN rollback_at <= %(as_of)s THEN rollback_at END, lead_time_hrs, commit_sha,
    linked_pr_number, done.ticket_id, ARRAY(
        SELECT DISTINCT blame.incident_id COLLATE "C" FROM incident_blames AS blame
        WHERE blame.record_id = done.record_id AND blame.standing IN ({_RESPONSIBLE})
            AND blame.valid_from <= %(as_of)s AND blame.valid_to > %(as_of)s ORDER BY 1
    )
FROM (
    SELECT done.record_id, done.repo_id, pipeline_id, pipeline_run_id, environment, deployed_at, status, is_config_only,
        rollback_at, lead_time_hrs, commit_sha, linked_pr_number, {_TICKET}, {_TECH.format("done")}
    FROM (
        SELECT * FROM deployment_records
        WHERE deployed_at >= %(start)s AND deployed_at < %(end)s AND deployed_at < %(as_of)s AND {{wanted}}{{likely}}
    ) AS done LEFT JOIN {held("done.linked_issue_id")} ON true
) AS done
LEFT JOIN (SELECT repo_id, full_name FROM repositories) AS repository USING (repo_id)
WHERE true{{shown}} ORDER BY deployed_at DESC, record_id
"""  # noqa: S608 - constants

# The deployment that an incident is blamed on at the moment gives it its delivery stream.
_BLAMED = f"""
LEFT JOIN LATERAL (
    SELECT blamed_one.linked_issue_id
    FROM incident_blames AS blame JOIN deployment_records AS blamed_one USING (record_id)
    WHERE blame.incident_id = one.incident_id AND blame.standing IN ({_RESPONSIBLE})
        AND blame.valid_from <= %(as_of)s AND blame.valid_to > %(as_of)s
    ORDER BY blame.standing = 'confirmed' DESC, blame.record_id LIMIT 1
) AS blamed ON true
"""  # noqa: S608 - constants
_KNOWN = "restore.valid_from <= %(as_of)s AND restore.valid_to > %(as_of)s"
INCIDENTS = f"""
SELECT incident_id, service_name, severity, at, minutes, is_faulty
FROM (
    SELECT one.*, held.delivery_stream_id, {_TECH.format("one")}
    FROM (
        SELECT restore.incident_id, incident.service_name, incident.severity, restore.resolved_at AS at,
            restore.time_to_restore_min AS minutes, false AS is_faulty, restore.tech_stream_id
        FROM incident_restores AS restore JOIN incidents AS incident ON incident.incident_id = restore.incident_id
        WHERE restore.resolved_at >= %(start)s AND restore.resolved_at < %(end)s AND restore.resolved_at < %(as_of)s
            AND {_KNOWN}
        UNION ALL
        SELECT incident_id, service_name, severity, coalesce(started_at, resolved_at), NULL, fault IS NOT NULL,
            tech_stream_id
        FROM incidents AS incident
        WHERE {{wanted}} AND coalesce(started_at, resolved_at) >= %(start)s
            AND coalesce(started_at, resolved_at) < least(%(end)s::timestamptz, %(as_of)s) AND NOT EXISTS (
                SELECT FROM incident_restores AS restore WHERE restore.incident_id = incident.incident_id AND {_KNOWN}
                    AND restore.resolved_at < %(as_of)s
            )
    ) AS one {_BLAMED} LEFT JOIN {held("blamed.linked_issue_id")} ON true
) AS one
WHERE true{{shown}} ORDER BY at DESC, incident_id COLLATE "C"
"""  # noqa: S608 - constants
