package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// reviewsAndConnects signs a reviewer in and connects an app.
func (tn *tenant) reviewsAndConnects(code string) member {
	tn.w.t.Helper()
	b, client := newBrowser(tn.w.t, tn.w.door), tn.client()
	page, _ := tn.askForCode(b, client, reviewerAddress)
	left := b.submit(b.submit(page, "#code", url.Values{"code": {code}}), "button[value=allow]", allow)
	made := approval{tn: tn, clientID: client, code: left.callback().Get("code")}
	return member{approval: made, held: tn.token(made.codeForm()).tokens(), b: b}
}

// A reviewer whose day has passed is out at once, also where the sweep has not been yet: the connection, an approval that is not redeemed,
// the browser's session, a page that is open, a sign-in under way.
func TestReviewersDayPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, ctx := w.demo, t.Context()
	m := tn.reviewsAndConnects(tn.reviewer())
	half, fresh := tn.client(), tn.client()
	code := m.b.submit(m.b.get(tn.authorizeURL(tn.request(half))), "button[value=allow]", allow).callback().Get("code")
	open := m.b.get(tn.authorizeURL(tn.request(fresh)))
	reviewer := signin.Account{Epoch: value[int](w, `SELECT epoch FROM users WHERE reviewer_address IS NOT NULL`)}
	var err error
	if reviewer.ID, err = id.Parse(value[string](w, `SELECT id::text FROM users WHERE reviewer_address IS NOT NULL`)); err != nil {
		t.Fatal(err)
	}
	session, err := id.Parse(value[string](w, `SELECT id::text FROM user_sessions`))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE users SET reviewer_until = now() - interval '1 second' WHERE reviewer_address IS NOT NULL`)
	if !m.ended() {
		t.Error("the connection goes on")
	}
	tn.token(approval{tn: tn, clientID: half, code: code}.codeForm()).isError(http.StatusBadRequest, "invalid_grant")
	if got := m.b.get(tn.issuer + "/account"); !got.has("#way-email-code") {
		t.Errorf("the account page: got %d, want the way to sign in\n%s", got.StatusCode, got.body)
	}
	if got := m.b.submit(open, "button[value=allow]", allow); !got.has("#way-email-code") {
		t.Errorf("the open page: got %d, want the way to sign in\n%s", got.StatusCode, got.body)
	}
	if got := m.b.get(tn.authorizeURL(tn.request(fresh))); got.has("button[value=allow]") {
		t.Error("another app gets as far as the consent page")
	}
	// Whoever was let through a moment before gets no further either.
	if err := w.store.ExtendConnection(ctx, tn.project.ID, reviewer.ID, session, m.clientID, tn.server.Resource, []string{"notes:write"}); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("more rights: got %v, want ErrNotFound", err)
	}
	late := oauth.Approval{GrantID: id.New(), FlowID: id.New(), IssuerURL: tn.issuer, SessionID: session, UserID: reviewer.ID, ClientID: fresh, ServerID: tn.server.ID,
		Resource: tn.server.Resource, Scopes: []string{"mcp:tools"}, RedirectURI: registered, Challenge: "challenge", RandomHash: secret.Hash("x"), AuthMethod: oauth.AuthMethodNone,
		CodeLifetime: time.Minute, Lifetime: time.Hour}
	if _, err := w.store.ApproveGrant(ctx, tn.project.ID, late); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("an approval: got %v, want ErrNotFound", err)
	}
	_, err = w.store.Users(tn.project.ID).CreateSession(ctx, secret.Hash("token"), signin.NewSession{Account: reviewer, Way: signin.Way{Method: tenants.SignInEmailCode}, Lifetime: time.Hour})
	if !errors.Is(err, signin.ErrNotOffered) {
		t.Errorf("a session: got %v, want ErrNotOffered", err)
	}
}

// The sweep tells guards of the connections of a reviewer whose day has passed, and ends what is left for good: another day for the same
// address is another beginning. Reviewers whose day comes, and people, stay.
func TestReviewersAreSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	_, somebody := tn.connected(newBrowser(t, w.door), tn.client())
	m := tn.reviewsAndConnects(tn.reviewer())
	sweep := func() int {
		swept, err := w.store.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return swept
	}
	before := tn.revocations(tn.guard, "")
	if n := sweep(); n != 0 || !tn.active(m.held.access) {
		t.Errorf("before the day: swept %d, active %t; want 0 and true", n, tn.active(m.held.access))
	}
	w.exec(`UPDATE users SET reviewer_until = now() - interval '1 second' WHERE reviewer_address IS NOT NULL`)
	first, second := sweep(), sweep()
	if first != 1 || second != 0 {
		t.Errorf("swept %d, then %d; want 1, then 0", first, second)
	}
	told := tn.revocations(tn.guard, before.Cursor)
	if len(told.Revoked) != 1 || !tells(told, claims(t, m.held.access).GrantID) {
		t.Errorf("the feed tells %+v, want the reviewer's connection", told)
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'user.reviewer_ended' AND actor = 'system'`); n != 1 {
		t.Errorf("the audit log says so %d times, want once", n)
	}
	w.exec(`UPDATE users SET reviewer_until = now() + interval '1 day' WHERE reviewer_address IS NOT NULL`)
	if !m.ended() || !m.b.get(tn.issuer+"/account").has("#way-email-code") || !tn.active(somebody.access) {
		t.Errorf("with another day: the connection ended %t, somebody's lives %t; want true and true", m.ended(), tn.active(somebody.access))
	}
}
