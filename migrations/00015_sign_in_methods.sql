-- How people may sign in at a project. What a method needs besides has tables of its own.

-- +goose Up
ALTER TABLE projects
    ADD COLUMN sign_in_methods text[] NOT NULL DEFAULT '{password,email_code}' CHECK (cardinality(sign_in_methods) > 0);

-- +goose Down
SELECT 1 / 0; -- forward only
