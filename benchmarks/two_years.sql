-- Two years of a company: eight delivery streams, eight technology streams with five repositories each. Rows of derived
-- tables are written as derivation would, without deriving them. ``:name`` is filled in before this is sent.

CREATE FUNCTION pg_temp.pick(seed bigint, salt int, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT abs(hashint8extended(seed, salt) % n)::int $$;
CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT md5(n::text)::uuid $$;
CREATE FUNCTION pg_temp.stream(kind int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT lpad(to_hex(kind) || to_hex(n), 32, '0')::uuid $$;
CREATE FUNCTION pg_temp.person(name text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT encode(sha256(name::bytea), 'hex') $$;

-- Tickets --------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE ticket AS
SELECT n, n::text AS issue_id, 'P' || 1 + n % 8 || '-' || n AS ticket_id, 'P' || 1 + n % 8 AS project_key,
    pg_temp.stream(1, 1 + n % 8) AS delivery,
    CASE WHEN n % 5 = 0 THEN ARRAY[pg_temp.stream(2, 1 + n / 8 % 8), pg_temp.stream(2, 1 + (n / 8 + 3) % 8)]
        ELSE ARRAY[pg_temp.stream(2, 1 + n / 8 % 8)] END AS techs,
    CASE WHEN n % 6 = 0 THEN 'bug' ELSE 'story' END AS kind,
    pg_temp.person('d' || 1 + n % 8 || '-' || pg_temp.pick(n, 9, 8)) AS assignee,
    :end - interval '730 days' + n * (interval '730 days' / :tickets) AS created_at
FROM generate_series(1, :tickets) AS n;

-- A ticket in fifty stays where it is begun.
CREATE TEMP TABLE step AS
SELECT n, step, kind, status, stage, active, at, lead(at) OVER (PARTITION BY n ORDER BY step) AS next_at
FROM (
    SELECT n, step, event AS kind, status, stage, active,
        created_at + sum(CASE WHEN step = 1 THEN 0 ELSE least + pg_temp.pick(n, step, spread) END)
            OVER (PARTITION BY n ORDER BY step) * interval '1 hour' AS at
    FROM ticket CROSS JOIN (VALUES
        (1, 'created', 'Open', 'backlog', false, 0, 1), (2, 'transitioned', 'Doing', 'dev', true, 8, 480),
        (3, 'transitioned', 'To review', 'code_review', false, 4, 96),
        (4, 'transitioned', 'In review', 'code_review', true, 1, 48),
        (5, 'transitioned', 'To QA', 'qa', false, 1, 24), (6, 'transitioned', 'In QA', 'qa', true, 1, 72),
        (7, 'transitioned', 'In UAT', 'uat', true, 1, 48), (8, 'transitioned', 'Closed', 'done', false, 1, 48)
    ) AS way (step, event, status, stage, active, least, spread)
    WHERE NOT (n % 50 = 0 AND step > 2)
) AS every
WHERE at <= :end;
CREATE INDEX ON step (n, step);
ANALYZE step;

INSERT INTO ticket_keys SELECT ticket_id, issue_id FROM ticket;

INSERT INTO sprints (sprint_id, jira_sprint_id, delivery_stream_id, name, start_date, end_date, state, reported_at)
SELECT pg_temp.id(-1000 * stream - sprint), (1000 * stream + sprint)::text, pg_temp.stream(1, stream), 'Sprint ' || sprint,
    (:end)::date - 7 - 14 * sprint, (:end)::date + 6 - 14 * sprint, CASE WHEN sprint = 0 THEN 'active' ELSE 'closed' END,
    :end - sprint * interval '14 days' - interval '7 days'
FROM generate_series(1, 8) AS stream CROSS JOIN generate_series(0, 51) AS sprint;
INSERT INTO sprint_snapshots (source, event_timestamp, sprint_id, snapshot_date, committed_count, completed_count,
    remaining_count)
SELECT 'platform', day + interval '18 hours', sprint_id, day::date, 40, least(40, 3 * place), greatest(0, 40 - 3 * place)
FROM sprints CROSS JOIN LATERAL generate_series(start_date::timestamptz, end_date::timestamptz, '1 day')
    WITH ORDINALITY AS days (day, place)
WHERE day + interval '18 hours' < :end;

INSERT INTO work_item_events (source, received_at, event_timestamp, event_type, ticket_id, issue_id, project_key,
    source_change_id, ticket_type, to_status, to_stage, to_active, delivery_stream_id, tech_stream_id, assignee_hash,
    story_points, labels, components, tech_stream_names, ticket_created_at, has_fields)
SELECT 'jira', at, at, step.kind, ticket_id, issue_id, project_key, (n::bigint * 10 + step)::text, ticket.kind, status,
    stage, active, delivery, techs[1], CASE WHEN step > 1 THEN assignee END, 3, '{}', '{}', '{}', created_at, true
FROM step JOIN ticket USING (n) ORDER BY at;
-- A ticket in twenty was blocked for a while by a technology stream.
INSERT INTO work_item_events (source, received_at, event_timestamp, event_type, ticket_id, issue_id, project_key,
    source_change_id, delivery_stream_id, tech_stream_id, blocking_tech_stream_id, has_fields)
SELECT 'jira', at, at + hours * interval '1 hour', flag, ticket_id, issue_id, project_key,
    (n::bigint * 10 + place + 8)::text, delivery, techs[1], pg_temp.stream(2, 1 + pg_temp.pick(n, 20, 8)), false
FROM step JOIN ticket USING (n) CROSS JOIN (VALUES (0, 1, 'blocked'), (60, 2, 'unblocked')) AS flags (hours, place, flag)
WHERE step = 2 AND n % 20 = 0 AND at + hours * interval '1 hour' <= :end ORDER BY at;

INSERT INTO work_item_stays (issue_id, status, stage, is_active_work, entered_at, left_at)
SELECT n::text, status, stage, active, at, coalesce(next_at, 'infinity') FROM step ORDER BY n, step;

-- A ticket in forty came from the neighbouring stream five days after its creation.
INSERT INTO work_item_attributions
SELECT issue_id, ticket_id, CASE WHEN n % 40 = 1 THEN pg_temp.stream(1, 1 + (n + 1) % 8) ELSE delivery END, techs,
    created_at, CASE WHEN n % 40 = 1 THEN created_at + interval '5 days' ELSE 'infinity' END FROM ticket
UNION ALL
SELECT issue_id, ticket_id, delivery, techs, created_at + interval '5 days', 'infinity' FROM ticket WHERE n % 40 = 1
ORDER BY 1, 5;

CREATE TEMP TABLE latest AS
SELECT DISTINCT ON (n) n, step, status, stage, active, at FROM step ORDER BY n, step DESC;
INSERT INTO work_items (issue_id, ticket_id, project_key, ticket_type, story_points, labels, delivery_stream_id,
    tech_stream_ids, sprint_id, status, stage, is_active_work, entered_at, created_at, first_in_progress, completed_at,
    blocked_since, is_deleted)
SELECT issue_id, ticket_id, project_key, kind, 3, '{}', delivery, techs,
    CASE WHEN stage <> 'backlog' THEN pg_temp.id(-1000 * (1 + n % 8)
        - least(51, greatest(0, ceil(extract(epoch FROM :end - at) / 86400 - 7)::int / 14))) END,
    status, stage, active, at, created_at, (SELECT at FROM step WHERE step.n = ticket.n AND step = 2),
    CASE WHEN step = 8 THEN at END,
    CASE WHEN n % 20 = 0 AND step = 2 AND at + interval '60 hours' > :end THEN at END, n % 500 = 7
FROM ticket JOIN latest USING (n) ORDER BY n;

CREATE TEMP TABLE finished AS
SELECT n, issue_id, ticket_id, delivery, techs, ticket.kind, created_at, begun.at AS begun_at, latest.at AS done_at,
    extract(epoch FROM latest.at - begun.at) / 86400 * 5 / 7 AS days, (
        SELECT jsonb_object_agg(stage || CASE WHEN stage = 'backlog' OR active THEN '' ELSE '_queue' END,
            round(extract(epoch FROM next_at - at) / 86400 * 5 / 7, 6))
        FROM step WHERE step.n = ticket.n AND step < 8
    ) AS durations
FROM ticket JOIN latest USING (n) JOIN step AS begun USING (n)
WHERE latest.step = 8 AND begun.step = 2;
INSERT INTO work_item_cycles (issue_id, ticket_id, delivery_stream_id, tech_stream_ids, ticket_type, story_points,
    created_at, first_in_progress, completed_at, lead_time_days, cycle_time_days, active_time_days, wait_time_days,
    blocked_time_days, flow_efficiency_pct, stage_durations)
SELECT issue_id, ticket_id, delivery, techs, kind, 3, created_at, begun_at, done_at,
    extract(epoch FROM done_at - created_at) / 86400 * 5 / 7, days, days * 0.6, days * 0.4, 0, 40 + pg_temp.pick(n, 21, 50),
    durations
FROM finished ORDER BY done_at;
-- A ticket in thirty had been finished a day before, and was opened again within the day.
INSERT INTO superseded_cycles (issue_id, ticket_id, delivery_stream_id, tech_stream_ids, ticket_type, story_points,
    created_at, first_in_progress, completed_at, lead_time_days, cycle_time_days, active_time_days, wait_time_days,
    blocked_time_days, flow_efficiency_pct, stage_durations, reopened_at)
SELECT issue_id, ticket_id, delivery, techs, kind, 3, created_at, begun_at, done_at - interval '1 day',
    extract(epoch FROM done_at - created_at) / 86400 * 5 / 7, days, days * 0.6, days * 0.4, 0, 50, durations,
    done_at - interval '2 hours'
FROM finished WHERE n % 30 = 0;

INSERT INTO defect_events (source, received_at, event_timestamp, event_type, ticket_id, issue_id, project_key,
    source_change_id, delivery_stream_id, tech_stream_id, severity, found_in_stage, introduced_in_stage)
SELECT 'jira', at, at, event, ticket_id, issue_id, project_key, (n::bigint * 10 + place)::text, delivery, techs[1], 'high',
    (ARRAY['qa', 'uat', 'production', 'unknown'])[1 + pg_temp.pick(n, 22, 4)],
    CASE WHEN place = 2 THEN (ARRAY['dev', 'ba', 'qa'])[1 + pg_temp.pick(n, 23, 3)] END
FROM (
    SELECT *, created_at + (place - 1) * interval '30 hours' AS at
    FROM ticket CROSS JOIN (VALUES (1, 'logged'), (2, 'attributed')) AS told (place, event)
    WHERE kind = 'bug' AND (place = 1 OR pg_temp.pick(n, 24, 10) < 7)
) AS defect
WHERE at <= :end ORDER BY at;

-- Pull requests --------------------------------------------------------------------------------------------------------

INSERT INTO repositories (repo_id, tech_stream_id, github_org, github_repo_name, full_name, github_repo_id, named_at)
SELECT pg_temp.id(-n), pg_temp.stream(2, 1 + n % 8), 'org-' || 1 + n % 8, 'repo-' || n,
    'org-' || 1 + n % 8 || '/repo-' || n, n, :end - interval '730 days'
FROM generate_series(0, 39) AS n;

-- Nine in ten name a ticket that was made some days before.
CREATE TEMP TABLE request AS
SELECT *, opened_at + hours * interval '1 hour' AS first_review, CASE WHEN m % 20 = 3 THEN 'closed' ELSE 'merged' END AS fate,
    opened_at + (hours + 1 + pg_temp.pick(m, 31, 60)) * interval '1 hour' AS ended_at
FROM (
    SELECT m, pg_temp.id(-(m % 40)) AS repo_id, m / 40 + 1 AS pr_number, pg_temp.stream(2, 1 + m % 40 % 8) AS tech,
        pg_temp.person('t' || m % 40 % 8 || '-' || pg_temp.pick(m, 32, 12)) AS author,
        CASE WHEN m % 10 > 0 THEN
            greatest(1, (m::bigint * :tickets / :requests - pg_temp.pick(m, 33, 1500))::int) END AS n,
        1 + pg_temp.pick(m, 30, 30) AS hours,
        :end - interval '730 days' + m * (interval '730 days' / :requests) AS opened_at
    FROM generate_series(1, :requests) AS m
) AS begun;

INSERT INTO pr_events (source, received_at, event_timestamp, event_type, pr_number, repo_id, github_org, github_repo,
    source_change_id, tech_stream_id, author_hash, author_is_bot, branch_name, linked_ticket_id, base_branch, opened_at,
    is_draft, title_keys, body_keys, head_sha, merge_sha, reviewer_hash, reviewer_is_bot)
SELECT 'github', at, at, event, pr_number, repo_id, 'org-' || 1 + m % 40 % 8, 'repo-' || m % 40, (m::bigint * 10 + place)::text,
    tech, author, m % 50 = 9, 'feature/' || m, ticket_id, 'main', opened_at, false, '{}', '{}', md5(m::text),
    CASE WHEN event = 'merged' THEN md5('merge' || m) END,
    CASE WHEN event = 'review_submitted' THEN
        pg_temp.person('t' || m % 40 % 8 || '-' || pg_temp.pick(m, 34 + place, 12)) END, false
FROM (
    SELECT request.*, place, CASE WHEN place = 4 THEN fate ELSE event END AS event, ticket_id,
        CASE place WHEN 1 THEN opened_at WHEN 2 THEN first_review WHEN 3 THEN ended_at - interval '20 minutes'
            ELSE ended_at END AS at
    FROM request LEFT JOIN ticket USING (n) CROSS JOIN (VALUES
        (1, 'opened'), (2, 'review_submitted'), (3, 'review_submitted'), (4, '')
    ) AS steps (place, event)
) AS told
WHERE at <= :end ORDER BY at;

INSERT INTO pull_requests (repo_id, pr_number, tech_stream_id, delivery_stream_id, linked_ticket_id, linked_issue_id,
    link_method, author_hash, author_is_bot, state, is_draft, branch_name, base_branch, opened_at, closed_at)
SELECT repo_id, pr_number, tech, delivery, ticket_id, issue_id, CASE WHEN n IS NOT NULL THEN 'branch' END, author,
    m % 50 = 9, CASE WHEN ended_at <= :end THEN fate ELSE 'open' END, false, 'feature/' || m, 'main', opened_at,
    CASE WHEN ended_at <= :end THEN ended_at END
FROM request LEFT JOIN ticket USING (n) ORDER BY m;
INSERT INTO pr_cycles (repo_id, tech_stream_id, delivery_stream_id, pr_number, linked_ticket_id, author_hash, opened_at,
    first_review_at, approved_at, merged_at, closed_at, time_to_first_review_hrs, time_to_merge_hrs, review_rounds,
    reviewer_hashes, reviewer_count, lines_changed, files_changed)
SELECT repo_id, tech, delivery, pr_number, ticket_id, author, opened_at, first_review, ended_at - interval '20 minutes',
    CASE fate WHEN 'merged' THEN ended_at END, ended_at, hours, extract(epoch FROM ended_at - opened_at) / 3600, 1,
    ARRAY[pg_temp.person('t' || m % 40 % 8 || '-' || pg_temp.pick(m, 36, 12))], 1, 120, 4
FROM request LEFT JOIN ticket USING (n) WHERE ended_at <= :end ORDER BY ended_at;

-- Deployments and incidents --------------------------------------------------------------------------------------------

INSERT INTO deployment_records (record_id, pipeline_id, pipeline_run_id, tech_stream_id, delivery_stream_id, repo_id,
    environment, branch, started_at, deployed_at, status, commit_sha, linked_pr_number, linked_ticket_id, linked_issue_id,
    lead_time_hrs, lead_time_method, is_config_only, rollback_at)
SELECT pg_temp.id(k), 'deploy-' || k % 40, k::text, pg_temp.stream(2, 1 + k % 40 % 8), carried.delivery_stream_id,
    pg_temp.id(-(k % 40)), 'production', 'main', at - interval '12 minutes', at,
    CASE WHEN k % 25 = 1 THEN 'failed' WHEN k % 30 = 2 THEN 'rolled_back' ELSE 'success' END, md5('merge' || k),
    carried.pr_number, carried.linked_ticket_id, carried.linked_issue_id,
    extract(epoch FROM at - carried.opened_at) / 3600, CASE WHEN carried.pr_number IS NOT NULL THEN 'pr' END, k % 60 = 5,
    CASE WHEN k % 30 = 2 THEN at + interval '3 hours' END
FROM (
    SELECT k, :end - interval '730 days' + k * (interval '730 days' / :deployments) AS at
    FROM generate_series(1, :deployments) AS k
) AS done LEFT JOIN LATERAL (
    SELECT * FROM pull_requests
    WHERE repo_id = pg_temp.id(-(k % 40)) AND base_branch = 'main' AND closed_at < at AND k % 10 > 0
    ORDER BY closed_at DESC LIMIT 1
) AS carried ON true ORDER BY k;
ANALYZE deployment_records;

INSERT INTO change_ledger (repo_id, pr_number, tech_stream_id, delivery_stream_id, linked_ticket_id, linked_issue_id,
    base_branch, record_id, first_pushed_at, opened_at, first_review_at, merged_at, deployed_at, lead_time_hrs, coding_hrs,
    pickup_hrs, review_hrs, deploy_hrs)
SELECT request.repo_id, request.pr_number, tech, delivery, ticket_id, issue_id, 'main', record_id, opened_at, opened_at,
    first_review, ended_at, deployed_at, extract(epoch FROM deployed_at - opened_at) / 3600, 0, hours,
    extract(epoch FROM ended_at - first_review) / 3600, extract(epoch FROM deployed_at - ended_at) / 3600
FROM request LEFT JOIN ticket USING (n) LEFT JOIN LATERAL (
    SELECT record_id, deployed_at FROM deployment_records AS release
    WHERE release.repo_id = request.repo_id AND environment = 'production' AND status <> 'failed' AND NOT is_config_only
        AND started_at >= ended_at
    ORDER BY started_at LIMIT 1
) AS first ON true
WHERE fate = 'merged' AND ended_at <= :end ORDER BY ended_at;

INSERT INTO incidents
SELECT 'inc-' || i, 'inc-' || i, 'service-' || i % 40, pg_temp.stream(2, 1 + i % 8), 'high', at,
    at + (20 + pg_temp.pick(i, 41, 300)) * interval '1 minute', 20 + pg_temp.pick(i, 41, 300), NULL
FROM (
    SELECT i, :end - interval '730 days' + i * (interval '730 days' / :incidents) - interval '6 hours' AS at
    FROM generate_series(1, :incidents) AS i
) AS begun;
INSERT INTO incident_restores
SELECT incident_id, source_incident_id, tech_stream_id, started_at, resolved_at, time_to_restore_min, resolved_at, 'infinity'
FROM incidents;
INSERT INTO incident_blames (incident_id, source_incident_id, record_id, standing, valid_from)
SELECT incident_id, incident_id, record_id, CASE WHEN place = 1 THEN 'blamed' ELSE 'candidate' END, incident.started_at
FROM incidents AS incident CROSS JOIN LATERAL (
    SELECT record_id, row_number() OVER (ORDER BY deployed_at DESC) AS place FROM deployment_records AS suspect
    WHERE suspect.tech_stream_id = incident.tech_stream_id AND environment = 'production'
        AND deployed_at < incident.started_at AND deployed_at > incident.started_at - interval '1 day'
    ORDER BY deployed_at DESC LIMIT 2
) AS suspects;

-- Surveys and stored forecasts -----------------------------------------------------------------------------------------

INSERT INTO pulse_responses (source, received_at, event_timestamp, survey_period, respondent_hash, delivery_stream_id,
    pace_score, tooling_score, clarity_score)
SELECT 'survey', at, at, to_char(at, 'YYYY-MM'), pg_temp.person('d' || stream || '-' || person), pg_temp.stream(1, stream),
    1 + pg_temp.pick(person + 10 * stream, 51, 5), 3, 1 + pg_temp.pick(person + 10 * stream, 52, 5)
FROM generate_series(date_trunc('month', :end - interval '23 months'), :end - interval '3 days', '1 month') AS at
    CROSS JOIN generate_series(1, 8) AS stream CROSS JOIN generate_series(1, 8) AS person;

INSERT INTO forecast_snapshots (delivery_stream_id, forecast_date, scope_item_count, throughput_samples, simulation_runs,
    p50_completion_date, p70_completion_date, p85_completion_date, p95_completion_date, distribution_data, computed_at,
    method, seed, sample, cut_runs)
SELECT CASE WHEN stream > 0 THEN pg_temp.stream(1, stream) END, (:end)::date - back, 400, 12, 10000,
    (:end)::date - back + 35, (:end)::date - back + 42, (:end)::date - back + 49, (:end)::date - back + 56,
    jsonb_build_array(jsonb_build_object('date', (:end)::date - back + 35, 'runs', 10000)), :end - back * interval '1 day',
    'monte_carlo', 1, '{120, 130, 140, 110, 150, 120, 130, 140, 110, 150, 120, 130}', 0
FROM generate_series(0, 8) AS stream CROSS JOIN generate_series(1, 364) AS back;
