-- Tenant tables: everything a project owns. project_id is the first column of every key, and row-level security, forced, is the
-- second wall behind the explicit conditions. nullif: a setting that was once set in a session reads '' afterwards, not null.

-- +goose Up
CREATE TABLE mcp_servers (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    resource   text NOT NULL CHECK (length(resource) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, resource)
);

CREATE TABLE registration_secrets (
    project_id    uuid NOT NULL,
    id            uuid NOT NULL,
    mcp_server_id uuid NOT NULL,
    secret_hash   bytea NOT NULL,
    last_four     text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, secret_hash),
    FOREIGN KEY (project_id, mcp_server_id) REFERENCES mcp_servers (project_id, id) ON DELETE CASCADE
);
CREATE INDEX registration_secrets_server ON registration_secrets (project_id, mcp_server_id);

CREATE TABLE scopes (
    project_id  uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name        text NOT NULL CHECK (name ~ '^[\x21\x23-\x5B\x5D-\x7E]{1,100}$'),
    description text NOT NULL CHECK (length(description) BETWEEN 1 AND 300),
    is_default  boolean NOT NULL DEFAULT false,
    position    integer NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE signing_keys (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id         text NOT NULL,                  -- kid
    algorithm  text NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA', 'RS256')),
    state      text NOT NULL CHECK (state IN ('next', 'current', 'previous')),
    sealed     bytea NOT NULL,                 -- PKCS #8, sealed with project and key id as associated data
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id)
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (project_id) WHERE state = 'current';

CREATE TABLE users (
    project_id        uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id                uuid NOT NULL,
    email             text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    email_verified_at timestamptz,
    password_hash     text,
    blocked_at        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, email)
);

CREATE TABLE user_sessions (
    project_id uuid NOT NULL,
    id         uuid NOT NULL,
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    auth_time  timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash),
    FOREIGN KEY (project_id, account_id) REFERENCES users (project_id, id) ON DELETE CASCADE
);
CREATE INDEX user_sessions_account ON user_sessions (project_id, account_id);

CREATE TABLE user_challenges (
    project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    purpose       text NOT NULL,
    email         text NOT NULL,
    browser_hash  bytea NOT NULL,
    code_mac      bytea,
    password_hash text,
    detail        text NOT NULL DEFAULT '',
    attempts      integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX user_challenges_email ON user_challenges (project_id, email, created_at);

CREATE TABLE clients (
    project_id     uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id             text NOT NULL,               -- client_id
    kind           text NOT NULL CHECK (kind IN ('registered')),
    fingerprint    bytea,                       -- of the metadata of an anonymous public client: the same metadata is the same client
    name           text NOT NULL,
    redirect_uris  text[] NOT NULL,             -- loopback redirects without their port
    grant_types    text[] NOT NULL,
    auth_method    text NOT NULL CHECK (auth_method IN ('none')),
    application_type text NOT NULL,
    client_uri     text NOT NULL DEFAULT '',
    metadata       jsonb NOT NULL,              -- the remaining registered members, echoed to the client
    created_at     timestamptz NOT NULL DEFAULT now(),
    renewed_at     timestamptz NOT NULL DEFAULT now(),
    first_used_at  timestamptz,                 -- first approval by a user
    blocked_at     timestamptz,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, fingerprint)
);

CREATE TABLE consents (
    project_id    uuid NOT NULL,
    user_id       uuid NOT NULL,
    client_id     text NOT NULL,
    redirect_host text NOT NULL,
    resource      text NOT NULL,
    scopes        text[] NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, user_id, client_id, redirect_host, resource),
    FOREIGN KEY (project_id, user_id) REFERENCES users (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, client_id) REFERENCES clients (project_id, id) ON DELETE CASCADE
);

-- One row carries an approval through its whole life. No index holds a column that a refresh changes, so that refreshing stays a
-- heap-only update; the free space in each page is for that.
CREATE TABLE grants (
    project_id        uuid NOT NULL,
    id                uuid NOT NULL,
    flow_id           uuid NOT NULL,
    issuer            text NOT NULL,
    user_id           uuid NOT NULL,
    client_id         text NOT NULL,
    mcp_server_id     uuid NOT NULL,
    resource          text NOT NULL,
    scopes            text[] NOT NULL,
    redirect_uri      text NOT NULL,
    code_challenge    text NOT NULL,
    random_hash       bytea NOT NULL,
    session_id        uuid NOT NULL,
    client_auth_method text NOT NULL,
    dpop_jkt          text,
    nonce             text,
    organization      text,
    auth_time         timestamptz NOT NULL,
    refreshable       boolean NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    code_expires_at   timestamptz NOT NULL,
    code_redeemed_at  timestamptz,
    generation        bigint NOT NULL DEFAULT 0,  -- of the living refresh token; 0 before the code is redeemed
    rotated_at        timestamptz,
    forgiven_reuses   integer NOT NULL DEFAULT 0,
    access_expires_at timestamptz,                -- latest exp of an access token of this grant
    idle_expires_at   timestamptz,
    expires_at        timestamptz NOT NULL,
    revoked_at        timestamptz,
    revoked_reason    text,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, flow_id),
    FOREIGN KEY (project_id, user_id) REFERENCES users (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, client_id) REFERENCES clients (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, mcp_server_id) REFERENCES mcp_servers (project_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX grants_user ON grants (project_id, user_id);
CREATE INDEX grants_client ON grants (project_id, client_id);

CREATE TABLE audit_log (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL,                   -- kind:id, such as user:0192…, client:…, member:…, system
    action     text NOT NULL,
    target     text NOT NULL DEFAULT '',
    detail     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (project_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['mcp_servers', 'registration_secrets', 'scopes', 'signing_keys', 'users', 'user_sessions',
        'user_challenges', 'clients', 'consents', 'grants', 'audit_log'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($f$CREATE POLICY project ON %I
            USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
            WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid)$f$, t);
        IF t = 'audit_log' THEN
            EXECUTE format('GRANT SELECT, INSERT ON %I TO mcpauth_app', t);
        ELSE
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mcpauth_app', t);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
