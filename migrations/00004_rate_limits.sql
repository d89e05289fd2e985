-- How much of a shared limit is used up, over all processes. A control table: its keys are hashes that say nothing of whom they
-- belong to. Unlogged: after a crash everybody begins anew, and a limit costs no write-ahead log.

-- +goose Up
CREATE UNLOGGED TABLE rate_limits (
    key     bytea PRIMARY KEY,
    free_at timestamptz NOT NULL       -- when the whole burst is to be had again
) WITH (fillfactor = 70);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limits TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
