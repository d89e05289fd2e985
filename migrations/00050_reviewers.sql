-- A reviewer's account has no address to sign in with: codes that are mailed there are for whoever reads them.

-- +goose Up
ALTER TABLE users ADD COLUMN reviewer_made_at timestamptz; -- when its code was made

ALTER TABLE users NO FORCE ROW LEVEL SECURITY; -- the owner changes rows of every project
UPDATE users SET reviewer_made_at = created_at, email = NULL, email_verified_at = NULL, password_hash = NULL WHERE reviewer_address IS NOT NULL;
ALTER TABLE users FORCE ROW LEVEL SECURITY;

-- +goose Down
SELECT 1 / 0; -- forward only
