-- The tables of the foundation, as they were declared when the first version was made.

CREATE TABLE users (
    user_id UUID DEFAULT gen_random_uuid() NOT NULL,
    email TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password_hash TEXT,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_login_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_users PRIMARY KEY (user_id),
    CONSTRAINT uq_users_email UNIQUE (email)
);

COMMENT ON TABLE users IS 'People who sign in (§3.2.2); those who come by OpenID Connect have no password here';

CREATE TABLE audit_log (
    entry_id BIGINT GENERATED ALWAYS AS IDENTITY,
    occurred_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    details JSONB,
    CONSTRAINT pk_audit_log PRIMARY KEY (entry_id)
);

CREATE INDEX ix_audit_log_occurred_at ON audit_log (occurred_at);

COMMENT ON TABLE audit_log IS 'Sign-ins, changes of configuration, use of keys (§8.4)';

CREATE TABLE delivery_streams (
    stream_id UUID NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT,
    team_size INTEGER,
    is_active BOOLEAN DEFAULT true NOT NULL,
    calendar JSONB,
    minimum_contributors INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_delivery_streams PRIMARY KEY (stream_id),
    CONSTRAINT uq_delivery_streams_name UNIQUE (name) DEFERRABLE
);

COMMENT ON TABLE delivery_streams IS 'Value streams (§4.2.1)';

CREATE TABLE tech_streams (
    stream_id UUID NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    github_org TEXT NOT NULL,
    github_install_id TEXT NOT NULL,
    description TEXT,
    lead_time_method TEXT DEFAULT 'pr' NOT NULL,
    branch_pattern TEXT,
    is_active BOOLEAN DEFAULT true NOT NULL,
    minimum_contributors INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tech_streams PRIMARY KEY (stream_id),
    CONSTRAINT ck_tech_streams_lead_time_method CHECK (lead_time_method IN ('pr', 'commit')),
    CONSTRAINT uq_tech_streams_name UNIQUE (name) DEFERRABLE,
    CONSTRAINT uq_tech_streams_github_org UNIQUE (github_org) DEFERRABLE
);

COMMENT ON TABLE tech_streams IS 'Technology streams, one GitHub organisation each (§4.2.2)';

CREATE TABLE status_mappings (
    mapping_id UUID DEFAULT gen_random_uuid() NOT NULL,
    jira_project_key TEXT NOT NULL,
    jira_status_name TEXT NOT NULL,
    pipeline_stage TEXT NOT NULL,
    is_active_work BOOLEAN NOT NULL,
    display_order INTEGER NOT NULL,
    CONSTRAINT pk_status_mappings PRIMARY KEY (mapping_id),
    CONSTRAINT uq_status_mappings_jira_project_key_jira_status_name UNIQUE (jira_project_key, jira_status_name),
    CONSTRAINT ck_status_mappings_pipeline_stage CHECK (pipeline_stage IN ('backlog', 'ba', 'dev', 'code_review', 'qa', 'uat', 'done', 'cancelled'))
);

COMMENT ON TABLE status_mappings IS 'What a status of a Jira project means (§4.2.3)';

CREATE TABLE platform_settings (
    singleton BOOLEAN DEFAULT true NOT NULL,
    version BIGINT NOT NULL,
    settings JSONB NOT NULL,
    github JSONB NOT NULL,
    jira JSONB NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_platform_settings PRIMARY KEY (singleton),
    CONSTRAINT ck_platform_settings_one_row CHECK (singleton)
);

COMMENT ON TABLE platform_settings IS 'What holds for the platform as a whole, and the version of the configuration';

CREATE TABLE jira_projects (
    key TEXT NOT NULL,
    delivery_stream_from TEXT[] NOT NULL,
    delivery_stream TEXT,
    fields JSONB NOT NULL,
    cancelled_resolutions TEXT[] NOT NULL,
    CONSTRAINT pk_jira_projects PRIMARY KEY (key)
);

COMMENT ON TABLE jira_projects IS 'How tickets of a project are read (§5.2.4)';

CREATE TABLE environment_rules (
    position INTEGER NOT NULL,
    pattern TEXT NOT NULL,
    environment TEXT NOT NULL,
    CONSTRAINT pk_environment_rules PRIMARY KEY (position)
);

COMMENT ON TABLE environment_rules IS 'Names of environments in the sources, and what they stand for';

CREATE TABLE group_roles (
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    "group" TEXT,
    pattern TEXT,
    delivery_stream TEXT,
    tech_stream TEXT,
    CONSTRAINT pk_group_roles PRIMARY KEY (position)
);

COMMENT ON TABLE group_roles IS 'Sign-in groups and the roles that they bring (§3.3)';

CREATE TABLE repository_overrides (
    full_name TEXT NOT NULL,
    deploy_target TEXT,
    is_deployable BOOLEAN,
    default_branch TEXT,
    CONSTRAINT pk_repository_overrides PRIMARY KEY (full_name)
);

COMMENT ON TABLE repository_overrides IS 'What a person says of a repository, known or not yet known';

CREATE TABLE configuration_versions (
    version BIGINT NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    applied_by TEXT NOT NULL,
    document JSONB NOT NULL,
    CONSTRAINT pk_configuration_versions PRIMARY KEY (version)
);

COMMENT ON TABLE configuration_versions IS 'Every configuration there was, as it was applied';

CREATE TABLE daily_stream_metrics (
    metric_id UUID DEFAULT gen_random_uuid() NOT NULL,
    metric_date DATE NOT NULL,
    stream_type TEXT NOT NULL,
    stream_id UUID NOT NULL,
    metric_name TEXT NOT NULL,
    metric_value NUMERIC NOT NULL,
    metric_unit TEXT NOT NULL,
    percentile INTEGER,
    sample_size INTEGER NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_daily_stream_metrics PRIMARY KEY (metric_id),
    CONSTRAINT ck_daily_stream_metrics_stream_type CHECK (stream_type IN ('delivery', 'tech')),
    CONSTRAINT uq_daily_stream_metrics_natural UNIQUE NULLS NOT DISTINCT (metric_date, stream_type, stream_id, metric_name, percentile)
);

CREATE INDEX ix_daily_stream_metrics_stream_id_metric_name_metric_date ON daily_stream_metrics (stream_id, metric_name, metric_date);

COMMENT ON TABLE daily_stream_metrics IS 'Figures by day and stream (§4.4.1)';

CREATE TABLE work_item_stays (
    issue_id TEXT NOT NULL,
    status TEXT,
    stage TEXT NOT NULL,
    is_active_work BOOLEAN NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL
);

CREATE INDEX ix_work_item_stays_left_at_entered_at ON work_item_stays (left_at, entered_at);

CREATE INDEX ix_work_item_stays_issue_id ON work_item_stays (issue_id);

COMMENT ON TABLE work_item_stays IS 'Where every ticket was, and when; a stay without an end ends at infinity';

CREATE TABLE work_item_attributions (
    issue_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL
);

CREATE INDEX ix_work_item_attributions_issue_id ON work_item_attributions (issue_id);

COMMENT ON TABLE work_item_attributions IS 'Which key and streams every ticket had, and when';

CREATE TABLE work_item_cycles (
    cycle_id UUID DEFAULT gen_random_uuid() NOT NULL,
    issue_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    ticket_type TEXT,
    story_points NUMERIC,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_in_progress TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lead_time_days DOUBLE PRECISION NOT NULL,
    cycle_time_days DOUBLE PRECISION,
    active_time_days DOUBLE PRECISION,
    wait_time_days DOUBLE PRECISION,
    blocked_time_days DOUBLE PRECISION,
    flow_efficiency_pct DOUBLE PRECISION,
    stage_durations JSONB NOT NULL,
    sprint_id UUID,
    CONSTRAINT pk_work_item_cycles PRIMARY KEY (cycle_id),
    CONSTRAINT uq_work_item_cycles_ticket_id UNIQUE (ticket_id)
);

CREATE INDEX ix_work_item_cycles_delivery_stream_id_completed_at ON work_item_cycles (delivery_stream_id, completed_at);

CREATE INDEX ix_work_item_cycles_issue_id ON work_item_cycles (issue_id);

CREATE INDEX ix_work_item_cycles_completed_at ON work_item_cycles (completed_at);

COMMENT ON TABLE work_item_cycles IS 'Completed tickets with their times in working days (§4.4.2)';

CREATE TABLE superseded_cycles (
    cycle_id UUID DEFAULT gen_random_uuid() NOT NULL,
    issue_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    ticket_type TEXT,
    story_points NUMERIC,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_in_progress TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lead_time_days DOUBLE PRECISION NOT NULL,
    cycle_time_days DOUBLE PRECISION,
    active_time_days DOUBLE PRECISION,
    wait_time_days DOUBLE PRECISION,
    blocked_time_days DOUBLE PRECISION,
    flow_efficiency_pct DOUBLE PRECISION,
    stage_durations JSONB NOT NULL,
    sprint_id UUID,
    reopened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_superseded_cycles PRIMARY KEY (cycle_id)
);

CREATE INDEX ix_superseded_cycles_issue_id ON superseded_cycles (issue_id);

CREATE INDEX ix_superseded_cycles_reopened_at ON superseded_cycles (reopened_at);

COMMENT ON TABLE superseded_cycles IS 'Completions that a later reopening took back, for figures as of a time before it';

CREATE TABLE pull_requests (
    repo_id UUID NOT NULL,
    pr_number INTEGER NOT NULL,
    tech_stream_id UUID,
    delivery_stream_id UUID,
    linked_ticket_id TEXT,
    linked_issue_id TEXT,
    link_method TEXT,
    author_hash TEXT NOT NULL,
    author_is_bot BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    is_draft BOOLEAN NOT NULL,
    branch_name TEXT NOT NULL,
    base_branch TEXT,
    opened_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_pull_requests PRIMARY KEY (repo_id, pr_number)
);

CREATE INDEX ix_pull_requests_linked_issue_id ON pull_requests (linked_issue_id);

CREATE INDEX ix_pull_requests_linked_ticket_id ON pull_requests (linked_ticket_id);

CREATE INDEX ix_pull_requests_tech_stream_id ON pull_requests (tech_stream_id);

COMMENT ON TABLE pull_requests IS 'Every pull request as it stands';

CREATE TABLE ticket_keys (
    ticket_id TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    CONSTRAINT pk_ticket_keys PRIMARY KEY (ticket_id, issue_id)
);

CREATE INDEX ix_ticket_keys_issue_id ON ticket_keys (issue_id);

COMMENT ON TABLE ticket_keys IS 'Every key that a ticket ever had, with the identity that survives';

CREATE TABLE stale_keys (
    entry_id BIGINT GENERATED ALWAYS AS IDENTITY,
    share SMALLINT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    marked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_stale_keys PRIMARY KEY (entry_id)
);

CREATE INDEX ix_stale_keys_share_entry_id ON stale_keys (share, entry_id);

COMMENT ON TABLE stale_keys IS 'Things whose derived rows do not follow from the facts yet';

CREATE TABLE archive_positions (
    segment TEXT NOT NULL,
    record BIGINT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_archive_positions PRIMARY KEY (segment)
);

COMMENT ON TABLE archive_positions IS 'How far each archive segment is written to the event tables';

CREATE TABLE intake_counts (
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    channel TEXT NOT NULL,
    outcome TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    deliveries BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_intake_counts PRIMARY KEY (hour, channel, outcome, kind, reason)
);

COMMENT ON TABLE intake_counts IS 'Deliveries by hour, door, outcome, kind and reason';

CREATE TABLE dead_letters (
    delivery_uid UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT,
    reason TEXT NOT NULL,
    sealed BYTEA,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (delivery_uid)
);

CREATE INDEX ix_dead_letters_expires_at ON dead_letters (expires_at);

COMMENT ON TABLE dead_letters IS 'Payloads that nobody could read, encrypted, until they are repaired or expire';

CREATE TABLE api_keys (
    key_id UUID DEFAULT gen_random_uuid() NOT NULL,
    key_hash TEXT NOT NULL,
    display_name TEXT NOT NULL,
    permissions TEXT[] NOT NULL,
    stream_scope JSONB,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_keys PRIMARY KEY (key_id),
    CONSTRAINT fk_api_keys_created_by FOREIGN KEY(created_by) REFERENCES users (user_id)
);

COMMENT ON TABLE api_keys IS 'Keys of services (§3.2.3); the secret itself is nowhere';

CREATE TABLE user_roles (
    user_role_id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    role TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    granted_by UUID,
    granted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_user_roles PRIMARY KEY (user_role_id),
    CONSTRAINT ck_user_roles_role CHECK (role IN ('viewer', 'team_member', 'stream_lead', 'platform_admin')),
    CONSTRAINT uq_user_roles_natural UNIQUE NULLS NOT DISTINCT (user_id, role, delivery_stream_id, tech_stream_id),
    CONSTRAINT fk_user_roles_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    CONSTRAINT fk_user_roles_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_user_roles_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_user_roles_granted_by FOREIGN KEY(granted_by) REFERENCES users (user_id)
);

COMMENT ON TABLE user_roles IS 'Roles, each for all streams or for one (§3.3)';

CREATE TABLE sessions (
    session_id UUID NOT NULL,
    token_hash TEXT NOT NULL,
    user_id UUID NOT NULL,
    auth_method TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_activity_at TIMESTAMP WITH TIME ZONE,
    is_revoked BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (session_id),
    CONSTRAINT ck_sessions_auth_method CHECK (auth_method IN ('oidc', 'database')),
    CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);

CREATE INDEX ix_sessions_user_id ON sessions (user_id);

COMMENT ON TABLE sessions IS 'Signed-in people (§3.3); the cookie''s value itself is nowhere';

CREATE TABLE repositories (
    repo_id UUID NOT NULL,
    tech_stream_id UUID,
    github_org TEXT NOT NULL,
    github_repo_name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    github_repo_id BIGINT,
    github_install_id TEXT,
    reported_default_branch TEXT,
    default_branch TEXT DEFAULT 'main' NOT NULL,
    is_deployable BOOLEAN DEFAULT true NOT NULL,
    deploy_target TEXT,
    is_active BOOLEAN DEFAULT true NOT NULL,
    named_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE,
    merged_into UUID,
    CONSTRAINT pk_repositories PRIMARY KEY (repo_id),
    CONSTRAINT uq_repositories_github_org_github_repo_name UNIQUE (github_org, github_repo_name) DEFERRABLE,
    CONSTRAINT uq_repositories_github_repo_id UNIQUE (github_repo_id) DEFERRABLE,
    CONSTRAINT fk_repositories_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_repositories_merged_into FOREIGN KEY(merged_into) REFERENCES repositories (repo_id)
);

COMMENT ON TABLE repositories IS 'Repositories, registered on sight (§4.2.4); named_at is when a source last called it so, merged_into the repository that one found under two names turned out to be';

CREATE TABLE sprints (
    sprint_id UUID NOT NULL,
    jira_sprint_id TEXT NOT NULL,
    delivery_stream_id UUID,
    name TEXT NOT NULL,
    start_date DATE,
    end_date DATE,
    goal TEXT,
    state TEXT,
    reported_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sprints PRIMARY KEY (sprint_id),
    CONSTRAINT ck_sprints_state CHECK (state IN ('future', 'active', 'closed')),
    CONSTRAINT uq_sprints_jira_sprint_id UNIQUE (jira_sprint_id),
    CONSTRAINT fk_sprints_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);

COMMENT ON TABLE sprints IS 'Sprints (§4.2.5); without dates while not planned, and without reported_at when only tickets named it';

CREATE TABLE cross_stream_correlations (
    correlation_id UUID DEFAULT gen_random_uuid() NOT NULL,
    analysis_date DATE NOT NULL,
    tech_stream_id UUID NOT NULL,
    impacted_delivery_streams UUID[] NOT NULL,
    blocked_delivery_streams UUID[],
    block_count_14d INTEGER NOT NULL,
    avg_confidence_pct DOUBLE PRECISION,
    avg_cycle_time_p85 DOUBLE PRECISION,
    severity TEXT,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_cross_stream_correlations PRIMARY KEY (correlation_id),
    CONSTRAINT ck_cross_stream_correlations_severity CHECK (severity IN ('none', 'low', 'medium', 'high', 'critical')),
    CONSTRAINT uq_cross_stream_correlations_analysis_date_tech_stream_id UNIQUE (analysis_date, tech_stream_id),
    CONSTRAINT fk_cross_stream_correlations_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id)
);

COMMENT ON TABLE cross_stream_correlations IS 'Shared technology dependencies and their impact (§4.4.5)';

CREATE TABLE forecast_snapshots (
    forecast_id UUID DEFAULT gen_random_uuid() NOT NULL,
    delivery_stream_id UUID NOT NULL,
    forecast_date DATE NOT NULL,
    scope_item_count INTEGER NOT NULL,
    throughput_samples INTEGER NOT NULL,
    simulation_runs INTEGER NOT NULL,
    p50_completion_date DATE NOT NULL,
    p70_completion_date DATE NOT NULL,
    p85_completion_date DATE NOT NULL,
    p95_completion_date DATE NOT NULL,
    distribution_data JSONB NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_forecast_snapshots PRIMARY KEY (forecast_id),
    CONSTRAINT fk_forecast_snapshots_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);

CREATE INDEX ix_forecast_snapshots_delivery_stream_id_forecast_date ON forecast_snapshots (delivery_stream_id, forecast_date);

COMMENT ON TABLE forecast_snapshots IS 'Forecasts as they were made (§4.4.6)';

CREATE TABLE pulse_aggregates (
    aggregate_id UUID DEFAULT gen_random_uuid() NOT NULL,
    delivery_stream_id UUID NOT NULL,
    survey_period TEXT NOT NULL,
    response_count INTEGER NOT NULL,
    team_size INTEGER NOT NULL,
    response_rate_pct DOUBLE PRECISION NOT NULL,
    pace_avg DOUBLE PRECISION NOT NULL,
    pace_trend DOUBLE PRECISION,
    tooling_avg DOUBLE PRECISION NOT NULL,
    tooling_trend DOUBLE PRECISION,
    clarity_avg DOUBLE PRECISION NOT NULL,
    clarity_trend DOUBLE PRECISION,
    overall_avg DOUBLE PRECISION NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_pulse_aggregates PRIMARY KEY (aggregate_id),
    CONSTRAINT uq_pulse_aggregates_delivery_stream_id_survey_period UNIQUE (delivery_stream_id, survey_period),
    CONSTRAINT fk_pulse_aggregates_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);

COMMENT ON TABLE pulse_aggregates IS 'Survey results, never of a single person (§4.4.7)';

CREATE TABLE incident_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    service_name TEXT NOT NULL,
    severity TEXT,
    description TEXT,
    related_deploy_id TEXT,
    resolved_at TIMESTAMP WITH TIME ZONE,
    time_to_restore_min INTEGER,
    CONSTRAINT pk_incident_events PRIMARY KEY (event_id),
    CONSTRAINT ck_incident_events_event_type CHECK (event_type IN ('alarm_resolved', 'alarm_triggered', 'incident_opened', 'incident_resolved')),
    CONSTRAINT ck_incident_events_severity CHECK (severity IN ('critical', 'high', 'low', 'medium')),
    CONSTRAINT uq_incident_events_natural UNIQUE (incident_id, event_type),
    CONSTRAINT fk_incident_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_incident_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id)
);

CREATE INDEX ix_incident_events_tech_stream_id_event_timestamp ON incident_events (tech_stream_id, event_timestamp);

CREATE INDEX ix_incident_events_related_deploy_id ON incident_events (related_deploy_id);

COMMENT ON TABLE incident_events IS 'Incidents and their resolution (§4.3.5)';

CREATE TABLE defect_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    project_key TEXT NOT NULL,
    source_change_id TEXT,
    severity TEXT,
    found_in_stage TEXT NOT NULL,
    introduced_in_stage TEXT,
    linked_work_item_id TEXT,
    root_cause_category TEXT,
    CONSTRAINT pk_defect_events PRIMARY KEY (event_id),
    CONSTRAINT ck_defect_events_event_type CHECK (event_type IN ('attributed', 'logged', 'reclassified')),
    CONSTRAINT ck_defect_events_severity CHECK (severity IN ('critical', 'high', 'low', 'medium')),
    CONSTRAINT uq_defect_events_natural UNIQUE NULLS NOT DISTINCT (ticket_id, event_type, event_timestamp, source_change_id),
    CONSTRAINT fk_defect_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_defect_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id)
);

CREATE INDEX ix_defect_events_delivery_stream_id_found_in_stage ON defect_events (delivery_stream_id, found_in_stage);

CREATE INDEX ix_defect_events_tech_stream_id_event_timestamp ON defect_events (tech_stream_id, event_timestamp);

CREATE INDEX ix_defect_events_ticket_id_event_timestamp ON defect_events (ticket_id, event_timestamp);

CREATE UNIQUE INDEX uq_defect_events_change ON defect_events (issue_id, event_type, source_change_id) WHERE source_change_id IS NOT NULL;

COMMENT ON TABLE defect_events IS 'Bugs and the stages that they come from (§4.3.6)';

CREATE TABLE pulse_responses (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    survey_period TEXT NOT NULL,
    respondent_hash TEXT NOT NULL,
    pace_score SMALLINT NOT NULL,
    tooling_score SMALLINT NOT NULL,
    clarity_score SMALLINT NOT NULL,
    free_text TEXT,
    CONSTRAINT pk_pulse_responses PRIMARY KEY (event_id),
    CONSTRAINT ck_pulse_responses_pace_score CHECK (pace_score BETWEEN 1 AND 5),
    CONSTRAINT ck_pulse_responses_tooling_score CHECK (tooling_score BETWEEN 1 AND 5),
    CONSTRAINT ck_pulse_responses_clarity_score CHECK (clarity_score BETWEEN 1 AND 5),
    CONSTRAINT uq_pulse_responses_natural UNIQUE NULLS NOT DISTINCT (survey_period, respondent_hash, delivery_stream_id),
    CONSTRAINT fk_pulse_responses_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_pulse_responses_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id)
);

COMMENT ON TABLE pulse_responses IS 'Anonymous answers to the monthly survey (§4.3.8)';

CREATE TABLE repository_names (
    name TEXT NOT NULL,
    repo_id UUID NOT NULL,
    github_org TEXT NOT NULL,
    github_repo_name TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_repository_names PRIMARY KEY (name, repo_id),
    CONSTRAINT fk_repository_names_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

COMMENT ON TABLE repository_names IS 'Every name that a repository was seen under, in lower case, and when last';

CREATE TABLE work_items (
    issue_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    project_key TEXT NOT NULL,
    ticket_type TEXT,
    story_points NUMERIC,
    priority TEXT,
    labels TEXT[],
    parent_ticket_id TEXT,
    delivery_stream_id UUID,
    tech_stream_ids UUID[] NOT NULL,
    sprint_id UUID,
    status TEXT,
    stage TEXT,
    is_active_work BOOLEAN,
    entered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_in_progress TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    blocked_since TIMESTAMP WITH TIME ZONE,
    is_deleted BOOLEAN NOT NULL,
    CONSTRAINT pk_work_items PRIMARY KEY (issue_id),
    CONSTRAINT fk_work_items_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_work_items_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id)
);

CREATE INDEX ix_work_items_delivery_stream_id ON work_items (delivery_stream_id);

CREATE INDEX ix_work_items_ticket_id ON work_items (ticket_id);

COMMENT ON TABLE work_items IS 'Every ticket as it stands';

CREATE TABLE pr_cycles (
    cycle_id UUID DEFAULT gen_random_uuid() NOT NULL,
    repo_id UUID NOT NULL,
    tech_stream_id UUID,
    delivery_stream_id UUID,
    pr_number INTEGER NOT NULL,
    linked_ticket_id TEXT,
    author_hash TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE,
    first_review_at TIMESTAMP WITH TIME ZONE,
    approved_at TIMESTAMP WITH TIME ZONE,
    merged_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    time_to_first_review_hrs DOUBLE PRECISION,
    time_to_merge_hrs DOUBLE PRECISION,
    review_rounds INTEGER NOT NULL,
    reviewer_hashes TEXT[] NOT NULL,
    reviewer_count INTEGER NOT NULL,
    lines_changed INTEGER,
    files_changed INTEGER,
    CONSTRAINT pk_pr_cycles PRIMARY KEY (cycle_id),
    CONSTRAINT uq_pr_cycles_repo_id_pr_number UNIQUE (repo_id, pr_number),
    CONSTRAINT fk_pr_cycles_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id),
    CONSTRAINT fk_pr_cycles_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_pr_cycles_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);

CREATE INDEX ix_pr_cycles_closed_at ON pr_cycles (closed_at);

CREATE INDEX ix_pr_cycles_delivery_stream_id_merged_at ON pr_cycles (delivery_stream_id, merged_at);

CREATE INDEX ix_pr_cycles_tech_stream_id_merged_at ON pr_cycles (tech_stream_id, merged_at);

COMMENT ON TABLE pr_cycles IS 'Merged and closed pull requests (§4.4.3)';

CREATE TABLE deployment_records (
    record_id UUID NOT NULL,
    tech_stream_id UUID,
    delivery_stream_id UUID,
    repo_id UUID,
    environment TEXT NOT NULL,
    deployed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    commit_sha TEXT,
    linked_pr_number INTEGER,
    linked_ticket_id TEXT,
    lead_time_hrs DOUBLE PRECISION,
    caused_incident BOOLEAN DEFAULT false NOT NULL,
    incident_id TEXT,
    rollback_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_deployment_records PRIMARY KEY (record_id),
    CONSTRAINT ck_deployment_records_status CHECK (status IN ('success', 'failed', 'rolled_back')),
    CONSTRAINT fk_deployment_records_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_deployment_records_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_deployment_records_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

CREATE INDEX ix_deployment_records_tech_stream_id_environment_deployed_at ON deployment_records (tech_stream_id, environment, deployed_at);

CREATE INDEX ix_deployment_records_linked_ticket_id ON deployment_records (linked_ticket_id);

CREATE INDEX ix_deployment_records_environment_deployed_at ON deployment_records (environment, deployed_at);

COMMENT ON TABLE deployment_records IS 'Deployments with what they carried and caused (§4.4.4)';

CREATE TABLE work_item_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    project_key TEXT NOT NULL,
    source_change_id TEXT,
    ticket_type TEXT,
    from_status TEXT,
    to_status TEXT,
    from_stage TEXT,
    to_stage TEXT,
    to_active BOOLEAN,
    from_ticket_id TEXT,
    assignee_hash TEXT,
    story_points NUMERIC,
    priority TEXT,
    sprint_id UUID,
    labels TEXT[],
    components TEXT[],
    resolution TEXT,
    set_resolution TEXT,
    parent_ticket_id TEXT,
    delivery_stream_name TEXT,
    tech_stream_names TEXT[],
    jira_sprint_id TEXT,
    blocked_reason TEXT,
    blocking_tech_stream_name TEXT,
    blocking_tech_stream_id UUID,
    ticket_created_at TIMESTAMP WITH TIME ZONE,
    has_fields BOOLEAN NOT NULL,
    CONSTRAINT pk_work_item_events PRIMARY KEY (event_id),
    CONSTRAINT ck_work_item_events_event_type CHECK (event_type IN ('blocked', 'completed', 'created', 'flagged', 'transitioned', 'unblocked', 'unflagged')),
    CONSTRAINT uq_work_item_events_natural UNIQUE NULLS NOT DISTINCT (ticket_id, event_type, event_timestamp, source_change_id),
    CONSTRAINT fk_work_item_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_work_item_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_work_item_events_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id),
    CONSTRAINT fk_work_item_events_blocking_tech_stream_id FOREIGN KEY(blocking_tech_stream_id) REFERENCES tech_streams (stream_id)
);

CREATE INDEX ix_work_item_events_delivery_stream_id_event_timestamp ON work_item_events (delivery_stream_id, event_timestamp);

CREATE INDEX ix_work_item_events_to_stage_event_timestamp ON work_item_events (to_stage, event_timestamp);

CREATE UNIQUE INDEX uq_work_item_events_change ON work_item_events (issue_id, event_type, source_change_id) WHERE source_change_id IS NOT NULL;

CREATE INDEX ix_work_item_events_issue_id ON work_item_events (issue_id);

COMMENT ON TABLE work_item_events IS 'What happened to tickets (§4.3.2)';

CREATE TABLE work_item_facts (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    project_key TEXT NOT NULL,
    source_change_id TEXT,
    ticket_type TEXT,
    from_status TEXT,
    to_status TEXT,
    from_stage TEXT,
    to_stage TEXT,
    to_active BOOLEAN,
    from_ticket_id TEXT,
    assignee_hash TEXT,
    story_points NUMERIC,
    priority TEXT,
    sprint_id UUID,
    labels TEXT[],
    components TEXT[],
    resolution TEXT,
    set_resolution TEXT,
    parent_ticket_id TEXT,
    delivery_stream_name TEXT,
    tech_stream_names TEXT[],
    jira_sprint_id TEXT,
    blocked_reason TEXT,
    blocking_tech_stream_name TEXT,
    blocking_tech_stream_id UUID,
    ticket_created_at TIMESTAMP WITH TIME ZONE,
    has_fields BOOLEAN NOT NULL,
    CONSTRAINT pk_work_item_facts PRIMARY KEY (event_id),
    CONSTRAINT ck_work_item_facts_event_type CHECK (event_type IN ('deleted', 'moved', 'updated')),
    CONSTRAINT uq_work_item_facts_natural UNIQUE NULLS NOT DISTINCT (ticket_id, event_type, event_timestamp, source_change_id),
    CONSTRAINT fk_work_item_facts_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_work_item_facts_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_work_item_facts_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id),
    CONSTRAINT fk_work_item_facts_blocking_tech_stream_id FOREIGN KEY(blocking_tech_stream_id) REFERENCES tech_streams (stream_id)
);

CREATE INDEX ix_work_item_facts_issue_id ON work_item_facts (issue_id);

CREATE UNIQUE INDEX uq_work_item_facts_change ON work_item_facts (issue_id, event_type, source_change_id) WHERE source_change_id IS NOT NULL;

COMMENT ON TABLE work_item_facts IS 'What else is known of tickets: changed fields, changed keys, deletions';

CREATE TABLE pr_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    pr_number INTEGER NOT NULL,
    repo_id UUID,
    github_org TEXT NOT NULL,
    github_repo TEXT NOT NULL,
    source_change_id TEXT,
    author_hash TEXT NOT NULL,
    author_is_bot BOOLEAN NOT NULL,
    branch_name TEXT NOT NULL,
    linked_ticket_id TEXT,
    link_method TEXT,
    base_branch TEXT,
    opened_at TIMESTAMP WITH TIME ZONE,
    is_draft BOOLEAN NOT NULL,
    title_keys TEXT[] NOT NULL,
    body_keys TEXT[] NOT NULL,
    lines_added INTEGER,
    lines_removed INTEGER,
    files_changed INTEGER,
    head_sha TEXT,
    merge_sha TEXT,
    reviewer_hash TEXT,
    reviewer_is_bot BOOLEAN NOT NULL,
    review_state TEXT,
    comments_count INTEGER,
    CONSTRAINT pk_pr_events PRIMARY KEY (event_id),
    CONSTRAINT ck_pr_events_event_type CHECK (event_type IN ('approved', 'changes_requested', 'closed', 'merged', 'opened', 'review_submitted')),
    CONSTRAINT uq_pr_events_natural UNIQUE NULLS NOT DISTINCT (repo_id, pr_number, event_type, event_timestamp, source_change_id),
    CONSTRAINT fk_pr_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_pr_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_pr_events_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

CREATE UNIQUE INDEX uq_pr_events_change ON pr_events (repo_id, pr_number, event_type, source_change_id) WHERE source_change_id IS NOT NULL;

CREATE INDEX ix_pr_events_linked_ticket_id ON pr_events (linked_ticket_id) WHERE linked_ticket_id IS NOT NULL;

CREATE INDEX ix_pr_events_tech_stream_id_event_timestamp ON pr_events (tech_stream_id, event_timestamp);

CREATE INDEX ix_pr_events_merge_sha ON pr_events (merge_sha) WHERE merge_sha IS NOT NULL;

CREATE INDEX ix_pr_events_head_sha ON pr_events (head_sha);

COMMENT ON TABLE pr_events IS 'What happened to pull requests (§4.3.3)';

CREATE TABLE pull_request_facts (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    pr_number INTEGER NOT NULL,
    repo_id UUID,
    github_org TEXT NOT NULL,
    github_repo TEXT NOT NULL,
    source_change_id TEXT,
    author_hash TEXT NOT NULL,
    author_is_bot BOOLEAN NOT NULL,
    branch_name TEXT NOT NULL,
    linked_ticket_id TEXT,
    link_method TEXT,
    base_branch TEXT,
    opened_at TIMESTAMP WITH TIME ZONE,
    is_draft BOOLEAN NOT NULL,
    title_keys TEXT[] NOT NULL,
    body_keys TEXT[] NOT NULL,
    lines_added INTEGER,
    lines_removed INTEGER,
    files_changed INTEGER,
    head_sha TEXT,
    merge_sha TEXT,
    reviewer_hash TEXT,
    reviewer_is_bot BOOLEAN NOT NULL,
    review_state TEXT,
    comments_count INTEGER,
    CONSTRAINT pk_pull_request_facts PRIMARY KEY (event_id),
    CONSTRAINT ck_pull_request_facts_event_type CHECK (event_type IN ('ready_for_review', 'reopened')),
    CONSTRAINT uq_pull_request_facts_natural UNIQUE NULLS NOT DISTINCT (repo_id, pr_number, event_type, event_timestamp, source_change_id),
    CONSTRAINT fk_pull_request_facts_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_pull_request_facts_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_pull_request_facts_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

CREATE UNIQUE INDEX uq_pull_request_facts_change ON pull_request_facts (repo_id, pr_number, event_type, source_change_id) WHERE source_change_id IS NOT NULL;

COMMENT ON TABLE pull_request_facts IS 'What else decides whether a pull request is open';

CREATE TABLE cicd_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    event_type TEXT NOT NULL,
    pipeline_id TEXT NOT NULL,
    pipeline_run_id TEXT NOT NULL,
    repo_id UUID,
    environment TEXT NOT NULL,
    source_environment TEXT NOT NULL,
    status TEXT NOT NULL,
    duration_seconds INTEGER,
    started_at TIMESTAMP WITH TIME ZONE,
    branch TEXT,
    commit_sha TEXT,
    linked_pr_number INTEGER,
    linked_ticket_id TEXT,
    trigger_type TEXT,
    artefact_version TEXT,
    failure_reason TEXT,
    source_change_id TEXT,
    rollback_of TEXT,
    is_config_only BOOLEAN NOT NULL,
    CONSTRAINT pk_cicd_events PRIMARY KEY (event_id),
    CONSTRAINT ck_cicd_events_event_type CHECK (event_type IN ('build_completed', 'build_started', 'deploy_completed', 'deploy_failed', 'deploy_started', 'rollback_completed', 'rollback_initiated')),
    CONSTRAINT uq_cicd_events_natural UNIQUE (pipeline_id, pipeline_run_id, event_type),
    CONSTRAINT fk_cicd_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_cicd_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_cicd_events_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

CREATE INDEX ix_cicd_events_linked_ticket_id ON cicd_events (linked_ticket_id);

CREATE INDEX ix_cicd_events_environment_status_event_timestamp ON cicd_events (environment, status, event_timestamp);

CREATE INDEX ix_cicd_events_commit_sha ON cicd_events (commit_sha);

COMMENT ON TABLE cicd_events IS 'Builds and deployments (§4.3.4)';

CREATE TABLE push_events (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    repo_id UUID,
    branch_name TEXT NOT NULL,
    first_commit_sha TEXT NOT NULL,
    last_commit_sha TEXT NOT NULL,
    commit_count INTEGER NOT NULL,
    author_hash TEXT,
    author_is_bot BOOLEAN NOT NULL,
    CONSTRAINT pk_push_events PRIMARY KEY (event_id),
    CONSTRAINT uq_push_events_natural UNIQUE NULLS NOT DISTINCT (repo_id, branch_name, last_commit_sha),
    CONSTRAINT fk_push_events_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_push_events_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_push_events_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);

COMMENT ON TABLE push_events IS 'Commits pushed to branches, for commit-based lead time (§6.4.4)';

CREATE TABLE sprint_snapshots (
    event_id UUID DEFAULT gen_random_uuid() NOT NULL,
    source TEXT NOT NULL,
    delivery_stream_id UUID,
    tech_stream_id UUID,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    sprint_id UUID NOT NULL,
    snapshot_date DATE NOT NULL,
    committed_count INTEGER NOT NULL,
    completed_count INTEGER NOT NULL,
    remaining_count INTEGER NOT NULL,
    added_after_start INTEGER DEFAULT 0 NOT NULL,
    removed_after_start INTEGER DEFAULT 0 NOT NULL,
    wip_ba INTEGER DEFAULT 0 NOT NULL,
    wip_dev INTEGER DEFAULT 0 NOT NULL,
    wip_qa INTEGER DEFAULT 0 NOT NULL,
    wip_uat INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_sprint_snapshots PRIMARY KEY (event_id),
    CONSTRAINT uq_sprint_snapshots_sprint_id_snapshot_date UNIQUE (sprint_id, snapshot_date),
    CONSTRAINT fk_sprint_snapshots_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_sprint_snapshots_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_sprint_snapshots_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id)
);

COMMENT ON TABLE sprint_snapshots IS 'The state of a sprint, day by day (§4.3.7)';
