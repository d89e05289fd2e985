-- Who somebody is: a subject of an issuer, or a proven address. And reviewers, whose accounts are nobody else's.

-- +goose Up
-- The address that codes, passwords and resets go by: proven, and of one account. Null: its person signs in with other providers only.
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
ALTER TABLE users
    ADD COLUMN reviewer_address text CHECK (length(reviewer_address) BETWEEN 3 AND 254), -- null: no reviewer's account
    ADD COLUMN reviewer_maker   text CHECK ((reviewer_maker IS NULL) = (reviewer_address IS NULL)); -- who made it, as the audit log names actors
CREATE UNIQUE INDEX users_reviewer ON users (project_id, reviewer_address);

ALTER TABLE user_identities
    ADD COLUMN id      uuid NOT NULL DEFAULT gen_random_uuid(), -- a release that does not know the column makes rows without it
    ADD COLUMN issuer  text,                                    -- null: not known yet; the next sign-in at the same provider says it
    ADD COLUMN contact text NOT NULL DEFAULT '';                -- the address as the provider said it last; it may repeat and opens nothing
ALTER TABLE user_identities DROP CONSTRAINT user_identities_pkey;
ALTER TABLE user_identities ADD PRIMARY KEY (project_id, id);
ALTER TABLE user_identities ALTER COLUMN provider_id DROP NOT NULL; -- null: the provider was removed, which makes nobody somebody else
ALTER TABLE user_identities DROP CONSTRAINT user_identities_project_id_provider_id_fkey;
ALTER TABLE user_identities ADD FOREIGN KEY (project_id, provider_id) REFERENCES upstream_providers (project_id, id) ON DELETE SET NULL (provider_id);
CREATE UNIQUE INDEX user_identities_provider ON user_identities (project_id, provider_id, subject);

-- The owner changes rows of every project.
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_identities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE upstream_providers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;

-- Microsoft has an issuer for each tenant, which is known from the next ID token. Of one subject that came through two providers of one
-- issuer, the row that was used last counts.
WITH said AS (
    SELECT i.project_id, i.id, CASE p.kind WHEN 'github' THEN 'github:' || p.issuer WHEN 'own' THEN 'own' ELSE p.issuer END AS issuer, i.subject, i.last_used_at
    FROM user_identities i JOIN upstream_providers p ON p.project_id = i.project_id AND p.id = i.provider_id
    WHERE p.kind <> 'microsoft'
), latest AS (
    SELECT DISTINCT ON (project_id, issuer, subject) project_id, id, issuer FROM said ORDER BY project_id, issuer, subject, last_used_at DESC, id
)
UPDATE user_identities i SET issuer = l.issuer FROM latest l WHERE i.project_id = l.project_id AND i.id = l.id;

-- A reviewer's code stays where the account was made for it, in the same transaction. A code that was put on the account of somebody else
-- ends.
UPDATE users u SET reviewer_address = u.email, reviewer_maker = made.actor
    FROM audit_log made JOIN audit_log given ON given.project_id = made.project_id AND given.target = made.target AND given.at = made.at AND given.action = 'user.reviewer_set'
    WHERE u.reviewer_code IS NOT NULL AND u.email IS NOT NULL AND made.project_id = u.project_id AND made.target = 'user:' || u.id::text AND made.action = 'user.created'
        AND made.actor = given.actor;
UPDATE users SET reviewer_code = NULL, reviewer_until = NULL WHERE reviewer_code IS NOT NULL AND reviewer_address IS NULL;

ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE user_identities FORCE ROW LEVEL SECURITY;
ALTER TABLE upstream_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;

CREATE UNIQUE INDEX user_identities_person ON user_identities (project_id, issuer, subject);

-- +goose Down
SELECT 1 / 0; -- forward only
