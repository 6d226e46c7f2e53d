-- Who contributed, thing by thing: a row has what one pull request or ticket tells, the moments in order.
CREATE TABLE contributions (
    thing TEXT NOT NULL,
    repo_id UUID,
    pr_number INTEGER,
    issue_id TEXT,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    held_from TIMESTAMP WITH TIME ZONE NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    moments TIMESTAMP WITH TIME ZONE[] NOT NULL,
    people TEXT[] NOT NULL,
    reviews INTEGER[] NOT NULL,
    CONSTRAINT pk_contributions PRIMARY KEY (thing)
);
CREATE INDEX ix_contributions_moved ON contributions (held_from) WHERE first_at < held_from;
COMMENT ON TABLE contributions IS
    'Authors, peer reviewers and assignees of each pull request and ticket, with the streams that it has now';

CREATE TABLE contribution_parties (
    party UUID NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    person TEXT NOT NULL
);
CREATE INDEX ix_contribution_parties_party ON contribution_parties (party);
COMMENT ON TABLE contribution_parties IS 'Who contribution_counts are about: a person, for things of the same streams';

CREATE TABLE contribution_counts (
    part TEXT NOT NULL,
    begins TIMESTAMP WITH TIME ZONE NOT NULL,
    party UUID NOT NULL,
    mentions INTEGER NOT NULL,
    reviews INTEGER NOT NULL,
    is_fresh BOOLEAN NOT NULL,
    CONSTRAINT ck_contribution_counts_part CHECK (part IN ('month', 'third', 'day', 'hour'))
);
-- An answer adds up some ten thousand rows, which the index alone tells.
CREATE INDEX ix_contribution_counts_part_begins ON contribution_counts (part, begins) INCLUDE (party, mentions, reviews);
CREATE INDEX ix_contribution_counts_fresh ON contribution_counts (begins) WHERE is_fresh;
COMMENT ON TABLE contribution_counts IS
    'How often a party contributed, and reviewed, by month, third of a month, day and hour; rows add up';

CREATE VIEW contributed_code AS
SELECT request.repo_id || '/' || request.pr_number AS thing, request.repo_id, request.pr_number,
    request.linked_issue_id AS issue_id,
    current.delivery_stream_id, array_remove(ARRAY[request.tech_stream_id], NULL) AS tech_stream_ids,
    -- Since when the ticket is of the delivery stream that it is of: what came before had another one, or none.
    greatest('-infinity'::timestamptz, before.last_at, CASE WHEN current.delivery_stream_id IS NOT NULL THEN before.first_at END)
        AS held_from,
    coalesce(least(request.opened_at, told.moments[1]), '-infinity') AS first_at, told.moments, told.people, told.reviews
FROM pull_requests AS request
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(at ORDER BY at, person, reviews), '{}') AS moments,
        coalesce(array_agg(person ORDER BY at, person, reviews), '{}') AS people,
        coalesce(array_agg(reviews ORDER BY at, person, reviews), '{}') AS reviews
    FROM (
        SELECT event_timestamp AS at, author_hash AS person, 0 AS reviews FROM pr_events AS event
        WHERE event.repo_id = request.repo_id AND event.pr_number = request.pr_number AND NOT author_is_bot
        UNION ALL
        SELECT event_timestamp, reviewer_hash, 1 FROM pr_events AS event
        WHERE event.repo_id = request.repo_id AND event.pr_number = request.pr_number
            AND event_type = 'review_submitted' AND reviewer_hash <> author_hash AND NOT reviewer_is_bot
    ) AS one
) AS told
LEFT JOIN LATERAL (
    SELECT span.delivery_stream_id FROM work_item_attributions AS span
    WHERE span.issue_id = request.linked_issue_id AND span.valid_to = 'infinity' LIMIT 1
) AS current ON true
CROSS JOIN LATERAL (
    SELECT min(span.valid_from) AS first_at,
        max(span.valid_to) FILTER (WHERE span.delivery_stream_id IS DISTINCT FROM current.delivery_stream_id) AS last_at
    FROM work_item_attributions AS span WHERE span.issue_id = request.linked_issue_id
) AS before;

CREATE VIEW contributed_tickets AS
SELECT held.issue_id AS thing, NULL::uuid AS repo_id, NULL::integer AS pr_number, held.issue_id, held.delivery_stream_id, held.tech_stream_ids, held.valid_from AS held_from,
    told.moments[1] AS first_at, told.moments, told.people, told.reviews
FROM work_item_attributions AS held
CROSS JOIN LATERAL (
    SELECT array_agg(event_timestamp ORDER BY event_timestamp, assignee_hash) AS moments,
        array_agg(assignee_hash ORDER BY event_timestamp, assignee_hash) AS people, array_agg(0) AS reviews
    FROM work_item_events AS event WHERE event.issue_id = held.issue_id AND assignee_hash IS NOT NULL
) AS told
WHERE held.valid_to = 'infinity' AND told.moments IS NOT NULL;

-- Counts are added to, never changed, so that who derives at once never waits here; as in count_quality, every now and
-- then one of them puts together what belongs together. Hours and days have little that does.
DO $make$
DECLARE
    made RECORD;
BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('count_contributions_gained', 'SELECT *, 1 AS way FROM gained'),
        ('count_contributions_lost', 'SELECT *, -1 AS way FROM lost'),
        ('count_contributions_changed', 'SELECT *, 1 AS way FROM gained UNION ALL SELECT *, -1 FROM lost')
    ) AS one (name, source) LOOP
        EXECUTE format($function$
            CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                WITH told AS (
                    SELECT delivery_stream_id, tech_stream_ids, one.person, one.at,
                        sum(way) AS mentions, sum(way * one.reviews) AS reviews
                    FROM (%s) AS thing CROSS JOIN LATERAL unnest(moments, people, thing.reviews) AS one (at, person, reviews)
                    GROUP BY delivery_stream_id, tech_stream_ids, one.person, one.at
                    HAVING sum(way) <> 0 OR sum(way * one.reviews) <> 0
                ), named AS (
                    SELECT md5(ROW(delivery_stream_id, tech_stream_ids, person)::text)::uuid AS party, *
                    FROM told
                ), known AS (
                    INSERT INTO contribution_parties
                    SELECT DISTINCT party, delivery_stream_id, tech_stream_ids, person FROM named
                    WHERE NOT EXISTS (SELECT FROM contribution_parties AS there WHERE there.party = named.party)
                )
                INSERT INTO contribution_counts
                SELECT bucket.part, bucket.begins, party, sum(mentions), sum(reviews), bucket.part IN ('month', 'third')
                FROM named
                CROSS JOIN LATERAL (
                    SELECT 'month' AS part, date_trunc('month', at, 'UTC') AS begins
                    UNION ALL
                    SELECT 'third', date_trunc('month', at, 'UTC')
                        + least(2, (extract(day FROM at AT TIME ZONE 'UTC')::int - 1) / 10) * interval '240 hours'
                    UNION ALL
                    SELECT 'day', date_trunc('day', at, 'UTC')
                    UNION ALL
                    SELECT 'hour', date_trunc('hour', at, 'UTC')
                ) AS bucket
                GROUP BY bucket.part, bucket.begins, party
                HAVING sum(mentions) <> 0 OR sum(reviews) <> 0;
                IF (SELECT count(*) FROM (SELECT FROM contribution_counts WHERE is_fresh LIMIT 4000) AS waiting) = 4000
                    AND pg_try_advisory_xact_lock(7237131130471740) THEN
                    WITH fresh AS (
                        SELECT DISTINCT part, begins, party FROM contribution_counts WHERE is_fresh
                    ), gone AS (
                        DELETE FROM contribution_counts AS kept USING fresh
                        WHERE kept.part = fresh.part AND kept.begins = fresh.begins AND kept.party = fresh.party
                        RETURNING kept.*
                    )
                    INSERT INTO contribution_counts
                    SELECT part, begins, party, sum(mentions), sum(reviews), false
                    FROM gone GROUP BY part, begins, party
                    HAVING sum(mentions) <> 0 OR sum(reviews) <> 0;
                END IF;
                RETURN NULL;
            END
            $body$
        $function$, made.name, made.source);
    END LOOP;
END
$make$;
CREATE FUNCTION forget_contributions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM contribution_counts;
    DELETE FROM contribution_parties;
    RETURN NULL;
END
$$;
CREATE TRIGGER gained AFTER INSERT ON contributions
    REFERENCING NEW TABLE AS gained FOR EACH STATEMENT EXECUTE FUNCTION count_contributions_gained();
CREATE TRIGGER lost AFTER DELETE ON contributions
    REFERENCING OLD TABLE AS lost FOR EACH STATEMENT EXECUTE FUNCTION count_contributions_lost();
CREATE TRIGGER changed AFTER UPDATE ON contributions
    REFERENCING OLD TABLE AS lost NEW TABLE AS gained FOR EACH STATEMENT EXECUTE FUNCTION count_contributions_changed();
CREATE TRIGGER forgotten AFTER TRUNCATE ON contributions FOR EACH STATEMENT EXECUTE FUNCTION forget_contributions();

INSERT INTO contributions SELECT * FROM contributed_code UNION ALL SELECT * FROM contributed_tickets;

-- What ended in a window, and in how long it was reviewed, of which stream: told by the index alone.
DROP INDEX ix_pr_cycles_closed_at;
CREATE INDEX ix_pr_cycles_closed_at ON pr_cycles (closed_at)
    INCLUDE (repo_id, pr_number, tech_stream_id, delivery_stream_id, opened_at, first_review_at);
CREATE INDEX ix_pr_events_closed ON pr_events (event_timestamp) WHERE event_type = 'closed';

CREATE INDEX ix_incidents_started_at ON incidents (started_at);

-- Likewise of completed tickets.
DROP INDEX ix_work_item_cycles_completed_at;
CREATE INDEX ix_work_item_cycles_completed_at ON work_item_cycles (completed_at)
    INCLUDE (issue_id, delivery_stream_id, tech_stream_ids, cycle_time_days, flow_efficiency_pct);

-- The days under each label as one value of fixed length, nan where there are none: read without taking JSON apart.
ALTER TABLE work_item_cycles ADD COLUMN label_days BYTEA GENERATED ALWAYS AS (
    float8send(coalesce((stage_durations ->> 'backlog')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'ba')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'ba_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'dev')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'dev_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'code_review')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'code_review_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'qa')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'qa_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'uat')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'uat_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'done')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'cancelled')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'unmapped')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'deleted')::float8, 'NaN'))
) STORED;
ALTER TABLE superseded_cycles ADD COLUMN label_days BYTEA GENERATED ALWAYS AS (
    float8send(coalesce((stage_durations ->> 'backlog')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'ba')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'ba_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'dev')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'dev_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'code_review')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'code_review_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'qa')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'qa_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'uat')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'uat_queue')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'done')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'cancelled')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'unmapped')::float8, 'NaN')) ||
    float8send(coalesce((stage_durations ->> 'deleted')::float8, 'NaN'))
) STORED;

-- Stays, cut where their tickets changed streams, with these: whoever asks where the tickets of a stream are looks up
-- no ticket. Done ones tell when the whole stay began.
CREATE TABLE work_item_places (
    issue_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    stage TEXT NOT NULL,
    is_active_work BOOLEAN NOT NULL,
    first_in_progress TIMESTAMP WITH TIME ZONE,
    stayed_from TIMESTAMP WITH TIME ZONE NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE NOT NULL
);
COMMENT ON TABLE work_item_places IS 'Where every ticket was while it had the same streams, and when';

CREATE VIEW placed_tickets AS
SELECT stay.issue_id, span.ticket_id, span.delivery_stream_id, span.tech_stream_ids, stay.stage, stay.is_active_work,
    ticket.first_in_progress, stay.entered_at AS stayed_from, greatest(stay.entered_at, span.valid_from) AS entered_at,
    least(stay.left_at, span.valid_to) AS left_at
FROM work_item_stays AS stay
JOIN work_item_attributions AS span
    ON span.issue_id = stay.issue_id AND span.valid_from < stay.left_at AND span.valid_to > stay.entered_at
JOIN work_items AS ticket ON ticket.issue_id = stay.issue_id
WHERE stay.stage NOT IN ('cancelled', 'deleted');

INSERT INTO work_item_places SELECT * FROM placed_tickets ORDER BY left_at;
CREATE INDEX ix_work_item_places_issue_id ON work_item_places (issue_id);
CREATE INDEX ix_work_item_places_unfinished ON work_item_places (left_at, entered_at)
    INCLUDE (issue_id, delivery_stream_id, tech_stream_ids, stage, is_active_work) WHERE stage <> 'done';
CREATE INDEX ix_work_item_places_of_stream ON work_item_places (delivery_stream_id, left_at, entered_at)
    INCLUDE (issue_id, tech_stream_ids, stage, is_active_work) WHERE stage <> 'done';
CREATE INDEX ix_work_item_places_done ON work_item_places (stayed_from)
    INCLUDE (issue_id, delivery_stream_id, tech_stream_ids, is_active_work, entered_at, left_at) WHERE stage = 'done';
