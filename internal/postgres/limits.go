package postgres

import (
	"context"
	"time"
)

// limitSweepEvery is after how many uses a process removes entries that limit nothing any more, at most limitSweepMax of them.
const (
	limitSweepEvery = 500
	limitSweepMax   = "2000"
)

// Take uses one of a shared limit, or says how long to wait for it; a wait of zero means that it was to be had. Burst uses are free at
// once, and one more after each interval (generic cell rate algorithm: one time per key). The database's clock counts, so that all
// processes agree. What was refused uses up nothing.
func (s *Store) Take(ctx context.Context, key []byte, interval time.Duration, burst int) (wait time.Duration, err error) {
	if s.limitUses.Add(1)%limitSweepEvery == 0 {
		if err := s.sweepLimits(ctx); err != nil {
			return 0, err
		}
	}
	var micros int64
	err = s.pool.QueryRow(ctx, `
		WITH taken AS (
			INSERT INTO rate_limits AS l (key, free_at) VALUES ($1, now() + $2 * interval '1 microsecond')
			ON CONFLICT (key) DO UPDATE SET free_at = greatest(l.free_at, now()) + $2 * interval '1 microsecond'
			WHERE greatest(l.free_at, now()) + $2 * interval '1 microsecond' <= now() + $3 * interval '1 microsecond'
			RETURNING 1
		)
		SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 0 ELSE coalesce((
			SELECT greatest(1, ceil(extract(epoch FROM l.free_at - now()) * 1000000) + $2 - $3)::bigint FROM rate_limits l WHERE l.key = $1), $2) END`,
		key, interval.Microseconds(), interval.Microseconds()*int64(burst)).Scan(&micros)
	return time.Duration(micros) * time.Microsecond, translate(err)
}

func (s *Store) sweepLimits(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM rate_limits WHERE key IN (
		SELECT key FROM rate_limits WHERE free_at < now() LIMIT `+limitSweepMax+` FOR UPDATE SKIP LOCKED)`)
	return translate(err)
}
