-- Foreign keys with an index, so that deleting what they point to looks at no whole table; who was ever connected, found at once; and questions
-- to Stripe that lock nothing while it is asked.

-- +goose Up
CREATE INDEX consents_client ON consents (project_id, client_id);
CREATE INDEX grants_mcp_server ON grants (project_id, mcp_server_id);
CREATE INDEX project_issuers_project ON project_issuers (project_id);
CREATE INDEX brands_logo ON brands (project_id, logo_hash);
CREATE INDEX own_logins_provider ON own_logins (project_id, provider_id);
CREATE INDEX connected_users_user ON connected_users (project_id, user_id);

-- The number of the last question about an account, and of the last one whose answer was stored.
ALTER TABLE billing_accounts ADD COLUMN asked bigint NOT NULL DEFAULT 0, ADD COLUMN answered bigint NOT NULL DEFAULT 0;
-- The number of the question that an invoice was last stored for.
ALTER TABLE billing_invoices ADD COLUMN answered bigint NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1 / 0; -- forward only
