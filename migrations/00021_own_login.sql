-- The customer's own site signs people in and says which organizations they belong to; and people may choose among scopes.

-- +goose Up
ALTER TABLE projects ADD COLUMN scopes_selectable boolean NOT NULL DEFAULT false;
ALTER TABLE users
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN organizations jsonb NOT NULL DEFAULT '[]'; -- [{"id", "name"}], as the latest sign-in said
ALTER TABLE upstream_providers DROP CONSTRAINT upstream_providers_kind_check;
ALTER TABLE upstream_providers ADD CONSTRAINT upstream_providers_kind_check CHECK (kind IN ('google', 'microsoft', 'github', 'oidc', 'own'));

-- What the customer's site said of the person of one flow, until their browser comes back.
CREATE TABLE own_logins (
    project_id  uuid NOT NULL,
    flow_id     uuid NOT NULL,
    provider_id uuid NOT NULL,
    answer_hash bytea NOT NULL,
    sealed      bytea NOT NULL,    -- the person, with project and flow as associated data; emptied when the browser came
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (project_id, flow_id),
    FOREIGN KEY (project_id, provider_id) REFERENCES upstream_providers (project_id, id) ON DELETE CASCADE
);
CREATE INDEX own_logins_expires ON own_logins (project_id, expires_at);

ALTER TABLE own_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE own_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY project ON own_logins
    USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
    WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON own_logins TO mcpauth_app;

-- +goose Down
SELECT 1 / 0; -- forward only
