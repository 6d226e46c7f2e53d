-- What the account of the running processes may not do by itself (decision 0040), and is done for it in the owner's name:
-- each function takes away what it is for, and nothing else. Whoever may call them is told by ``privileges``.

-- Rows of an event table whose report is kept give way (decision 0030); the trigger of the table holds it to that.
CREATE FUNCTION dpp_give_up(event_table text, ids uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    IF event_table <> ALL (ARRAY['work_item_events', 'work_item_facts', 'defect_events', 'pr_events',
        'pull_request_facts', 'cicd_events', 'incident_events', 'push_events'])
    THEN
        RAISE EXCEPTION '% has no reports that give way', event_table USING ERRCODE = 'DPP01';
    END IF;
    EXECUTE format('DELETE FROM %I WHERE event_id = ANY ($1)', event_table) USING ids;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;

-- Answers to the survey end after a year, all of a team's to one survey at once, and their aggregate becomes final
-- (decision 0035). A trigger of the table holds it to the twelve months by the database's own clock.
CREATE FUNCTION dpp_expire_answers(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    -- Nobody answers meanwhile: what was found old enough stays so until it is gone.
    LOCK TABLE pulse_responses IN SHARE ROW EXCLUSIVE MODE;
    UPDATE pulse_aggregates AS kept SET is_final = true
    FROM (
        SELECT delivery_stream_id, survey_period FROM pulse_responses GROUP BY delivery_stream_id, survey_period
        HAVING max(event_timestamp) < least(before, now() - interval '12 months')
    ) AS old
    WHERE kept.delivery_stream_id = old.delivery_stream_id AND kept.survey_period = old.survey_period;
    PERFORM set_config('dpp.retention', 'on', true);
    DELETE FROM pulse_responses AS answer
    USING (
        SELECT delivery_stream_id, survey_period FROM pulse_responses GROUP BY delivery_stream_id, survey_period
        HAVING max(event_timestamp) < least(before, now() - interval '12 months')
    ) AS old
    WHERE answer.delivery_stream_id IS NOT DISTINCT FROM old.delivery_stream_id
        AND answer.survey_period = old.survey_period;
    GET DIAGNOSTICS gone = ROW_COUNT;
    PERFORM set_config('dpp.retention', 'off', true);
    RETURN gone;
END $$;

REVOKE ALL ON FUNCTION dpp_give_up(text, uuid[]), dpp_expire_answers(timestamptz) FROM PUBLIC;
