-- How a project looks to its people: a draft, published versions that never change, and logos by their hash.

-- +goose Up
CREATE TABLE brand_logos (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hash       text NOT NULL CHECK (hash ~ '^[0-9a-f]{32}$'),
    png        bytea NOT NULL CHECK (length(png) <= 24576),
    PRIMARY KEY (project_id, hash)
);

CREATE TABLE brands (
    project_id   uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version      integer NOT NULL CHECK (version >= 0), -- 0 is the draft
    settings     jsonb NOT NULL,
    logo_hash    text,
    written_by   text NOT NULL,
    written_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, version),
    FOREIGN KEY (project_id, logo_hash) REFERENCES brand_logos (project_id, hash)
);

ALTER TABLE projects ADD COLUMN brand_version integer NOT NULL DEFAULT 0; -- shown to people; 0: none

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['brand_logos', 'brands'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($f$CREATE POLICY project ON %I
            USING (project_id = nullif(current_setting('app.project_id', true), '')::uuid)
            WITH CHECK (project_id = nullif(current_setting('app.project_id', true), '')::uuid)$f$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mcpauth_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
