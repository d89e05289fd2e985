package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/doctor"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// of is the one attempt of a client that there must be.
func (tl *timeline) of(tn *tenant, clientID string) tenants.Attempt {
	tl.t.Helper()
	found := tl.attempts(tn, tenants.ActivityFilter{ClientID: clientID})
	if len(found) != 1 {
		tl.t.Fatalf("expected one attempt, got %d: %+v", len(found), found)
	}
	return found[0]
}

// endsAs looks at what became of the only attempt of a client, now and an hour later; whatever it is, it is no failure.
func (tl *timeline) endsAs(tn *tenant, clientID string, want tenants.AttemptState) tenants.Attempt {
	tl.t.Helper()
	a := tl.of(tn, clientID)
	for _, at := range []time.Time{time.Now(), time.Now().Add(time.Hour)} {
		if got := a.State(at); got != want || a.Failed(at) || a.Advice(at) != "" {
			tl.t.Errorf("got %s, failed %v, advice %q, want %s: %s", got, a.Failed(at), a.Advice(at), want, road(a))
		}
	}
	if failures := tl.attempts(tn, tenants.ActivityFilter{Failures: true}); len(failures) > 0 {
		tl.t.Errorf("listed as failed: %s", road(failures[0]))
	}
	if n := value[int](tl.world, `SELECT coalesce(sum(count), 0)::int FROM daily_counts WHERE metric = 'failures'`); n != 0 {
		tl.t.Errorf("%d failures are counted", n)
	}
	return a
}

// Whoever mistypes and gets in made a connection that works, at the second try.
func TestTimelineOfAMistypedPassword(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn, seat := tl.demo, newBrowser(t, tl.door)
	client := tn.client()
	page := seat.submit(seat.get(tn.authorizeURL(tn.request(client))), "#password", url.Values{"email": {tn.user}, "password": {"not the password"}})
	if a := tl.of(tn, client); a.State(time.Now()) != tenants.StateWaiting || a.Failed(time.Now()) { // the page is open
		t.Errorf("after the wrong password: %s", a.State(time.Now()))
	}
	page = seat.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	left := seat.submit(page, "button[value=allow]", url.Values{"decision": {"allow"}})
	held := tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	tn.report(held, "list_notes", "ok", "")
	a := tl.endsAs(tn, client, tenants.StateWorking)
	tries := map[string]int{}
	for _, s := range a.Steps {
		tries[string(s.Step)+" "+string(s.Outcome)] = s.Tries
		if s.Outcome == tenants.OutcomeRefused && !s.MadeGood {
			t.Errorf("%s was not made good", s.Step)
		}
	}
	if tries["sign_in ok"] != 2 || tries["sign_in refused"] != 0 || tries["consent ok"] != 1 {
		t.Errorf("tries: %v", tries)
	}
}

// Deny is an end of its own.
func TestTimelineOfADenial(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn, seat := tl.demo, newBrowser(t, tl.door)
	client := tn.client()
	seat.submit(tn.signedIn(seat, tn.request(client)), "button[value=deny]", url.Values{"decision": {"deny"}})
	if s := stepOf(tl.endsAs(tn, client, tenants.StateDenied), tenants.StepDeny); s.Outcome != tenants.OutcomeOK || s.Code != "" {
		t.Errorf("%+v", s)
	}
}

// Who disconnects, the person or the app, ends what worked; that it is refused afterwards makes no failure of it.
func TestTimelineOfADisconnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		disconnect func(tl *timeline, b *browser, a approval, held tokens)
		reason     string
	}{
		"by the app": {func(tl *timeline, _ *browser, a approval, held tokens) { tl.demo.revoke(a.clientID, held.refresh) }, oauth.ReasonRevokedByClient},
		"by the person": {func(tl *timeline, b *browser, a approval, _ tokens) {
			b.done(b.submit(tl.demo.account(b), `form:has(input[value="`+a.clientID+`"]) button`, nil))
		}, oauth.ReasonRevokedByUser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tl := newTimeline(t)
			tn, seat := tl.demo, newBrowser(t, tl.door)
			a, held := tn.connected(seat, tn.client())
			tn.report(held, "list_notes", "ok", "")
			tl.endsAs(tn, a.clientID, tenants.StateWorking)
			c.disconnect(tl, seat, a, held)
			tn.introspect(tn.guard, held.access)
			ended := tl.endsAs(tn, a.clientID, tenants.StateEnded)
			if ended.Grant.Reason != c.reason || ended.Grant.EndedAt.IsZero() {
				t.Errorf("%+v, want %s", ended.Grant, c.reason)
			}
			tn.token(a.refreshForm(held.refresh)).isError(http.StatusBadRequest, "invalid_grant")
			tl.endsAs(tn, a.clientID, tenants.StateEnded)
		})
	}
}

// What mcpauth doctor asks for, and is refused, is a test: marked, in no list of failures and in no number of them. A client's own is not.
func TestTimelineOfATest(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn := tl.demo
	client := tn.client()
	ask := func(agent, client string) *answer {
		header := http.Header{"Content-Type": formHeader["Content-Type"], "User-Agent": {agent}}
		return call(t, tl.door, http.MethodPost, tn.issuer+oauth.PathToken, header, "grant_type=refresh_token&refresh_token=x&client_id="+client)
	}
	judged := func(who string, marked bool, failures int) {
		t.Helper()
		listed := tl.attempts(tn, tenants.ActivityFilter{Failures: true})
		if counted := value[int](tl.world, `SELECT coalesce(sum(count), 0)::int FROM daily_counts WHERE metric = 'failures'`); counted != failures || len(listed) != failures {
			t.Errorf("%s: %d failures are counted and %d listed, want %d", who, counted, len(listed), failures)
		}
		if last := tl.attempts(tn, tenants.ActivityFilter{})[0]; last.Test != marked || !marked && last.Failed(time.Now()) != (failures > 0) {
			t.Errorf("%s: got test %v, failed %v: %+v", who, last.Test, last.Failed(time.Now()), last)
		}
	}
	ask(doctor.UserAgent, client).isError(http.StatusBadRequest, "invalid_grant")
	judged("a test as a client that registered", false, 0)
	ask(doctor.UserAgent, "unknown").isError(http.StatusUnauthorized, "invalid_client")
	judged("a test as nobody", true, 0)
	before := len(tl.attempts(tn, tenants.ActivityFilter{}))
	ask(doctor.UserAgent, doctor.TestClientID).isError(http.StatusUnauthorized, "invalid_client")
	if after := len(tl.attempts(tn, tenants.ActivityFilter{})); after != before {
		t.Errorf("got %d attempts after the question that doctor wants refused, want %d", after, before)
	}
	ask("TestClient/3.1", client).isError(http.StatusBadRequest, "invalid_grant")
	judged("the client itself", false, 1)
}

// A guard tells why it refused a token, also one of another server; the owner sees what came beside what is needed. Guards of earlier releases
// tell less, and what is unknown or too long is passed over, never refused.
func TestTimelineOfRefusalsAtGuards(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn, seat := tl.demo, newBrowser(t, tl.door)
	_, second, err := tl.projects.AddServer(t.Context(), tenants.SystemActor, tl.org, tn.project.ID, "Second", secondServer)
	if err != nil {
		t.Fatal(err)
	}
	tl.forget()
	own := tn.server.Resource
	for name, c := range map[string]struct{ guard, members, want string }{
		"expired":               {tn.guard, `"reason":"invalid_token","cause":"expired"`, "invalid_token|exp|expired|unexpired|The access token has expired"},
		"ended":                 {tn.guard, `"reason":"invalid_token","cause":"ended"`, "invalid_token|token|||The connection was revoked or has ended"},
		"scope":                 {tn.guard, `"tool":"add","reason":"insufficient_scope","needed":"mcp:tools notes:write"`, "insufficient_scope|scope|mcp:tools|mcp:tools notes:write|The call needs a scope that was not granted"},
		"another server's":      {second, `"reason":"invalid_token","cause":"other_server"`, "invalid_token|aud|" + own + "|" + secondServer + "|The token is for another MCP server"},
		"earlier, scope":        {tn.guard, `"tool":"add","reason":"insufficient_scope"`, "insufficient_scope|scope|mcp:tools||The call needs a scope that was not granted"},
		"earlier, token":        {tn.guard, `"reason":"invalid_token"`, "invalid_token|token|||The guard did not accept the access token"},
		"earlier, elsewhere":    {second, `"reason":"invalid_token"`, "invalid_token|aud|" + own + "|" + secondServer + "|The token is for another MCP server"},
		"no reason":             {tn.guard, `"tool":"add"`, "||||The guard refused the call"},
		"unknown cause":         {tn.guard, `"reason":"invalid_token","cause":"made_up"`, "invalid_token|token|||The guard did not accept the access token"},
		"unprintable scopes":    {tn.guard, `"reason":"insufficient_scope","needed":"a\u0000b"`, "insufficient_scope|scope|mcp:tools||The call needs a scope that was not granted"},
		"scopes without end":    {tn.guard, `"reason":"insufficient_scope","needed":"` + strings.Repeat("a", 301) + `"`, "insufficient_scope|scope|mcp:tools||The call needs a scope that was not granted"},
		"another project's":     {tl.other.guard, `"reason":"invalid_token","cause":"other_server"`, ""},
		"of a call let through": {tn.guard, `"outcome":"ok","reason":"invalid_token","cause":"expired","needed":"x"`, ""},
	} {
		a, held := tn.connected(seat, tn.named("Guarded", name), "scope", "mcp:tools")
		at := tn
		if c.guard == tl.other.guard {
			at = tl.other
		}
		outcome := `"outcome":"refused",`
		if strings.Contains(c.members, `"outcome"`) {
			outcome = ""
		}
		got := call(t, tl.door, http.MethodPost, at.issuer+oauth.PathCalls, jsonHeader(bearer(c.guard)), `{"calls":[{"sid":"`+grantOf(held.access)+`",`+outcome+c.members+`}]}`)
		if got.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
		attempt := tl.of(tn, a.clientID)
		s := stepOf(attempt, tenants.StepRefusal)
		row := strings.Trim(strings.Join([]string{s.Code, s.Parameter, s.Got, s.Expected, s.Reason}, "|"), " ")
		if c.want == "" {
			c.want = "||||"
		} else if s.Probable || s.Outcome != tenants.OutcomeRefused || attempt.State(time.Now()) != tenants.StateFailed {
			t.Errorf("%s: state %s, %+v", name, attempt.State(time.Now()), s)
		}
		if row != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, row, c.want)
		}
		used := value[int](tl.world, `SELECT coalesce(sum(refused), 0)::int FROM grant_usage WHERE grant_id = $1::text::uuid`, grantOf(held.access))
		if counts := c.guard == tn.guard && outcome != ""; counts != (used == 1) { // a server has no say about another one's grants
			t.Errorf("%s: %d refusals of the connection are counted", name, used)
		}
	}
}
