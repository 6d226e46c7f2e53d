CREATE TABLE sprint_corrections (
    correction_id UUID NOT NULL,
    sprint_id UUID NOT NULL,
    start_date DATE,
    end_date DATE,
    delivery_stream_id UUID,
    is_left_out BOOLEAN DEFAULT false NOT NULL,
    corrected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    corrected_by TEXT NOT NULL,
    reason TEXT,
    CONSTRAINT pk_sprint_corrections PRIMARY KEY (correction_id),
    CONSTRAINT fk_sprint_corrections_sprint_id FOREIGN KEY(sprint_id) REFERENCES sprints (sprint_id),
    CONSTRAINT fk_sprint_corrections_delivery_stream_id FOREIGN KEY(delivery_stream_id) REFERENCES delivery_streams (stream_id)
);
CREATE INDEX ix_sprint_corrections_sprint_id_corrected_at ON sprint_corrections (sprint_id, corrected_at);
COMMENT ON TABLE sprint_corrections IS 'What people say of sprints beside Jira; the latest word counts as a whole, and none is changed';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sprint_corrections FOR EACH ROW EXECUTE FUNCTION dpp_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON sprint_corrections EXECUTE FUNCTION dpp_refuse_change();

-- Sprints as figures see them. Those that are left out are none.
CREATE VIEW corrected_sprints AS
SELECT sprint.sprint_id, sprint.jira_sprint_id, sprint.name, coalesce(said.start_date, sprint.start_date) AS start_date,
    coalesce(said.end_date, sprint.end_date) AS end_date, sprint.goal, sprint.state, sprint.reported_at,
    said.delivery_stream_id AS given_stream_id, said.correction_id IS NOT NULL AS is_corrected
FROM sprints AS sprint
LEFT JOIN LATERAL (
    SELECT * FROM sprint_corrections AS one WHERE one.sprint_id = sprint.sprint_id
    ORDER BY one.corrected_at DESC, one.correction_id DESC LIMIT 1
) AS said ON true
WHERE NOT coalesce(said.is_left_out, false);
