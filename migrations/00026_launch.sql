-- Which projects are for real people.

-- +goose Up
ALTER TABLE projects ADD COLUMN environment text NOT NULL DEFAULT 'development' CHECK (environment IN ('development', 'production'));

-- +goose Down
SELECT 1 / 0; -- forward only
