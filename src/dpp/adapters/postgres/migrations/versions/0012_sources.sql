CREATE TABLE backfill_runs (
    source TEXT NOT NULL,
    organisation TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cursor TEXT,
    pages BIGINT NOT NULL,
    things BIGINT NOT NULL,
    total BIGINT,
    accepted BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    reason TEXT,
    finished_at TIMESTAMP WITH TIME ZONE,
    owner UUID,
    leased_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_backfill_runs PRIMARY KEY (source, organisation),
    CONSTRAINT ck_backfill_runs_state CHECK (state IN ('waiting', 'running', 'done', 'failed'))
);

COMMENT ON TABLE backfill_runs IS 'How far the history of each organisation of a source is read, and who reads it';

CREATE TABLE source_states (
    source TEXT NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    CONSTRAINT pk_source_states PRIMARY KEY (source)
);

COMMENT ON TABLE source_states IS 'How sources answer when they are asked, and what to do where they do not';

CREATE TABLE sprint_results (
    sprint_id UUID NOT NULL,
    delivery_stream_id UUID,
    closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    committed_count INTEGER NOT NULL,
    completed_count INTEGER NOT NULL,
    completed_of_committed INTEGER NOT NULL,
    velocity_points NUMERIC NOT NULL,
    added_after_start INTEGER NOT NULL,
    commitment_accuracy_pct NUMERIC,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sprint_results PRIMARY KEY (sprint_id),
    CONSTRAINT fk_sprint_results_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id),
    CONSTRAINT fk_sprint_results_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);

COMMENT ON TABLE sprint_results IS 'What closed sprints came to: velocity and commitment accuracy (§5.2.6)';
