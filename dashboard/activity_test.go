package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// road writes the steps of an attempt, the last one now; each is a step and its outcome.
func (w *world) road(t *testing.T, steps ...string) string {
	t.Helper()
	attempt := id.New()
	for i, text := range steps {
		step, outcome, _ := strings.Cut(text, " ")
		a := tenants.Activity{At: time.Now().Add(time.Duration(i-len(steps)) * time.Second), AttemptID: attempt, Step: tenants.Step(step), Outcome: tenants.Outcome(outcome), ClientID: attempt.String(), ClientName: "App"}
		if a.Outcome != tenants.OutcomeOK {
			a.Code, a.Parameter, a.Advice = "access_denied", "password", "The person mistyped."
		}
		w.step(t, a)
	}
	return attempt.String()
}

// Every page says what became of an attempt, and red is only where it failed: not a password that was typed again, not a page that is
// open, not a person who said no.
func TestPagesSayHowAttemptsEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps               []string
		state, shows, panel string
		red                 bool
	}{
		"mistyped once": {[]string{"authorize ok", "sign_in refused", "sign_in ok", "consent ok", "token ok", "call ok"}, "Working", "at try 2", "", false},
		"page open":     {[]string{"authorize ok", "sign_in ok"}, "Waiting for the person", "Signed in", "Waiting for the person.", false},
		"wrong, open":   {[]string{"authorize ok", "sign_in refused"}, "Waiting for the person", "Sign-in, refused", "Waiting for the person.", false},
		"denied":        {[]string{"authorize ok", "sign_in ok", "deny ok"}, "Denied", "The person chose Deny", "Denied: the person chose Deny.", false},
		"given back":    {[]string{"authorize ok", "consent ok", "token ok", "call ok", "revoke ok", "refusal refused"}, "Ended", "The app gave its access back", "Ended: the app gave its access back.", false},
		"failed":        {[]string{"authorize ok", "consent ok", "token refused"}, "Failed", "Code for token, refused", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			attempt, b := w.road(t, c.steps...), w.as(t, "viewer")
			for path, red := range map[string]string{
				"/activity/" + attempt: ".text-bad", "/activity?show=all": ".text-bad", "/servers/:server/setup/panel": ".text-bad, [role=alert]",
			} {
				page := b.get(t, w.of(t, path)).want(t, http.StatusOK)
				found := page.doc.Find(red)
				if (found.Length() > 0) != c.red {
					t.Errorf("%s: got %d red marks, want some: %v", path, found.Length(), c.red)
				}
				text := strings.Join(strings.Fields(page.doc.Text()), " ")
				if strings.HasSuffix(path, "panel") {
					if !strings.Contains(text, c.panel) {
						t.Errorf("%s: no %q in %s", path, c.panel, text)
					}
				} else if !strings.Contains(text, c.state) || !strings.Contains(text, c.shows) {
					t.Errorf("%s: no %q and %q in %s", path, c.state, c.shows, text)
				}
			}
		})
	}
}
