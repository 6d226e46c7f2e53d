-- Events are facts: they are added, and never changed or taken away (§4.3).
--
-- Three exceptions. Enrichment fills columns that are still empty, those that are named where the trigger is made. The
-- two tables of §4.3.7 and §4.3.8 are upserted, their keys standing fast. Retention (§8.3) deletes what is old enough,
-- in a transaction that says so: SET LOCAL dpp.retention = 'on'. Where the database has a role dpp_retention, only its
-- members may say so; a hosted platform creates it and grants it to whoever runs the job.

CREATE FUNCTION dpp_retention_is_on() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('dpp.retention', true), '') = 'on'
        AND NOT EXISTS (
            SELECT FROM pg_roles WHERE rolname = 'dpp_retention' AND NOT pg_has_role(session_user, oid, 'MEMBER')
        )
$$;

CREATE FUNCTION dpp_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    refused text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF dpp_retention_is_on() THEN
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

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON work_item_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'from_stage', 'to_stage', 'to_active', 'sprint_id', 'blocking_tech_stream_id');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON work_item_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON work_item_facts FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'from_stage', 'to_stage', 'to_active', 'sprint_id', 'blocking_tech_stream_id');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON work_item_facts EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON defect_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON defect_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON pr_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'repo_id', 'linked_ticket_id', 'link_method');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON pr_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON pull_request_facts FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'repo_id', 'linked_ticket_id', 'link_method');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON pull_request_facts EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON cicd_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'repo_id', 'linked_ticket_id', 'linked_pr_number');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON cicd_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incident_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'related_deploy_id', 'resolved_at', 'time_to_restore_min');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON incident_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON push_events FOR EACH ROW EXECUTE FUNCTION
    dpp_refuse_change('delivery_stream_id', 'tech_stream_id', 'repo_id');
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON push_events EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF event_id, sprint_id, snapshot_date ON sprint_snapshots
    FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON sprint_snapshots EXECUTE FUNCTION dpp_refuse_change();

CREATE TRIGGER append_only
    BEFORE DELETE OR UPDATE OF event_id, survey_period, respondent_hash, delivery_stream_id ON pulse_responses
    FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON pulse_responses EXECUTE FUNCTION dpp_refuse_change();
