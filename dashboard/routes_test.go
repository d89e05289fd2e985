package dashboard_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// area is a part of the dashboard: what its paths name, and a form for each of its routes.
type area struct {
	// seed makes what the paths of the area name, and puts the ids into w.params.
	seed func(t *testing.T, w *world)
	// forms has a row for every route, as "POST /path": what a member with the right role would send. Routes to look at have a nil form.
	forms map[string]func(w *world) url.Values
}

// areas list every route of the door. Each stands beside the tests of its pages, in routes_<area>_test.go.
var areas = []area{siteArea, projectArea, peopleArea, brandArea, organizationArea, billingArea}

// form returns a form with these pairs of name and value.
func form(pairs ...string) func(*world) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return func(*world) url.Values { return values }
}

// world is an organization with a member of each role and a project that has one of everything that a path can name, and a stranger with
// an organization and a project of their own.
type world struct {
	*site
	organization, project, foreign id.ID
	// owner is the member who made everything.
	owner  id.ID
	params map[string]string // what stands for a name in a path, such as ":server"
	query  map[string]string // the query that a route cannot do without
	tokens map[string]string // session tokens by role; "foreign" is the stranger's
}

var roles = []tenants.Role{tenants.RoleViewer, tenants.RoleDeveloper, tenants.RoleAdmin, tenants.RoleOwner}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{site: newSite(t), params: map[string]string{}, tokens: map[string]string{}}
	owner, member, organization := w.member(t, "owner@example.com")
	w.organization, w.owner = organization, member
	w.params[":organization"] = organization.String()
	w.tokens[string(tenants.RoleOwner)] = owner.sessionCookie(t)
	for _, role := range roles[:3] {
		w.tokens[string(role)] = w.colleague(t, string(role)+"@example.com", organization, role).sessionCookie(t)
	}
	project, _, _, err := w.projects.Create(t.Context(), tenants.SystemActor, organization, "Acme", "https://tools.example.com/mcp")
	if err != nil {
		t.Fatal(err)
	}
	w.project = project.ID
	w.params[":project"] = project.ID.String()
	stranger, _, foreign := w.member(t, "stranger@example.com")
	w.foreign, w.tokens["foreign"] = foreign, stranger.sessionCookie(t)
	if _, _, _, err := w.projects.Create(t.Context(), tenants.SystemActor, foreign, "Other", "https://other.example.com/mcp"); err != nil {
		t.Fatal(err)
	}
	for _, a := range areas {
		if a.seed != nil {
			a.seed(t, w)
		}
	}
	return w
}

// path fills in what a route names.
func (w *world) path(t *testing.T, route string) string {
	t.Helper()
	parts := strings.Split(route, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			value, ok := w.params[part]
			if !ok {
				t.Fatalf("%s: no area makes a %s", route, part)
			}
			parts[i] = url.PathEscape(value)
		}
	}
	if query := w.query[route]; query != "" {
		return strings.Join(parts, "/") + "?" + query
	}
	return strings.Join(parts, "/")
}

// as is a browser in which somebody is signed in; "" is nobody.
func (w *world) as(t *testing.T, who string) *browser {
	t.Helper()
	b := w.browser()
	if who != "" {
		b.setSession(t, w.tokens[who])
	}
	return b
}

// on is the same world on another database.
func (w *world) on(s *site) *world {
	other := *w
	other.site = s
	return &other
}

// formOf finds the form of a route; the test fails for a route that no area lists.
func formOf(t *testing.T, w *world, r dashboard.Route) url.Values {
	t.Helper()
	for _, a := range areas {
		if fill, ok := a.forms[r.Method+" "+r.Path]; ok {
			if fill == nil {
				return nil
			}
			return fill(w)
		}
	}
	t.Errorf("%s %s stands in no area of routes_test.go", r.Method, r.Path)
	return nil
}

func (r request) String() string {
	return fmt.Sprintf("%s %s as %q", r.route.Method, r.route.Path, r.who)
}

type request struct {
	route dashboard.Route
	who   string
}

// Catalogue 216, 220, 221: every route x role x own or foreign organization, and the forms of other sites. What is foreign is not there,
// what the role does not allow is refused, what comes from another site is refused, and nothing of all this changes a row.
func TestRoutesRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known := map[string]bool{}
	for _, a := range areas {
		for route := range a.forms {
			known[route] = true
		}
	}
	before := w.everything(t)
	for _, r := range dashboard.Routes() {
		delete(known, r.Method+" "+r.Path)
		sent := formOf(t, w, r)
		path := w.path(t, r.Path)
		if r.Method != http.MethodGet {
			refuseForeignSites(t, w, r, path, sent)
		}
		if r.Access == "anyone" {
			continue
		}
		if got := w.as(t, "").do(t, r.Method, path, sent); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/dashboard/sign-in") {
			t.Errorf("%s: %d, expected the way to sign-in", request{r, ""}, got.StatusCode)
		}
		if r.Access != "members" {
			refuseStranger(t, w, r, path, sent)
			refuseRoles(t, w, r, path, sent)
		}
		if after := w.everything(t); after != before {
			t.Errorf("%s %s: a refused request changed rows:\n%s", r.Method, r.Path, difference(before, after))
			before = after
		}
	}
	for route := range known {
		t.Errorf("%s is listed and does not exist", route)
	}
}

func refuseForeignSites(t *testing.T, w *world, r dashboard.Route, path string, sent url.Values) {
	t.Helper()
	for _, from := range []string{"cross-site", "same-site"} {
		b := w.as(t, string(tenants.RoleOwner))
		b.fetchSite = from
		if got := b.do(t, r.Method, path, sent); got.StatusCode != http.StatusForbidden || len(got.Cookies()) != 0 {
			t.Errorf("%s from %s: %d, expected 403", request{r, "owner"}, from, got.StatusCode)
		}
	}
	b := w.as(t, string(tenants.RoleOwner))
	b.fetchSite, b.origin = "", "https://evil.example" // a browser of before Sec-Fetch-Site
	if got := b.do(t, r.Method, path, sent); got.StatusCode != http.StatusForbidden {
		t.Errorf("%s with a foreign Origin: %d, expected 403", request{r, "owner"}, got.StatusCode)
	}
}

func refuseStranger(t *testing.T, w *world, r dashboard.Route, path string, sent url.Values) {
	t.Helper()
	stranger := w.as(t, "foreign")
	theirs := stranger.do(t, r.Method, path, sent)
	unknown := stranger.do(t, r.Method, strings.ReplaceAll(path, w.organization.String(), id.New().String()), sent)
	for _, got := range []answer{theirs, unknown} {
		if got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, expected 404", request{r, "foreign"}, got.StatusCode)
		}
		got.doc.Find("#request-id").Remove()
	}
	if theirs.doc.Text() != unknown.doc.Text() {
		t.Errorf("%s: the answer tells that it exists", request{r, "foreign"})
	}
	if !strings.Contains(r.Path, "/:organization/") || strings.Count(r.Path, ":") < 2 {
		return
	}
	own := strings.ReplaceAll(path, w.organization.String(), w.foreign.String()) // what is somebody else's, below one's own organization
	if got := stranger.do(t, r.Method, own, sent); got.StatusCode != http.StatusNotFound {
		t.Errorf("%s below their own organization: %d, expected 404", request{r, "foreign"}, got.StatusCode)
	}
}

func refuseRoles(t *testing.T, w *world, r dashboard.Route, path string, sent url.Values) {
	t.Helper()
	least := slices.Index(roles, tenants.Role(r.Access))
	for _, role := range roles[:least] {
		if got := w.as(t, string(role)).do(t, r.Method, path, sent); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, expected 403", request{r, string(role)}, got.StatusCode)
		}
	}
}

// Catalogue 216, 221, 228: every role that may, may: on a world of its own, so that no act spoils the next. To look changes nothing,
// and a dangerous act needs a sign-in that is not long ago.
func TestRoutesAllow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.close()
	for _, r := range dashboard.Routes() {
		for _, role := range roles {
			if r.Access == "anyone" || r.Access == "members" && role != tenants.RoleViewer || slices.Index(roles, role) < slices.Index(roles, tenants.Role(r.Access)) {
				continue
			}
			t.Run(strings.ReplaceAll(r.Method+r.Path, "/", "_")+"_"+string(role), func(t *testing.T) {
				t.Parallel()
				w := w.on(w.copy(t))
				sent, path := formOf(t, w, r), w.path(t, r.Path)
				before := w.everything(t)
				if r.Recent {
					w.longAgo(t)
					before = w.everything(t)
				}
				b := w.as(t, string(role))
				got := b.do(t, r.Method, path, sent)
				if r.Recent {
					if after := w.everything(t); after != before {
						t.Errorf("%s long after the sign-in changed rows:\n%s", request{r, string(role)}, difference(before, after))
					}
					got = w.goesOn(t, b, role, got)
				}
				if bad := []int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed}; slices.Contains(bad, got.StatusCode) || got.StatusCode >= 500 {
					t.Errorf("%s: %d\n%s", request{r, string(role)}, got.StatusCode, got.doc.Find("main").Text())
				}
				if r.Method == http.MethodPost && role == tenants.RoleOwner {
					ledToAPage(t, w, r, got)
				}
				if r.Method == http.MethodGet {
					if after := w.everything(t); after != before {
						t.Errorf("%s changed rows:\n%s", request{r, string(role)}, difference(before, after))
					}
				}
			})
		}
	}
}

// goesOn gives the proof that a page asks for and returns what came of the act. The role has another session then.
func (w *world) goesOn(t *testing.T, b *browser, role tenants.Role, page answer) answer {
	t.Helper()
	got := b.confirm(t, page)
	w.tokens = maps.Clone(w.tokens)
	for _, cookie := range got.Cookies() {
		if cookie.Name == "mcpauth_member" {
			w.tokens[string(role)] = cookie.Value
		}
	}
	return got
}

// difference is the lines that one text has and the other has not.
func difference(before, after string) string {
	var out []string
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}
