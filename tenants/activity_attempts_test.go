package tenants_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// P23: steps without an id of an attempt go where they probably belong, and nowhere else.
func TestAttempts(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	flows := map[string]id.ID{"A": id.New(), "B": id.New()}
	step := func(minute float64, attempt string, step tenants.Step, client, source string) tenants.Activity {
		return tenants.Activity{ID: id.New(), At: start.Add(time.Duration(minute * float64(time.Minute))), AttemptID: flows[attempt], Step: step,
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

// An attempt's state is its end, not its worst step (P23).
func TestAttemptState(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	const minute, hour = time.Minute, time.Hour
	ended := func(reason string) tenants.AttemptGrant { return tenants.AttemptGrant{EndedAt: start, Reason: reason} }
	for name, c := range map[string]struct {
		steps string // step and outcome, a second apart; "?" behind it: tied by probability alone, code behind a slash
		grant tenants.AttemptGrant
		later time.Duration
		want  tenants.AttemptState
		fails int // which step is the failure, from 1; 0: none
		tries string
	}{
		"mistyped once":          {"authorize ok, sign_in refused, sign_in ok, consent ok, token ok, call ok", tenants.AttemptGrant{}, hour, tenants.StateWorking, 0, "1 - 2 1 1 1"},
		"another way after all":  {"authorize ok, sign_in refused, sign_in refused, sign_up ok", tenants.AttemptGrant{}, minute, tenants.StateWaiting, 0, "1 - - 3"},
		"mistyped, page open":    {"authorize ok, sign_in refused", tenants.AttemptGrant{}, minute, tenants.StateWaiting, 2, "1 -"},
		"mistyped and gave up":   {"authorize ok, sign_in refused", tenants.AttemptGrant{}, 11 * minute, tenants.StateFailed, 2, "1 -"},
		"consent page open":      {"authorize ok, sign_in ok", tenants.AttemptGrant{}, 9 * minute, tenants.StateWaiting, 0, "1 1"},
		"abandoned":              {"authorize ok, sign_in ok", tenants.AttemptGrant{}, 11 * minute, tenants.StateStopped, 0, "1 1"},
		"denied":                 {"authorize ok, sign_in ok, deny ok", tenants.AttemptGrant{}, hour, tenants.StateDenied, 0, "1 1 1"},
		"code on its way":        {"authorize ok, consent ok", tenants.AttemptGrant{}, minute, tenants.StateOnItsWay, 0, "1 1"},
		"code never exchanged":   {"authorize ok, consent ok", tenants.AttemptGrant{}, 3 * minute, tenants.StateStopped, 0, "1 1"},
		"token, no call seen":    {"authorize ok, consent ok, token ok", tenants.AttemptGrant{}, hour, tenants.StateConnected, 0, "1 1 1"},
		"disconnected":           {"authorize ok, consent ok, token ok, call ok, revoke ok, refusal refused", tenants.AttemptGrant{}, hour, tenants.StateEnded, 0, "1 1 1 1 1 -"},
		"a member ended it":      {"authorize ok, token ok, call ok, refresh refused", ended("member"), hour, tenants.StateEnded, 0, "1 1 1 -"},
		"it ran out":             {"authorize ok, token ok", ended(""), hour, tenants.StateEnded, 0, "1 1"},
		"an old refresh token":   {"authorize ok, token ok, call ok, refresh refused", ended("refresh_token_reused"), hour, tenants.StateFailed, 4, "1 1 1 -"},
		"and what follows":       {"token ok, call ok, refresh refused, refusal refused", ended("refresh_token_reused"), hour, tenants.StateFailed, 3, "1 1 - -"},
		"a replay seen by calls": {"token ok, call ok, refusal refused", ended("code_replayed"), hour, tenants.StateFailed, 3, "1 1 -"},
		"renewed after all":      {"token ok, call ok, refusal refused, refresh failed, refresh ok", tenants.AttemptGrant{}, hour, tenants.StateWorking, 0, "1 1 - - 2"},
		"one tool needs more":    {"token ok, call ok, refusal refused/insufficient_scope", tenants.AttemptGrant{}, hour, tenants.StateWorking, 0, "1 1 -"},
		"the only tool does":     {"token ok, refusal refused/insufficient_scope", tenants.AttemptGrant{}, hour, tenants.StateFailed, 2, "1 -"},
		"an earlier step later":  {"token refused, sign_in refused, sign_in ok", tenants.AttemptGrant{}, hour, tenants.StateFailed, 1, "- - 2"},
		"the last of two":        {"token failed, token refused", tenants.AttemptGrant{}, hour, tenants.StateFailed, 2, "- -"},
		"not tied to it":         {"authorize ok, token ok, call ok, token refused?", tenants.AttemptGrant{}, hour, tenants.StateWorking, 0, "1 1 1 -"},
		"a revocation elsewhere": {"authorize ok, token ok, call ok, revoke ok?", tenants.AttemptGrant{}, hour, tenants.StateWorking, 0, "1 1 1 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow := id.New()
			var steps []tenants.Activity
			for i, text := range strings.Split(c.steps, ", ") {
				text, code, _ := strings.Cut(text, "/")
				step, outcome, _ := strings.Cut(text, " ")
				a := tenants.Activity{At: start.Add(time.Duration(i) * time.Second), Step: tenants.Step(step), ClientID: "c", AttemptID: flow, Code: code}
				if outcome, tied := strings.CutSuffix(outcome, "?"); tied {
					a.AttemptID, a.Outcome = id.ID{}, tenants.Outcome(outcome)
				} else {
					a.Outcome = tenants.Outcome(outcome)
				}
				steps = append(steps, a)
			}
			attempts := tenants.Attempts(steps)
			if len(attempts) != 1 {
				t.Fatalf("got %d attempts, want 1", len(attempts))
			}
			a := attempts[0]
			a.Grant = c.grant
			if got := a.State(start.Add(c.later)); got != c.want {
				t.Errorf("got state %s, want %s", got, c.want)
			}
			failure, failed := a.Failure()
			if at := slices.IndexFunc(a.Steps, func(s tenants.AttemptStep) bool { return failed && s.At.Equal(failure.At) }); at+1 != c.fails {
				t.Errorf("got step %d as the failure, want %d", at+1, c.fails)
			}
			if got, want := a.Failed(start.Add(c.later)), c.want == tenants.StateFailed; got != want {
				t.Errorf("got failed %v, want %v", got, want)
			}
			var tries []string
			for _, s := range a.Steps {
				tries = append(tries, strings.Replace(strconv.Itoa(s.Tries), "0", "-", 1))
			}
			if got := strings.Join(tries, " "); got != c.tries {
				t.Errorf("got tries %s, want %s", got, c.tries)
			}
		})
	}
}

// Whatever our own test page and mcpauth doctor do, it never counts as a failure.
func TestAttemptOfATest(t *testing.T) {
	t.Parallel()
	flow := id.New()
	for name, steps := range map[string][]tenants.Activity{
		"test page": {{AttemptID: flow, Step: tenants.StepAuthorize, Outcome: tenants.OutcomeOK, Test: true}, {AttemptID: flow, Step: tenants.StepToken, Outcome: tenants.OutcomeRefused}},
		"doctor":    {{Step: tenants.StepToken, Outcome: tenants.OutcomeRefused, Test: true, Source: "home"}},
	} {
		a := tenants.Attempts(steps)[0]
		if !a.Test || a.Failed(time.Now()) {
			t.Errorf("%s: got test %v, failed %v; want a test that does not count", name, a.Test, a.Failed(time.Now()))
		}
	}
	if a := tenants.Attempts([]tenants.Activity{{Step: tenants.StepToken, Outcome: tenants.OutcomeRefused}})[0]; a.Test || !a.Failed(time.Now()) {
		t.Errorf("a client's own failure: got test %v, failed %v", a.Test, a.Failed(time.Now()))
	}
}
