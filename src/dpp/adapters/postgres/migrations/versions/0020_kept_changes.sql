-- The days whose rows a transaction has changed, table by table: who keeps rows in memory reads these days anew. A mark is
-- there as soon as its transaction is, and says which it was, so that nobody misses one who asks by snapshots.
CREATE TABLE kept_changes (
    kept TEXT NOT NULL,
    day INTEGER NOT NULL,
    transaction BIGINT NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX ix_kept_changes_kept_transaction ON kept_changes (kept, transaction);
CREATE INDEX ix_kept_changes_noted_at ON kept_changes (noted_at);
COMMENT ON TABLE kept_changes IS
    'Days, from 1970-01-01 in UTC, of which a transaction changed rows that processes keep in memory; for ten minutes';

-- The day that a moment is in; what has no end, or none yet, is in the last one.
CREATE FUNCTION dpp_day(moment TIMESTAMP WITH TIME ZONE) RETURNS INTEGER LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN moment < 'infinity' THEN floor(extract(epoch FROM moment) / 86400)::integer ELSE 2147483647 END
$body$;

-- Now and then one of those who note changes forgets old ones, none of which another one is about to forget.
CREATE FUNCTION dpp_note_days(what TEXT, days INTEGER[]) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO kept_changes (kept, day, transaction, noted_at)
    SELECT DISTINCT what, one.day, pg_current_xact_id()::text::bigint, clock_timestamp() FROM unnest(days) AS one (day);
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
    PERFORM dpp_note_days('unfinished places', array_agg(DISTINCT dpp_day(left_at)))
    FROM changed WHERE stage <> 'done' HAVING count(*) > 0;
    PERFORM dpp_note_days('done places', array_agg(DISTINCT dpp_day(stayed_from)))
    FROM changed WHERE stage = 'done' HAVING count(*) > 0;
    RETURN NULL;
END
$body$;

-- Kept rows are of tables that are only added to and taken from, so that a statement's rows are all new or all old.
DO $make$
DECLARE
    made RECORD;
BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('work_item_places', 'dpp_note_places')
    ) AS one (watched, calls) LOOP
        EXECUTE format('CREATE TRIGGER note_gained AFTER INSERT ON %I REFERENCING NEW TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', made.watched, made.calls);
        EXECUTE format('CREATE TRIGGER note_lost AFTER DELETE ON %I REFERENCING OLD TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', made.watched, made.calls);
        EXECUTE format('CREATE TRIGGER note_gone AFTER UPDATE ON %I REFERENCING OLD TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', made.watched, made.calls);
        EXECUTE format('CREATE TRIGGER note_come AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', made.watched, made.calls);
    END LOOP;
END
$make$;
