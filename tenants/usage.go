package tenants

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
)

// MonthlyActiveUsers says how many people of a production project were counted on a day (UTC): those who got the first access token of their
// calendar month on it, by a code or by a refresh. A person counts once a month in each project.
type MonthlyActiveUsers struct {
	Project string // slug
	Day     time.Time
	Count   int
}

// UsageStore reads the meter.
type UsageStore interface {
	// MonthlyActiveUsers lists the days of a month on which somebody was counted, by project and day; month is its first day. ErrNotFound:
	// there is no such organization.
	MonthlyActiveUsers(ctx context.Context, organization id.ID, month time.Time) ([]MonthlyActiveUsers, error)
	// CountConnected counts an organization's connected users in a month.
	CountConnected(ctx context.Context, organization id.ID, month time.Time) (int, error)
	// CountedPeople calls each for everybody who was counted in a month, by project; what each returns ends it.
	CountedPeople(ctx context.Context, organization id.ID, month time.Time, each func(CountedPerson) error) error
}

// CountedPerson is somebody who was counted. Email is empty when the account or the project is gone.
type CountedPerson struct {
	Project   string // slug
	User      id.ID
	Email     string
	CountedAt time.Time
}

// MonthOf is the first moment of the calendar month (UTC) that a time lies in.
func MonthOf(at time.Time) time.Time {
	year, month, _ := at.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}
