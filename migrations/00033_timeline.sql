-- The timeline says the reason of a step in words, tells tests from what clients do, and an MCP server that asks about tokens is seen,
-- whatever program it asks with. The previous release leaves the new columns at their defaults.

-- +goose Up
ALTER TABLE activity
    ADD COLUMN reason text NOT NULL DEFAULT '',       -- why a step ended as it did, in words; empty: nothing to say
    ADD COLUMN test   boolean NOT NULL DEFAULT false; -- the dashboard's test page or mcpauth doctor did it

ALTER TABLE mcp_servers ADD COLUMN asked_at timestamptz; -- when it last asked about a token, to about ten minutes

-- +goose Down
SELECT 1 / 0; -- forward only
