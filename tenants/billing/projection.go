package billing

import (
	"time"

	"mcpauth.example/tenants"
)

// projectionDays is how many of the last days a projection goes by.
const projectionDays = 7

// Projection estimates how many connected users a month will have at its end: those counted so far, and for each day that is left as many new
// ones as on an average day of the last week. Days that are over are left as they are.
func Projection(days []tenants.MonthlyActiveUsers, now time.Time) int {
	month := tenants.MonthOf(now)
	today := now.UTC().Day()
	counted, lately := 0, 0
	for _, d := range days {
		counted += d.Count
		if tenants.MonthOf(d.Day).Equal(month) && today-d.Day.UTC().Day() < projectionDays {
			lately += d.Count
		}
	}
	left := month.AddDate(0, 1, 0).Sub(now).Hours() / 24
	passed := now.Sub(month).Hours() / 24
	over := min(passed, projectionDays-1+passed-float64(today-1))
	if over < 0.5 { // half a day says nothing about a month
		return counted
	}
	return counted + int(float64(lately)/over*left+0.5)
}
