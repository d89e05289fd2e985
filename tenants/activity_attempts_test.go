package tenants_test

import (
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// P23: steps without an id of an attempt go where they probably belong, and nowhere else.
func TestAttempts(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	flows := map[string]secret.ID{"A": secret.NewID(), "B": secret.NewID()}
	step := func(minute float64, attempt string, step tenants.Step, client, source string) tenants.Activity {
		return tenants.Activity{ID: secret.NewID(), At: start.Add(time.Duration(minute * float64(time.Minute))), AttemptID: flows[attempt], Step: step,
			Outcome: tenants.OutcomeOK, ClientID: client, Source: source, Agent: "agent of " + source}
	}
	for name, c := range map[string]struct {
		steps []tenants.Activity
		want  string // attempts, the latest first: steps as minute and name, probable ones in brackets
	}{
		"hosted client, browser elsewhere": {[]tenants.Activity{
			step(0, "", tenants.StepMetadata, "", "cloud"), step(1, "", tenants.StepRegistration, "c1", "cloud"),
			step(2, "A", tenants.StepAuthorize, "c1", "home"), step(3, "A", tenants.StepToken, "c1", "cloud"),
		}, "(metadata) (registration) authorize token"},
		"two clients behind one network": {[]tenants.Activity{
			step(0, "", tenants.StepRegistration, "c1", "office"), step(1, "", tenants.StepRegistration, "c2", "office"),
			step(2, "A", tenants.StepAuthorize, "c2", "office"), step(3, "B", tenants.StepAuthorize, "c1", "office"),
		}, "(registration) authorize | (registration) authorize"},
		"too early": {[]tenants.Activity{
			step(0, "", tenants.StepMetadata, "", "home"), step(11, "A", tenants.StepAuthorize, "c1", "home"),
		}, "authorize | (metadata)"},
		"somebody else's": {[]tenants.Activity{
			step(0, "", tenants.StepMetadata, "", "far"), step(1, "A", tenants.StepAuthorize, "c1", "home"),
		}, "authorize | (metadata)"},
		"nothing came of it": {[]tenants.Activity{
			step(0, "", tenants.StepMetadata, "", "home"), step(1, "", tenants.StepRegistration, "c1", "home"), step(30, "", tenants.StepMetadata, "", "home"),
		}, "(metadata) | (metadata) (registration)"},
		"the next attempt before the last": {[]tenants.Activity{
			step(0, "A", tenants.StepAuthorize, "c1", "home"), step(1, "", tenants.StepMetadata, "", "home"), step(2, "B", tenants.StepAuthorize, "c1", "home"),
		}, "(metadata) authorize | authorize"},
		"after the last": {[]tenants.Activity{
			step(0, "A", tenants.StepAuthorize, "c1", "home"), step(1, "", tenants.StepMetadata, "", "home"),
		}, "authorize (metadata)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range tenants.Attempts(c.steps) {
				var words []string
				for _, s := range a.Steps {
					word := string(s.Step)
					if s.Probable {
						word = "(" + word + ")"
					}
					words = append(words, word)
				}
				got = append(got, strings.Join(words, " "))
			}
			if strings.Join(got, " | ") != c.want {
				t.Errorf("expected %s, got %s", c.want, strings.Join(got, " | "))
			}
		})
	}
}

// A failure that a later step of the same kind made good is no failure of the attempt any more.
func TestAttemptFailure(t *testing.T) {
	t.Parallel()
	attempt := func(steps ...string) tenants.Attempt {
		a := tenants.Attempt{}
		for i, s := range steps {
			name, outcome, _ := strings.Cut(s, " ")
			a.Steps = append(a.Steps, tenants.AttemptStep{Activity: tenants.Activity{Step: tenants.Step(name), Outcome: tenants.Outcome(outcome), RequestID: string(rune('0' + i))}})
		}
		return a
	}
	for _, c := range []struct {
		a    tenants.Attempt
		want string // request id of the failure
	}{
		{attempt("authorize ok", "sign_in refused", "sign_in ok"), ""},
		{attempt("authorize ok", "sign_in ok", "sign_in refused"), "2"},
		{attempt("token refused", "sign_in refused", "sign_in ok"), "0"},
		{attempt("token failed", "token refused"), "1"},
	} {
		if got, _ := c.a.Failure(); got.RequestID != c.want {
			t.Errorf("%+v: expected step %q, got %q", c.a.Steps, c.want, got.RequestID)
		}
	}
}
