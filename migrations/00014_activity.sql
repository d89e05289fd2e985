-- The connection timeline: what each attempt of a client did, step by step. Rows are written after the answer was given, in batches, and
-- outlive what they tell of, so they reference the project alone. No secret, no address of a person, no whole network address.

-- +goose Up
CREATE TABLE activity (
    project_id     uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id             uuid NOT NULL,                  -- in the order of time, for what is old
    at             timestamptz NOT NULL,
    attempt_id     uuid,                           -- the flow of the authorization request; null before it
    step           text NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
    client_id      text NOT NULL DEFAULT '',
    client_name    text NOT NULL DEFAULT '',
    client_version text NOT NULL DEFAULT '',
    source         text NOT NULL DEFAULT '',       -- a network: /24 or /48
    agent          text NOT NULL DEFAULT '' CHECK (length(agent) <= 200),
    request_id     text NOT NULL DEFAULT '',
    user_id        uuid,
    grant_id       uuid,
    mcp_server_id  uuid,
    tool           text NOT NULL DEFAULT '',
    code           text NOT NULL DEFAULT '',
    parameter      text NOT NULL DEFAULT '',
    got            text NOT NULL DEFAULT '',
    expected       text NOT NULL DEFAULT '',
    advice         text NOT NULL DEFAULT '',
    PRIMARY KEY (project_id, id)
);
CREATE INDEX activity_attempt ON activity (project_id, attempt_id, at);
CREATE INDEX activity_heads ON activity (project_id, at, attempt_id) WHERE attempt_id IS NOT NULL AND (step = 'authorize' OR outcome <> 'ok');
CREATE INDEX activity_loose ON activity (project_id, at) WHERE attempt_id IS NULL;
-- The first call of a grant, and one refusal of a kind and day, however often guards report them.
CREATE UNIQUE INDEX activity_first_call ON activity (project_id, grant_id) WHERE step = 'call';
CREATE UNIQUE INDEX activity_refusal ON activity (project_id, grant_id, tool, code, expected, ((at AT TIME ZONE 'UTC')::date)) WHERE step = 'refusal';

-- +goose StatementBegin
DO $$ BEGIN
    ALTER TABLE activity ENABLE ROW LEVEL SECURITY;
    ALTER TABLE activity FORCE ROW LEVEL SECURITY;
    CREATE POLICY project ON activity
        USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
        WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
    GRANT SELECT, INSERT, UPDATE, DELETE ON activity TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
