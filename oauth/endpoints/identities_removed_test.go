package endpoints_test

import (
	"slices"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// A provider with any number of people is removed, or moved to another issuer, without a word to the rows of its people: one statement
// over all of them would take longer than a statement may. People are who they were when the issuer comes back. Rows of which nothing
// says any more where they are from go with the sweep, of this project's provider alone.
func TestProviderLeavesWithoutItsPeople(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world, *tenant, tenants.Provider) error{
		"removed": func(w *world, tn *tenant, p tenants.Provider) error {
			return w.projects.RemoveProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, p.ID)
		},
		"moved": func(w *world, tn *tenant, p tenants.Provider) error {
			p.Issuer = "https://other.example"
			_, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, p)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tn, p, elsewhere := w.demo, newPeer(t), newPeer(t)
			id, stays := tn.offer(p, "oidc"), tn.offer(elsewhere, "microsoft")
			for subject, at := range map[string]*peer{"ada": p, "eve": elsewhere} {
				provider := id
				if at == elsewhere {
					provider = stays
				}
				w.exec(`WITH person AS (INSERT INTO users (project_id, id) VALUES ($1::text::uuid, gen_random_uuid()) RETURNING id)
					INSERT INTO user_identities (project_id, provider_id, subject, account_id) SELECT $1::text::uuid, $2::text::uuid, $3, id FROM person`,
					tn.project.ID.String(), provider.String(), subject+" of an unknown issuer")
			}
			claims := map[string]any{"sub": "ada", "email": "ada@acme.example"}
			if got := tn.comesFrom(p, id.String(), claims); !signsIn(got) {
				t.Fatalf("got %d, want the consent page\n%s", got.StatusCode, got.body)
			}
			who := func() string {
				return value[string](w, `SELECT account_id::text FROM user_sessions ORDER BY created_at DESC LIMIT 1`)
			}
			ada := who()
			rows := func() string {
				return value[string](w, `SELECT string_agg(subject || ctid::text || xmin::text, ' ' ORDER BY subject) FROM user_identities`)
			}
			before := rows()
			if err := leave(w, tn, tenants.Provider{ID: id, Kind: "oidc", Name: "Peer", Issuer: p.url, ClientID: "client", ClientSecret: "secret", Enabled: true}); err != nil {
				t.Fatal(err)
			}
			if got := rows(); got != before {
				t.Errorf("rows were written: got %s, want %s", got, before)
			}
			if n := value[int](w, `SELECT count(*) FROM upstream_providers WHERE id = $1::text::uuid`, id.String()); n != 0 {
				t.Errorf("the provider is there still")
			}
			if swept, err := w.store.Sweep(t.Context()); err != nil || swept != 1 {
				t.Errorf("swept %d, %v; want 1", swept, err)
			}
			left := strings.Split(value[string](w, `SELECT string_agg(subject, ',' ORDER BY subject) FROM user_identities`), ",")
			if want := []string{"ada", "eve of an unknown issuer"}; !slices.Equal(left, want) {
				t.Errorf("after the sweep: got %q, want %q", left, want)
			}
			w.forget()
			again := tn.offer(p, "oidc")
			if got := tn.comesFrom(p, again.String(), claims); !signsIn(got) || who() != ada {
				t.Errorf("the same issuer again: got %d, account %s; want the consent page and %s", got.StatusCode, who(), ada)
			}
			if got := value[string](w, `SELECT provider_id::text FROM user_identities WHERE subject = 'ada'`); got != again.String() {
				t.Errorf("known as of provider %s, want %s", got, again)
			}
		})
	}
}
