-- A provider with any number of people can be removed: their rows keep its id, which names nothing then and is never used again.

-- +goose Up
ALTER TABLE user_identities DROP CONSTRAINT user_identities_project_id_provider_id_fkey;

-- +goose Down
SELECT 1 / 0; -- forward only
