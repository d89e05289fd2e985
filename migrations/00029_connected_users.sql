-- The meter: who got an access token of a production project in which calendar month (UTC). Rows are written by the statement that hands the
-- token out, and outlive the person and the project that they count, so they reference neither.

-- +goose Up
CREATE TABLE connected_users (
    project_id uuid NOT NULL,
    month      date NOT NULL CHECK (month = date_trunc('month', month)::date),
    user_id    uuid NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(), -- the first token of the month
    PRIMARY KEY (project_id, month, user_id)
);

-- +goose StatementBegin
DO $$ BEGIN
    ALTER TABLE connected_users ENABLE ROW LEVEL SECURITY;
    ALTER TABLE connected_users FORCE ROW LEVEL SECURITY;
    CREATE POLICY project ON connected_users
        USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
        WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
    GRANT SELECT, INSERT ON connected_users TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
