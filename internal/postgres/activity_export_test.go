package postgres

import (
	"context"

	"github.com/mcpauth/mcpauth/internal/secret"
)

// SweepActivityBeyond is the sweep with another bound.
func (s *Store) SweepActivityBeyond(ctx context.Context, project secret.ID, most int) (int, error) {
	return s.sweepActivityBeyond(ctx, project, most)
}
