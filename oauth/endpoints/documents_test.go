package endpoints_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

const documentID = "https://client.example/oauth/app.json"

// library publishes metadata documents; internal/egress is tested on its own.
type library struct {
	mu      sync.Mutex
	books   map[string]string
	fetched []string
}

func (l *library) Fetch(_ context.Context, _, target string, limit int64, valid func([]byte) error) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetched = append(l.fetched, target)
	body, ok := l.books[target]
	if !ok || int64(len(body)) > limit {
		return nil, errors.New("connection refused by 10.0.0.7:443")
	}
	return []byte(body), valid([]byte(body))
}

func (l *library) publish(id, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books[id] = body
}

func (l *library) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.fetched)
}

func appDocument(id string, redirects ...string) string {
	return `{"client_id":"` + id + `","client_name":"Document App","redirect_uris":["` + strings.Join(redirects, `","`) + `"],"grant_types":["authorization_code","refresh_token"]}`
}

// withLibrary gives the world's door documents.
func (w *world) withLibrary() *library {
	w.t.Helper()
	l := &library{books: map[string]string{}}
	_, w.door = w.newDoorWith(func(c *endpoints.Config, store *postgres.Store) {
		c.OAuth = w.server(store, l)
	})
	return l
}

// Catalogue 61, 62, 68, 70, A6, A33, A41, A43, P3, P19, P25: a client whose id is the URL of its document needs no registration, works on every leg, and
// is stored with the consent and not before.
func TestDocumentClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, tn, b := w.withLibrary(), w.demo, newBrowser(t, w.door)
	metadata := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathMetadata, nil, "").json()
	if metadata["client_id_metadata_document_supported"] != true {
		t.Errorf("%v", metadata)
	}
	l.publish(documentID, appDocument(documentID, "http://127.0.0.1/callback"))
	before := w.rows()
	page := b.get(tn.authorizeURL(tn.request(documentID)))
	w.unchanged(before)
	consent := tn.signIn(b, page)
	if n := value[int](w, `SELECT count(*) FROM clients`); n != 0 {
		t.Errorf("%d clients before consent", n)
	}
	if !strings.Contains(consent.body, "client.example") || !strings.Contains(consent.body, "says this app is its own") || !consent.has(".warning") {
		t.Errorf("%s", consent.body)
	}
	left := b.submit(consent, "button[value=allow]", allow)
	a := approval{tn: tn, clientID: documentID, code: left.callback().Get("code")}
	l.publish(documentID, appDocument(documentID, "https://elsewhere.example/cb")) // the redirect of the grant is what was consented to
	tn.token(a.codeForm("redirect_uri", "https://elsewhere.example/cb")).isError(http.StatusBadRequest, "invalid_grant")
	fetched := l.count()
	held := tn.token(a.codeForm()).tokens()
	held = tn.token(a.refreshForm(held.refresh)).tokens()
	if !tn.active(held.access) || l.count() != fetched {
		t.Errorf("%d fetches on the token leg", l.count()-fetched)
	}
	if got := b.get(tn.authorizeURL(tn.request(documentID))); got.StatusCode != http.StatusBadRequest || got.location() != "" { // and not what it was (73)
		t.Errorf("%d", got.StatusCode)
	}
	if got := tn.revoke(documentID, held.refresh); got.StatusCode != http.StatusOK || tn.active(held.access) {
		t.Errorf("%d", got.StatusCode)
	}
	w.exec(`UPDATE clients SET kind = 'managed', redirect_uris = '{https://managed.example/cb}'`)
	fetched = l.count()
	if got := b.get(tn.authorizeURL(tn.request(documentID, "redirect_uri", "https://managed.example/cb"))); got.StatusCode != http.StatusOK || l.count() != fetched { // 70
		t.Errorf("%d", got.StatusCode)
	}
}

// Catalogue 44, 57, 62, A35: what cannot be had is a page of ours that tells nothing of what answered, and no row.
func TestDocumentFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, tn := w.withLibrary(), w.demo
	l.publish("https://client.example/wrong.json", appDocument(documentID, "http://127.0.0.1/callback"))
	before := w.rows()
	var failures []string
	for _, id := range []string{"https://client.example/missing.json", "https://inside.example/x", "https://client.example/wrong.json"} {
		got := newBrowser(t, w.door).get(tn.authorizeURL(tn.request(id)))
		got.isLocal(http.StatusBadRequest)
		if strings.Contains(got.body, "10.0.0.7") {
			t.Errorf("%s: the page tells what answered:\n%s", id, got.body)
		}
		failures = append(failures, normal(got.body))
	}
	if failures[0] != failures[1] {
		t.Error("the page tells one failure from another")
	}
	fetched := l.count()
	for _, id := range []string{
		"http://client.example/a", "https://client.example/", "https://client.example/../a", "https://127.0.0.1/a", "https://2130706433/a",
		"https://user@client.example/a", "https://client.example/" + strings.Repeat("a", 2048),
	} {
		newBrowser(t, w.door).get(tn.authorizeURL(tn.request(id))).isLocal(http.StatusBadRequest)
	}
	if l.count() != fetched {
		t.Errorf("%d fetches for ids that are no addresses of documents", l.count()-fetched)
	}
	for i := range 300 {
		newBrowser(t, w.door).get(tn.authorizeURL(tn.request(fmt.Sprintf("https://client.example/c/%d", i))))
	}
	for _, form := range []url.Values{{"grant_type": {"refresh_token"}, "client_id": {"https://client.example/c/1"}, "refresh_token": {"mcpauth_rt_x"}}} {
		tn.token(form).isError(http.StatusUnauthorized, "invalid_client")
	}
	w.unchanged(before)
}

// A project may take no documents, only those it allowed, or all but those it blocked; blocking ends what was allowed before.
func TestDocumentPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, tn := w.withLibrary(), w.demo
	l.publish(documentID, appDocument(documentID, "http://127.0.0.1/callback"))
	set := func(statement string, args ...any) {
		w.exec(statement, append([]any{tn.project.ID.String()}, args...)...)
		w.forget()
	}
	shown := func() *answer { return newBrowser(t, w.door).get(tn.authorizeURL(tn.request(documentID))) }
	a, held := tn.connected(newBrowser(t, w.door), documentID)
	set(`UPDATE projects SET document_policy = 'approval' WHERE id = $1::text::uuid`)
	shown().isLocal(http.StatusForbidden)
	set(`INSERT INTO client_rules (project_id, subject, value, decision) VALUES ($1::text::uuid, 'host', 'client.example', 'allow')`)
	if got := shown(); got.StatusCode != http.StatusOK {
		t.Errorf("an allowed host: %d", got.StatusCode)
	}
	set(`INSERT INTO client_rules (project_id, subject, value, decision) VALUES ($1::text::uuid, 'client', $2, 'block')`, documentID)
	fetched := l.count()
	shown().isLocal(http.StatusForbidden)
	tn.token(a.refreshForm(held.refresh)).isError(http.StatusBadRequest, "unauthorized_client")
	if l.count() != fetched {
		t.Error("a blocked document was fetched")
	}
	set(`DELETE FROM client_rules WHERE project_id = $1::text::uuid`)
	set(`UPDATE projects SET document_policy = 'off' WHERE id = $1::text::uuid`)
	shown().isLocal(http.StatusBadRequest)
	if _, has := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathMetadata, nil, "").json()["client_id_metadata_document_supported"]; has {
		t.Error("documents are off and advertised")
	}
	if got := newBrowser(t, w.door).get(w.other.authorizeURL(w.other.request(documentID))); got.StatusCode != http.StatusOK { // another project decides for itself
		t.Errorf("%d", got.StatusCode)
	}
}

// Catalogue 67, A42: other keys in the document than at the consent before are stored with the next consent and audited, once.
func TestDocumentKeysChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, tn := w.withLibrary(), w.demo
	document := func(more string) string {
		return strings.TrimSuffix(appDocument(documentID, "http://127.0.0.1/callback"), "}") + more + "}"
	}
	changes := func() int {
		return value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'client.keys_changed'`)
	}
	for i, c := range []struct {
		more, jwks, uri string
		changes         int
	}{
		{`,"jwks":{"keys":[]}`, `{"keys": []}`, "", 0}, // the first keys are no change
		{`,"jwks":{"keys": []}`, `{"keys": []}`, "", 0},
		{`,"jwks":{"keys":[{"kty":"AKP"}]}`, `{"keys": [{"kty": "AKP"}]}`, "", 1},
		{`,"jwks_uri":"https://client.example/keys"`, "", "https://client.example/keys", 2},
		{`,"jwks_uri":"https://client.example/keys"`, "", "https://client.example/keys", 2},
		{`,"jwks_uri":"https://evil.example/keys"`, "", "https://evil.example/keys", 3},
		{``, "", "", 4},
	} {
		l.publish(documentID, document(c.more))
		tn.connected(newBrowser(t, w.door), documentID)
		jwks := value[string](w, `SELECT coalesce(jwks::text, '') FROM clients`)
		uri := value[string](w, `SELECT jwks_uri FROM clients`)
		if jwks != c.jwks || uri != c.uri || changes() != c.changes {
			t.Errorf("%d: %q %q, %d changes", i, jwks, uri, changes())
		}
	}
}

// A block ends at once what its clients hold, a client that is allowed by its id aside, and an approval sees it before this process
// was told.
func TestBlockedDocumentLosesItsGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, tn := w.withLibrary(), w.demo
	held := map[string]string{}
	for _, id := range []string{documentID, "https://client.example/kept.json", "https://client.example.evil/app.json", "https://client.example:443/b.json"} {
		l.publish(id, appDocument(id, "http://127.0.0.1/callback"))
		_, tokens := tn.connected(newBrowser(t, w.door), id)
		held[id] = tokens.access
	}
	b := newBrowser(t, w.door)
	consent := tn.signIn(b, b.get(tn.authorizeURL(tn.request(documentID))))
	for _, rule := range []tenants.ClientRule{{Value: "https://client.example/kept.json", Allow: true}, {Host: true, Value: "client.example"}} {
		if err := w.projects.SetClientRule(t.Context(), tenants.SystemActor, w.org, tn.project.ID, rule); err != nil {
			t.Fatal(err)
		}
	}
	for id, access := range held {
		if want := strings.Contains(id, "kept") || strings.Contains(id, "evil"); tn.active(access) != want {
			t.Errorf("%s: active is %t", id, !want)
		}
	}
	grants := value[int](w, `SELECT count(*) FROM grants`)
	b.submit(consent, "button[value=allow]", allow)
	if n := value[int](w, `SELECT count(*) FROM grants`); n != grants {
		t.Errorf("%d approvals of a blocked client", n-grants)
	}
}
