package dashboard

import "mcpauth.example/tenants"

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
		return "Consent decided"
	case tenants.StepToken:
		return "Token issued"
	case tenants.StepRefresh:
		return "Access renewed"
	case tenants.StepCall:
		return "First guarded call"
	case tenants.StepRefusal:
		return "Call refused by the guard"
	case tenants.StepRevoke:
		return "Access ended"
	default:
		return string(step)
	}
}

// milestone is one of the seven ticks of a first connection.
type milestone struct {
	id, label, waiting string
	// steps of which one ended well tick it; implied by any later tick when it may be skipped.
	steps []tenants.Step
}

// milestones in the order in which they tick. A client that is known already does not register, a person who is signed in does not sign
// in again: a later tick ticks those before it.
var milestones = []milestone{
	{"metadata", "Metadata fetched", "A client reads where to go.", []tenants.Step{tenants.StepMetadata}},
	{"client", "Client identified", "It registers, or publishes who it is.", []tenants.Step{tenants.StepRegistration, tenants.StepDocument}},
	{"authorize", "Authorization requested", "It opens the browser.", []tenants.Step{tenants.StepAuthorize}},
	{"sign-in", "Signed in", "The person proves who they are.", []tenants.Step{tenants.StepSignIn, tenants.StepSignUp}},
	{"consent", "Consent given", "The person allows it.", []tenants.Step{tenants.StepConsent}},
	{"token", "Token issued", "The client exchanges its code.", []tenants.Step{tenants.StepToken}},
	{"call", "First guarded call", "Your server lets a call through.", []tenants.Step{tenants.StepCall}},
}
