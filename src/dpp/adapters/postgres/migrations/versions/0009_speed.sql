CREATE INDEX ix_defect_events_issue_id ON defect_events (issue_id);

-- Most stays that ended after an earlier moment began after it too: told by the index alone.
DROP INDEX ix_work_item_stays_unfinished;
CREATE INDEX ix_work_item_stays_unfinished ON work_item_stays (left_at, entered_at)
    INCLUDE (issue_id, stage, is_active_work) WHERE stage NOT IN ('done', 'cancelled', 'deleted');

CREATE TABLE quality_spans (
    rate TEXT NOT NULL,
    thing TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    is_complete BOOLEAN NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL
);
CREATE INDEX ix_quality_spans_thing ON quality_spans (thing);
CREATE INDEX ix_quality_spans_valid_from ON quality_spans (valid_from);
CREATE INDEX ix_quality_spans_ended ON quality_spans (valid_to) WHERE valid_to < 'infinity';
COMMENT ON TABLE quality_spans IS
    'What the rates of data quality are about (§5.6): how each thing counted from one moment to another';

CREATE TABLE quality_counts (
    rate TEXT NOT NULL,
    part TEXT NOT NULL,
    begins TIMESTAMP WITH TIME ZONE NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    complete INTEGER NOT NULL,
    total INTEGER NOT NULL,
    is_fresh BOOLEAN NOT NULL,
    CONSTRAINT ck_quality_counts_part CHECK (part IN ('year', 'month', 'third'))
);
CREATE INDEX ix_quality_counts_part_begins ON quality_counts (part, begins);
CREATE INDEX ix_quality_counts_fresh ON quality_counts (begins) WHERE is_fresh;
COMMENT ON TABLE quality_counts IS
    'How many quality_spans began, less those that ended, by year, month and third of a month; several rows add up';

CREATE VIEW rated_tickets AS
SELECT rate, thing, delivery_stream_id, tech_stream_ids, is_complete, valid_from, valid_to
FROM (
    SELECT 'ticket_stream_tagging_rate' AS rate, held.issue_id AS thing, held.delivery_stream_id, held.tech_stream_ids,
        held.delivery_stream_id IS NOT NULL AS is_complete, held.valid_from,
        -- A deleted ticket counts no longer.
        CASE WHEN ticket.is_deleted THEN least(held.valid_to, coalesce(ticket.entered_at, '-infinity'))
            ELSE held.valid_to END AS valid_to
    FROM work_item_attributions AS held JOIN work_items AS ticket USING (issue_id)
) AS span
WHERE valid_from < valid_to;

-- A defect is what was said of it last, of the streams of its ticket; before the ticket had any, of its own.
CREATE VIEW rated_defects AS
SELECT 'defect_origin_attribution_rate' AS rate, told.issue_id AS thing,
    CASE WHEN held.issue_id IS NULL THEN told.delivery_stream_id ELSE held.delivery_stream_id END AS delivery_stream_id,
    coalesce(held.tech_stream_ids, array_remove(ARRAY[told.tech_stream_id], NULL)) AS tech_stream_ids,
    told.introduced_in_stage IS NOT NULL AS is_complete, piece.valid_from, piece.valid_to
FROM (
    SELECT issue_id, delivery_stream_id, tech_stream_id, introduced_in_stage, event_timestamp AS valid_from,
        lead(event_timestamp, 1, 'infinity') OVER (
            PARTITION BY issue_id ORDER BY event_timestamp,
            array_position(ARRAY['logged', 'attributed', 'reclassified'], event_type), event_id
        ) AS valid_to
    FROM defect_events
) AS told
CROSS JOIN LATERAL (
    SELECT at AS valid_from, lead(at, 1, told.valid_to) OVER (ORDER BY at) AS valid_to
    FROM (
        SELECT told.valid_from AS at
        UNION
        SELECT edge.at
        FROM work_item_attributions AS span CROSS JOIN LATERAL (VALUES (span.valid_from), (span.valid_to)) AS edge (at)
        WHERE span.issue_id = told.issue_id AND edge.at > told.valid_from AND edge.at < told.valid_to
    ) AS edges
) AS piece
LEFT JOIN work_item_attributions AS held
    ON held.issue_id = told.issue_id AND held.valid_from <= piece.valid_from AND held.valid_to > piece.valid_from
WHERE told.valid_from < told.valid_to;

CREATE VIEW rated_pull_requests AS
SELECT 'pr_ticket_linkage_rate' AS rate, repo_id || '/' || pr_number AS thing, delivery_stream_id,
    array_remove(ARRAY[tech_stream_id], NULL) AS tech_stream_ids, linked_ticket_id IS NOT NULL AS is_complete,
    opened_at AS valid_from, 'infinity'::timestamptz AS valid_to, repo_id, pr_number
FROM pull_requests WHERE opened_at IS NOT NULL;

CREATE VIEW rated_deployments AS
SELECT 'deployment_traceability_rate' AS rate, record_id::text AS thing, delivery_stream_id,
    array_remove(ARRAY[tech_stream_id], NULL) AS tech_stream_ids, linked_ticket_id IS NOT NULL AS is_complete,
    deployed_at AS valid_from, 'infinity'::timestamptz AS valid_to, record_id
FROM deployment_records WHERE environment = 'production';

-- Counts are added to, never changed, so that who derives at once never waits here. Every now and then one of them puts
-- together what belongs together.
CREATE FUNCTION count_quality() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM changed) THEN
        RETURN NULL;
    END IF;
    INSERT INTO quality_counts
    SELECT rate, bucket.part, bucket.begins, delivery_stream_id, tech_stream_ids,
        sum(edge.way * is_complete::int), sum(edge.way), true
    FROM changed
    CROSS JOIN LATERAL (
        SELECT greatest(at, '1970-01-01T00:00Z'::timestamptz) AS at, way * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END AS way
        FROM (VALUES (valid_from, 1), (valid_to, -1)) AS both_ends (at, way)
        WHERE at < 'infinity'
    ) AS edge
    CROSS JOIN LATERAL (
        SELECT 'year' AS part, date_trunc('year', edge.at, 'UTC') AS begins
        UNION ALL
        SELECT 'month', date_trunc('month', edge.at, 'UTC')
        UNION ALL
        SELECT 'third', date_trunc('month', edge.at, 'UTC')
            + least(2, (extract(day FROM edge.at AT TIME ZONE 'UTC')::int - 1) / 10) * interval '240 hours'
    ) AS bucket
    GROUP BY rate, bucket.part, bucket.begins, delivery_stream_id, tech_stream_ids;
    IF (SELECT count(*) FROM (SELECT FROM quality_counts WHERE is_fresh LIMIT 1000) AS waiting) = 1000
        AND pg_try_advisory_xact_lock(7237131130471739) THEN
        WITH fresh AS (
            SELECT DISTINCT rate, part, begins, delivery_stream_id, tech_stream_ids FROM quality_counts WHERE is_fresh
        ), gone AS (
            DELETE FROM quality_counts AS kept USING fresh
            WHERE kept.part = fresh.part AND kept.begins = fresh.begins AND kept.rate = fresh.rate
                AND kept.tech_stream_ids = fresh.tech_stream_ids
                AND kept.delivery_stream_id IS NOT DISTINCT FROM fresh.delivery_stream_id
            RETURNING kept.*
        )
        INSERT INTO quality_counts
        SELECT rate, part, begins, delivery_stream_id, tech_stream_ids, sum(complete), sum(total), false
        FROM gone GROUP BY rate, part, begins, delivery_stream_id, tech_stream_ids
        HAVING sum(complete) <> 0 OR sum(total) <> 0;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION forget_quality() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM quality_counts;
    RETURN NULL;
END
$$;
CREATE TRIGGER counted AFTER INSERT ON quality_spans
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_quality();
CREATE TRIGGER uncounted AFTER DELETE ON quality_spans
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_quality();
CREATE TRIGGER forgotten AFTER TRUNCATE ON quality_spans FOR EACH STATEMENT EXECUTE FUNCTION forget_quality();

INSERT INTO quality_spans
SELECT * FROM rated_tickets
UNION ALL SELECT * FROM rated_defects
UNION ALL SELECT rate, thing, delivery_stream_id, tech_stream_ids, is_complete, valid_from, valid_to
    FROM rated_pull_requests
UNION ALL SELECT rate, thing, delivery_stream_id, tech_stream_ids, is_complete, valid_from, valid_to
    FROM rated_deployments;
