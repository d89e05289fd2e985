package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

const reviewerAddress = "reviewer@demo.example"

// reviewer makes an account for a reviewer, and returns its code.
func (tn *tenant) reviewer() string {
	tn.w.t.Helper()
	code, err := tn.w.projects.SetReviewer(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, reviewerAddress, 30*24*time.Hour)
	if err != nil {
		tn.w.t.Fatal(err)
	}
	return code
}

// reviews signs in with an address and a code that stays the same.
func (tn *tenant) reviews(b *browser, address, code string) *answer {
	tn.w.t.Helper()
	page := b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "#way-email-code", url.Values{"email": {address}})
	return b.submit(page, "#code", url.Values{"code": {code}})
}

// A reviewer signs in with the same code each time, until the day it ends; nobody else has such a code, and it is not guessed.
func TestReviewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	if _, err := w.projects.SetReviewer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, reviewerAddress, 91*24*time.Hour); err == nil {
		t.Error("91 days")
	}
	code, err := w.projects.SetReviewer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, " Reviewer@Demo.example", 30*24*time.Hour)
	if err != nil || len(code) != 10 {
		t.Fatalf("%q %v", code, err)
	}
	if got, err := w.projects.SetReviewer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, tn.user, time.Hour); err == nil || got != "" {
		t.Errorf("a code on somebody's account: got %q %v, want a refusal", got, err)
	}
	comes := func(email, typed string) bool { return signsIn(tn.reviews(newBrowser(t, w.door), email, typed)) }
	for range 2 {
		if !comes(reviewerAddress, code) {
			t.Error("the code does not stay the same")
		}
	}
	if comes(reviewerAddress, "0123456789") || comes(tn.user, code) {
		t.Error("the code is not the reviewer's own")
	}
	w.exec(`UPDATE users SET reviewer_until = now() - interval '1 second' WHERE reviewer_code IS NOT NULL`)
	w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`)
	if comes(reviewerAddress, code) {
		t.Error("the code outlives its last day")
	}
	if strings.Contains(value[string](w, `SELECT string_agg(encode(reviewer_code, 'escape'), ' ') FROM users`), code) {
		t.Error("the database can be read")
	}
}

// Five wrong codes use a challenge up, and of a right one one browser makes use.
func TestReviewerCodeIsNotGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	code := tn.reviewer()
	b := newBrowser(t, w.door)
	page, _ := tn.askForCode(b, tn.client(), reviewerAddress)
	for range signin.MaxAttempts {
		if got := b.submit(page, "#code", url.Values{"code": {"0123456789"}}); got.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("a wrong code: got %d, want 422", got.StatusCode)
		}
	}
	if got := b.submit(page, "#code", url.Values{"code": {code}}); got.StatusCode != http.StatusUnprocessableEntity || b.cookie(tn, "mcpauth_session") != "" {
		t.Errorf("the right code after five wrong ones: got %d, want 422", got.StatusCode)
	}
	b = newBrowser(t, w.door)
	page, _ = tn.askForCode(b, tn.client(), reviewerAddress)
	target, fields := page.form("#code")
	fields.Set("code", code)
	thief := newBrowser(t, w.door)
	thief.get(tn.authorizeURL(tn.request(tn.client())))
	if got := thief.post(target, fields); signsIn(got) {
		t.Error("another browser's challenge is good")
	}
	if got := b.post(target, fields); !signsIn(got) {
		t.Errorf("the right code: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	if got := b.post(target, fields); signsIn(got) {
		t.Error("a challenge counts twice")
	}
}

// A reviewer's account is nobody else's: whoever reads the mail of its address gets a code and an account of their own there, as does
// whoever another place signs in with it, and the reviewer goes on.
func TestReviewersStopNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	code := tn.reviewer()
	of := func() string {
		return value[string](w, `SELECT account_id::text FROM user_sessions ORDER BY created_at DESC LIMIT 1`)
	}
	if got := tn.reviews(newBrowser(t, w.door), reviewerAddress, code); !signsIn(got) || !strings.Contains(got.body, reviewerAddress+" (reviewer)") {
		t.Fatalf("the reviewer: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	reviewer := of()
	tn.w.exec(`UPDATE projects SET sign_up_open = false`)
	w.forget()
	if got := tn.reviews(newBrowser(t, w.door), reviewerAddress, code); !signsIn(got) || of() != reviewer {
		t.Errorf("the reviewer, sign-up closed: got %d, want the same account\n%s", got.StatusCode, got.body)
	}
	tn.w.exec(`UPDATE projects SET sign_up_open = true`)
	w.forget()
	b := newBrowser(t, w.door)
	page, message := tn.askForCode(b, tn.client(), reviewerAddress)
	mailed := sixDigits.FindString(message.Text)
	if mailed == "" || message.To != reviewerAddress || strings.Contains(message.Text, code) {
		t.Fatalf("the message to the address: %q, want six digits of its own", message.Text)
	}
	if got := b.submit(page, "#code", url.Values{"code": {mailed}}); !signsIn(got) || strings.Contains(got.body, "(reviewer)") || of() == reviewer {
		t.Errorf("the owner of the address: got %d, want an account of their own\n%s", got.StatusCode, got.body)
	}
	owner := of()
	if got := tn.comesFrom(p, tn.offer(p, "oidc").String(), map[string]any{"sub": "owner", "email": reviewerAddress}); !signsIn(got) || of() != owner {
		t.Errorf("the owner by a provider: got %d, want the same account of their own", got.StatusCode)
	}
	w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`)
	b = newBrowser(t, w.door)
	reset, message := tn.askForReset(b, tn.client(), reviewerAddress)
	b.submit(reset, "#code", url.Values{"code": {sixDigits.FindString(message.Text)}, "password": {anotherPassword}})
	if n := value[int](w, `SELECT count(*) FROM users WHERE password_hash IS NOT NULL AND id = $1::text::uuid`, owner); n != 1 || of() != owner {
		t.Errorf("a reset is the owner's: got %d passwords of theirs, want 1", n)
	}
	if got := tn.reviews(newBrowser(t, w.door), reviewerAddress, code); !signsIn(got) || of() != reviewer {
		t.Errorf("the reviewer afterwards: got %d, want their account", got.StatusCode)
	}
}

// A reviewer who is ended is out: the code, the sessions and the connections. Another code for the same address ends what the one before
// was used for. Nobody else's account can be ended this way, nor another project's reviewer.
func TestReviewersEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, ctx, actor := w.demo, t.Context(), tenants.SystemActor
	works := func(code string) bool { return signsIn(tn.reviews(newBrowser(t, w.door), reviewerAddress, code)) }
	connects := func(code string) member {
		b, client := newBrowser(t, w.door), tn.client()
		page, _ := tn.askForCode(b, client, reviewerAddress)
		left := b.submit(b.submit(page, "#code", url.Values{"code": {code}}), "button[value=allow]", allow)
		made := approval{tn: tn, clientID: client, code: left.callback().Get("code")}
		return member{approval: made, held: tn.token(made.codeForm()).tokens(), b: b}
	}
	out := func(m member) bool { return m.ended() && m.b.get(tn.issuer+"/account").has("#way-email-code") }
	first := tn.reviewer()
	before := connects(first)
	second := tn.reviewer()
	if second == first || works(first) || !works(second) || !out(before) {
		t.Errorf("another code: the first works %t, the second %t, the connection from before is over %t; want false, true, true", works(first), works(second), out(before))
	}
	found, err := w.projects.Reviewers(ctx, actor, w.org, tn.project.ID)
	if err != nil || len(found) != 1 || found[0].Address != reviewerAddress || found[0].Maker != actor || found[0].Ended || found[0].Until.Sub(found[0].MadeAt) != 30*24*time.Hour {
		t.Fatalf("got %+v %v", found, err)
	}
	w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`)
	held, id := connects(second), found[0].ID
	if err := w.projects.EndReviewer(ctx, actor, w.org, w.other.project.ID, id); !errors.Is(err, tenants.ErrNotFound) || held.ended() {
		t.Errorf("by another project: got %v, ended %t; want ErrNotFound and false", err, held.ended())
	}
	for range 2 {
		if err := w.projects.EndReviewer(ctx, actor, w.org, tn.project.ID, id); err != nil {
			t.Errorf("got %v, want none", err)
		}
	}
	w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`)
	if works(second) || !out(held) {
		t.Errorf("ended: the code works %t, the connection is over %t; want false and true", works(second), out(held))
	}
	if found, err = w.projects.Reviewers(ctx, actor, w.org, tn.project.ID); err != nil || len(found) != 1 || !found[0].Ended {
		t.Errorf("got %+v %v, want one that has ended", found, err)
	}
	if elsewhere, err := w.projects.Reviewers(ctx, actor, w.org, w.other.project.ID); err != nil || len(elsewhere) != 0 {
		t.Errorf("another project's: got %+v %v, want none", elsewhere, err)
	}
	somebody, sits := tn.addUser(tn.user), newBrowser(t, w.door)
	tn.account(sits)
	if err := w.projects.EndReviewer(ctx, actor, w.org, tn.project.ID, somebody); !errors.Is(err, tenants.ErrNotFound) || sits.get(tn.issuer+"/account").has("#way-email-code") {
		t.Errorf("somebody who is no reviewer: got %v, want ErrNotFound and their session as it was", err)
	}
}

// A reviewer gets no way to sign in that outlives the code.
func TestReviewersKeepNoWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	d, code, b := tn.withPasskeys(), tn.reviewer(), newBrowser(t, w.door)
	if got := tn.reviews(b, reviewerAddress, code); !signsIn(got) {
		t.Errorf("got %d, want the consent page and no offer of a passkey\n%s", got.StatusCode, got.body)
	}
	account := b.get(tn.issuer + "/account")
	if account.StatusCode != http.StatusOK || account.has("passkey-form") || account.has("#new-password") {
		t.Errorf("the account page: got %d, passkey %t, password %t; want neither", account.StatusCode, account.has("passkey-form"), account.has("#new-password"))
	}
	id := value[string](w, `SELECT id::text FROM users WHERE reviewer_address IS NOT NULL`)
	w.exec(`UPDATE users SET reviewer_address = NULL, reviewer_maker = NULL WHERE id = $1::text::uuid`, id)
	page := b.get(tn.issuer + "/account")
	target, fields := page.form("button.passkey")
	fields.Set("credential", d.create(page).Get("credential"))
	w.exec(`UPDATE users SET reviewer_address = $2, reviewer_maker = 'system' WHERE id = $1::text::uuid`, id, reviewerAddress)
	before := w.rows()
	if got := b.post(target, fields); got.StatusCode != http.StatusForbidden {
		t.Errorf("a passkey: got %d, want 403\n%s", got.StatusCode, got.body)
	}
	w.unchanged(before)
}
