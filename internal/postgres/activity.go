package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

const (
	// activityBacklog is how many steps wait in memory at most; further ones are dropped and counted.
	activityBacklog = 10_000
	// activityBatch is how many steps are written together, and activityPause how long the first of them waits for the others.
	activityBatch = 500
	activityPause = 200 * time.Millisecond
	// activityTimeout bounds the writing of one batch of one project.
	activityTimeout = 5 * time.Second
	// activityReport is the least time between two lines in the log about dropped steps.
	activityReport = time.Minute
)

// Activity writes the connection timeline behind the requests it tells of. It is safe for concurrent use.
type Activity struct {
	store   *Store
	log     *slog.Logger
	queue   chan activityItem
	dropped atomic.Uint64
	ended   chan struct{}
}

// activityItem is a step, or a question that is answered when everything before it is written.
type activityItem struct {
	project id.ID
	step    tenants.Activity
	flushed chan struct{}
}

// NewActivity returns a recorder that writes once Run was called.
func NewActivity(store *Store, log *slog.Logger) *Activity {
	return &Activity{store: store, log: log, queue: make(chan activityItem, activityBacklog), ended: make(chan struct{})}
}

// Record takes a step; it never waits. When too many are waiting it drops the step and counts it.
func (a *Activity) Record(project id.ID, step tenants.Activity) {
	select {
	case a.queue <- activityItem{project: project, step: step}:
	default:
		a.dropped.Add(1)
	}
}

// Skip counts a step that its caller did not record, because a stranger caused too many.
func (a *Activity) Skip() { a.dropped.Add(1) }

// Dropped is how many steps were not written since the process began.
func (a *Activity) Dropped() uint64 { return a.dropped.Load() }

// Run writes until the context ends, and then what is left.
func (a *Activity) Run(ctx context.Context) error {
	defer close(a.ended)
	var reported uint64
	last := time.Now()
	for {
		select {
		case first := <-a.queue:
			a.write(ctx, a.collect(ctx, first))
		case <-ctx.Done():
			for {
				select {
				case first := <-a.queue:
					a.write(ctx, a.collect(ctx, first))
				default:
					return nil
				}
			}
		}
		if dropped := a.dropped.Load(); dropped > reported && time.Since(last) >= activityReport {
			a.log.WarnContext(ctx, "steps of the timeline were dropped", "count", dropped-reported)
			reported, last = dropped, time.Now()
		}
	}
}

// Flush returns when everything that was recorded before is written, or Run has ended.
func (a *Activity) Flush(ctx context.Context) error {
	item := activityItem{flushed: make(chan struct{})}
	select {
	case a.queue <- item:
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-item.flushed:
		return nil
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Activity) collect(ctx context.Context, first activityItem) []activityItem {
	items := []activityItem{first}
	timer := time.NewTimer(activityPause)
	defer timer.Stop()
	for len(items) < activityBatch && items[len(items)-1].flushed == nil {
		select {
		case next := <-a.queue:
			items = append(items, next)
		case <-timer.C:
			return items
		case <-ctx.Done():
			return items
		}
	}
	return items
}

func (a *Activity) write(ctx context.Context, items []activityItem) {
	ctx = context.WithoutCancel(ctx) // the last ones are written while the process ends
	batches := map[id.ID][]tenants.Activity{}
	for _, item := range items {
		if item.flushed == nil {
			batches[item.project] = append(batches[item.project], item.step)
		}
	}
	for project, steps := range batches {
		a.writeSteps(ctx, project, steps)
	}
	for _, item := range items {
		if item.flushed != nil {
			close(item.flushed)
		}
	}
}

// writeSteps halves a batch that the database does not take, so that one step cannot cost the others.
func (a *Activity) writeSteps(ctx context.Context, project id.ID, steps []tenants.Activity) {
	err := a.store.recordActivity(ctx, project, steps)
	switch {
	case err == nil:
	case len(steps) > 1 && !errors.Is(err, errUnavailable):
		half := len(steps) / 2
		a.writeSteps(ctx, project, steps[:half])
		a.writeSteps(ctx, project, steps[half:])
	default:
		a.dropped.Add(uint64(len(steps)))
		a.log.WarnContext(ctx, "steps of the timeline were not written", "count", len(steps), "error", err)
	}
}

// activityRow is a step on its way into the table; zero ids are null.
type activityRow struct {
	ID        id.ID     `json:"id"`
	At        time.Time `json:"at"`
	AttemptID id.ID     `json:"attempt_id,omitzero"`
	Step      string    `json:"step"`
	Outcome   string    `json:"outcome"`
	ClientID  string    `json:"client_id"`
	Name      string    `json:"client_name" gorm:"column:client_name"`
	Version   string    `json:"client_version" gorm:"column:client_version"`
	Source    string    `json:"source"`
	Agent     string    `json:"agent"`
	RequestID string    `json:"request_id"`
	UserID    id.ID     `json:"user_id,omitzero"`
	GrantID   id.ID     `json:"grant_id,omitzero"`
	ServerID  id.ID     `json:"mcp_server_id,omitzero" gorm:"column:mcp_server_id"`
	Tool      string    `json:"tool"`
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
	Parameter string    `json:"parameter"`
	Got       string    `json:"got"`
	Expected  string    `json:"expected"`
	Advice    string    `json:"advice"`
	Test      bool      `json:"test"`
}

func activityRowOf(s tenants.Activity) activityRow {
	return activityRow{ID: s.ID, At: s.At, AttemptID: s.AttemptID, Step: string(s.Step), Outcome: string(s.Outcome), ClientID: s.ClientID,
		Name: s.ClientName, Version: s.ClientVersion, Source: s.Source, Agent: s.Agent, RequestID: s.RequestID, UserID: s.UserID,
		GrantID: s.GrantID, ServerID: s.ServerID, Tool: s.Tool, Code: s.Code, Reason: s.Reason, Parameter: s.Parameter, Got: s.Got,
		Expected: s.Expected, Advice: s.Advice, Test: s.Test}
}

func (r activityRow) activity() tenants.Activity {
	a := tenants.Activity{ID: r.ID, At: r.At, AttemptID: r.AttemptID, Step: tenants.Step(r.Step), Outcome: tenants.Outcome(r.Outcome),
		ClientID: r.ClientID, ClientName: r.Name, ClientVersion: r.Version, Source: r.Source, Agent: r.Agent, RequestID: r.RequestID,
		UserID: r.UserID, GrantID: r.GrantID, ServerID: r.ServerID, Tool: r.Tool, Code: r.Code, Reason: r.Reason, Parameter: r.Parameter,
		Got: r.Got, Expected: r.Expected, Advice: r.Advice, Test: r.Test}
	if a.Step == tenants.StepConsent && a.Parameter == "decision" { // as earlier releases wrote it
		a.Step, a.Outcome, a.Code, a.Parameter, a.Expected, a.Advice = tenants.StepDeny, tenants.OutcomeOK, "", "", "", ""
	}
	return a
}

// testClient is the condition for a row c of clients, or none, to be the client that the dashboard's test page connects as.
const testClient = `coalesce(c.kind = 'managed' AND c.metadata @> '{"own_pages": true}', false)`

// recordActivity writes a batch. A step that knows its grant only is told which attempt that came from, and nothing ties it to a grant
// of another client. What a person does again and better, such as typing a password, a tool that asks for more, what our own tests do, and
// what comes of a connection that was ended on purpose are no failures to count.
func (s *Store) recordActivity(ctx context.Context, project id.ID, steps []tenants.Activity) error {
	ctx, cancel := context.WithTimeout(ctx, activityTimeout)
	defer cancel()
	rows := make([]activityRow, 0, len(steps))
	for _, step := range steps {
		rows = append(rows, activityRowOf(step))
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	var written int
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&written) }, `
		WITH told AS (
			SELECT * FROM jsonb_to_recordset($2::jsonb) AS t(id uuid, at timestamptz, attempt_id uuid, step text, outcome text, client_id text,
				client_name text, client_version text, source text, agent text, request_id text, user_id uuid, grant_id uuid, mcp_server_id uuid,
				tool text, code text, reason text, parameter text, got text, expected text, advice text, test boolean)
		), added AS (
			INSERT INTO activity (project_id, id, at, attempt_id, step, outcome, client_id, client_name, client_version, source, agent,
				request_id, user_id, grant_id, mcp_server_id, tool, code, reason, parameter, got, expected, advice, test)
			SELECT $1, t.id, t.at, coalesce(t.attempt_id, g.flow_id), t.step, t.outcome, t.client_id,
				coalesce(nullif(t.client_name, ''), c.name, ''), t.client_version, t.source, t.agent, t.request_id, coalesce(t.user_id, g.user_id),
				t.grant_id, coalesce(t.mcp_server_id, g.mcp_server_id), t.tool, t.code, t.reason, t.parameter, t.got, t.expected,
				t.advice, t.test OR `+testClient+`
			FROM told t
			LEFT JOIN grants g ON g.project_id = $1 AND g.id = t.grant_id AND g.client_id = t.client_id
			LEFT JOIN clients c ON c.project_id = $1 AND c.id = t.client_id
			ORDER BY t.at
			ON CONFLICT DO NOTHING RETURNING at, step, outcome, code, test, client_id, grant_id
		), asking AS (
			UPDATE mcp_servers SET asked_at = now() WHERE project_id = $1 AND id IN (SELECT mcp_server_id FROM told WHERE step IN ('call', 'refusal'))
				AND (asked_at IS NULL OR asked_at < now() - interval '1 minute')
		), counted AS (
			INSERT INTO daily_counts AS d (project_id, day, metric, count)
			SELECT $1, (a.at AT TIME ZONE 'UTC')::date, m.metric, count(*)
			FROM added a LEFT JOIN grants g ON g.project_id = $1 AND g.id = a.grant_id AND g.client_id = a.client_id CROSS JOIN LATERAL (VALUES
				(CASE WHEN a.step = 'authorize' AND NOT a.test THEN 'attempts' END),
				(CASE WHEN a.step = 'token' AND a.outcome = 'ok' AND NOT a.test THEN 'connections' END),
				(CASE WHEN a.outcome <> 'ok' AND NOT a.test AND NOT (a.outcome = 'refused' AND (a.step IN ('sign_up', 'sign_in', 'consent') OR a.code = 'insufficient_scope'
					OR g.revoked_at IS NOT NULL AND coalesce(g.revoked_reason, '') <> ALL (string_to_array($3, ',')))) THEN 'failures' END),
				(CASE WHEN a.step = 'sign_up' AND a.outcome = 'ok' THEN 'users' END)) AS m(metric)
			WHERE m.metric IS NOT NULL GROUP BY 2, 3 ORDER BY 2, 3
			ON CONFLICT (project_id, day, metric) DO UPDATE SET count = d.count + excluded.count
		)
		SELECT count(*) FROM added`, encoded, strings.Join(tenants.Punished(), ","))
}
