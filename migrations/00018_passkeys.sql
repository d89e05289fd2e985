-- Passkeys of a project's people. A credential works at the host it was made for and nowhere else, so the host is part of its key.

-- +goose Up
CREATE TABLE user_passkeys (
    project_id    uuid NOT NULL,
    rp_id         text NOT NULL,           -- host of the issuer URL (WebAuthn section 5.1.3)
    credential_id bytea NOT NULL CHECK (length(credential_id) BETWEEN 1 AND 1023),
    account_id    uuid NOT NULL,
    record        jsonb NOT NULL,          -- public key, counter, flags
    agent         text NOT NULL DEFAULT '', -- User-Agent of the browser it was made in, to tell it from others
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    PRIMARY KEY (project_id, rp_id, credential_id),
    FOREIGN KEY (project_id, account_id) REFERENCES users (project_id, id) ON DELETE CASCADE
);
CREATE INDEX user_passkeys_account ON user_passkeys (project_id, account_id);

ALTER TABLE user_passkeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_passkeys FORCE ROW LEVEL SECURITY;
CREATE POLICY project ON user_passkeys
    USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
    WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON user_passkeys TO mcpauth_app;

-- +goose Down
SELECT 1 / 0; -- forward only
