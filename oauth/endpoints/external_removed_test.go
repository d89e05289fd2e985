package endpoints_test

import (
	"net/http"
	"net/url"
	"runtime"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// Without the own login nobody says any more who is a member: what apps were given for an organization ends with it, in its project and
// nowhere else. What was given for none goes on.
func TestRemovedOwnLoginEndsOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, there := w.demo.ownSite(), w.other.ownSite()
	north, none, theirs := site.connects("ada", "north"), site.connects("eve"), there.connects("ada", "north")
	pending, consent := site.comes(w.demo.client(), "ada", "north")
	id, err := id.Parse(site.id)
	if err == nil {
		err = w.projects.RemoveProvider(t.Context(), tenants.SystemActor, w.org, w.demo.project.ID, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.forget()
	if !north.ended() || none.ended() || theirs.ended() {
		t.Errorf("ended: for north %t, for none %t, in another project %t; want only the first", north.ended(), none.ended(), theirs.ended())
	}
	got := pending.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {"north"}})
	if n := value[int](w, `SELECT count(*) FROM grants WHERE project_id = $1::text::uuid AND organization IS NOT NULL AND revoked_at IS NULL`, w.demo.project.ID.String()); n != 0 {
		t.Errorf("a page from before: got %d and %d connections for an organization, want none", got.StatusCode, n)
	}
}

// An approval that waits for the removal of the own login gives nothing for an organization.
func TestOwnLoginRemovedWhileAllowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	b, consent := site.comes(w.demo.client(), "ada", "north")
	target, fields := consent.form("button[value=allow]")
	fields.Set("decision", "allow")
	fields.Set("organization", "north")
	tx, err := w.super.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT FROM projects FOR NO KEY UPDATE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	decided := make(chan *answer, 1)
	go func() { decided <- b.post(target, fields) }()
	for len(decided) == 0 && value[int](w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		runtime.Gosched()
	}
	_, err = tx.Exec(t.Context(), `DELETE FROM upstream_providers`)
	if err == nil {
		err = tx.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := <-decided; got.StatusCode != http.StatusBadRequest || value[int](w, `SELECT count(*) FROM grants`) != 0 {
		t.Errorf("got %d, want 400 and no connection\n%s", got.StatusCode, got.body)
	}
}
