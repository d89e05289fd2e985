package postgres

import "context"

// LeftSetting is the project that the next borrower of a connection would inherit. A test gives the pool one connection.
func (s *Store) LeftSetting(ctx context.Context) (setting string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT coalesce(current_setting('app.project_id', true), '')`).Scan(&setting)
	return setting, err
}
