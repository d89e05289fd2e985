package tenants

import (
	"slices"
	"time"
)

// AttemptState is what became of an attempt: its end, not its worst step.
type AttemptState string

// The states of an attempt. Only StateFailed is a failure.
const (
	StateOnItsWay  AttemptState = "on_its_way" // the client may go on by itself at any moment
	StateWaiting   AttemptState = "waiting"    // a person has a page open
	StateStopped   AttemptState = "stopped"    // nobody went on, without a failure
	StateDenied    AttemptState = "denied"     // the person said no
	StateConnected AttemptState = "connected"  // the client has a token; no call with it was seen
	StateWorking   AttemptState = "working"    // a call got through
	StateEnded     AttemptState = "ended"      // it was connected, and disconnected on purpose or ran out
	StateFailed    AttemptState = "failed"
)

// How long a client may take between two steps, and a person for a page, before the timeline says where they stopped.
const (
	Patience       = 2 * time.Minute
	PersonPatience = 10 * time.Minute
)

// road are the steps that every connection takes, in their order. A client registers or has a document, a person may be signed in.
var road = []Step{StepMetadata, StepRegistration, StepDocument, StepAuthorize, StepSignUp, StepSignIn, StepConsent, StepToken, StepCall}

// StepPlace is where on the road a step is. A later step makes up for one that did not end well if it is at the same place or further on.
type StepPlace struct {
	Step  Step
	Place int
}

// Places lists every step with its place.
func Places() []StepPlace {
	return []StepPlace{{StepMetadata, 0}, {StepRegistration, 1}, {StepDocument, 2}, {StepAuthorize, 3}, {StepSignUp, 4}, {StepSignIn, 4}, {StepConsent, 5},
		{StepDeny, 5}, {StepToken, 6}, {StepRefusal, 7}, {StepCall, 7}, {StepRefresh, 8}, {StepRevoke, 9}}
}

var places = func() map[Step]int {
	at := map[Step]int{}
	for _, p := range Places() {
		at[p.Step] = p.Place
	}
	return at
}()

// judgeSteps says of every step whether it was made good, and of the good ones at which try. The steps are in the order of time.
func (a *Attempt) judgeSteps() {
	tries := map[int]int{}
	works := slices.ContainsFunc(a.Steps, func(s AttemptStep) bool { return s.Step == StepCall && s.Outcome == OutcomeOK })
	for i := range a.Steps {
		s := &a.Steps[i]
		place := places[s.Step]
		if s.Step != StepRefusal { // which calls get through is not told one by one
			tries[place]++
		}
		if s.Outcome == OutcomeOK {
			s.Tries, tries[place] = tries[place], 0
			continue
		}
		// A connection that works is not undone by one tool that needs more, nor by its token being tried elsewhere.
		s.MadeGood = works && s.Step == StepRefusal && (s.Code == "insufficient_scope" || s.Parameter == "aud") ||
			slices.ContainsFunc(a.Steps[i+1:], func(later AttemptStep) bool { return later.Outcome == OutcomeOK && places[later.Step] >= place })
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

// Failure is the last step that did not end well and that nothing made good; false: there is none, or the attempt ended otherwise.
func (a *Attempt) Failure() (AttemptStep, bool) {
	if a.did(StepDeny) || a.ended() {
		return AttemptStep{}, false
	}
	failures := slices.DeleteFunc(slices.Clone(a.Steps), func(s AttemptStep) bool { return !a.fails(s) })
	if len(failures) == 0 {
		return AttemptStep{}, false
	}
	if a.punished() { // that the guard refuses its tokens afterwards follows from the cause
		for _, s := range slices.Backward(failures) {
			if s.Step != StepRefusal {
				return s, true
			}
		}
	}
	return failures[len(failures)-1], true
}

// fails tells of a step that did not end well, that nothing made good, and that is part of the attempt.
func (a *Attempt) fails(s AttemptStep) bool {
	stranger := s.Probable && !a.ID.IsZero() && a.did(StepToken) // nothing ties it to the connection, which anybody could undo otherwise
	aside := s.Test && !a.Test                                   // somebody looked meanwhile
	return s.Outcome != OutcomeOK && !s.MadeGood && !stranger && !aside
}

// Failed tells whether the attempt counts as a failure: a test never does.
func (a *Attempt) Failed(now time.Time) bool { return a.State(now) == StateFailed && !a.Test }

// trying tells of a step that a person may still do better: they have the page with what was wrong before them.
func (s AttemptStep) trying() bool {
	return s.Outcome == OutcomeRefused && (places[s.Step] == places[StepSignIn] || places[s.Step] == places[StepConsent])
}

func (a *Attempt) did(step Step) bool {
	return slices.ContainsFunc(a.Steps, func(s AttemptStep) bool { return s.Step == step && s.Outcome == OutcomeOK && !s.Probable })
}

// Punished are the reasons of a grant's end that are no end on purpose: what happened is a failure to explain.
func Punished() []string { return []string{"code_replayed", "refresh_token_reused"} }

func (a *Attempt) punished() bool { return slices.Contains(Punished(), a.Grant.Reason) }

func (a *Attempt) ended() bool {
	if a.punished() {
		return false
	}
	return a.did(StepRevoke) || !a.Grant.EndedAt.IsZero()
}

// State is what became of the attempt.
func (a *Attempt) State(now time.Time) AttemptState {
	reached := a.Reached()
	failure, failed := a.Failure()
	waited := now.Sub(a.Last)
	switch {
	case a.did(StepDeny):
		return StateDenied
	case a.ended():
		return StateEnded
	case failed && failure.trying() && waited < PersonPatience:
		return StateWaiting
	case failed:
		return StateFailed
	case reached == StepCall:
		return StateWorking
	case reached == StepToken:
		return StateConnected
	}
	person := reached == StepAuthorize || reached == StepSignUp || reached == StepSignIn
	switch {
	case person && waited < PersonPatience:
		return StateWaiting
	case !person && waited < Patience:
		return StateOnItsWay
	default:
		return StateStopped
	}
}

// Advice says what to look at: that of the failure, or where the client stopped without one (P23). It is empty where nothing is wrong or
// may still come right.
func (a *Attempt) Advice(now time.Time) string {
	switch a.State(now) {
	case StateFailed:
		failure, _ := a.Failure()
		return failure.Advice
	case StateStopped:
		return stopped[a.Reached()]
	case StateConnected:
		if now.Sub(a.Last) < Patience {
			return ""
		}
		if !a.Grant.Asked {
			return "The client has a token. Your MCP server never asked mcpauth about one, so what happens to it there cannot be seen from here. If the " +
				"server checks tokens by other means, nothing is missing; otherwise its tools may be open to everybody: set up its guard."
		}
		return stopped[StepToken]
	default:
		return ""
	}
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
