-- A second step at sign-in: one-time passwords of an authenticator app (RFC 6238), with recovery codes.

-- +goose Up
ALTER TABLE projects ALTER COLUMN sign_in_methods SET DEFAULT '{password,email_code,totp}';
UPDATE projects SET sign_in_methods = array_append(sign_in_methods, 'totp');

CREATE TABLE user_second_factors (
    project_id    uuid NOT NULL,
    account_id    uuid NOT NULL,
    sealed_secret bytea NOT NULL,      -- sealed with project and account as associated data
    last_step     bigint NOT NULL,     -- of the latest accepted password: none counts twice (RFC 6238 section 5.2)
    failures      integer NOT NULL DEFAULT 0,
    failed_at     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, account_id),
    FOREIGN KEY (project_id, account_id) REFERENCES users (project_id, id) ON DELETE CASCADE
);

CREATE TABLE user_recovery_codes (
    project_id uuid NOT NULL,
    account_id uuid NOT NULL,
    code_hash  bytea NOT NULL,
    PRIMARY KEY (project_id, account_id, code_hash),
    FOREIGN KEY (project_id, account_id) REFERENCES user_second_factors (project_id, account_id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['user_second_factors', 'user_recovery_codes'] LOOP
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
