package endpoints_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

// flood inserts anonymous registrations that nobody used, a second apart, the newest a minute ago.
func (tn *tenant) flood(n int) {
	tn.w.t.Helper()
	tn.w.exec(`INSERT INTO clients (project_id, id, kind, fingerprint, name, redirect_uris, grant_types, auth_method, application_type, metadata, renewed_at)
		SELECT $1::text::uuid, 'flood-' || i, 'registered', int4send(i), 'Flood', '{http://localhost/cb}', '{authorization_code}', 'none', 'native', '{}',
			now() - interval '1 minute' - i * interval '1 second'
		FROM generate_series(1, $2::int) AS i`, tn.project.ID.String(), n)
}

// Catalogue 33, 35, P8: at the cap of 10,000 registrations that nobody used the oldest go first; a real client still gets through, and
// one with a connection never goes.
func TestFloodOfRegistrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	kept := tn.client()
	_, held := tn.connected(newBrowser(t, w.door), kept)
	tn.flood(9_900)
	w.other.flood(3)
	w.exec(`UPDATE clients SET renewed_at = now() - interval '30 days' WHERE id = $1`, kept)
	for _, method := range []string{"none", "none", "client_secret_post", "client_secret_basic"} { // those with a secret count as well
		if method == "none" {
			tn.register(`{"client_name":"Real ` + id.New().String() + `","redirect_uris":["` + registered + `"]}`)
			continue
		}
		tn.confidential(method)
	}
	unused := func() int {
		return value[int](w, `SELECT count(*) FROM clients WHERE project_id = $1::text::uuid AND first_used_at IS NULL`, tn.project.ID.String())
	}
	for i := range 200 {
		if n := unused(); n > 10_000 || n < 9_900 {
			t.Fatalf("%d unused registrations after %d", n, i)
		}
		tn.register(`{"client_name":"Real ` + id.New().String() + `","redirect_uris":["` + registered + `"]}`)
	}
	if oldest := value[string](w, `SELECT id FROM clients WHERE id LIKE 'flood-%' AND project_id = $1::text::uuid ORDER BY renewed_at LIMIT 1`, tn.project.ID.String()); oldest > "flood-9800" {
		t.Errorf("the oldest is %s", oldest)
	}
	if n := value[int](w, `SELECT count(*) FROM clients WHERE id LIKE 'flood-%' AND project_id <> $1::text::uuid`, tn.project.ID.String()); n != 3 {
		t.Errorf("another project lost registrations: %d", n)
	}
	if !tn.active(held.access) || tn.client() != kept {
		t.Error("a client with a connection went")
	}
	tn.connected(newBrowser(t, w.door), tn.register(`{"client_name":"Late","redirect_uris":["`+registered+`"]}`))
}

// Catalogue 35: a registration that nobody approved is unknown 24 hours after its latest renewal, and swept; others stay.
func TestUnusedRegistrationsExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	body := `{"client_name":"Idle","redirect_uris":["` + registered + `"]}`
	idle, used := tn.register(body), tn.client()
	tn.connected(newBrowser(t, w.door), used)
	elsewhere := w.other.register(body)
	w.exec(`UPDATE clients SET renewed_at = now() - interval '23 hours 59 minutes'`)
	if !newBrowser(t, w.door).get(tn.authorizeURL(tn.request(idle))).has("#password") {
		t.Error("expired too soon")
	}
	w.exec(`UPDATE clients SET renewed_at = now() - interval '24 hours 1 second'`)
	tn.revoke(idle, "x").isError(http.StatusUnauthorized, "invalid_client")
	if got := tn.revoke(used, "x"); got.StatusCode != http.StatusOK {
		t.Errorf("a used client expired: %d", got.StatusCode)
	}
	if id := tn.register(body); id != idle { // the same client again, alive
		t.Errorf("another client: %s", id)
	}
	tn.revoke(idle, "x")
	if swept, err := w.store.Sweep(t.Context()); err != nil || swept != 1 {
		t.Errorf("swept %d, %v", swept, err)
	}
	rows, err := w.super.Query(t.Context(), `SELECT id FROM clients`)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(ids) != 2 {
		t.Errorf("%q, %v", ids, err)
	}
	for _, id := range ids {
		if id == elsewhere {
			t.Error("not swept in another project")
		}
	}
	if _, err := w.store.FindClient(context.WithoutCancel(t.Context()), tn.project.ID, elsewhere); !errors.Is(err, oauth.ErrNotFound) {
		t.Error(err)
	}
}
