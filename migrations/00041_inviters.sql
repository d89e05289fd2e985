-- An invitation ends with the membership of whoever sent it, however that ends. What nobody who belongs to the organization sent goes.

-- +goose Up
ALTER TABLE organization_invitations ADD COLUMN inviter_id uuid
    GENERATED ALWAYS AS (CASE WHEN invited_by ~ '^member:[0-9a-f-]{36}$' THEN substr(invited_by, 8)::uuid END) STORED;
DELETE FROM organization_invitations i
    WHERE NOT EXISTS (SELECT FROM organization_members b WHERE b.organization_id = i.organization_id AND b.member_id = i.inviter_id);
ALTER TABLE organization_invitations ADD FOREIGN KEY (organization_id, inviter_id)
    REFERENCES organization_members (organization_id, member_id) ON DELETE CASCADE;
CREATE INDEX organization_invitations_inviter ON organization_invitations (organization_id, inviter_id);

-- +goose Down
SELECT 1 / 0; -- forward only
