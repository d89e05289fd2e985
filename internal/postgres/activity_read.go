package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

const (
	// activityLooseMost bounds the steps without an attempt that one page looks at, and activityEnds how many steps of each end of an
	// attempt it shows: a connection refreshes for months.
	activityLooseMost = 500
	activityEnds      = 20
)

const activityColumns = `a.id, a.at, a.attempt_id, a.step, a.outcome, a.client_id, a.client_name, a.client_version, a.source, a.agent,
	a.request_id, a.user_id, a.grant_id, a.mcp_server_id, a.tool, a.code, a.parameter, a.got, a.expected, a.advice`

// ListAttempts reads a page of a project's timeline, the latest first, and the Before of the next page; zero: this was the last.
func (s *Store) ListAttempts(ctx context.Context, project secret.ID, filter tenants.ActivityFilter) (attempts []tenants.Attempt, next time.Time, err error) {
	limit := min(max(filter.Limit, 1), 100)
	var steps []tenants.Activity
	var elsewhere []secret.ID
	var from time.Time
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
		steps = append(found, loose...)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, a := range tenants.Attempts(steps) {
		older := a.ID.IsZero() && a.Last.Before(from) // the next page has what it may belong to
		if older || slices.Contains(elsewhere, a.ID) || filter.Failures && !a.Failed() {
			continue
		}
		attempts = append(attempts, a)
	}
	return attempts, next, nil
}

// FindAttempt implements tenants.ActivityStore. The steps before the authorization request are those that may belong to it.
func (s *Store) FindAttempt(ctx context.Context, project, attempt secret.ID) (found tenants.Attempt, err error) {
	var steps []tenants.Activity
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		own, err := attemptSteps(tx, project, []attemptHead{{AttemptID: attempt}})
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return errNotFound
		}
		first := slices.MinFunc(own, func(a, b tenants.Activity) int { return a.At.Compare(b.At) }).At
		loose, err := looseSteps(tx, project, own[0].ClientID, first, first.Add(tenants.ActivityLoose))
		steps = append(own, loose...)
		return err
	})
	if err != nil {
		return tenants.Attempt{}, err
	}
	for _, a := range tenants.Attempts(steps) {
		if a.ID == attempt {
			return a, nil
		}
	}
	return tenants.Attempt{}, errNotFound
}

type attemptHead struct {
	AttemptID secret.ID
	At        time.Time
}

// attemptHeads returns attempts by their beginning or latest failure, the latest first. A zero time is no bound.
func attemptHeads(tx *gorm.DB, project secret.ID, filter tenants.ActivityFilter, from, to time.Time, limit int) (heads []attemptHead, err error) {
	query := tx.Table("activity AS a").Select("a.attempt_id, a.at").
		Where("a.project_id = ? AND a.attempt_id IS NOT NULL AND (a.step = 'authorize' OR a.outcome <> 'ok')", project).
		Where(`NOT EXISTS (SELECT FROM activity l WHERE l.project_id = a.project_id AND l.attempt_id = a.attempt_id
			AND (l.step = 'authorize' OR l.outcome <> 'ok') AND (l.at, l.id) > (a.at, a.id))`)
	query = between(query, from, to)
	if filter.Failures {
		query = query.Where(`EXISTS (SELECT FROM activity f WHERE f.project_id = a.project_id AND f.attempt_id = a.attempt_id AND f.outcome <> 'ok')`)
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

// attemptSteps returns the first and the last steps of attempts.
func attemptSteps(tx *gorm.DB, project secret.ID, heads []attemptHead) ([]tenants.Activity, error) {
	ids := make([]string, 0, len(heads))
	for _, h := range heads {
		ids = append(ids, h.AttemptID.String())
	}
	var rows []activityRow
	err := tx.Raw(`
		SELECT DISTINCT s.* FROM unnest(string_to_array(?, ',')::uuid[]) AS wanted(attempt_id) CROSS JOIN LATERAL (
			(SELECT `+activityColumns+` FROM activity a WHERE a.project_id = ? AND a.attempt_id = wanted.attempt_id ORDER BY a.at LIMIT ?)
			UNION ALL
			(SELECT `+activityColumns+` FROM activity a WHERE a.project_id = ? AND a.attempt_id = wanted.attempt_id ORDER BY a.at DESC LIMIT ?)
		) AS s`, strings.Join(ids, ","), project, activityEnds, project, activityEnds).Scan(&rows).Error
	return activities(rows), err
}

// looseSteps returns steps that belong to no attempt by their id, the latest first.
func looseSteps(tx *gorm.DB, project secret.ID, clientID string, from, to time.Time) ([]tenants.Activity, error) {
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
func (s *Store) sweepActivity(ctx context.Context, project secret.ID) (int, error) {
	retention, err := s.retention(ctx, project)
	if err != nil {
		return 0, err
	}
	return s.sweepActivityBeyond(ctx, project, retention, tenants.ActivityMax)
}

func (s *Store) sweepActivityBeyond(ctx context.Context, project secret.ID, retention time.Duration, most int) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`
			DELETE FROM activity WHERE project_id = ? AND id IN (
				SELECT id FROM activity WHERE project_id = ? AND id <= greatest(CAST(? AS uuid),
					(SELECT id FROM activity WHERE project_id = ? ORDER BY id DESC OFFSET ? LIMIT 1))
				ORDER BY id LIMIT ?)`,
			project, project, secret.FirstID(time.Now().Add(-retention)), project, most, sweepMost)
		swept = int(result.RowsAffected)
		return result.Error
	})
	return swept, err
}
