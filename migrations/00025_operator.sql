-- What the operator decides: who is suspended, and which brands were looked at.

-- +goose Up
ALTER TABLE organizations ADD COLUMN suspended_at timestamptz, ADD COLUMN suspended_reason text NOT NULL DEFAULT '';

-- Held is suspended by the operator; whoever owns the project cannot end that. Review: what people see is checked by somebody; due
-- again whenever its words or its logo change. Until a rejected project is approved, nothing of its brand is shown.
ALTER TABLE projects
    ADD COLUMN held_at     timestamptz,
    ADD COLUMN held_reason text NOT NULL DEFAULT '',
    ADD COLUMN review      text NOT NULL DEFAULT 'pending' CHECK (review IN ('pending', 'approved', 'rejected')),
    ADD COLUMN review_due  timestamptz DEFAULT now();
CREATE INDEX projects_review_due ON projects (review_due, id) WHERE review_due IS NOT NULL;

-- +goose Down
SELECT 1 / 0; -- forward only
