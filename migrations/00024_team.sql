-- Who belongs to an organization: invitations to an address, which only who has proved that address can accept.

-- +goose Up
CREATE TABLE organization_invitations (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              uuid NOT NULL,
    email           text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    invited_by      text NOT NULL,            -- kind:id
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, email)
);
CREATE INDEX organization_invitations_email ON organization_invitations (email);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON organization_invitations TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
