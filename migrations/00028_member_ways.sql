-- How members prove who they are besides passwords and codes: passkeys, and their accounts at GitHub.

-- +goose Up
CREATE TABLE member_passkeys (
    rp_id         text NOT NULL,               -- host
    credential_id bytea NOT NULL CHECK (length(credential_id) BETWEEN 1 AND 1023),
    account_id    uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    record        jsonb NOT NULL,
    agent         text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    PRIMARY KEY (rp_id, credential_id)
);
CREATE INDEX member_passkeys_account ON member_passkeys (account_id);

CREATE TABLE member_identities (
    provider     text NOT NULL CHECK (provider IN ('github')),
    subject      text NOT NULL,
    account_id   uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    PRIMARY KEY (provider, subject)
);
CREATE INDEX member_identities_account ON member_identities (account_id);

-- Answers that were used: a challenge of a passkey, a state of GitHub.
CREATE TABLE member_answers (
    state_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX member_answers_expiry ON member_answers (expires_at);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON member_passkeys, member_identities, member_answers TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
