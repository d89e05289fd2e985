-- How often every session of an account was ended. Who proved themself before begins none afterwards.

-- +goose Up
ALTER TABLE users ADD COLUMN epoch integer NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN epoch integer NOT NULL DEFAULT 1;

-- +goose Down
SELECT 1 / 0; -- forward only
