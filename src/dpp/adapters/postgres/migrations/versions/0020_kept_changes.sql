-- The places whose rows a transaction has changed, table by table: who keeps rows in memory reads these anew. A mark is
-- there as soon as its transaction is, and says which it was, so that nobody misses one who asks by snapshots.
CREATE TABLE kept_changes (
    kept TEXT NOT NULL,
    place INTEGER NOT NULL,
    transaction BIGINT NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX ix_kept_changes_transaction ON kept_changes (transaction);
CREATE INDEX ix_kept_changes_noted_at ON kept_changes (noted_at);
COMMENT ON TABLE kept_changes IS
    'Places of rows that processes keep in memory, such as days, in which a transaction changed some; for ten minutes';

-- The day that a moment is in; what has no end, or none yet, is in the last one.
CREATE FUNCTION dpp_day(moment TIMESTAMP WITH TIME ZONE) RETURNS INTEGER LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN isfinite(moment) THEN floor(extract(epoch FROM moment) / 86400)::integer
        WHEN moment = '-infinity' THEN 0 ELSE 2147483647 END
$body$;

-- A ticket's flags are found without its other events.
CREATE INDEX ix_work_item_events_flags_of ON work_item_events (issue_id)
    INCLUDE (event_timestamp, source_change_id, event_type, blocking_tech_stream_id)
    WHERE event_type IN ('blocked', 'unblocked', 'flagged', 'unflagged');

-- The share that a name's number is in, 0 to 1023.
CREATE FUNCTION dpp_share(name TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT (hashtextextended(name, 0) >> 54)::integer + 512
$body$;
CREATE INDEX ix_work_item_attributions_number ON work_item_attributions (hashtextextended(issue_id, 0));
CREATE INDEX ix_superseded_cycles_completed_at ON superseded_cycles (completed_at);
CREATE INDEX ix_defect_events_number ON defect_events (hashtextextended(issue_id, 0));
CREATE INDEX ix_incident_blames_number ON incident_blames (hashtextextended(incident_id, 0));

-- Now and then one of those who note changes forgets old ones, none of which another one is about to forget.
CREATE FUNCTION dpp_note(what TEXT, places INTEGER[]) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO kept_changes (kept, place, transaction, noted_at)
    SELECT DISTINCT what, one.place, pg_current_xact_id()::text::bigint, clock_timestamp() FROM unnest(places) AS one (place);
    IF random() < 0.01 THEN
        DELETE FROM kept_changes WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM kept_changes WHERE noted_at < clock_timestamp() - interval '10 minutes'
            LIMIT 10000 FOR UPDATE SKIP LOCKED
        ));
    END IF;
END
$body$;

CREATE FUNCTION dpp_note_places() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('unfinished places', array_agg(DISTINCT dpp_day(left_at)))
    FROM changed WHERE stage <> 'done' HAVING count(*) > 0;
    PERFORM dpp_note('done places', array_agg(DISTINCT dpp_day(stayed_from)))
    FROM changed WHERE stage = 'done' HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_attributions() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('attributions', array_agg(DISTINCT dpp_share(issue_id))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_defects() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('defects', array_agg(DISTINCT dpp_share(issue_id))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_completions() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('completions', array_agg(DISTINCT dpp_day(completed_at))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('ended pull requests', array_agg(DISTINCT dpp_day(closed_at))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

-- A pull request is derived after each of its events: its closings are noted then, and not while events are taken in.
CREATE FUNCTION dpp_note_closings() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('closings', array_agg(DISTINCT dpp_day(event.event_timestamp)))
    FROM changed JOIN pr_events AS event USING (repo_id, pr_number) WHERE event.event_type = 'closed'
    HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_deployments() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('deployments', array_agg(DISTINCT dpp_day(deployed_at)))
    FROM changed WHERE environment = 'production' HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_changes() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('changes', array_agg(DISTINCT dpp_day(deployed_at))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_incidents() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('incidents', array_agg(DISTINCT dpp_day(started_at))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_blames() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('blames', array_agg(DISTINCT dpp_share(incident_id))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_restores() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('restores', array_agg(DISTINCT dpp_day(resolved_at))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_quality_counts() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('quality counts', array_agg(DISTINCT dpp_day(begins))) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

CREATE FUNCTION dpp_note_quality_spans() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM dpp_note('quality begun', array_agg(DISTINCT dpp_day(valid_from))) FROM changed HAVING count(*) > 0;
    PERFORM dpp_note('quality ended', array_agg(DISTINCT dpp_day(valid_to)))
    FROM changed WHERE valid_to < 'infinity' HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

DO $make$
DECLARE
    made RECORD;
BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('work_item_places', 'dpp_note_places'),
        ('work_item_attributions', 'dpp_note_attributions'),
        ('defect_events', 'dpp_note_defects'),
        ('work_item_cycles', 'dpp_note_completions'),
        ('superseded_cycles', 'dpp_note_completions'),
        ('pr_cycles', 'dpp_note_ended'),
        ('pull_requests', 'dpp_note_closings'),
        ('deployment_records', 'dpp_note_deployments'),
        ('change_ledger', 'dpp_note_changes'),
        ('incidents', 'dpp_note_incidents'),
        ('incident_blames', 'dpp_note_blames'),
        ('incident_restores', 'dpp_note_restores'),
        ('quality_counts', 'dpp_note_quality_counts'),
        ('quality_spans', 'dpp_note_quality_spans')
    ) AS one (watched, calls) CROSS JOIN (VALUES
        ('note_gained', 'INSERT', 'NEW'),
        ('note_lost', 'DELETE', 'OLD'),
        ('note_changed_from', 'UPDATE', 'OLD'),
        ('note_changed_to', 'UPDATE', 'NEW')
    ) AS two (named, happens, side) LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed FOR EACH STATEMENT '
            'EXECUTE FUNCTION %I()', made.named, made.happens, made.watched, made.side, made.calls);
    END LOOP;
END
$make$;
