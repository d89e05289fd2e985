-- What a person sees of where they are signed in.

-- +goose Up
ALTER TABLE user_sessions ADD COLUMN agent text NOT NULL DEFAULT '' CHECK (length(agent) <= 200); -- User-Agent of the browser
ALTER TABLE member_sessions ADD COLUMN agent text NOT NULL DEFAULT '' CHECK (length(agent) <= 200);
CREATE INDEX user_sessions_expires ON user_sessions (project_id, expires_at);
CREATE INDEX user_challenges_expires ON user_challenges (project_id, expires_at);

-- +goose Down
SELECT 1 / 0; -- forward only
