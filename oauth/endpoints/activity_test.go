package endpoints_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

// timeline is a world whose door keeps activity.
type timeline struct {
	*world
	activity *postgres.Activity
	skipped  atomic.Int64
}

func newTimeline(t *testing.T) *timeline {
	t.Helper()
	tl := &timeline{world: newWorld(t)}
	_, tl.door = tl.newDoorWith(func(c *endpoints.Config, store *postgres.Store) {
		tl.activity = postgres.NewActivity(store, c.Log)
		c.Activity = tl
	})
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- tl.activity.Run(ctx) }()
	t.Cleanup(func() {
		end()
		<-ended
	})
	return tl
}

// Record implements endpoints.Activity.
func (tl *timeline) Record(issuer id.ID, a tenants.Activity) { tl.activity.Record(issuer, a) }

// Skip implements endpoints.Activity.
func (tl *timeline) Skip() { tl.skipped.Add(1) }

func (tl *timeline) attempts(tn *tenant, filter tenants.ActivityFilter) []tenants.Attempt {
	tl.t.Helper()
	if err := tl.activity.Flush(tl.t.Context()); err != nil {
		tl.t.Fatal(err)
	}
	filter.Limit = 50
	attempts, _, err := tl.store.ListAttempts(tl.t.Context(), tn.project.ID, filter)
	if err != nil {
		tl.t.Fatal(err)
	}
	return attempts
}

// only is the one attempt that there must be.
func (tl *timeline) only(tn *tenant) tenants.Attempt {
	tl.t.Helper()
	found := tl.attempts(tn, tenants.ActivityFilter{})
	if len(found) != 1 {
		tl.t.Fatalf("expected one attempt, got %d: %+v", len(found), found)
	}
	return found[0]
}

func road(a tenants.Attempt) string {
	words := make([]string, 0, len(a.Steps))
	for _, s := range a.Steps {
		word := string(s.Step) + " " + string(s.Outcome)
		if s.Probable {
			word += " probable"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// P23: everything that one connection did stands in one attempt, step by step, whatever the browser's and the client's own addresses;
// what came before the authorization request is marked as probable. Nothing that opens a door is in it.
func TestTimelineOfAConnection(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn := tl.demo
	program := http.Header{"User-Agent": {"TestClient/3.1 (linux)\x01"}}
	call(t, tl.door, http.MethodGet, tn.issuer+oauth.PathMetadata, program, "")
	call(t, tl.door, http.MethodGet, tn.issuer+oauth.PathMetadata, program, "") // the same look again is not told again
	registered := call(t, tl.door, http.MethodPost, tn.issuer+oauth.PathRegister, jsonHeader(program.Clone()),
		`{"client_name":"Test App","software_version":"3.1","redirect_uris":["`+registered+`"],"grant_types":["authorization_code","refresh_token"]}`)
	client := registered.text("client_id")
	seat := newBrowser(t, tl.door)
	page := seat.get(tn.authorizeURL(tn.request(client, "scope", "mcp:tools made:up")))
	page = seat.submit(page, "#password", url.Values{"email": {tn.user}, "password": {"not the password"}})
	page = seat.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	left := seat.submit(page, "button[value=allow]", url.Values{"decision": {"allow"}})
	a := approval{tn: tn, clientID: client, code: left.callback().Get("code")}
	first := tn.token(a.codeForm("scope", "")).tokens()
	tn.introspect(tn.guard, first.access)
	tn.report(first, "list_notes", "ok", "")
	tn.report(first, "add_note", "refused", "insufficient_scope")
	tn.report(first, "add_note", "refused", "insufficient_scope")
	second := tn.token(a.refreshForm(first.refresh)).tokens()
	tn.token(a.refreshForm(first.refresh)).tokens() // within the grace
	tn.revoke(client, second.refresh)
	tn.introspect(tn.guard, second.access)

	got := tl.only(tn)
	want := "metadata ok probable, registration ok probable, authorize ok, sign_in refused, sign_in ok, consent ok, token ok, " +
		"call ok, refusal refused, refresh ok, refresh ok, revoke ok, refusal refused"
	if sorted(road(got)) != sorted(want) || got.Name != "Test App" || got.Version != "3.1" || got.ClientID != client {
		t.Fatalf("expected\n%s, got\n%s\nof %s %s", want, road(got), got.Name, got.Version)
	}
	for _, s := range got.Steps {
		if s.RequestID == "" && s.Step != tenants.StepCall && s.Step != tenants.StepRefusal || s.Source != "192.0.2.0/24" && s.RequestID != "" {
			t.Errorf("%s: request id %q, source %q", s.Step, s.RequestID, s.Source)
		}
		if s.Outcome != tenants.OutcomeOK && s.Advice == "" {
			t.Errorf("%s: no advice for %s", s.Step, s.Code)
		}
	}
	checkSteps(t, got, map[string]string{
		"authorize": "scope|mcp:tools made:up|mcp:tools", "sign_in": "password||", "refresh": "refresh_token|number 1|number 2", "metadata": "||",
	})
	if agent := got.Steps[0].Agent; agent != "TestClient/3.1 (linux)" {
		t.Errorf("agent %q", agent)
	}
	if tool := stepOf(got, tenants.StepCall).Tool; tool != "list_notes" {
		t.Errorf("first call of tool %q", tool)
	}
	told := value[string](tl.world, `SELECT string_agg(a::text, ' ') FROM activity a`)
	for name, private := range map[string]string{"code": a.code, "refresh token": first.refresh, "access token": first.access, "password": userPassword,
		"typed password": "not the password", "address": tn.user, "verifier": testVerifier, "registration secret": tn.guard, "whole address": "192.0.2.1"} {
		if private == "" || strings.Contains(told, private) {
			t.Errorf("the timeline holds the %s", name)
		}
	}
	if other := tl.attempts(tl.other, tenants.ActivityFilter{}); len(other) != 0 {
		t.Errorf("another project sees %+v", other)
	}
}

func sorted(list string) string {
	words := strings.Split(list, ", ")
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func stepOf(a tenants.Attempt, step tenants.Step) tenants.AttemptStep {
	at := slices.IndexFunc(a.Steps, func(s tenants.AttemptStep) bool { return s.Step == step })
	if at < 0 {
		return tenants.AttemptStep{}
	}
	return a.Steps[at]
}

// checkSteps compares "parameter|got|expected" with some step of the name; expected is a beginning.
func checkSteps(t *testing.T, a tenants.Attempt, wanted map[string]string) {
	t.Helper()
	for step, want := range wanted {
		found := slices.ContainsFunc(a.Steps, func(s tenants.AttemptStep) bool {
			return string(s.Step) == step && strings.HasPrefix(s.Parameter+"|"+s.Got+"|"+s.Expected, want)
		})
		if !found {
			t.Errorf("%s: expected %q in %+v", step, want, a.Steps)
		}
	}
}

// report is what a guard tells of one call.
func (tn *tenant) report(with tokens, tool, outcome, reason string) {
	tn.w.t.Helper()
	body, err := json.Marshal(map[string]any{"calls": []any{map[string]any{"sid": grantOf(with.access), "tool": tool, "outcome": outcome, "reason": reason}}})
	if err != nil {
		tn.w.t.Fatal(err)
	}
	if got := call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathCalls, jsonHeader(bearer(tn.guard)), string(body)); got.StatusCode != http.StatusNoContent {
		tn.w.t.Fatalf("report: %d %s", got.StatusCode, got.body)
	}
}

// Every failure names the parameter, what it was, what was expected and what to do (P23).
func TestTimelineExplainsFailures(t *testing.T) {
	t.Parallel()
	const elsewhere = "http://127.0.0.1:41234/other"
	post := func(tn *tenant, path, contentType, body string) {
		call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+path, http.Header{"Content-Type": {contentType}}, body)
	}
	token := func(tn *tenant, form url.Values) { tn.token(form) }
	for name, c := range map[string]struct {
		do   func(tn *tenant, b *browser, client string)
		want string // step|code|parameter|got|expected|beginning of the reason
	}{
		"redirect URI": {func(tn *tenant, b *browser, client string) {
			b.get(tn.authorizeURL(tn.request(client, "redirect_uri", elsewhere)))
		}, "authorize|invalid_request|redirect_uri|" + elsewhere + "|http://127.0.0.1/callback|The redirect_uri is not one"},
		"resource": {func(tn *tenant, b *browser, client string) {
			b.get(tn.authorizeURL(tn.request(client, "resource", "https://demo.example.com/other")))
		}, "authorize|invalid_target|resource|https://demo.example.com/other|https://demo.example.com/mcp|Unknown resource."},
		"scope": {func(tn *tenant, b *browser, client string) {
			b.get(tn.authorizeURL(tn.request(client, "scope", "made:up")))
		}, "authorize|invalid_scope|scope|made:up|mcp:tools notes:write|None of the requested scopes exists here."},
		"PKCE": {func(tn *tenant, b *browser, client string) {
			b.get(tn.authorizeURL(tn.request(client, "code_challenge_method", "plain")))
		}, "authorize|invalid_request|code_challenge_method|plain|S256|Expected code_challenge_method=S256"},
		"client": {func(tn *tenant, b *browser, _ string) {
			b.get(tn.authorizeURL(tn.request("gone\x00client")))
		}, "authorize|invalid_request|client_id|||A parameter contains NUL"},
		"unknown client": {func(tn *tenant, b *browser, _ string) {
			b.get(tn.authorizeURL(tn.request("gone")))
		}, "authorize|invalid_client|client_id|gone||This app is not known here"},
		"registration": {func(tn *tenant, _ *browser, _ string) {
			post(tn, oauth.PathRegister, "application/json", `{"client_name":"Bad App","redirect_uris":["http://client.example/callback"]}`)
		}, "registration|invalid_redirect_uri|redirect_uris|http://client.example/callback||Redirect URI refused: http is for localhost"},
		"media type": {func(tn *tenant, _ *browser, _ string) {
			post(tn, oauth.PathRegister, "text/plain", `{}`)
		}, "registration|invalid_request|Content-Type||application/json or application/x-www-form-urlencoded|Unexpected Content-Type."},
		"client at token": {func(tn *tenant, _ *browser, _ string) {
			token(tn, url.Values{"grant_type": {"refresh_token"}, "client_id": {"gone"}, "refresh_token": {"x"}})
		}, "refresh|invalid_client|client_id|gone||The client is not known here"},
		"grant type": {func(tn *tenant, _ *browser, client string) {
			token(tn, url.Values{"grant_type": {"password"}, "client_id": {client}})
		}, "token|unsupported_grant_type|grant_type|password|authorization_code or refresh_token|Expected grant_type"},
		"scope at refresh": {func(tn *tenant, b *browser, client string) {
			a, held := tn.connected(b, client, "scope", "mcp:tools")
			token(tn, a.refreshForm(held.refresh, "scope", "notes:write"))
		}, "refresh|invalid_scope|scope|notes:write|mcp:tools|More scopes than were granted"},
		"registration secret": {func(tn *tenant, _ *browser, _ string) {
			tn.introspect("mcpauth_rs_wrong", "x")
		}, "call|invalid_token|Authorization|||Unknown or revoked registration secret."},
		"strange token": {func(tn *tenant, _ *browser, _ string) {
			tn.introspect(tn.guard, "x")
		}, "refusal|invalid_token|token|||The token was not signed by this project"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tl := newTimeline(t)
			tn := tl.demo
			c.do(tn, newBrowser(t, tl.door), tn.client())
			found := tl.attempts(tn, tenants.ActivityFilter{Failures: true})
			if len(found) != 1 {
				t.Fatalf("expected one attempt, got %+v", found)
			}
			s, ok := found[0].Failure()
			got := strings.Join([]string{string(s.Step), s.Code, s.Parameter, s.Got, s.Expected, s.Reason}, "|")
			if !ok || !strings.HasPrefix(got, c.want) || s.Advice == "" || s.Outcome != tenants.OutcomeRefused {
				t.Errorf("expected %s, got %s, %s, advice %q", c.want, got, s.Outcome, s.Advice)
			}
			if found[0].Advice(time.Now()) != s.Advice {
				t.Errorf("the attempt advises %q", found[0].Advice(time.Now()))
			}
		})
	}
}

// P23: a token that nothing ever used is told as such, once the client had time to use it; a connection that works needs no advice.
func TestTimelineOfAnUnusedToken(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn := tl.demo
	_, held := tn.connected(newBrowser(t, tl.door), tn.client())
	got := tl.only(tn)
	if later := got.Last.Add(tenants.Patience); got.State(later) != tenants.StateConnected || got.Advice(got.Last) != "" || !strings.Contains(got.Advice(later), "never asked mcpauth") {
		t.Errorf("without a guard: state %s, advice %q", got.State(later), got.Advice(later))
	}
	call(t, tl.door, http.MethodGet, tn.issuer+oauth.PathServer, bearer(tn.guard), "")
	got = tl.only(tn)
	if later := got.Last.Add(tenants.Patience); got.State(later) != tenants.StateConnected || !strings.Contains(got.Advice(later), "no call reached") {
		t.Errorf("with a guard: state %s, advice %q", got.State(later), got.Advice(later))
	}
	tn.report(held, "list_notes", "ok", "")
	if got = tl.only(tn); got.Reached() != tenants.StepCall || got.Advice(got.Last.Add(time.Hour)) != "" {
		t.Errorf("reached %s, advice %q", got.Reached(), got.Advice(got.Last.Add(time.Hour)))
	}
}

// catalogue 33: strangers add a bounded number of steps, and a client that connects meanwhile is told of all the same.
func TestTimelineFlood(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn := tl.demo
	client := tn.client()
	seat := newBrowser(t, tl.door)
	page := tn.signedIn(seat, tn.request(client))
	for i := range 1500 {
		call(t, tl.door, http.MethodGet, tn.issuer+oauth.PathMetadata, http.Header{"User-Agent": {fmt.Sprint("flood ", i)}}, "")
	}
	if err := tl.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value[int](tl.world, `SELECT count(*) FROM activity WHERE agent LIKE 'flood%'`); n < 900 || n > 1400 || tl.skipped.Load() < 100 {
		t.Errorf("%d steps of 1500 were kept and %d counted as skipped", n, tl.skipped.Load())
	}
	left := seat.submit(page, "button[value=allow]", url.Values{"decision": {"allow"}})
	tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	found := tl.attempts(tn, tenants.ActivityFilter{ClientID: client})
	if len(found) == 0 || stepOf(found[0], tenants.StepToken).Outcome != tenants.OutcomeOK {
		t.Errorf("the real client is not told of: %+v", found)
	}
}
