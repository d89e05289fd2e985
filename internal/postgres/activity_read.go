package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

const (
	// activityLooseMost bounds the steps without an attempt that one page looks at, and activityEnds how many steps of each end of an
	// attempt it shows: a connection refreshes for months.
	activityLooseMost = 500
	activityEnds      = 20
)

const activityColumns = `a.id, a.at, a.attempt_id, a.step, a.outcome, a.client_id, a.client_name, a.client_version, a.source, a.agent,
	a.request_id, a.user_id, a.grant_id, a.mcp_server_id, a.tool, a.code, a.reason, a.parameter, a.got, a.expected, a.advice, a.test`

// activityRounds bounds how many pages are read to find one attempt that failed among those with a step that did not end well.
const activityRounds = 5

// ListAttempts reads a page of a project's timeline, the latest first, and the Before of the next page; zero: this was the last.
func (s *Store) ListAttempts(ctx context.Context, project id.ID, filter tenants.ActivityFilter) (attempts []tenants.Attempt, next time.Time, err error) {
	for range activityRounds {
		attempts, next, err = s.listAttempts(ctx, project, filter)
		if err != nil || len(attempts) > 0 || next.IsZero() {
			break
		}
		filter.Before = next
	}
	return attempts, next, err
}

func (s *Store) listAttempts(ctx context.Context, project id.ID, filter tenants.ActivityFilter) (attempts []tenants.Attempt, next time.Time, err error) {
	limit := min(max(filter.Limit, 1), 100)
	var steps []tenants.Activity
	var elsewhere []id.ID
	var from time.Time
	var grants map[id.ID]tenants.AttemptGrant
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		heads, err := attemptHeads(tx, project, filter, time.Time{}, filter.Before, limit)
		if err != nil {
			return err
		}
		if len(heads) == limit {
			from = heads[limit-1].At
		}
		loose, err := looseSteps(tx, project, filter.ClientID, from, filter.Before)
		if err != nil {
			return err
		}
		if next = from; next.IsZero() && len(loose) == activityLooseMost {
			next = loose[len(loose)-1].At
		}
		if !filter.Before.IsZero() { // what began just after this page takes its early steps along, which are shown there
			others, err := attemptHeads(tx, project, tenants.ActivityFilter{}, filter.Before, filter.Before.Add(tenants.ActivityLoose), 100)
			if err != nil {
				return err
			}
			for _, other := range others {
				if !slices.ContainsFunc(heads, func(h attemptHead) bool { return h.AttemptID == other.AttemptID }) {
					elsewhere, heads = append(elsewhere, other.AttemptID), append(heads, other)
				}
			}
		}
		found, err := attemptSteps(tx, project, heads)
		if err != nil {
			return err
		}
		steps = append(found, loose...)
		grants, err = attemptGrants(tx, project, heads)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, a := range tenants.Attempts(steps) {
		a.Grant = grants[a.ID]
		older := a.ID.IsZero() && a.Last.Before(from) // the next page has what it may belong to
		if older || slices.Contains(elsewhere, a.ID) || filter.Failures && !a.Failed(time.Now()) {
			continue
		}
		attempts = append(attempts, a)
	}
	return attempts, next, nil
}

// FindAttempt implements tenants.ActivityStore. The steps before the authorization request are those that may belong to it.
func (s *Store) FindAttempt(ctx context.Context, project, attempt id.ID) (found tenants.Attempt, err error) {
	var steps []tenants.Activity
	var grants map[id.ID]tenants.AttemptGrant
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		heads := []attemptHead{{AttemptID: attempt}}
		own, err := attemptSteps(tx, project, heads)
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return errNotFound
		}
		first := slices.MinFunc(own, func(a, b tenants.Activity) int { return a.At.Compare(b.At) }).At
		loose, err := looseSteps(tx, project, own[0].ClientID, first, first.Add(tenants.ActivityLoose))
		if err != nil {
			return err
		}
		steps = append(own, loose...)
		grants, err = attemptGrants(tx, project, heads)
		return err
	})
	if err != nil {
		return tenants.Attempt{}, err
	}
	for _, a := range tenants.Attempts(steps) {
		if a.ID == attempt {
			a.Grant = grants[a.ID]
			return a, nil
		}
	}
	return tenants.Attempt{}, errNotFound
}

type attemptHead struct {
	AttemptID id.ID
	At        time.Time
}

// attemptHeads returns attempts by their beginning or latest failure, the latest first. A zero time is no bound.
func attemptHeads(tx *gorm.DB, project id.ID, filter tenants.ActivityFilter, from, to time.Time, limit int) (heads []attemptHead, err error) {
	query := tx.Table("activity AS a").Select("a.attempt_id, a.at").
		Where("a.project_id = ? AND a.attempt_id IS NOT NULL AND (a.step = 'authorize' OR a.outcome <> 'ok')", project).
		Where(`NOT EXISTS (SELECT FROM activity l WHERE l.project_id = a.project_id AND l.attempt_id = a.attempt_id
			AND (l.step = 'authorize' OR l.outcome <> 'ok') AND (l.at, l.id) > (a.at, a.id))`)
	query = between(query, from, to)
	if filter.Failures {
		query = query.Where(`a.outcome <> 'ok' AND EXISTS (SELECT FROM activity f WHERE f.project_id = a.project_id AND f.attempt_id = a.attempt_id
			AND f.outcome <> 'ok' AND NOT f.test AND NOT EXISTS (SELECT FROM activity g WHERE g.project_id = f.project_id AND g.attempt_id = f.attempt_id
				AND g.outcome = 'ok' AND g.at > f.at AND ` + placeOf("g.step") + ` >= ` + placeOf("f.step") + `))`)
	}
	if filter.ClientID != "" {
		query = query.Where("a.client_id = ?", filter.ClientID)
	}
	return heads, query.Order("a.at DESC").Limit(limit).Scan(&heads).Error
}

func between(query *gorm.DB, from, to time.Time) *gorm.DB {
	if !from.IsZero() {
		query = query.Where("a.at >= ?", from)
	}
	if !to.IsZero() {
		query = query.Where("a.at < ?", to)
	}
	return query
}

// placeOf is where on the road a step is; which later ones make good what went wrong is said in tenants alone.
func placeOf(column string) string {
	var b strings.Builder
	for _, p := range tenants.Places() {
		b.WriteString(" WHEN '" + string(p.Step) + "' THEN " + strconv.Itoa(p.Place))
	}
	return "CASE " + column + b.String() + " END"
}

// attemptGrants says what became of the approvals of attempts. A connection that cannot be renewed has run out with its access token.
func attemptGrants(tx *gorm.DB, project id.ID, heads []attemptHead) (map[id.ID]tenants.AttemptGrant, error) {
	var rows []struct {
		AttemptID    id.ID
		EndedAt      *time.Time
		Reason, Name string
		Asked        bool
	}
	err := tx.Raw(`
		SELECT g.flow_id AS attempt_id, coalesce(g.revoked_at, CASE WHEN g.access_expires_at <= now() THEN
				CASE WHEN NOT g.refreshable THEN g.access_expires_at WHEN least(g.idle_expires_at, g.expires_at) <= now() THEN least(g.idle_expires_at, g.expires_at) END
			END) AS ended_at, coalesce(g.revoked_reason, '') AS reason, m.name,
			m.asked_at IS NOT NULL OR EXISTS (SELECT FROM registration_secrets k
				WHERE k.project_id = m.project_id AND k.mcp_server_id = m.id AND k.last_used_at IS NOT NULL) AS asked
		FROM grants g JOIN mcp_servers m ON m.project_id = g.project_id AND m.id = g.mcp_server_id
		WHERE g.project_id = ? AND g.flow_id = ANY (string_to_array(?, ',')::uuid[])`, project, joinedIDs(heads)).Scan(&rows).Error
	grants := make(map[id.ID]tenants.AttemptGrant, len(rows))
	for _, r := range rows {
		grants[r.AttemptID] = tenants.AttemptGrant{EndedAt: or(r.EndedAt), Reason: r.Reason, Server: r.Name, Asked: r.Asked}
	}
	return grants, err
}

func joinedIDs(heads []attemptHead) string {
	ids := make([]string, 0, len(heads))
	for _, h := range heads {
		ids = append(ids, h.AttemptID.String())
	}
	return strings.Join(ids, ",")
}

// attemptSteps returns the first and the last steps of attempts.
func attemptSteps(tx *gorm.DB, project id.ID, heads []attemptHead) ([]tenants.Activity, error) {
	var rows []activityRow
	err := tx.Raw(`
		SELECT DISTINCT s.* FROM unnest(string_to_array(?, ',')::uuid[]) AS wanted(attempt_id) CROSS JOIN LATERAL (
			(SELECT `+activityColumns+` FROM activity a WHERE a.project_id = ? AND a.attempt_id = wanted.attempt_id ORDER BY a.at LIMIT ?)
			UNION ALL
			(SELECT `+activityColumns+` FROM activity a WHERE a.project_id = ? AND a.attempt_id = wanted.attempt_id ORDER BY a.at DESC LIMIT ?)
		) AS s`, joinedIDs(heads), project, activityEnds, project, activityEnds).Scan(&rows).Error
	return activities(rows), err
}

// looseSteps returns steps that belong to no attempt by their id, the latest first.
func looseSteps(tx *gorm.DB, project id.ID, clientID string, from, to time.Time) ([]tenants.Activity, error) {
	if !from.IsZero() {
		from = from.Add(-tenants.ActivityLoose)
	}
	var rows []activityRow
	query := between(tx.Table("activity AS a").Select(activityColumns).Where("a.project_id = ? AND a.attempt_id IS NULL", project), from, to)
	if clientID != "" {
		query = query.Where("(a.client_id = ? OR a.client_id = '')", clientID)
	}
	err := query.Order("a.at DESC").Limit(activityLooseMost).Scan(&rows).Error
	return activities(rows), err
}

func activities(rows []activityRow) []tenants.Activity {
	out := make([]tenants.Activity, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.activity())
	}
	return out
}

// sweepActivity deletes what is older than its retention, and the oldest of what exceeds the bound of a project.
func (s *Store) sweepActivity(ctx context.Context, project id.ID) (int, error) {
	retention, err := s.retention(ctx, project)
	if err != nil {
		return 0, err
	}
	return s.sweepActivityBeyond(ctx, project, retention, tenants.ActivityMax)
}

func (s *Store) sweepActivityBeyond(ctx context.Context, project id.ID, retention time.Duration, most int) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`
			DELETE FROM activity WHERE project_id = ? AND id IN (
				SELECT id FROM activity WHERE project_id = ? AND id <= greatest(CAST(? AS uuid),
					(SELECT id FROM activity WHERE project_id = ? ORDER BY id DESC OFFSET ? LIMIT 1))
				ORDER BY id LIMIT ?)`,
			project, project, id.First(time.Now().Add(-retention)), project, most, sweepMost)
		swept = int(result.RowsAffected)
		return result.Error
	})
	return swept, err
}
