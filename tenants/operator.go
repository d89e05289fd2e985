package tenants

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"mcpauth.example/internal/id"
)

// maxReason is the longest reason for what the operator decides, in characters.
const maxReason = 300

// Operator is what whoever runs the installation decides about its customers. It is not bound to an organization; only the command line
// has it.
type Operator struct{ Store OperatorStore }

// OperatorStore keeps what the operator decides. Changes and their audit rows are one transaction, and every node knows within seconds.
type OperatorStore interface {
	// ListOrganizations returns them by name; search is part of a name or of a member's address.
	ListOrganizations(ctx context.Context, search string) ([]OrganizationSummary, error)
	// SuspendOrganization succeeds when nothing changes.
	SuspendOrganization(ctx context.Context, organization id.ID, suspended bool, reason string) error
	// SuspendProjectByOperator succeeds when nothing changes.
	SuspendProjectByOperator(ctx context.Context, project id.ID, held bool, reason string) error
	// ListReviews returns the projects whose name, words or logo nobody has looked at, the longest waiting first.
	ListReviews(ctx context.Context) ([]Review, error)
	// DecideReview returns ErrNotFound for an unknown project.
	DecideReview(ctx context.Context, project id.ID, approved bool, reason string) error
}

// OrganizationSummary is an organization as the operator sees it.
type OrganizationSummary struct {
	Organization
	Owners    []string // addresses
	Projects  int
	CreatedAt time.Time
	Reason    string // of the suspension
}

// Review is a project that waits for somebody to look at it.
type Review struct {
	Project      Project
	Organization string
	Brand        Brand     // what people see, or would see
	State        string    // pending, approved or rejected
	Since        time.Time // when it began to wait
}

// ParseReason checks a reason of 1 to 300 characters. It returns a FieldError for "reason".
func ParseReason(reason string) (string, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if n := utf8.RuneCountInString(reason); n < 1 || n > maxReason {
		return "", FieldError{Field: "reason", Message: "Give a reason of 1 to 300 characters; the customer reads it."}
	}
	return reason, nil
}

// Suspend stops every project of an organization: nobody signs in or gets tokens, living tokens are inactive, and its members change
// nothing (catalogue 274).
func (o Operator) Suspend(ctx context.Context, organization id.ID, reason string) error {
	reason, err := ParseReason(reason)
	if err != nil {
		return err
	}
	return o.Store.SuspendOrganization(ctx, organization, true, reason)
}

// Resume ends a suspension.
func (o Operator) Resume(ctx context.Context, organization id.ID) error {
	return o.Store.SuspendOrganization(ctx, organization, false, "")
}

// SuspendByOperator stops one project; its owners cannot resume it.
func (o Operator) SuspendByOperator(ctx context.Context, project id.ID, reason string) error {
	reason, err := ParseReason(reason)
	if err != nil {
		return err
	}
	return o.Store.SuspendProjectByOperator(ctx, project, true, reason)
}

// Release ends a hold. A project that its owners suspended stays suspended.
func (o Operator) Release(ctx context.Context, project id.ID) error {
	return o.Store.SuspendProjectByOperator(ctx, project, false, "")
}

// Approve lets the project's pages go without the remark that nobody has checked them.
func (o Operator) Approve(ctx context.Context, project id.ID) error {
	return o.Store.DecideReview(ctx, project, true, "")
}

// Reject takes the project's brand off its pages until one is approved.
func (o Operator) Reject(ctx context.Context, project id.ID, reason string) error {
	reason, err := ParseReason(reason)
	if err != nil {
		return err
	}
	return o.Store.DecideReview(ctx, project, false, reason)
}
