package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"mcpauth.example/internal/id"
)

// sweepMost bounds what one statement of a sweep deletes, so that none holds its locks for long.
const sweepMost = 1000

// Sweep deletes, in every project, what has expired: registrations without an approval, used assertions, revocations of
// which no token is left, old steps of the timeline, sessions and codes that are long over, and what was counted and billed long ago. It
// ends what reviewers have whose day has passed, and returns how many rows went.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	var projects []id.ID
	if err := s.db.WithContext(ctx).Raw(`SELECT id FROM projects ORDER BY id`).Scan(&projects).Error; err != nil {
		return 0, translate(err)
	}
	total := 0
	for _, project := range projects {
		for _, sweep := range []func(context.Context, id.ID) (int, error){s.sweepClients, s.sweepAssertions, s.sweepRevocations, s.sweepActivity, s.sweepSessions, s.sweepAnswers, s.sweepConnected, s.sweepReviewers, s.sweepIdentities} {
			for more := true; more; {
				swept, err := sweep(ctx, project)
				if err != nil {
					return total, err
				}
				total, more = total+swept, swept == sweepMost
			}
		}
	}
	swept, err := s.sweepBilling(ctx)
	return total + swept, err
}

// sweepClients passes over rows that are being approved, and judges again under the lock.
func (s *Store) sweepClients(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&swept) }, `
		WITH expired AS (
			SELECT id FROM clients WHERE project_id = $1 AND `+unusedClient+` AND renewed_at < now() - interval '`+unusedClientLifetime+`'
			ORDER BY renewed_at LIMIT $2 FOR UPDATE SKIP LOCKED
		), gone AS (
			DELETE FROM clients WHERE project_id = $1 AND id IN (SELECT id FROM expired) RETURNING id
		)
		SELECT count(*) FROM gone`, sweepMost)
	return swept, err
}

// sweepEvery is the pause between two sweeps of an installation, whatever the number of its workers.
const sweepEvery = 10 * time.Minute

// sweepArgs is the job of one sweep; it carries nothing.
type sweepArgs struct{}

// Kind names the job in the queue.
func (sweepArgs) Kind() string { return "sweep" }

// newSweep is not tried again: the next one comes anyway.
func newSweep() (river.JobArgs, *river.InsertOpts) {
	return sweepArgs{}, &river.InsertOpts{MaxAttempts: 1}
}

// sweepWorker deletes what expired.
type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]

	store *Store
}

// Work sweeps once.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	_, err := w.store.Sweep(ctx)
	return err
}
