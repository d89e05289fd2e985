-- An account for the people who review an app for a directory: its code is always the same, until a day.

-- +goose Up
ALTER TABLE users
    ADD COLUMN reviewer_code  bytea,        -- sealed with project and address as associated data; null: not such an account
    ADD COLUMN reviewer_until timestamptz;

-- +goose Down
SELECT 1 / 0; -- forward only
