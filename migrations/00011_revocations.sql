-- The revocation feed: what guards that verify access tokens by themselves must refuse although the tokens have not expired. A row is
-- written by the transaction that ends a grant and outlives the grant, so it references none.

-- +goose Up
CREATE TABLE revocations (
    project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    grant_id      uuid NOT NULL,
    mcp_server_id uuid NOT NULL,
    until         timestamptz NOT NULL,                        -- when the last access token of the grant is over
    written       xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- commit order is not insert order: readers compare it with their snapshot
    PRIMARY KEY (project_id, grant_id)
);
CREATE INDEX revocations_written ON revocations (project_id, written);
CREATE INDEX revocations_until ON revocations (project_id, until);

-- What MCP servers report of the use of a grant, by tool. Never arguments.
CREATE TABLE grant_usage (
    project_id    uuid NOT NULL,
    grant_id      uuid NOT NULL,
    tool          text NOT NULL CHECK (length(tool) <= 128),   -- empty: a request that calls no tool, or one tool too many
    calls         bigint NOT NULL DEFAULT 0,                   -- that were let through
    failed        bigint NOT NULL DEFAULT 0,                   -- of these, answered with an error
    refused       bigint NOT NULL DEFAULT 0,
    last_refusal  text NOT NULL DEFAULT '',
    first_used_at timestamptz,
    last_used_at  timestamptz,
    PRIMARY KEY (project_id, grant_id, tool),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['revocations', 'grant_usage'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($f$CREATE POLICY project ON %I
            USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
            WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid)$f$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mcpauth_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
