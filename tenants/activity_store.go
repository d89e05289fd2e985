package tenants

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
)

// ActivityStore reads the connection timeline.
type ActivityStore interface {
	// ListAttempts returns a page, the latest first, and the Before of the next page; zero: this was the last. The project has to be known
	// as the organization's.
	ListAttempts(ctx context.Context, project id.ID, filter ActivityFilter) ([]Attempt, time.Time, error)
	// FindAttempt returns the steps of one attempt, or ErrNotFound.
	FindAttempt(ctx context.Context, project, attempt id.ID) (Attempt, error)
}

// Attempts reads a page of a project's timeline, the latest first, and the Before of the next page; zero: this was the last.
func (p Projects) Attempts(ctx context.Context, actor Actor, org, project id.ID, filter ActivityFilter) ([]Attempt, time.Time, error) {
	if _, err := p.Open(ctx, actor, org, project); err != nil {
		return nil, time.Time{}, err
	}
	return p.Store.ListAttempts(ctx, project, filter)
}

// Attempt reads one attempt that reached the authorization endpoint.
func (p Projects) Attempt(ctx context.Context, actor Actor, org, project, attempt id.ID) (Attempt, error) {
	if _, err := p.Open(ctx, actor, org, project); err != nil {
		return Attempt{}, err
	}
	return p.Store.FindAttempt(ctx, project, attempt)
}
