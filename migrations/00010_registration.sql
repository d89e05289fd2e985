-- Registrations that nobody approved yet, in the order in which they make room for new ones.

-- +goose Up
CREATE INDEX clients_unused ON clients (project_id, renewed_at)
    WHERE kind = 'registered' AND registration_token_hash IS NULL AND first_used_at IS NULL;

-- +goose Down
SELECT 1 / 0; -- forward only
