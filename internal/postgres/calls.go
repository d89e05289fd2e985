package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

// callsTools is how many tools of a grant are told apart: which ones are called is up to whoever holds a token. What exceeds it counts
// as no tool.
const callsTools = 100

type callRow struct {
	Grant  id.ID   `json:"grant_id"`
	Tool   string  `json:"tool"`
	OK     int64   `json:"ok"`
	Failed int64   `json:"failed"`
	Refuse int64   `json:"refused"`
	Reason string  `json:"reason"`
	Age    float64 `json:"age"` // seconds
	ID     id.ID   `json:"id"`  // of the step in the timeline, if this becomes one

	Words     string `json:"words"`
	Parameter string `json:"parameter"`
	Got       string `json:"got"`
	Expected  string `json:"expected"`
	Advice    string `json:"advice"`
}

// RecordCalls implements oauth.GuardStore in one statement: the secret, its server's grants, their use, and what of it the
// timeline shows: the first call of a grant, and each kind of refusal once a day. A token of another MCP server that was presented here is no
// use of its grant, but its owner wants to see it: in a fixed form, since a server has no say about another one's grants.
func (s *Store) RecordCalls(ctx context.Context, project id.ID, secretHash []byte, calls []oauth.Call) error {
	rows := make([]callRow, 0, len(calls))
	for _, c := range calls {
		row := callRow{Grant: c.GrantID, Tool: c.Tool, Reason: c.Reason, Age: c.Age.Seconds(), ID: id.New()}
		switch c.Outcome {
		case oauth.CallRefused:
			why := c.Refusal()
			row.Refuse, row.Words, row.Parameter, row.Got, row.Expected, row.Advice = c.Count, why.Reason, why.Parameter, why.Got, why.Expected, why.Advice()
		case oauth.CallError:
			row.OK, row.Failed = c.Count, c.Count
		default:
			row.OK = c.Count
		}
		rows = append(rows, row)
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	var server id.ID
	elsewhere := oauth.RefusalElsewhere()
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&server) }, `
		WITH guard AS (
			SELECT k.mcp_server_id, m.resource FROM registration_secrets k JOIN mcp_servers m ON m.project_id = k.project_id AND m.id = k.mcp_server_id
			WHERE k.project_id = $1 AND k.secret_hash = $2 AND k.revoked_at IS NULL
		), told AS (
			SELECT * FROM jsonb_to_recordset($3::jsonb) AS t(grant_id uuid, tool text, ok bigint, failed bigint, refused bigint, reason text, age float8, id uuid,
				words text, parameter text, got text, expected text, advice text)
		), known AS (
			SELECT told.*, g.client_id, c.name, `+testClient+` AS test, g.flow_id, g.user_id, g.mcp_server_id, g.resource, g.scopes, guard.mcp_server_id AS asker, guard.resource AS asked
			FROM told JOIN grants g ON g.project_id = $1 AND g.id = told.grant_id CROSS JOIN guard
			JOIN clients c ON c.project_id = $1 AND c.id = g.client_id
		), mine AS (SELECT * FROM known WHERE mcp_server_id = asker
		), named AS (
			SELECT grant_id, tool, dense_rank() OVER (PARTITION BY grant_id ORDER BY known DESC, tool) AS place, ok, failed, refused, reason, age FROM (
				SELECT mine.*, EXISTS (SELECT FROM grant_usage u WHERE u.project_id = $1 AND u.grant_id = mine.grant_id AND u.tool = mine.tool) AS known FROM mine
			) AS seen
		), counted AS (
			SELECT grant_id, CASE WHEN place + (SELECT count(*) FROM grant_usage u WHERE u.project_id = $1 AND u.grant_id = named.grant_id
					AND u.tool NOT IN (SELECT m.tool FROM mine m WHERE m.grant_id = named.grant_id)) <= $4 THEN tool ELSE '' END AS tool,
				ok, failed, refused, reason, age
			FROM named
		), added AS (
			INSERT INTO grant_usage AS u (project_id, grant_id, tool, calls, failed, refused, last_refusal, first_used_at, last_used_at)
			SELECT $1, grant_id, tool, sum(ok), sum(failed), sum(refused), coalesce((array_agg(reason ORDER BY age) FILTER (WHERE refused > 0))[1], ''),
				now() - make_interval(secs => max(age) FILTER (WHERE ok > 0)), now() - make_interval(secs => min(age) FILTER (WHERE ok > 0))
			FROM counted GROUP BY grant_id, tool ORDER BY grant_id, tool
			ON CONFLICT (project_id, grant_id, tool) DO UPDATE SET calls = u.calls + excluded.calls, failed = u.failed + excluded.failed,
				refused = u.refused + excluded.refused, last_refusal = coalesce(nullif(excluded.last_refusal, ''), u.last_refusal),
				first_used_at = coalesce(u.first_used_at, excluded.first_used_at), last_used_at = greatest(u.last_used_at, excluded.last_used_at)
		), first_call AS (
			INSERT INTO activity AS a (project_id, id, at, attempt_id, step, outcome, client_id, client_name, user_id, grant_id, mcp_server_id, tool, test)
			SELECT DISTINCT ON (grant_id) $1, id, now() - make_interval(secs => age), flow_id, 'call', 'ok', client_id, name, user_id, grant_id, mcp_server_id, tool, test
			FROM mine WHERE ok > 0 AND NOT EXISTS (SELECT FROM grant_usage u WHERE u.project_id = $1 AND u.grant_id = mine.grant_id AND u.calls > 0)
			ORDER BY grant_id, tool = '', age DESC
			ON CONFLICT (project_id, grant_id) WHERE step = 'call' DO UPDATE SET tool = excluded.tool WHERE a.tool = ''
		), refusals AS (
			INSERT INTO activity (project_id, id, at, attempt_id, step, outcome, client_id, client_name, user_id, grant_id, mcp_server_id, tool, code,
				reason, parameter, got, expected, advice, test)
			SELECT DISTINCT ON (grant_id, tool, reason, expected) $1, id, now() - make_interval(secs => age), flow_id, 'refusal', 'refused', client_id, name, user_id,
				grant_id, mcp_server_id, tool, reason, words, parameter, CASE parameter WHEN 'scope' THEN array_to_string(scopes, ' ') ELSE got END, expected, advice, test
			FROM mine WHERE refused > 0 ORDER BY grant_id, tool, reason, expected, age
			ON CONFLICT DO NOTHING
		), elsewhere AS (
			INSERT INTO activity (project_id, id, at, attempt_id, step, outcome, client_id, client_name, user_id, grant_id, mcp_server_id, code,
				reason, parameter, got, expected, advice, test)
			SELECT DISTINCT ON (grant_id) $1, id, now() - make_interval(secs => age), flow_id, 'refusal', 'refused', client_id, name, user_id,
				grant_id, asker, $5, $6, $7, resource, asked, $8, test
			FROM known WHERE refused > 0 AND mcp_server_id <> asker ORDER BY grant_id, age
			ON CONFLICT DO NOTHING
		)
		SELECT mcp_server_id FROM guard`, secretHash, encoded, callsTools, string(elsewhere.Code), elsewhere.Reason, elsewhere.Parameter, elsewhere.Advice())
}
