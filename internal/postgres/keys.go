package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

const (
	// keyKnown is how long a key is published before it signs: longer than verifiers may keep the key set (300 s), the time that an
	// issuer is served from memory, and a load or commit that is under way meanwhile.
	keyKnown = "6 minutes"
	// keyKept is how long a key stays published after it signed: the longest life that an access token can have, whatever the project's
	// setting was when it was signed, and what verifiers allow their clocks.
	keyKept = "24 hours 10 minutes"
	// previousKeysMax bounds the key set that verifiers fetch; replacing every key at once is not bound by it.
	previousKeysMax = 12
)

// KeyRotation says what a rotation does. The zero value rotates within the algorithm that the project has.
type KeyRotation struct {
	// Algorithm of the project from now on; empty: as it is.
	Algorithm string
	// Replace drops every key at once, for when one is known to others: every access token issued so far is refused, and verifiers refuse
	// new ones until they fetched the key set again.
	Replace bool
	// Every lets the rotation happen only when the key in use is older, or of another algorithm than the project's; zero: always.
	Every time.Duration
	// OnlyAlgorithm lets it happen only for the algorithm's sake.
	OnlyAlgorithm bool
}

// KeyOutcome says how a rotation ended.
type KeyOutcome string

// The outcomes of a rotation.
const (
	KeysRotated   KeyOutcome = "rotated"   // the next key signs now
	KeysReplaced  KeyOutcome = "replaced"  // none of the old keys is left
	KeysPublished KeyOutcome = "published" // a next key was made, verifiers have to learn of it first
	KeysWaiting   KeyOutcome = "waiting"   // the next key is not known for long enough, or too many previous ones are still needed
	KeysKept      KeyOutcome = "kept"      // nothing was due
)

// RotatedKeys is the result of a rotation.
type RotatedKeys struct {
	Outcome KeyOutcome
	Current string    // key id of the key that signs
	After   time.Time // when waiting or published: the rotation can happen from then on
}

// keysState is what a rotation decides on, by the database's clock.
type keysState struct {
	Algorithm        string // the project's
	Current          string
	CurrentAlgorithm string
	Age              float64 // of the current key's use, in seconds
	Next             string
	NextAlgorithm    string
	KnownAt          *time.Time // when the next key may sign
	Known            bool
	Previous         int
	RoomAt           *time.Time // when the oldest previous key goes
}

// RotateKeys makes the next key of a project the current one, keeps the current one published and publishes a new next one, all in one
// transaction. It returns oauth.ErrNotFound for a project that does not exist.
func (s *Store) RotateKeys(ctx context.Context, actor tenants.Actor, project id.ID, rotation KeyRotation) (RotatedKeys, error) {
	var result RotatedKeys
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		var locked idRow
		if err := tx.Raw(`SELECT id FROM projects WHERE id = ? FOR NO KEY UPDATE`, project).Take(&locked).Error; err != nil {
			return err
		}
		r := keyRotator{store: s, tx: tx, actor: actor, project: project}
		return firstError(
			func() error { return r.setAlgorithm(rotation.Algorithm) },
			r.read,
			func() (err error) { result, err = r.rotate(rotation); return err },
			func() error { return r.plan(rotation.Every) },
			func() error {
				if !r.changed {
					return nil
				}
				return notifyProject(tx, project)
			},
		)
	})
	return result, err
}

// keyRotator is one rotation, with the project's row locked.
type keyRotator struct {
	store   *Store
	tx      *gorm.DB
	actor   tenants.Actor
	project id.ID
	state   keysState
	changed bool
}

func (r *keyRotator) setAlgorithm(algorithm string) error {
	if algorithm == "" {
		return nil
	}
	result := r.tx.Exec(`UPDATE projects SET signing_algorithm = ? WHERE id = ? AND signing_algorithm <> ?`, algorithm, r.project, algorithm)
	if result.Error != nil || result.RowsAffected == 0 {
		return result.Error
	}
	return r.audit("project.signing_algorithm_changed", "project:"+r.project.String(), map[string]string{"algorithm": algorithm})
}

func (r *keyRotator) read() error {
	return r.tx.Raw(`SELECT p.signing_algorithm AS algorithm, c.id AS current, c.algorithm AS current_algorithm,
			extract(epoch FROM clock_timestamp() - coalesce(c.activated_at, c.created_at)) AS age,
			coalesce(n.id, '') AS next, coalesce(n.algorithm, '') AS next_algorithm, n.created_at + interval '`+keyKnown+`' AS known_at,
			coalesce(n.created_at + interval '`+keyKnown+`' <= clock_timestamp(), false) AS known, o.previous, o.room_at
		FROM projects p JOIN signing_keys c ON c.project_id = p.id AND c.state = 'current'
		LEFT JOIN signing_keys n ON n.project_id = p.id AND n.state = 'next'
		CROSS JOIN (SELECT count(*) AS previous, min(retired_at) + interval '`+keyKept+`' AS room_at
			FROM signing_keys WHERE project_id = @project AND state = 'previous') o
		WHERE p.id = @project`, map[string]any{"project": r.project}).Take(&r.state).Error
}

func (r *keyRotator) rotate(rotation KeyRotation) (RotatedKeys, error) {
	if rotation.Replace {
		return r.replace()
	}
	if err := r.deleteOld(); err != nil {
		return RotatedKeys{}, err
	}
	state, result := &r.state, RotatedKeys{Current: r.state.Current}
	other := state.CurrentAlgorithm != state.Algorithm
	due := !rotation.OnlyAlgorithm && state.Age >= rotation.Every.Seconds()
	switch {
	case state.NextAlgorithm != state.Algorithm: // also none at all; one that never signed can go
		published, err := r.publish(oauth.KeyNext)
		result.Outcome, result.After = KeysPublished, published
		return result, err
	case !due && !other:
		result.Outcome = KeysKept
		return result, nil
	case state.Previous >= previousKeysMax && state.RoomAt != nil:
		result.Outcome, result.After = KeysWaiting, *state.RoomAt
		return result, nil
	case !state.Known && state.KnownAt != nil:
		result.Outcome, result.After = KeysWaiting, *state.KnownAt
		return result, nil
	}
	return r.promote()
}

// promote is the rotation proper.
func (r *keyRotator) promote() (RotatedKeys, error) {
	promoted := r.state.Next
	err := firstError(
		func() error {
			return r.tx.Exec(`UPDATE signing_keys SET state = 'previous', retired_at = clock_timestamp() WHERE project_id = ? AND state = 'current'`, r.project).Error
		},
		func() error {
			return mustChange(r.tx.Exec(`UPDATE signing_keys SET state = 'current', activated_at = clock_timestamp() WHERE project_id = ? AND id = ? AND state = 'next'`,
				r.project, promoted))
		},
		func() error { _, err := r.publish(oauth.KeyNext); return err },
		func() error {
			return r.audit("signing_keys.rotated", keyTarget(promoted), map[string]string{"previous": r.state.Current, "algorithm": r.state.Algorithm})
		},
	)
	return RotatedKeys{Outcome: KeysRotated, Current: promoted}, err
}

// replace drops every key, whatever was signed with it.
func (r *keyRotator) replace() (RotatedKeys, error) {
	err := firstError(
		func() error { return r.tx.Exec(`DELETE FROM signing_keys WHERE project_id = ?`, r.project).Error },
		func() error { _, err := r.publish(oauth.KeyCurrent); return err },
		func() error { _, err := r.publish(oauth.KeyNext); return err },
		func() error {
			return r.tx.Raw(`SELECT id AS current FROM signing_keys WHERE project_id = ? AND state = 'current'`, r.project).Take(&r.state.Current).Error
		},
		func() error {
			return r.audit("signing_keys.replaced", keyTarget(r.state.Current), map[string]string{"algorithm": r.state.Algorithm})
		},
	)
	return RotatedKeys{Outcome: KeysReplaced, Current: r.state.Current}, err
}
