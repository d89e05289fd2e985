package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/dashboard"
)

// Catalogue 224, 225: what stands in a query is a value, wherever it is put: no filter, order or position makes another statement of it.
func TestHostileQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "owner")
	before := w.everything(t)
	for _, r := range dashboard.Routes() {
		if r.Method != http.MethodGet || r.Access == "anyone" {
			continue
		}
		for _, evil := range []string{`' OR 1=1 --`, `"; DROP TABLE users; --`, `id DESC NULLS LAST, (SELECT pg_sleep(9))`, "%27", "\x00", "\\", `$1`, `@project`, `?`, strings.Repeat("9", 400), "-1", "NaN"} {
			query := url.Values{}
			for _, name := range []string{"q", "kind", "state", "show", "client", "server", "user", "outcome", "step", "from", "to", "sort", "order", "action", "project", "days", "limit", "profile", "next", "after"} {
				query.Set(name, evil)
			}
			path := w.path(t, r.Path)
			path, _, _ = strings.Cut(path, "?")
			if got := b.get(t, path+"?"+query.Encode()); got.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s with %q: %d", r.Path, evil, got.StatusCode)
			}
			query.Del("after") // which alone is refused
			if got := b.get(t, path+"?"+query.Encode()); got.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s with %q: %d", r.Path, evil, got.StatusCode)
			}
		}
	}
	if w.everything(t) != before {
		t.Error("something was changed")
	}
}

// Catalogue 230: no spelling of a path leads past the check of who asks.
func TestSpellingsOfPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.of(t, "/users")
	for _, who := range []string{"", "foreign"} {
		b := w.as(t, who)
		for _, spelled := range []string{
			"/" + path, strings.Replace(path, "/dashboard", "/dashboard/.", 1), strings.Replace(path, "/dashboard", "/static/../dashboard", 1), strings.Replace(path, "/dashboard", "/dashboard;", 1),
			strings.Replace(path, "/projects", "%2Fprojects", 1), strings.Replace(path, "/users", "%2Fusers", 1), strings.Replace(path, "dashboard", "Dashboard", 1), strings.Replace(path, "dashboard", "%64ashboard", 1),
			path + "/", path + "/.", path + "%00", path + "/..;/users", "/docs/../" + strings.TrimPrefix(path, "/"), "/static/..%2f" + strings.TrimPrefix(path, "/"),
		} {
			got := b.get(t, spelled)
			if got.StatusCode == http.StatusOK {
				t.Errorf("%s as %q: %d %.200s", spelled, who, got.StatusCode, got.text)
			}
		}
	}
}

// What nobody would type is refused as what it is, never as a fault of ours.
func TestStrangeInputIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b, _, org := s.member(t, "ada@example.com")
	invite := "/dashboard/" + org.String() + "/team/invitations"
	for name, c := range map[string]struct {
		path   string
		fields []string
		want   int
	}{
		"a passkey that is no id":     {"/dashboard/account/passkeys", []string{"remove", "!!!"}, http.StatusNotFound},
		"two addresses":               {invite, []string{"email", "a,b@example.com", "role", "viewer"}, http.StatusUnprocessableEntity},
		"an address of other letters": {invite, []string{"email", "é@example.com", "role", "viewer"}, http.StatusUnprocessableEntity},
		"control characters":          {invite, []string{"email", "a\u0001b@example.com", "role", "viewer"}, http.StatusUnprocessableEntity},
	} {
		if got := b.post(t, c.path, c.fields...); got.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", name, got.StatusCode, c.want)
		}
	}
	if n := s.rows(t, `SELECT FROM organization_invitations`); n != 0 {
		t.Errorf("got %d invitations, want none", n)
	}
}
