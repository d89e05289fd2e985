package endpoints_test

import (
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// managed is a client with the token that manages it.
type managed struct {
	tn                *tenant
	id, uri, rat, own string // own is the client secret; empty: none
}

const managedRegistration = `{"client_name":"Managed","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"],"scope":"mcp:tools"`

func (tn *tenant) manage(more string) managed {
	tn.w.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + tn.initialToken()}}
	got := call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathRegister, header, managedRegistration+more+"}")
	m := managed{tn: tn, id: got.text("client_id"), uri: got.text("registration_client_uri"), rat: got.text("registration_access_token"), own: got.text("client_secret")}
	if got.StatusCode != http.StatusCreated || got.Header.Get("Cache-Control") != "no-store" || m.uri != tn.issuer+"/api/oauth/register/"+m.id ||
		!strings.HasPrefix(m.rat, "mcpauth_rm_") || len(m.rat) != len("mcpauth_rm_")+43 {
		tn.w.t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
	return m
}

func (m managed) send(method, token, body string) *answer {
	m.tn.w.t.Helper()
	return call(m.tn.w.t, m.tn.w.door, method, m.uri, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}, body)
}

// update is a good body of PUT; more begins with a comma.
func (m managed) update(more string) string {
	return `{"client_id":"` + m.id + `","client_name":"Renamed","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]` + more + `}`
}

// refusedWith expects the same answer to every method, and that nothing was written.
func (m managed) refusedWith(name, token string) {
	m.tn.w.t.Helper()
	before := m.tn.w.rows()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		got := m.send(method, token, m.update(""))
		if got.isError(401, "invalid_token"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(got.body, "Managed") {
			m.tn.w.t.Errorf("%s: %s: %v %s", name, method, got.Header, got.body)
		}
	}
	m.tn.w.unchanged(before)
}

// RFC 7592: read, replace and delete; the token changes with each replacement. Catalogue 36, 43: neither secret nor token is stored.
func TestRegistrationManagement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.demo.manage(`,"token_endpoint_auth_method":"client_secret_post"`)
	for name, shown := range map[string]string{"token": m.rat, "secret": m.own} {
		if n := value[int](w, `SELECT count(*) FROM clients c WHERE c::text LIKE '%' || $1 || '%'`, shown[len("mcpauth_rm_"):]); n != 0 {
			t.Errorf("the %s is in the database", name)
		}
	}
	if !value[bool](w, `SELECT registration_token_hash = $2 FROM clients WHERE id = $1`, m.id, secret.Hash(m.rat)) {
		t.Error("the hash is of something else")
	}
	w.exec(`UPDATE clients SET renewed_at = now() - interval '1 year' WHERE id = $1`, m.id) // neither expires nor is evicted
	if swept, err := w.store.Sweep(t.Context()); err != nil || swept != 0 {
		t.Errorf("swept %d, %v", swept, err)
	}
	got := m.send(http.MethodGet, m.rat, "")
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || got.text("client_id") != m.id || got.text("client_name") != "Managed" || got.text("scope") != "mcp:tools" ||
		got.text("registration_client_uri") != m.uri || strings.Contains(got.body, "client_secret\"") {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
	got = m.send(http.MethodPut, m.rat, m.update(`,"client_secret":"`+m.own+`","registration_access_token":"chosen","registration_client_uri":"https://x.example/","client_id_issued_at":5`))
	next := m
	next.rat = got.text("registration_access_token")
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || got.text("client_name") != "Renamed" || next.rat == m.rat || !strings.HasPrefix(next.rat, "mcpauth_rm_") ||
		got.text("registration_client_uri") != m.uri || got.json()["client_id_issued_at"] == float64(5) || strings.Contains(got.body, m.own) || got.text("scope") != "" {
		t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
	m.refusedWith("the former token", m.rat) // 43
	if got := next.send(http.MethodGet, next.rat, ""); got.text("client_name") != "Renamed" || got.text("token_endpoint_auth_method") != "client_secret_post" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := next.send(http.MethodDelete, next.rat, ""); got.StatusCode != http.StatusNoContent || got.body != "" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	next.refusedWith("after the deletion", next.rat)
	if actions := value[string](w, `SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log WHERE target = 'client:' || $1`, m.id); actions != "client.registered client.updated client.deleted" {
		t.Errorf("audit %s", actions)
	}
}

// Catalogue 38, 39: only a client's own living token manages it, and a block takes it away.
func TestRegistrationManagementRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, sibling, foreign := w.demo.manage(""), w.demo.manage(""), w.other.manage("")
	for name, token := range map[string]string{"none": "", "another client's": sibling.rat, "another project's": foreign.rat, "registration secret": w.demo.guard,
		"initial": w.demo.initialToken(), "random": secret.Token("mcpauth_rm_"), "the hash": secret.Encode(secret.Hash(m.rat)), "cut": m.rat[:len(m.rat)-1]} {
		m.refusedWith(name, token) // 38
	}
	anonymous := managed{tn: w.demo, id: w.demo.client()}
	anonymous.uri = w.demo.issuer + "/api/oauth/register/" + anonymous.id
	anonymous.refusedWith("a client without a token", m.rat)
	nobody := managed{tn: w.demo, id: "nobody", uri: w.demo.issuer + "/api/oauth/register/nobody"}
	nobody.refusedWith("an unknown client", m.rat)
	elsewhere := managed{tn: w.other, id: m.id, uri: w.other.issuer + "/api/oauth/register/" + m.id}
	elsewhere.refusedWith("at another project", m.rat)
	w.exec(`UPDATE clients SET blocked_at = now() WHERE id = $1`, m.id)
	m.refusedWith("blocked", m.rat) // 39
	w.exec(`UPDATE clients SET blocked_at = NULL WHERE id = $1`, m.id)
	if got := m.send(http.MethodGet, m.rat, ""); got.StatusCode != http.StatusOK {
		t.Errorf("not good where it belongs: %d %s", got.StatusCode, got.body)
	}
}

// Catalogue 40: an update gives a client no other id, secret or way of authentication, and no grant that is not offered.
func TestRegistrationUpdateRaisesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, other := w.demo.manage(`,"token_endpoint_auth_method":"client_secret_basic"`), w.demo.manage("")
	before := w.rows()
	for name, body := range map[string]string{
		"no client_id": strings.Replace(m.update(""), "client_id", "x", 1), "another client_id": other.update(""), "chosen secret": m.update(`,"client_secret":"chosen"`),
		"public": m.update(`,"token_endpoint_auth_method":"none"`), "other method": m.update(`,"token_endpoint_auth_method":"private_key_jwt"`),
		"script": strings.Replace(m.update(""), registered, "javascript:alert(1)", 1), "no redirect": strings.Replace(m.update(""), `"`+registered+`"`, "", 1), "no object": "[]",
	} {
		if got := m.send(http.MethodPut, m.rat, body); got.StatusCode != http.StatusBadRequest || got.text("registration_access_token") != "" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for name, body := range map[string]string{"secret of a public client": other.update(`,"client_secret":"chosen"`), "a method": other.update(`,"token_endpoint_auth_method":"client_secret_post"`)} {
		if got := other.send(http.MethodPut, other.rat, body); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	w.unchanged(before)
	got := m.send(http.MethodPut, m.rat, strings.Replace(m.update(`,"kind":"managed","scope":"notes:write admin"`), `"refresh_token"`, `"client_credentials"`, 1))
	if got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"grant_types":["authorization_code"]`) ||
		!value[bool](w, `SELECT kind = 'registered' AND auth_method = 'client_secret_basic' AND secret_hash = $2 FROM clients WHERE id = $1`, m.id, secret.Hash(m.own)) {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

// Catalogue 41: other redirect URIs end remembered consents and codes; what does not change them ends nothing.
func TestRedirectURIsSwapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	m, b := tn.manage(""), newBrowser(t, w.door)
	code, kept := tn.approve(b, m.id), tn.approve(b, m.id)
	consents := func() int { return value[int](w, `SELECT count(*) FROM consents WHERE client_id = $1`, m.id) }
	m.rat = m.send(http.MethodPut, m.rat, m.update("")).text("registration_access_token")
	held := tn.token(kept.codeForm()).tokens()
	if consents() != 1 {
		t.Fatal("the consent is gone although nothing changed")
	}
	waiting := tn.signedIn(b, tn.request(m.id))
	if got := m.send(http.MethodPut, m.rat, strings.Replace(m.update(""), registered, "https://attacker.example/cb", 1)); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	tn.token(code.codeForm()).isError(400, "invalid_grant")
	if consents() != 0 || !tn.active(held.access) {
		t.Errorf("%d consents; active %v", consents(), tn.active(held.access))
	}
	b.submit(waiting, "button[value=allow]", allow).isLocal(400)
	if page := b.get(tn.authorizeURL(tn.request(m.id, "redirect_uri", "https://attacker.example/cb"))); !page.has("button[value=allow]") {
		t.Errorf("no question: %d %s", page.StatusCode, page.location())
	}
}

// Catalogue 42: with the client go its tokens and codes.
func TestDeletedRegistrationHoldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	m, b := tn.manage(""), newBrowser(t, w.door)
	code := tn.approve(b, m.id)
	a, held := tn.connected(b, m.id)
	if !tn.active(held.access) {
		t.Fatal("inactive before")
	}
	if got := m.send(http.MethodDelete, m.rat, ""); got.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if tn.active(held.access) {
		t.Error("active after the deletion")
	}
	tn.token(code.codeForm()).isError(401, "invalid_client")
	tn.token(a.refreshForm(held.refresh)).isError(401, "invalid_client")
	if n := value[int](w, `SELECT count(*) FROM grants WHERE client_id = $1`, m.id); n != 0 {
		t.Errorf("%d grants", n)
	}
}

// A member's block ends what a client holds and keeps its token from bringing it back (catalogue 39); a client made by a member works
// without registration, and goes with what it holds.
func TestMembersBlockAndDeleteClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, b := w.demo, newBrowser(t, w.door)
	m := tn.manage("")
	code := tn.approve(b, m.id)
	_, held := tn.connected(b, m.id)
	if err := w.projects.BlockClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, m.id); err != nil || tn.active(held.access) {
		t.Errorf("active after the block, or %v", err)
	}
	m.refusedWith("blocked", m.rat)
	if err := w.projects.UnblockClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, m.id); err != nil || tn.active(held.access) {
		t.Errorf("active again, or %v", err)
	}
	tn.token(code.codeForm()).isError(400, "invalid_grant")
	tn.connected(b, m.id)
	id, _, err := w.projects.CreateClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, tenants.NewClient{Name: "Made by hand", RedirectURIs: []string{registered}})
	if err != nil {
		t.Fatal(err)
	}
	if _, held = tn.connected(b, id); !tn.active(held.access) || held.refresh == "" {
		t.Error("a client made by hand does not work")
	}
	if err := w.projects.DeleteClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, id); err != nil || tn.active(held.access) {
		t.Errorf("active after the deletion, or %v", err)
	}
}
