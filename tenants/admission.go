package tenants

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
)

// Admission decides whether somebody may connect to a project for the first time. Who was ever connected is never stopped by a plan.
type Admission struct {
	Store AdmissionStore
	Plans Plans
	Now   func() time.Time
}

// AdmissionStore reads what an admission depends on.
type AdmissionStore interface {
	// FirstConnection reports whether a person never connected to a production project, and whose project it is.
	FirstConnection(ctx context.Context, project, user id.ID) (organization id.ID, newcomer bool, err error)
	// CountConnected counts an organization's connected users in a month.
	CountConnected(ctx context.Context, organization id.ID, month time.Time) (int, error)
}

// Admit returns a LimitError for somebody who has to wait: the plan has no overage, and its connected users and the grace beyond them are used up
// this month. It is checked before a person allows an app, not while tokens are issued, so a few at the same moment may come in above it.
func (a Admission) Admit(ctx context.Context, project, user id.ID) error {
	organization, newcomer, err := a.Store.FirstConnection(ctx, project, user)
	if err != nil || !newcomer {
		return err
	}
	plan, err := a.Plans.PlanOf(ctx, organization)
	if err != nil || plan.MostConnected() == Unlimited {
		return err
	}
	used, err := a.Store.CountConnected(ctx, organization, MonthOf(a.Now()))
	if err != nil {
		return err
	}
	return Limit{What: CountConnected, Max: plan.MostConnected(), Way: "A larger plan lets new people in at once."}.Check(used)
}
