package dashboard

import (
	"cmp"
	"strings"
	"time"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// stepWords says what a step of the timeline is, in the words of every page that shows one.
func stepWords(step tenants.Step) string {
	switch step {
	case tenants.StepMetadata:
		return "Metadata fetched"
	case tenants.StepRegistration:
		return "Client registered"
	case tenants.StepDocument:
		return "Client's document read"
	case tenants.StepAuthorize:
		return "Authorization requested"
	case tenants.StepSignUp:
		return "Account created"
	case tenants.StepSignIn:
		return "Signed in"
	case tenants.StepConsent:
		return "Consent given"
	case tenants.StepDeny:
		return "Denied by the person"
	case tenants.StepToken:
		return "Token issued"
	case tenants.StepRefresh:
		return "Access renewed"
	case tenants.StepCall:
		return "First guarded call"
	case tenants.StepRefusal:
		return "Call refused by the guard"
	case tenants.StepRevoke:
		return "Access given back"
	default:
		return string(step)
	}
}

// stage is the part of a connection that a step belongs to, for one that did not end well.
func stage(step tenants.Step) string {
	switch step {
	case tenants.StepMetadata:
		return "Metadata"
	case tenants.StepRegistration:
		return "Registration"
	case tenants.StepDocument:
		return "The client's document"
	case tenants.StepAuthorize:
		return "Authorization request"
	case tenants.StepSignUp:
		return "Sign-up"
	case tenants.StepSignIn:
		return "Sign-in"
	case tenants.StepConsent, tenants.StepDeny:
		return "Consent"
	case tenants.StepToken:
		return "Code for token"
	case tenants.StepRefresh:
		return "Refresh"
	case tenants.StepCall, tenants.StepRefusal:
		return "Guard"
	default:
		return stepWords(step)
	}
}

// reasonOf says why a step did not end well.
func reasonOf(s tenants.AttemptStep) string {
	return cmp.Or(s.Reason, stage(s.Step)+" was refused")
}

// stateWords says what became of an attempt, in the words and the tone of every page that shows one, and why where that is known.
func stateWords(a tenants.Attempt, now time.Time) (word, tone, why string) {
	switch a.State(now) {
	case tenants.StateFailed:
		failure, _ := a.Failure()
		if a.Test {
			return "Test: not passed", "idle", reasonOf(failure)
		}
		return "Failed", "bad", reasonOf(failure)
	case tenants.StateWorking:
		return "Working", "ok", ""
	case tenants.StateConnected:
		if a.Advice(now) != "" && a.Grant.Asked {
			return "No call seen", "warn", ""
		}
		return "Has a token", "idle", ""
	case tenants.StateDenied:
		return "Denied", "idle", "The person chose Deny"
	case tenants.StateEnded:
		switch {
		case a.Grant.Reason != "":
			return "Ended", "idle", oauth.EndedBecause(a.Grant.Reason)
		case a.Grant.EndedAt.IsZero():
			return "Ended", "idle", oauth.EndedBecause(oauth.ReasonRevokedByClient)
		default:
			return "Ended", "idle", "Its time ran out"
		}
	case tenants.StateWaiting:
		return "Waiting for the person", "idle", ""
	case tenants.StateStopped:
		return "Stopped", "warn", "Nothing came after: " + strings.ToLower(stepWords(a.Reached()))
	default:
		return "On its way", "idle", ""
	}
}

// milestone is one of the seven ticks of a first connection.
type milestone struct {
	id, label, waiting string
	// steps of which one ended well tick it, unless it says no; implied by any later tick when it may be skipped.
	steps []tenants.Step
}

// milestones in the order in which they tick. A client that is known already does not register, a person who is signed in does not sign
// in again: a later tick ticks those before it.
var milestones = []milestone{
	{"metadata", "Metadata fetched", "A client reads where to go.", []tenants.Step{tenants.StepMetadata}},
	{"client", "Client identified", "It registers, or publishes who it is.", []tenants.Step{tenants.StepRegistration, tenants.StepDocument}},
	{"authorize", "Authorization requested", "It opens the browser.", []tenants.Step{tenants.StepAuthorize}},
	{"sign-in", "Signed in", "The person proves who they are.", []tenants.Step{tenants.StepSignIn, tenants.StepSignUp}},
	{"consent", "Consent given", "The person allows it.", []tenants.Step{tenants.StepConsent, tenants.StepDeny}},
	{"token", "Token issued", "The client exchanges its code.", []tenants.Step{tenants.StepToken}},
	{"call", "First guarded call", "Your server lets a call through.", []tenants.Step{tenants.StepCall, tenants.StepRefusal}},
}
