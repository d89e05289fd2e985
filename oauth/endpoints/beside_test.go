package endpoints_test

import (
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// A provider beside the customer's own login does not lead around it either: somebody with the address of a person of the site becomes an
// account of their own, and a provider's identity that was on the account before signs nobody in to it any more.
func TestNoProviderGoesAroundTheOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc").String()
	site := tn.ownSite()
	tn.offersOnly(tenants.SignInOwn, tenants.SignInUpstream)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Fatalf("before the site knew anybody: %d\n%s", got.StatusCode, got.body)
	}
	site.comes(tn.client(), "grace")
	site.comes(tn.client(), "ada")
	accounts := `SELECT string_agg(subject || ' ' || coalesce(u.email, 'none'), ', ' ORDER BY subject) FROM user_identities i JOIN users u ON u.project_id = i.project_id AND u.id = i.account_id`
	sessions := `SELECT count(*) FROM user_sessions WHERE method = 'upstream' AND account_id = (SELECT account_id FROM user_identities WHERE subject = $1)`
	before := value[int](w, sessions, "grace")
	got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"})
	if says := strings.TrimSpace(got.document().Find("[role=alert]").Text()); got.StatusCode != http.StatusForbidden || !strings.Contains(says, `"Continue with Acme"`) ||
		value[int](w, sessions, "grace") != before {
		t.Errorf("an identity from before the site: got %d %q, want 403 and the way to the site", got.StatusCode, says)
	}
	if got := tn.comesFrom(p, id, map[string]any{"sub": "new", "email": "ada@acme.example"}); !signsIn(got) {
		t.Errorf("a new subject with the address of a person of the site: got %d, want to be somebody\n%s", got.StatusCode, got.body)
	}
	want := "ada ada@acme.example, grace grace@acme.example, new none, old grace@acme.example"
	if is := value[string](w, accounts); is != want || value[int](w, sessions, "ada") != 0 {
		t.Errorf("got %s, want %s", is, want)
	}
	site.beside(true)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Errorf("when the project says so: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	site.beside(false)
	tn.offersOnly(tenants.SignInUpstream)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Errorf("with the own login off: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
}
