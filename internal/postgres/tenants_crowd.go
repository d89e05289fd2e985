package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
)

// Crowd is what SeedCrowd makes in one project.
type Crowd struct{ Users, Clients, Grants, Activity int }

// CrowdOf is a project of this many rows of activity with the people and grants that go with them: 10,000 users and 100,000 grants for a
// million rows.
func CrowdOf(activity int) Crowd {
	return Crowd{Users: activity / 100, Clients: 100, Grants: activity / 10, Activity: activity}
}

// SeedCrowd fills a project as years of use would, for measurements: people with a session each, clients, living grants spread over both,
// and timelines of seven steps, one in twenty of them failing, over the last 30 days. It is for the operator's own databases.
func (s *Store) SeedCrowd(ctx context.Context, project id.ID, c Crowd) error {
	named := map[string]any{"project": project, "users": c.Users, "clients": c.Clients, "grants": c.Grants, "attempts": c.Activity / 7}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := tx.Exec(`SET LOCAL statement_timeout = 0`).Error; err != nil { // a million rows take a minute
			return err
		}
		for _, statement := range []string{
			`INSERT INTO users (project_id, id, email, name, email_verified_at, created_at)
				SELECT @project, md5('user' || n || CAST(@project AS text))::uuid, 'person' || n || '@people.example', 'Person ' || n, now(), now() - n * interval '37 seconds' FROM generate_series(1, @users) n`,
			`INSERT INTO user_sessions (project_id, id, token_hash, account_id, expires_at)
				SELECT @project, gen_random_uuid(), sha256(convert_to('session' || n, 'UTF8')), md5('user' || n || CAST(@project AS text))::uuid, now() + interval '30 days' FROM generate_series(1, @users) n`,
			`INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata, first_used_at, created_at)
				SELECT @project, 'client' || n, 'registered', 'Client ' || n, '{http://127.0.0.1/callback}', '{authorization_code,refresh_token}', 'none', 'native', '{}', now(), now() - n * interval '1 hour' FROM generate_series(1, @clients) n`,
			`INSERT INTO grants (project_id, id, flow_id, issuer, user_id, client_id, mcp_server_id, resource, scopes, redirect_uri, code_challenge, random_hash, session_id,
					client_auth_method, auth_time, refreshable, created_at, code_expires_at, code_redeemed_at, generation, rotated_at, access_expires_at, idle_expires_at, expires_at)
				SELECT @project, md5('grant' || n || CAST(@project AS text))::uuid, gen_random_uuid(), 'https://crowd.example', md5('user' || (1 + n % @users) || CAST(@project AS text))::uuid, 'client' || (1 + n % @clients), s.id, s.resource,
					'{mcp:tools}', 'http://127.0.0.1/callback', 'challenge', sha256(convert_to('grant' || n, 'UTF8')), gen_random_uuid(), 'none', now(), true, now() - n * interval '25 seconds', now(), now(), 1, now(),
					now() + interval '1 hour', now() + interval '30 days', now() + interval '1 year'
				FROM generate_series(1, @grants) n, (SELECT id, resource FROM mcp_servers WHERE project_id = @project ORDER BY created_at LIMIT 1) s`,
			`INSERT INTO activity (project_id, id, at, attempt_id, step, outcome, client_id, client_name, agent, code, parameter, got, expected, user_id)
				SELECT @project, gen_random_uuid(), now() - n * (interval '30 days' / @attempts) + k * interval '1 second', md5('attempt' || n || CAST(@project AS text))::uuid, steps[k],
					CASE WHEN n % 20 = 0 AND k = 7 THEN 'refused' ELSE 'ok' END, 'client' || (1 + n % @clients), 'Client ' || (1 + n % @clients), 'Client/1.0',
					CASE WHEN n % 20 = 0 AND k = 7 THEN 'invalid_grant' ELSE '' END, '', '', '', md5('user' || (1 + n % @users) || CAST(@project AS text))::uuid
				FROM generate_series(1, @attempts) n, generate_series(1, 7) k, (SELECT ARRAY['metadata', 'authorize', 'sign_in', 'consent', 'token', 'refresh', 'refresh'] AS steps) AS named`,
			`INSERT INTO daily_counts (project_id, day, metric, count) SELECT @project, (now() AT TIME ZONE 'UTC')::date - n, metric, @attempts / 30
				FROM generate_series(0, 29) n, unnest(ARRAY['attempts', 'connections', 'failures', 'users']) metric ON CONFLICT DO NOTHING`,
		} {
			if err := tx.Exec(statement, named).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// SeedConnected counts this many people in a project this month, whom nobody knows, for measurements and for looking at limits.
func (s *Store) SeedConnected(ctx context.Context, project id.ID, count int) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO connected_users (project_id, month, user_id)
			SELECT ?, date_trunc('month', now() AT TIME ZONE 'UTC')::date, gen_random_uuid() FROM generate_series(1, ?)`, project, count).Error
	})
}

// Seeded is a person with a session.
type Seeded struct{ User, Session id.ID }

// SeedPeople makes people who are signed in, for measurements.
func (s *Store) SeedPeople(ctx context.Context, project id.ID, count int) (people []Seeded, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := tx.Exec(`SET LOCAL statement_timeout = 0`).Error; err != nil {
			return err
		}
		return tx.Raw(`WITH made AS (
				INSERT INTO users (project_id, id, email, email_verified_at) SELECT @project, gen_random_uuid(), gen_random_uuid() || '@people.example', now() FROM generate_series(1, @count) RETURNING id
			)
			INSERT INTO user_sessions (project_id, id, token_hash, account_id, expires_at) SELECT @project, gen_random_uuid(), sha256(convert_to(id::text, 'UTF8')), id, now() + interval '1 day' FROM made
			RETURNING account_id AS "user", id AS session`, map[string]any{"project": project, "count": count}).Scan(&people).Error
	})
	return people, err
}
