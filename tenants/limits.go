package tenants

import (
	"fmt"
	"strconv"
)

// Countable is what a plan limits by number.
type Countable string

// What is counted.
const (
	CountProjects Countable = "production projects"
	CountServers  Countable = "MCP servers in a project"
	CountSeats    Countable = "seats"
	CountDomains  Countable = "custom domains"
	// CountDevelopmentUsers is the same on every plan, and CountConnected stops new people alone.
	CountDevelopmentUsers Countable = "people in a development project"
	CountConnected        Countable = "connected users this month"
)

// Unlimited stands for no limit in a plan.
const Unlimited = -1

// Plan is what an organization may have of each. A Countable that it does not name is unlimited.
type Plan struct {
	// ID names the plan in the database and in Stripe; it never changes.
	ID, Name string
	// Monthly and Yearly are US dollars per month, paid by the month or by the year; Unlimited: by agreement.
	Monthly, Yearly int
	// MonthlyActiveUsers are included per calendar month, over all production projects.
	MonthlyActiveUsers int
	// Overage is what each further connected user costs, in thousandths of a US dollar. Zero: after a grace new people wait.
	Overage int
	// Retention is for how many days the timeline of a project is kept.
	Retention int
	// Badge says that the pages people sign in on name this service.
	Badge  bool
	Counts map[Countable]int
}

// Ids of the plans.
const (
	PlanFree       = "free"
	PlanPro        = "pro"
	PlanScale      = "scale"
	PlanEnterprise = "enterprise"
)

// PlanTable lists the plans that the hosted service offers, the smallest first. They differ in counts alone: every protocol and security
// feature is on every plan.
func PlanTable() []Plan {
	return []Plan{
		{ID: PlanFree, Name: "Free", MonthlyActiveUsers: 10_000, Retention: 3, Badge: true,
			Counts: map[Countable]int{CountProjects: 3, CountServers: 5, CountSeats: 3, CountDomains: 1}},
		{ID: PlanPro, Name: "Pro", Monthly: 29, Yearly: 24, MonthlyActiveUsers: 25_000, Overage: 15, Retention: 14,
			Counts: map[Countable]int{CountProjects: 10, CountServers: 25, CountSeats: 10, CountDomains: 3}},
		{ID: PlanScale, Name: "Scale", Monthly: 249, Yearly: 199, MonthlyActiveUsers: 150_000, Overage: 6, Retention: 90,
			Counts: map[Countable]int{CountSeats: 30, CountDomains: 15}},
		{ID: PlanEnterprise, Name: "Enterprise", Monthly: Unlimited, Yearly: Unlimited, MonthlyActiveUsers: Unlimited, Retention: 365},
	}
}

// PlanByID finds a plan. What no plan is called is the smallest one, so that nothing unknown gives away more.
func PlanByID(id string) Plan {
	table := PlanTable()
	for _, plan := range table {
		if plan.ID == id {
			return plan
		}
	}
	return table[0]
}

// DevelopmentUsersMax is how many people a development project holds on the hosted service.
const DevelopmentUsersMax = 100

// overGrace is how many percent beyond MonthlyActiveUsers a plan without overage still lets in.
const overGrace = 20

// MostConnected is from how many connected users in a month on new people wait; Unlimited: they never do.
func (p Plan) MostConnected() int {
	if p.MonthlyActiveUsers == Unlimited || p.Overage > 0 {
		return Unlimited
	}
	return p.MonthlyActiveUsers + p.MonthlyActiveUsers*overGrace/100
}

// Max is how many the plan allows; Unlimited: as many as one likes.
func (p Plan) Max(what Countable) int {
	if most, ok := p.Counts[what]; ok {
		return most
	}
	return Unlimited
}

// Limit is a bound that a store checks while it inserts: under a lock of the organization's or project's row it counts what is there, and
// answers with a LimitError instead of going beyond.
type Limit struct {
	What Countable
	Max  int // Unlimited: none
	Way  string
}

// Check compares what is there with the limit.
func (l Limit) Check(used int) error {
	if l.Max == Unlimited || used < l.Max {
		return nil
	}
	return &LimitError{What: l.What, Max: l.Max, Used: used, Way: l.Way}
}

// LimitError says which limit was reached, how much is used, and the way out. It is ErrLimit.
type LimitError struct {
	What      Countable
	Max, Used int
	Way       string
}

func (e *LimitError) Error() string {
	text := fmt.Sprintf("The limit of %s is %s, and %s are in use.", e.What, strconv.Itoa(e.Max), strconv.Itoa(e.Used))
	if e.Way != "" {
		text += " " + e.Way
	}
	return text
}

// Is makes every LimitError an ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }
