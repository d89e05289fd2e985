-- Rotation of signing keys: when a key became known, began and ended to sign, and when the worker looks at a project's keys again.

-- +goose Up
ALTER TABLE projects
    ADD COLUMN signing_algorithm text NOT NULL DEFAULT 'ES256' CHECK (signing_algorithm IN ('ES256', 'EdDSA', 'RS256')), -- of keys made from now on
    ADD COLUMN keys_due_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX projects_keys_due ON projects (keys_due_at);

ALTER TABLE signing_keys
    ADD COLUMN activated_at timestamptz, -- null: next
    ADD COLUMN retired_at timestamptz;   -- null: next or current
ALTER TABLE signing_keys NO FORCE ROW LEVEL SECURITY; -- the owner changes rows of every project
UPDATE signing_keys SET activated_at = created_at WHERE state <> 'next';
UPDATE signing_keys SET retired_at = now() WHERE state = 'previous';
ALTER TABLE signing_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE signing_keys -- a release that does not know the columns makes current keys without a time: those signed from the beginning
    ADD CONSTRAINT signing_keys_times CHECK ((state <> 'next' OR activated_at IS NULL) AND (retired_at IS NOT NULL) = (state = 'previous'));
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (project_id) WHERE state = 'next';

-- +goose Down
SELECT 1 / 0; -- forward only
