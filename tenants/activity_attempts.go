package tenants

import (
	"slices"
	"time"

	"mcpauth.example/internal/id"
)

// Attempt is one try of a client to get from discovery to a guarded call, and what became of the connection.
type Attempt struct {
	// ID is zero for an attempt that never reached the authorization endpoint.
	ID                      id.ID
	Started, Last           time.Time
	ClientID, Name, Version string
	Steps                   []AttemptStep
	// Test tells that it is one of the dashboard's test page or of mcpauth doctor.
	Test bool
	// Grant is what became of the approval; zero: there was none, or it is forgotten.
	Grant AttemptGrant
}

// AttemptGrant is what the approval of an attempt is now.
type AttemptGrant struct {
	// EndedAt is when the connection ended; zero: it has not. Reason is why, empty when its time ran out.
	EndedAt time.Time
	Reason  string
	// Server is the MCP server's name, and Asked tells that the server was ever seen to ask about a token or to follow its guard's feed.
	Server string
	Asked  bool
}

// AttemptStep is one step of an attempt.
type AttemptStep struct {
	Activity

	// Probable tells that nothing ties the step to the attempt but source, agent and time, or the client's id: before the authorization
	// request no id does.
	Probable bool
	// MadeGood tells of a step that did not end well that a later one made up for it. Tries is, of a step that ended well, how often it was
	// tried, itself included.
	MadeGood bool
	Tries    int
}

// Attempts sorts steps into attempts, the latest first. Steps that belong to no authorization request by their id go to the next one
// of the same client, or from where a step of that attempt came too, else to the last one, within ActivityLoose; what remains becomes
// attempts of its own.
func Attempts(steps []Activity) []Attempt {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b Activity) int { return a.At.Compare(b.At) })
	g := grouping{byID: map[id.ID]*Attempt{}}
	var loose []Activity
	for _, s := range steps {
		if s.AttemptID.IsZero() {
			loose = append(loose, s)
			continue
		}
		g.add(s)
	}
	// The latest first: a registration that finds its attempt by the client's id brings the metadata fetched from the same place along.
	for _, s := range slices.Backward(loose) {
		if a := g.owner(s); a != nil {
			a.Steps = append(a.Steps, AttemptStep{Activity: s, Probable: true})
			continue
		}
		g.stray(s)
	}
	out := make([]Attempt, 0, len(g.list))
	for _, a := range g.list {
		a.finish()
		out = append(out, *a)
	}
	slices.SortStableFunc(out, func(a, b Attempt) int { return b.Last.Compare(a.Last) })
	return out
}

type grouping struct {
	byID map[id.ID]*Attempt
	list []*Attempt
}

func (g *grouping) add(s Activity) {
	a := g.byID[s.AttemptID]
	if a == nil {
		a = &Attempt{ID: s.AttemptID, Started: s.At}
		g.byID[s.AttemptID] = a
		g.list = append(g.list, a)
	}
	a.Steps = append(a.Steps, AttemptStep{Activity: s})
}

// owner is the first attempt that began after a step and may be the step's, or else the last that began before it.
func (g *grouping) owner(s Activity) *Attempt {
	var next, last *Attempt
	for _, a := range g.list {
		wait := a.Started.Sub(s.At)
		if a.ID.IsZero() || wait.Abs() > ActivityLoose || !a.fits(s) {
			continue
		}
		switch {
		case wait >= 0 && (next == nil || a.Started.Before(next.Started)):
			next = a
		case wait < 0 && (last == nil || a.Started.After(last.Started)):
			last = a
		}
	}
	if next != nil {
		return next
	}
	return last
}

// fits: a client's id decides where the step has one; its own network and agent otherwise, which the browser's need not be.
func (a *Attempt) fits(s Activity) bool {
	return slices.ContainsFunc(a.Steps, func(of AttemptStep) bool {
		if s.ClientID != "" && of.ClientID != "" {
			return s.ClientID == of.ClientID
		}
		return s.Source != "" && s.Source == of.Source && s.Agent == of.Agent
	})
}

// stray begins an attempt that got nowhere, or goes on with one: the steps come the latest first.
func (g *grouping) stray(s Activity) {
	for _, a := range g.list {
		if first := a.Steps[len(a.Steps)-1]; a.ID.IsZero() && first.At.Sub(s.At) <= ActivityLoose && a.fits(s) {
			a.Steps = append(a.Steps, AttemptStep{Activity: s, Probable: true})
			return
		}
	}
	g.list = append(g.list, &Attempt{Started: s.At, Steps: []AttemptStep{{Activity: s, Probable: true}}})
}

func (a *Attempt) finish() {
	slices.SortStableFunc(a.Steps, func(x, y AttemptStep) int { return x.At.Compare(y.At) })
	a.Started, a.Last = a.Steps[0].At, a.Steps[len(a.Steps)-1].At
	for _, s := range a.Steps {
		if s.ClientID != "" || a.ClientID == "" && s.ClientName != "" {
			a.ClientID = s.ClientID
		}
		if s.ClientName != "" {
			a.Name = s.ClientName
		}
		if s.ClientVersion != "" {
			a.Version = s.ClientVersion
		}
		a.Test = a.Test || s.Test && !s.Probable
	}
	a.Test = a.Test || !slices.ContainsFunc(a.Steps, func(s AttemptStep) bool { return !s.Test })
	a.judgeSteps()
}
