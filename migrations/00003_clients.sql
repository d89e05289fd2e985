-- Clients of every kind: anonymous and authenticated registrations, client id metadata documents, clients made in the dashboard; and
-- what a project decides about them.

-- +goose Up
ALTER TABLE projects
    ADD COLUMN registration_policy text NOT NULL DEFAULT 'open' CHECK (registration_policy IN ('open', 'closed', 'off')), -- closed: initial access tokens only
    ADD COLUMN document_policy text NOT NULL DEFAULT 'open' CHECK (document_policy IN ('open', 'approval', 'off'));       -- approval: allowed by a client rule only

ALTER TABLE clients
    DROP CONSTRAINT clients_kind_check,
    ADD CONSTRAINT clients_kind_check CHECK (kind IN ('registered', 'document', 'managed')), -- document: id is the URL; managed: made by a member
    DROP CONSTRAINT clients_auth_method_check,
    ADD CONSTRAINT clients_auth_method_check CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
    ADD COLUMN secret_hash bytea,              -- of a secret with 256 random bits, shown once
    ADD COLUMN registration_token_hash bytea,  -- RFC 7592; null: nobody but the project may change the client
    ADD COLUMN jwks jsonb,
    ADD COLUMN jwks_uri text NOT NULL DEFAULT '';

-- Lets whoever holds one register, and nothing else (RFC 7591 section 1.2).
CREATE TABLE initial_access_tokens (
    project_id   uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    token_hash   bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,                  -- null: until revoked
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash)
);

-- Assertions that were used (RFC 7523 section 3, jti), until they expire.
CREATE TABLE client_assertions (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    jti_hash   bytea NOT NULL,                 -- of client id and jti
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, jti_hash)
);
CREATE INDEX client_assertions_expiry ON client_assertions (project_id, expires_at);

-- What a project decided about clients by id or by the host of a metadata document. A rule for an id goes before one for its host.
CREATE TABLE client_rules (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    subject    text NOT NULL CHECK (subject IN ('client', 'host')),
    value      text NOT NULL CHECK (length(value) BETWEEN 1 AND 2048),
    decision   text NOT NULL CHECK (decision IN ('allow', 'block')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, subject, value)
);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['initial_access_tokens', 'client_assertions', 'client_rules'] LOOP
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
