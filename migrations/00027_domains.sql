-- Domains of customers' own that projects answer at. A claim is anybody's to make; the address in project_issuers belongs to whoever
-- proved it first.

-- +goose Up
CREATE TABLE project_domains (
    project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    domain        text NOT NULL CHECK (domain ~ '^[a-z0-9-]+(\.[a-z0-9-]+)+$' AND length(domain) <= 253),
    token         text NOT NULL,                   -- public: it stands in the DNS
    created_at    timestamptz NOT NULL DEFAULT now(),
    check_at      timestamptz NOT NULL DEFAULT now(),
    checked_at    timestamptz,
    verified_at   timestamptz,
    failing_since timestamptz,                     -- of a verified domain
    problem       text NOT NULL DEFAULT '',
    PRIMARY KEY (project_id, domain)
);
CREATE UNIQUE INDEX project_domains_verified ON project_domains (domain) WHERE verified_at IS NOT NULL;
CREATE INDEX project_domains_due ON project_domains (check_at);

-- Domains that a project gave up, kept from others for a while: their DNS may still lead here.
CREATE TABLE released_domains (
    domain      text PRIMARY KEY,
    project_id  uuid NOT NULL,                     -- may be gone
    released_at timestamptz NOT NULL DEFAULT now()
);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON project_domains, released_domains TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
