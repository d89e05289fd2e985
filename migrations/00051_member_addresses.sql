-- A member may have no address: a second person at GitHub with the address of a member is somebody else.

-- +goose Up
ALTER TABLE members ALTER COLUMN email DROP NOT NULL; -- null: its person signs in at GitHub only
ALTER TABLE member_identities ADD COLUMN contact text NOT NULL DEFAULT ''; -- the address as GitHub said it last; it opens nothing

-- +goose Down
SELECT 1 / 0; -- forward only
