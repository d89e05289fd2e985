-- Signing in with an account at another provider.

-- +goose Up
CREATE TABLE upstream_providers (
    project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('google', 'microsoft', 'github', 'oidc')),
    name          text NOT NULL,          -- as the button says it
    issuer        text NOT NULL,          -- of OpenID Connect; of GitHub the server's own address
    client_id     text NOT NULL,
    sealed_secret bytea NOT NULL,         -- sealed with project and id as associated data
    enabled       boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id)
);

-- A person at a provider is their subject there, never their address.
CREATE TABLE user_identities (
    project_id   uuid NOT NULL,
    provider_id  uuid NOT NULL,
    subject      text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    account_id   uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, provider_id, subject),
    FOREIGN KEY (project_id, provider_id) REFERENCES upstream_providers (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, account_id) REFERENCES users (project_id, id) ON DELETE CASCADE
);
CREATE INDEX user_identities_account ON user_identities (project_id, account_id);

-- Answers of providers that were used, until they would be refused as old.
CREATE TABLE upstream_answers (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    state_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, state_hash)
);
CREATE INDEX upstream_answers_expires ON upstream_answers (project_id, expires_at);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['upstream_providers', 'user_identities', 'upstream_answers'] LOOP
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
