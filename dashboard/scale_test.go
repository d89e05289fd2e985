package dashboard_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
)

// No page of a project reads more of a large table than it shows and counts, whatever its filters: every list has an index in its order.
// The database itself says how many rows it read.
func TestPagesUseIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	crowd := postgres.Crowd{Users: 3000, Clients: 100, Grants: 6000, Activity: 42000}
	for _, project := range []string{w.params[":project"], w.params["second project"]} {
		w.crowd(t, project, crowd)
	}
	for _, table := range []string{"users", "user_sessions", "clients", "grants", "activity"} {
		w.exec(t, "ANALYZE "+table)
	}
	// How many rows a request may read on average: bounded counts and pages, never a table.
	most := map[string]int{"user_sessions": 100, "grants": 2000, "activity": 500, "users": 300}
	big := slices.Sorted(maps.Keys(most))
	w.store.Close()
	before := w.read(t, big)
	served := openSite(t, w.db, w.keys, localURL, nil) // connections of its own, which report what they did when they end
	b := served.browser()
	b.setSession(t, w.tokens["owner"])
	requests := 0
	visit := func(path string) answer {
		t.Helper()
		requests++
		got := b.get(t, path).want(t, http.StatusOK)
		if len(got.text) > 150_000 {
			t.Errorf("%s weighs %d bytes", path, len(got.text))
		}
		return got
	}
	visited := 0
	for _, r := range dashboard.Routes() {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.Path, below) || strings.Contains(r.Path, "/test/callback") {
			continue
		}
		visit(w.path(t, r.Path))
		visited++
	}
	for _, list := range []string{"/activity?show=all", "/activity?client=client7", "/clients?q=client+9", "/clients?state=used", "/connections?client=client7", "/users?q=person77", "/users"} {
		path := w.of(t, list)
		for page := 0; page < 3 && path != ""; page++ {
			got := visit(path)
			path, _ = got.doc.Find(`a[rel="next"]`).Attr("href")
		}
	}
	if visited < 25 {
		t.Errorf("%d pages were visited", visited)
	}
	served.store.Close()
	after := w.read(t, big)
	for _, table := range big {
		if read := (after[table] - before[table]) / requests; read > most[table] {
			t.Errorf("%s: a request reads %d rows on average, expected at most %d", table, read, most[table])
		}
	}
}

// Lists come in pages, each behind the other, without a row twice or left out.
func TestListsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).inSecond(t)
	w.crowd(t, w.project.String(), postgres.Crowd{Users: 130, Clients: 120, Grants: 140, Activity: 700})
	b := w.as(t, "viewer")
	for list, want := range map[string]int{"/users": 130, "/clients": 120, "/connections": 140} {
		seen, pages := map[string]bool{}, 0
		for path := w.of(t, list); path != ""; pages++ {
			page := b.get(t, path).want(t, http.StatusOK)
			page.doc.Find("main tbody tr").Each(func(_ int, row *goquery.Selection) {
				id := row.AttrOr("data-grant", "") + row.Find("a").First().AttrOr("href", "")
				if seen[id] {
					t.Errorf("%s: %s stands there twice", list, id)
				}
				seen[id] = true
			})
			path, _ = page.doc.Find(`a[rel="next"]`).Attr("href")
		}
		if len(seen) != want || pages < 3 {
			t.Errorf("%s: %d rows on %d pages, expected %d", list, len(seen), pages, want)
		}
	}
}

// crowd fills a project.
func (w *world) crowd(t *testing.T, project string, c postgres.Crowd) {
	t.Helper()
	if err := w.store.SeedCrowd(t.Context(), must(id.Parse(project)), c); err != nil {
		t.Fatal(err)
	}
}

// read waits until no connection of the application is left, and returns how many rows of each table and of its indexes were read since
// the server counts.
func (s *site) read(t *testing.T, tables []string) map[string]int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for s.rows(t, `SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND usename <> current_user`) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("connections stay")
		}
	}
	found := map[string]int{}
	for _, table := range tables {
		var n int
		if err := s.super.QueryRow(t.Context(), `SELECT coalesce(seq_tup_read, 0) + (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes i WHERE i.relname = $1)
			FROM pg_stat_user_tables WHERE relname = $1`, table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		found[table] = n
	}
	return found
}

// The page of keys says which clients still hold tokens of a retired key, and that nobody does when they have renewed.
func TestKeysSayWhoUsesTheOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t).inSecond(t)
	w.crowd(t, w.project.String(), postgres.Crowd{Users: 4, Clients: 2, Grants: 6, Activity: 70})
	w.exec(t, `UPDATE grants SET rotated_at = now() - interval '5 minutes' WHERE project_id = $1 AND client_id = 'client1'`, w.project.String())
	b := w.as(t, "developer")
	w.exec(t, `UPDATE signing_keys SET created_at = now() - interval '1 day' WHERE project_id = $1`, w.project.String()) // seen by everybody
	b.post(t, w.of(t, "/keys/rotate"), "algorithm", "ES256").want(t, http.StatusSeeOther)
	w.exec(t, `UPDATE signing_keys SET activated_at = now() - interval '1 day' WHERE project_id = $1 AND state = 'previous'`, w.project.String())
	w.exec(t, `UPDATE signing_keys SET retired_at = now() - interval '1 minute' WHERE project_id = $1 AND state = 'previous'`, w.project.String())
	if page := b.get(t, w.of(t, "/keys")).want(t, http.StatusOK); !strings.Contains(page.text, "3 of Client 1") || strings.Contains(page.text, "of Client 2") {
		t.Errorf("who uses the old key: %s", page.doc.Find("#keys, section").Text())
	}
	w.exec(t, `UPDATE grants SET rotated_at = now() WHERE project_id = $1`, w.project.String())
	if page := b.get(t, w.of(t, "/keys")).want(t, http.StatusOK); !strings.Contains(page.text, "No connection holds a token of it") {
		t.Error("everybody has renewed, and the page does not say so")
	}
}
