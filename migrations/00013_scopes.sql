-- Which tools need which scope. A tool in several groups needs all of their scopes, one in none needs what every request needs.

-- +goose Up
CREATE TABLE tool_groups (
    project_id uuid NOT NULL,
    scope      text NOT NULL,
    tool       text NOT NULL CHECK (length(tool) BETWEEN 1 AND 128),
    PRIMARY KEY (project_id, scope, tool),
    FOREIGN KEY (project_id, scope) REFERENCES scopes (project_id, name) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$ BEGIN
    ALTER TABLE tool_groups ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tool_groups FORCE ROW LEVEL SECURITY;
    CREATE POLICY project ON tool_groups
        USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
        WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
    GRANT SELECT, INSERT, UPDATE, DELETE ON tool_groups TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
