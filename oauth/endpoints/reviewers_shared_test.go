package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// One reviewer cannot shut the others out of the account that they share: no second step, no deletion. What somebody turned on before is
// over with the code.
func TestReviewersShutNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, ctx := w.demo, t.Context()
	if err := w.projects.SetSignInMethods(ctx, tenants.SystemActor, w.org, tn.project.ID, []string{tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInTOTP}); err != nil {
		t.Fatal(err)
	}
	w.forget()
	code, b := tn.reviewer(), newBrowser(t, w.door)
	if got := tn.reviews(b, reviewerAddress, code); !signsIn(got) {
		t.Fatalf("got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	page := b.get(tn.issuer + "/account")
	if page.StatusCode != http.StatusOK || page.has("#two-step-on") || page.has("#delete") {
		t.Errorf("the account page: got %d, second step %t, deletion %t; want neither", page.StatusCode, page.has("#two-step-on"), page.has("#delete"))
	}
	reviewer := value[string](w, `SELECT id::text FROM users WHERE reviewer_address IS NOT NULL`)
	account, err := id.Parse(reviewer)
	if err != nil {
		t.Fatal(err)
	}
	_, fields := page.form(".lines button")
	before := w.rows()
	for path, more := range map[string]url.Values{"/account/two-step": {}, "/account/delete": {"email": {reviewerAddress + " (reviewer)"}}} {
		more.Set("token", fields.Get("token"))
		if got := b.post(tn.issuer+path, more); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s by hand: got %d, want 403\n%s", path, got.StatusCode, got.body)
		}
	}
	// The account has become a reviewer's after the page asked.
	identities := w.store.Identities(tn.project.ID)
	if err := identities.EnableTOTP(ctx, account, signin.NewTOTPSecret(), 1, [][]byte{secret.Hash("code")}); !errors.Is(err, signin.ErrNotOffered) {
		t.Errorf("a second step: got %v, want ErrNotOffered", err)
	}
	if err := w.store.Users(tn.project.ID).DeleteAccount(ctx, account); !errors.Is(err, signin.ErrNotOffered) {
		t.Errorf("the deletion: got %v, want ErrNotOffered", err)
	}
	w.unchanged(before)
	w.exec(`INSERT INTO user_second_factors (project_id, account_id, sealed_secret, last_step) VALUES ($1::text::uuid, $2::text::uuid, 'x', 1)`, tn.project.ID.String(), reviewer)
	w.exec(`INSERT INTO user_recovery_codes (project_id, account_id, code_hash) VALUES ($1::text::uuid, $2::text::uuid, 'x')`, tn.project.ID.String(), reviewer)
	another := tn.reviewer()
	if n := value[int](w, `SELECT (SELECT count(*) FROM user_second_factors) + (SELECT count(*) FROM user_recovery_codes)`); n != 0 {
		t.Errorf("after another code: got %d factors and recovery codes, want none", n)
	}
	if got := tn.reviews(newBrowser(t, w.door), reviewerAddress, another); !signsIn(got) {
		t.Errorf("the next reviewer: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
}
