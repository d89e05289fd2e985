-- Lists of the dashboard page by key, however much a project has.

-- +goose Up
CREATE INDEX grants_living ON grants (project_id, id) WHERE revoked_at IS NULL;
CREATE INDEX grants_living_client ON grants (project_id, client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX grants_living_server ON grants (project_id, mcp_server_id, id) WHERE revoked_at IS NULL;
CREATE INDEX clients_created ON clients (project_id, created_at DESC, id DESC);
CREATE INDEX activity_client ON activity (project_id, client_id, at) WHERE attempt_id IS NOT NULL AND (step = 'authorize' OR outcome <> 'ok');

-- What happened on a day (UTC), counted when it is written: charts read days instead of steps.
CREATE TABLE daily_counts (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    day        date NOT NULL,
    metric     text NOT NULL CHECK (metric IN ('attempts', 'connections', 'failures', 'users')),
    count      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, day, metric)
);
ALTER TABLE daily_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY project ON daily_counts
    USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
    WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON daily_counts TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
