package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// publish makes a key of the project's algorithm in a state, in the place of a next one, and returns when it may sign.
func (r *keyRotator) publish(state oauth.KeyState) (known time.Time, err error) {
	kid, pkcs8, err := oauth.GenerateKey(r.state.Algorithm)
	if err != nil {
		return time.Time{}, fmt.Errorf("signing key: %w", err)
	}
	sealed := r.store.keys.Seal(purposeSigningKey, pkcs8, signingKeyBinding(r.project, kid))
	r.changed = true
	err = firstError(
		func() error {
			return r.tx.Exec(`DELETE FROM signing_keys WHERE project_id = ? AND state = 'next'`, r.project).Error
		},
		func() error {
			return r.tx.Raw(`INSERT INTO signing_keys (project_id, id, algorithm, state, sealed, created_at, activated_at)
				VALUES (@project, @id, @algorithm, @state, @sealed, clock_timestamp(), CASE WHEN @state <> 'next' THEN clock_timestamp() END)
				RETURNING created_at + interval '`+keyKnown+`'`, map[string]any{
				"project": r.project, "id": kid, "algorithm": r.state.Algorithm, "state": string(state), "sealed": sealed,
			}).Take(&known).Error
		},
		func() error {
			return r.audit("signing_key.published", keyTarget(kid), map[string]string{"algorithm": r.state.Algorithm, "state": string(state)})
		},
	)
	return known, err
}

// deleteOld deletes the keys whose tokens have all expired.
func (r *keyRotator) deleteOld() error {
	var gone []string
	if err := r.tx.Raw(`DELETE FROM signing_keys WHERE project_id = ? AND state = 'previous' AND retired_at <= clock_timestamp() - interval '`+keyKept+`'
		RETURNING id`, r.project).Scan(&gone).Error; err != nil {
		return err
	}
	for _, kid := range gone {
		r.changed = true
		r.state.Previous--
		if err := r.audit("signing_key.deleted", keyTarget(kid), nil); err != nil {
			return err
		}
	}
	return nil
}

// plan sets when the worker looks again: when the next key may sign or the oldest previous one goes, and once a day in any case, since
// schedules change.
func (r *keyRotator) plan(every time.Duration) error {
	return r.tx.Exec(`UPDATE projects p SET keys_due_at = greatest(clock_timestamp() + interval '1 minute', least(clock_timestamp() + interval '1 day',
			(SELECT min(CASE
				WHEN k.state = 'previous' THEN k.retired_at + interval '`+keyKept+`'
				WHEN k.state = 'next' AND p.signing_algorithm <> (SELECT c.algorithm FROM signing_keys c WHERE c.project_id = p.id AND c.state = 'current')
					THEN k.created_at + interval '`+keyKnown+`'
				WHEN k.state = 'current' AND CAST(@every AS float8) > 0 THEN coalesce(k.activated_at, k.created_at) + make_interval(secs => CAST(@every AS float8))
				END) FROM signing_keys k WHERE k.project_id = p.id)))
		WHERE p.id = @project`, map[string]any{"project": r.project, "every": every.Seconds()}).Error
}

func (r *keyRotator) audit(action, target string, detail map[string]string) error {
	return auditProject(r.tx, r.project, change{actor: r.actor, action: action, target: target, detail: detail})
}

func keyTarget(kid string) string { return "signing_key:" + kid }

// ProjectBySlug finds a project by the name in its addresses, for the operator's command line. It returns oauth.ErrNotFound.
func (s *Store) ProjectBySlug(ctx context.Context, slug string) (id.ID, error) {
	var row idRow
	err := s.db.WithContext(ctx).Raw(`SELECT id FROM projects WHERE slug = ?`, slug).Take(&row).Error
	return row.ID, translate(err)
}

// OwnerOf finds the organization of a project, for the operator's command line. It returns oauth.ErrNotFound.
func (s *Store) OwnerOf(ctx context.Context, project id.ID) (id.ID, error) {
	var row idRow
	err := s.db.WithContext(ctx).Raw(`SELECT organization_id AS id FROM projects WHERE id = ?`, project).Take(&row).Error
	return row.ID, translate(err)
}

// ProjectSlugs lists the names of all projects in order.
func (s *Store) ProjectSlugs(ctx context.Context) ([]string, error) {
	var slugs []string
	err := s.db.WithContext(ctx).Raw(`SELECT slug FROM projects ORDER BY slug`).Scan(&slugs).Error
	return slugs, translate(err)
}

// keysMost bounds the projects of one pass over due keys; the rest follows in the next one.
const keysMost = 200

// RotateDueKeys does what is due with signing keys, in every project: rotates those in use for longer than every (zero: none), finishes
// changes of the algorithm, and deletes keys that no unexpired token needs. It returns how many projects got another current key. What
// fails for one project does not keep the others.
func (s *Store) RotateDueKeys(ctx context.Context, every time.Duration) (rotated int, err error) {
	var due []id.ID
	if err := s.db.WithContext(ctx).Raw(`SELECT id FROM projects WHERE keys_due_at <= now() ORDER BY keys_due_at LIMIT ?`, keysMost).
		Scan(&due).Error; err != nil {
		return 0, translate(err)
	}
	var problems []error
	for _, project := range due {
		result, err := s.RotateKeys(ctx, tenants.SystemActor, project, KeyRotation{Every: every, OnlyAlgorithm: every == 0})
		if err != nil && !isNotFound(err) { // not found: deleted meanwhile
			problems = append(problems, fmt.Errorf("keys of project %s: %w", project, err))
		}
		if result.Outcome == KeysRotated {
			rotated++
		}
	}
	return rotated, errors.Join(problems...)
}

// keysEvery is the pause between two passes over due keys, whatever the number of workers.
const keysEvery = 2 * time.Minute

// keysArgs is the job of one pass; it carries nothing.
type keysArgs struct{}

// Kind names the job in the queue.
func (keysArgs) Kind() string { return "rotate_keys" }

// newKeysPass is not tried again: the next one comes anyway.
func newKeysPass() (river.JobArgs, *river.InsertOpts) {
	return keysArgs{}, &river.InsertOpts{MaxAttempts: 1}
}

// keysWorker rotates what is due.
type keysWorker struct {
	river.WorkerDefaults[keysArgs]

	store *Store
	every time.Duration
}

// Work makes one pass.
func (w *keysWorker) Work(ctx context.Context, _ *river.Job[keysArgs]) error {
	_, err := w.store.RotateDueKeys(ctx, w.every)
	return err
}

// RotateKeysEvery sets how long a signing key is used; without it, keys change with the algorithm only.
func RotateKeysEvery(interval time.Duration) WorkOption {
	return func(w *workSettings) { w.keysEvery = interval }
}
