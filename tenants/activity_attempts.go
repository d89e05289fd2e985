package tenants

import (
	"slices"
	"time"

	"mcpauth.example/internal/secret"
)

// Attempt is one try of a client to get from discovery to a guarded call, and what became of the connection.
type Attempt struct {
	// ID is zero for an attempt that never reached the authorization endpoint.
	ID                      secret.ID
	Started, Last           time.Time
	ClientID, Name, Version string
	Steps                   []AttemptStep
}

// AttemptStep is one step of an attempt.
type AttemptStep struct {
	Activity

	// Probable tells that nothing ties the step to the attempt but source, agent and time, or the client's id: before the authorization
	// request no id does.
	Probable bool
}

// Attempts sorts steps into attempts, the latest first. Steps that belong to no authorization request by their id go to the next one
// of the same client, or from where a step of that attempt came too, else to the last one, within ActivityLoose; what remains becomes
// attempts of its own.
func Attempts(steps []Activity) []Attempt {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b Activity) int { return a.At.Compare(b.At) })
	g := grouping{byID: map[secret.ID]*Attempt{}}
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
	byID map[secret.ID]*Attempt
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
	}
}

// Reached is the furthest step that ended well; empty: none did.
func (a *Attempt) Reached() Step {
	reached := -1
	for _, s := range a.Steps {
		if s.Outcome == OutcomeOK {
			reached = max(reached, slices.Index(road, s.Step))
		}
	}
	if reached < 0 {
		return ""
	}
	return road[reached]
}

// road are the steps that every connection takes, in their order. A client registers or has a document, a person may be signed in.
var road = []Step{StepMetadata, StepRegistration, StepDocument, StepAuthorize, StepSignUp, StepSignIn, StepConsent, StepToken, StepCall}

// Failed tells whether any step did not end well.
func (a *Attempt) Failed() bool {
	return slices.ContainsFunc(a.Steps, func(s AttemptStep) bool { return s.Outcome != OutcomeOK })
}

// Failure is the last step that did not end well and that no later step of the same kind made good; false: there is none.
func (a *Attempt) Failure() (AttemptStep, bool) {
	for i, s := range slices.Backward(a.Steps) {
		if s.Outcome == OutcomeOK {
			continue
		}
		good := slices.ContainsFunc(a.Steps[i+1:], func(later AttemptStep) bool { return later.Step == s.Step && later.Outcome == OutcomeOK })
		if !good {
			return s, true
		}
	}
	return AttemptStep{}, false
}

// Patience is how long a client may take between two steps before the timeline says where it stopped.
const Patience = 2 * time.Minute

// Advice says what to look at: that of the failure, or where the client stopped without one (P23). It is empty for a connection that
// works and for one that may still be on its way.
func (a *Attempt) Advice(now time.Time) string {
	if failure, ok := a.Failure(); ok {
		return failure.Advice
	}
	if now.Sub(a.Last) < Patience {
		return ""
	}
	return stopped[a.Reached()]
}

// stopped has what to look at when the last good step was this one.
var stopped = map[Step]string{
	StepMetadata: "The client read the metadata and went no further. Some fetch it just to look. If people wait for it, check that the address " +
		"they typed is exactly the resource of your MCP server: mcpauth doctor compares them.",
	StepRegistration: "The client registered and never sent a browser. If it ran without a screen, its person has to open the link it printed.",
	StepDocument:     "The client's document was read and the person did not go on.",
	StepAuthorize:    "The person saw the sign-in page and did not sign in.",
	StepSignUp:       "The person has an account now and did not decide about the app.",
	StepSignIn:       "The person signed in and did not decide about the app.",
	StepConsent: "The person allowed the app, and it never exchanged its code. Check that the app still listens at its redirect URI: a firewall, " +
		"another port, or an app that was closed.",
	StepToken: "The client has a token and no call reached your MCP server's guard with it. Look for what stands before the guard (a proxy or " +
		"firewall that answers 403, or drops the Authorization header), and run mcpauth doctor with the address that people typed.",
}
