package postgres

import (
	"context"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// SweepActivityBeyond is the sweep with another bound.
func (s *Store) SweepActivityBeyond(ctx context.Context, project id.ID, most int) (int, error) {
	return s.sweepActivityBeyond(ctx, project, tenants.ActivityRetention, most)
}
