package tenants

import (
	"context"
	"errors"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// MaxReviewerTime is how long a reviewer's account may last.
const MaxReviewerTime = 90 * 24 * time.Hour

// reviewerDigits is the length of a reviewer's code: long enough for a code that does not change.
const reviewerDigits = 10

// Reviewer is an account for the people who review an app for a directory. Nobody else signs in as it, and it stands in nobody's way: its
// address is a name only, and codes that are mailed there are not its own.
type Reviewer struct {
	ID          id.ID
	Address     string
	Maker       Actor
	MadeAt      time.Time
	Until       time.Time
	Ended       bool
	Connections int // living ones
}

// ReviewerStore keeps the reviewers of a project. Every change is audited in its transaction.
type ReviewerStore interface {
	// SetReviewer makes an account with a code that stays the same for a time, or gives the reviewer of the address another code, which ends
	// what the one before was used for; ErrConflict when an account of somebody has the address.
	SetReviewer(ctx context.Context, actor Actor, organization, project id.ID, email, code string, lasts time.Duration) error
	// ListReviewers returns them, the living first and then the latest, at most 200.
	ListReviewers(ctx context.Context, organization, project id.ID) ([]Reviewer, error)
	// EndReviewer ends a reviewer's code, sessions and connections; it succeeds when they have ended, ErrNotFound when it is no reviewer's.
	EndReviewer(ctx context.Context, actor Actor, organization, project, reviewer id.ID) error
}

// SetReviewer makes an account for the people who review an app for a directory, and returns its code, which stays the same and is
// shown here only. It returns a FieldError for "email" or "lasts".
func (p Projects) SetReviewer(ctx context.Context, actor Actor, org, project id.ID, email string, lasts time.Duration) (code string, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if strings.Count(email, "@") != 1 || len(email) < 3 || len(email) > 254 || strings.ContainsAny(email, " \t\r\n<>\"") {
		return "", FieldError{Field: "email", Message: "Enter an e-mail address, such as reviewer@acme.example."}
	}
	if lasts <= 0 || lasts > MaxReviewerTime {
		return "", FieldError{Field: "lasts", Message: "Choose at most 90 days."}
	}
	code = secret.Digits(reviewerDigits)
	err = p.userChange(ctx, actor, org, func() error { return p.Store.SetReviewer(ctx, actor, org, project, email, code, lasts) })
	if errors.Is(err, ErrConflict) {
		return "", FieldError{Field: "email", Message: "An account has this address. Choose one that nobody has, such as reviewer@acme.example."}
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// Reviewers lists a project's reviewers, those that ended too.
func (p Projects) Reviewers(ctx context.Context, actor Actor, org, project id.ID) ([]Reviewer, error) {
	if _, err := p.role(ctx, actor, org); err != nil {
		return nil, err
	}
	return p.Store.ListReviewers(ctx, org, project)
}

// EndReviewer ends a reviewer's account before its day.
func (p Projects) EndReviewer(ctx context.Context, actor Actor, org, project, reviewer id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.EndReviewer(ctx, actor, org, project, reviewer) })
}
