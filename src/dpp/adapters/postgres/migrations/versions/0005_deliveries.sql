-- The former table was never filled.
DROP TABLE deployment_records;

CREATE TABLE deployment_records (
    record_id UUID NOT NULL,
    pipeline_id TEXT NOT NULL,
    pipeline_run_id TEXT NOT NULL,
    tech_stream_id UUID,
    delivery_stream_id UUID,
    repo_id UUID,
    environment TEXT NOT NULL,
    branch TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deployed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    commit_sha TEXT,
    linked_pr_number INTEGER,
    linked_ticket_id TEXT,
    linked_issue_id TEXT,
    lead_time_hrs DOUBLE PRECISION,
    lead_time_method TEXT,
    is_config_only BOOLEAN NOT NULL,
    caused_incident BOOLEAN DEFAULT false NOT NULL,
    incident_id TEXT,
    rollback_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_deployment_records PRIMARY KEY (record_id),
    CONSTRAINT ck_deployment_records_status CHECK (status IN ('success', 'failed', 'rolled_back')),
    CONSTRAINT fk_deployment_records_tech_stream_id FOREIGN KEY(tech_stream_id) REFERENCES tech_streams (stream_id),
    CONSTRAINT fk_deployment_records_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id),
    CONSTRAINT fk_deployment_records_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);
CREATE INDEX ix_deployment_records_environment_deployed_at ON deployment_records (environment, deployed_at);
CREATE INDEX ix_deployment_records_linked_ticket_id ON deployment_records (linked_ticket_id);
CREATE INDEX ix_deployment_records_pipeline_run_id ON deployment_records (pipeline_run_id);
CREATE INDEX ix_deployment_records_repo_id_commit_sha ON deployment_records (repo_id, commit_sha);
CREATE INDEX ix_deployment_records_repo_id_environment_deployed_at ON deployment_records (repo_id, environment, deployed_at);
CREATE INDEX ix_deployment_records_repo_id_linked_pr_number ON deployment_records (repo_id, linked_pr_number);
CREATE INDEX ix_deployment_records_tech_stream_id_environment_deployed_at ON deployment_records (tech_stream_id, environment, deployed_at);
COMMENT ON TABLE deployment_records IS 'Deployments with what they carried and caused (§4.4.4)';

CREATE TABLE change_ledger (
    repo_id UUID NOT NULL,
    pr_number INTEGER NOT NULL,
    tech_stream_id UUID,
    delivery_stream_id UUID,
    linked_ticket_id TEXT,
    linked_issue_id TEXT,
    base_branch TEXT,
    record_id UUID,
    first_pushed_at TIMESTAMP WITH TIME ZONE,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_review_at TIMESTAMP WITH TIME ZONE,
    merged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deployed_at TIMESTAMP WITH TIME ZONE,
    lead_time_hrs DOUBLE PRECISION,
    coding_hrs DOUBLE PRECISION,
    pickup_hrs DOUBLE PRECISION,
    review_hrs DOUBLE PRECISION,
    deploy_hrs DOUBLE PRECISION,
    CONSTRAINT pk_change_ledger PRIMARY KEY (repo_id, pr_number)
);
CREATE INDEX ix_change_ledger_deployed_at ON change_ledger (deployed_at);
CREATE INDEX ix_change_ledger_record_id ON change_ledger (record_id);
CREATE INDEX ix_change_ledger_undeployed ON change_ledger (merged_at) WHERE deployed_at IS NULL;
COMMENT ON TABLE change_ledger IS 'Merged pull requests with the production deployment that first carried each, if any has';

CREATE TABLE incidents (
    incident_id TEXT NOT NULL,
    source_incident_id TEXT NOT NULL,
    service_name TEXT NOT NULL,
    tech_stream_id UUID,
    severity TEXT,
    started_at TIMESTAMP WITH TIME ZONE,
    resolved_at TIMESTAMP WITH TIME ZONE,
    time_to_restore_min DOUBLE PRECISION,
    fault TEXT,
    CONSTRAINT pk_incidents PRIMARY KEY (incident_id)
);
CREATE INDEX ix_incidents_resolved_at ON incidents (resolved_at);
CREATE INDEX ix_incidents_source_incident_id ON incidents (source_incident_id);
CREATE INDEX ix_incidents_tech_stream_id_started_at ON incidents (tech_stream_id, started_at);
COMMENT ON TABLE incidents IS 'Incidents as they stand; fault says what is wrong with their reports, and then they do not count';

CREATE TABLE incident_restores (
    incident_id TEXT NOT NULL,
    source_incident_id TEXT NOT NULL,
    tech_stream_id UUID,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    time_to_restore_min DOUBLE PRECISION NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT pk_incident_restores PRIMARY KEY (incident_id, valid_from)
);
CREATE INDEX ix_incident_restores_resolved_at ON incident_restores (resolved_at);
CREATE INDEX ix_incident_restores_source_incident_id ON incident_restores (source_incident_id);
COMMENT ON TABLE incident_restores IS 'Time to restore of each incident, as it was known from one moment to another';

CREATE TABLE incident_blames (
    incident_id TEXT NOT NULL,
    source_incident_id TEXT NOT NULL,
    record_id UUID NOT NULL,
    standing TEXT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity'::timestamptz NOT NULL,
    CONSTRAINT pk_incident_blames PRIMARY KEY (incident_id, record_id, valid_from),
    CONSTRAINT ck_incident_blames_standing CHECK (standing IN ('blamed', 'confirmed', 'candidate', 'rejected'))
);
CREATE INDEX ix_incident_blames_record_id ON incident_blames (record_id);
CREATE INDEX ix_incident_blames_source_incident_id ON incident_blames (source_incident_id);
COMMENT ON TABLE incident_blames IS 'Deployments that may have caused an incident, and what was thought of each from one moment to another';

CREATE TABLE incident_verdicts (
    verdict_id UUID NOT NULL,
    incident_id TEXT NOT NULL,
    source_incident_id TEXT NOT NULL,
    record_id UUID NOT NULL,
    verdict TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT,
    CONSTRAINT pk_incident_verdicts PRIMARY KEY (verdict_id),
    CONSTRAINT ck_incident_verdicts_verdict CHECK (verdict IN ('confirmed', 'rejected'))
);
CREATE INDEX ix_incident_verdicts_source_incident_id ON incident_verdicts (source_incident_id);
COMMENT ON TABLE incident_verdicts IS 'What people have said of a deployment''s blame; the latest word on a pair counts, and none is ever changed';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incident_verdicts FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON incident_verdicts EXECUTE FUNCTION dpp_refuse_change();

-- An incident that is opened again has each type of event once more.
ALTER TABLE incident_events DROP CONSTRAINT uq_incident_events_natural;
ALTER TABLE incident_events ADD CONSTRAINT uq_incident_events_natural UNIQUE (incident_id, event_type, event_timestamp);

CREATE INDEX ix_push_events_repo_id_branch_name_event_timestamp ON push_events (repo_id, branch_name, event_timestamp);
CREATE INDEX ix_cicd_events_rollbacks ON cicd_events (repo_id, event_timestamp)
    WHERE event_type = 'rollback_completed' AND rollback_of IS NULL;
CREATE INDEX ix_cicd_events_rollback_of ON cicd_events (rollback_of) WHERE rollback_of IS NOT NULL;
CREATE INDEX ix_pull_requests_repo_id_branch_name_pr_number ON pull_requests (repo_id, branch_name, pr_number);
CREATE INDEX ix_pull_requests_repo_id_base_branch_closed_at ON pull_requests (repo_id, base_branch, closed_at);
CREATE INDEX ix_deployment_records_releases ON deployment_records (repo_id, started_at)
    WHERE environment = 'production' AND status <> 'failed' AND NOT is_config_only;

CREATE TABLE manual_links (
    link_id UUID NOT NULL,
    repo_id UUID NOT NULL,
    pr_number INTEGER NOT NULL,
    ticket_id TEXT,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    linked_by TEXT NOT NULL,
    reason TEXT,
    CONSTRAINT pk_manual_links PRIMARY KEY (link_id),
    CONSTRAINT fk_manual_links_repo_id FOREIGN KEY(repo_id) REFERENCES repositories (repo_id)
);
CREATE INDEX ix_manual_links_repo_id_pr_number_linked_at ON manual_links (repo_id, pr_number, linked_at);
COMMENT ON TABLE manual_links IS 'Tickets that people gave to pull requests, or took from them; the latest word counts, and none is changed';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON manual_links FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON manual_links EXECUTE FUNCTION dpp_refuse_change();
