-- Control tables: what exists above the projects. They have no project_id as key and no row-level security.
-- Every table is named in the schema lint of internal/postgres as control or tenant.

-- +goose Up
CREATE TABLE deployment (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    incarnation uuid NOT NULL DEFAULT gen_random_uuid(), -- tells one database from another
    epoch       integer NOT NULL DEFAULT 1               -- part of every MAC; raised after a restore from backup
);
INSERT INTO deployment DEFAULT VALUES;

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
    id                uuid PRIMARY KEY,
    email             text NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    email_verified_at timestamptz,
    password_hash     text,
    blocked_at        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    member_id       uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, member_id)
);
CREATE INDEX organization_members_member ON organization_members (member_id);

CREATE TABLE member_sessions (
    id           uuid PRIMARY KEY,
    token_hash   bytea NOT NULL UNIQUE,
    account_id   uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    auth_time    timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX member_sessions_account ON member_sessions (account_id);

CREATE TABLE member_challenges (
    id            uuid PRIMARY KEY,
    purpose       text NOT NULL,
    email         text NOT NULL,
    browser_hash  bytea NOT NULL,             -- the browser that asked is the only one that may answer
    code_mac      bytea,                      -- null: cannot be answered (the address already has an account)
    password_hash text,
    detail        text NOT NULL DEFAULT '',   -- what the account is made with, such as the organization's name
    attempts      integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    finished_at   timestamptz
);
CREATE INDEX member_challenges_email ON member_challenges (email, created_at);

CREATE TABLE projects (
    id                  uuid PRIMARY KEY,
    organization_id     uuid NOT NULL REFERENCES organizations (id),
    slug                text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    name                text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status              text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    access_token_ttl    integer NOT NULL DEFAULT 3600 CHECK (access_token_ttl BETWEEN 60 AND 86400),          -- seconds
    refresh_idle_ttl    integer NOT NULL DEFAULT 2592000 CHECK (refresh_idle_ttl BETWEEN 3600 AND 31536000),  -- seconds, sliding
    refresh_ttl         integer NOT NULL DEFAULT 31536000 CHECK (refresh_ttl BETWEEN 3600 AND 94608000),      -- seconds, absolute
    refresh_grace       integer NOT NULL DEFAULT 60 CHECK (refresh_grace BETWEEN 0 AND 120),                  -- seconds
    sign_up_open        boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX projects_organization ON projects (organization_id);

-- Which issuer URL belongs to which project. The address is the URL without its scheme, as requests are matched.
CREATE TABLE project_issuers (
    address    text PRIMARY KEY,
    url        text NOT NULL UNIQUE,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX project_issuers_primary ON project_issuers (project_id) WHERE is_primary;

-- A slug is never given twice, not even after its project is gone.
CREATE TABLE used_slugs (
    slug       text PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_audit_log (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              uuid NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    actor           text NOT NULL,                -- kind:id, such as member:0192…
    action          text NOT NULL,
    target          text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id)
);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT ON deployment TO mcpauth_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON organizations, members, organization_members, member_sessions, member_challenges,
        projects, project_issuers TO mcpauth_app;
    GRANT SELECT, INSERT ON used_slugs, organization_audit_log TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
