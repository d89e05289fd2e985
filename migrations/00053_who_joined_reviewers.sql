-- A reviewer's account is nobody else's: who had joined it with a provider or a passkey was left there, and kept out by it. They begin an
-- account of their own the next time, and what they had on this one ends, as it cannot be told from the reviewer's.

-- +goose Up
ALTER TABLE users NO FORCE ROW LEVEL SECURITY; -- the owner changes rows of every project
ALTER TABLE user_identities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_passkeys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_second_factors NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE grants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE revocations NO FORCE ROW LEVEL SECURITY;

WITH joined AS (
    UPDATE users u SET epoch = epoch + 1
    WHERE u.reviewer_address IS NOT NULL AND (EXISTS (SELECT FROM user_identities i WHERE i.project_id = u.project_id AND i.account_id = u.id)
        OR EXISTS (SELECT FROM user_passkeys k WHERE k.project_id = u.project_id AND k.account_id = u.id))
    RETURNING project_id, id
), signed_out AS (
    UPDATE user_sessions s SET ended_at = now() FROM joined j WHERE s.project_id = j.project_id AND s.account_id = j.id AND s.ended_at IS NULL
), ended AS (
    UPDATE grants g SET revoked_at = now(), revoked_reason = 'reviewer_ended' FROM joined j WHERE g.project_id = j.project_id AND g.user_id = j.id AND g.revoked_at IS NULL
    RETURNING g.project_id, g.id, g.mcp_server_id, g.access_expires_at
), published AS (
    INSERT INTO revocations (project_id, grant_id, mcp_server_id, until)
    SELECT project_id, id, mcp_server_id, access_expires_at + interval '60 seconds' FROM ended WHERE access_expires_at > now() - interval '60 seconds'
    ON CONFLICT (project_id, grant_id) DO NOTHING
    RETURNING pg_notify('mcpauth_revocations', project_id::text)
), untied AS (
    DELETE FROM user_identities i USING joined j WHERE i.project_id = j.project_id AND i.account_id = j.id
), without_keys AS (
    DELETE FROM user_passkeys k USING joined j WHERE k.project_id = j.project_id AND k.account_id = j.id
)
SELECT count(*) FROM published;

-- A second step shuts out every reviewer but the one who turned it on. Its recovery codes go with it.
DELETE FROM user_second_factors f USING users u WHERE u.project_id = f.project_id AND u.id = f.account_id AND u.reviewer_address IS NOT NULL;

ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE user_identities FORCE ROW LEVEL SECURITY;
ALTER TABLE user_passkeys FORCE ROW LEVEL SECURITY;
ALTER TABLE user_second_factors FORCE ROW LEVEL SECURITY;
ALTER TABLE user_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
ALTER TABLE revocations FORCE ROW LEVEL SECURITY;

-- +goose Down
SELECT 1 / 0; -- forward only
