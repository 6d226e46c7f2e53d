-- One change may be reported more than once, with other times or contents. The event table holds the report that stands;
-- the others are kept here. Which one stands depends on what they say, and not on which came first (decision 0030).
CREATE TABLE event_reports (
    report_id UUID NOT NULL,
    event_table TEXT NOT NULL,
    thing TEXT NOT NULL,
    event_id UUID NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    report JSONB NOT NULL,
    CONSTRAINT pk_event_reports PRIMARY KEY (report_id)
);
CREATE INDEX ix_event_reports_event_table_thing ON event_reports (event_table, thing);
COMMENT ON TABLE event_reports IS 'Other reports of changes that are in an event table: kept, and not counted';

-- Finds the deployments that name a pull request which becomes known only now.
CREATE INDEX ix_cicd_events_named ON cicd_events (repo_id, linked_pr_number) WHERE linked_pr_number IS NOT NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON event_reports FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON event_reports EXECUTE FUNCTION dpp_refuse_change();

-- Names a report by what it says: not by when it was received, nor by what the configuration of the moment made of it.
CREATE FUNCTION dpp_report_id(event_table text, report jsonb) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT md5(event_table || (report - ARRAY[
        'received_at', 'delivery_stream_id', 'tech_stream_id', 'repo_id', 'from_stage', 'to_stage', 'to_active',
        'sprint_id', 'blocking_tech_stream_id', 'linked_ticket_id', 'link_method', 'environment',
        'related_deploy_id', 'resolved_at', 'time_to_restore_min'
    ]) || (report ->> 'repo_id' IS NULL))::uuid
$$;

-- As before, with one exception more: a row leaves its table when what it says is kept among the reports.
CREATE OR REPLACE FUNCTION dpp_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    refused text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF dpp_retention_is_on() OR EXISTS (
            SELECT FROM event_reports
            WHERE report_id = dpp_report_id(TG_TABLE_NAME, to_jsonb(OLD)) AND event_table = TG_TABLE_NAME
        ) THEN
            RETURN OLD;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT string_agg(before.key, ', ') INTO refused
        FROM jsonb_each(to_jsonb(OLD)) AS before
        JOIN jsonb_each(to_jsonb(NEW)) AS after USING (key)
        WHERE before.value <> after.value AND (before.value <> 'null' OR before.key <> ALL (coalesce(TG_ARGV, '{}')));
        IF refused IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are only added to: % refused', TG_TABLE_NAME, concat_ws(' of ', TG_OP, refused)
        USING ERRCODE = 'DPP01';
END $$;
