package postgres

import "context"

// LeftSettings are the projects that the next borrowers of a connection would inherit: one of gorm, one of the pool. Without traffic
// beside it, a store with two connections has one for each.
func (s *Store) LeftSettings(ctx context.Context) (ofGorm, ofPool string, err error) {
	const read = `SELECT coalesce(current_setting('app.project_id', true), '')`
	if err = s.sql.QueryRowContext(ctx, read).Scan(&ofGorm); err != nil {
		return "", "", err
	}
	err = s.pool.QueryRow(ctx, read).Scan(&ofPool)
	return ofGorm, ofPool, err
}
