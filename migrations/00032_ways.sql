-- A session knows how it began, and a connection for whom of an account it was made. Organizations belong to one person at the
-- customer's own login, not to an account.

-- +goose Up
ALTER TABLE projects
    ADD COLUMN organization_session integer NOT NULL DEFAULT 86400 CHECK (organization_session BETWEEN 3600 AND 604800), -- seconds since the own login in which an organization can be chosen
    ADD COLUMN ways_beside_own boolean NOT NULL DEFAULT false; -- people of the own login may have a passkey or a password here as well

ALTER TABLE user_identities
    ADD COLUMN organizations jsonb NOT NULL DEFAULT '[]'; -- [{"id", "name"}], as the own login said last

-- No foreign keys: both outlive the identity, and say then that it is gone.
ALTER TABLE user_sessions
    ADD COLUMN method text NOT NULL DEFAULT '', -- as in projects.sign_in_methods; empty: before it was kept
    ADD COLUMN identity_id uuid;
ALTER TABLE grants ADD COLUMN identity_id uuid; -- of the session in which it was allowed
CREATE INDEX grants_identity ON grants (project_id, identity_id) WHERE identity_id IS NOT NULL;

ALTER TABLE own_logins ADD COLUMN subject text; -- of whom the answer speaks, so that it can be taken back

ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE upstream_providers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_identities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE grants NO FORCE ROW LEVEL SECURITY; -- the owner changes rows of every project
-- What was kept for an account is its one person's, where there is one.
UPDATE user_identities i SET organizations = u.organizations
FROM users u, upstream_providers p
WHERE u.project_id = i.project_id AND u.id = i.account_id AND p.project_id = i.project_id AND p.id = i.provider_id AND p.kind = 'own' AND u.organizations <> '[]'
    AND 1 = (SELECT count(*) FROM user_identities o JOIN upstream_providers q ON q.project_id = o.project_id AND q.id = o.provider_id AND q.kind = 'own'
        WHERE o.project_id = i.project_id AND o.account_id = i.account_id);
UPDATE grants g SET identity_id = i.id
FROM user_identities i JOIN upstream_providers p ON p.project_id = i.project_id AND p.id = i.provider_id AND p.kind = 'own'
WHERE g.organization IS NOT NULL AND g.revoked_at IS NULL AND i.project_id = g.project_id AND i.account_id = g.user_id
    AND 1 = (SELECT count(*) FROM user_identities o JOIN upstream_providers q ON q.project_id = o.project_id AND q.id = o.provider_id AND q.kind = 'own'
        WHERE o.project_id = i.project_id AND o.account_id = i.account_id);
ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE upstream_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE user_identities FORCE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;

-- +goose Down
SELECT 1 / 0; -- forward only
