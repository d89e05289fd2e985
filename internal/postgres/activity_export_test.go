package postgres

import (
	"context"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/tenants"
)

// SweepActivityBeyond is the sweep with another bound.
func (s *Store) SweepActivityBeyond(ctx context.Context, project secret.ID, most int) (int, error) {
	return s.sweepActivityBeyond(ctx, project, tenants.ActivityRetention, most)
}
