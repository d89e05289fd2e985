package dashboard_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// The documentation is read by people, with their own values when they are signed in, and by programs as Markdown.
func TestDocs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.browser().get(t, "/docs").wantRedirect(t, "/docs/quickstart")
	page := s.browser().get(t, "/docs/any-language").want(t, http.StatusOK)
	if !strings.Contains(page.doc.Find("article").Text(), "https://acme.mcpauth.example/api/oauth/jwks") || page.doc.Find("article select").Length() != 0 {
		t.Error("a stranger reads no example")
	}
	b, _, organization := s.member(t, "ada@example.com")
	b.createProject(t, organization, "Harbour")
	own := b.get(t, "/docs/any-language").want(t, http.StatusOK)
	if !strings.Contains(own.doc.Find("article").Text(), "http://localhost:8080/t/harbour/api/oauth/jwks") {
		t.Error("a member does not read their own issuer")
	}
	if again := b.get(t, "/docs/any-language?project=none"); strings.Contains(again.text, "/t/harbour") {
		t.Error("the examples cannot be chosen")
	}
	eve, _, _ := s.member(t, "eve@example.com") // catalogue 216
	id, _ := own.doc.Find("article select option").First().Attr("value")
	if theirs := eve.get(t, "/docs/any-language?project="+id).want(t, http.StatusOK); strings.Contains(theirs.text, "harbour") {
		t.Error("the values of another organization's project")
	}
	raw := b.get(t, "/docs/any-language.md").want(t, http.StatusOK)
	if !strings.HasPrefix(raw.Header.Get("Content-Type"), "text/markdown") || !strings.HasPrefix(raw.text, "# Any other language") || !strings.Contains(raw.text, "/t/harbour") {
		t.Errorf("%s: %.80s", raw.Header.Get("Content-Type"), raw.text)
	}
	s.browser().get(t, "/docs/nothing").want(t, http.StatusNotFound)
	if all := s.browser().get(t, "/llms-full.txt").want(t, http.StatusOK); strings.Count(all.text, "\n# ") < 10 {
		t.Error("the whole documentation is not there")
	}
}

// Every page that llms.txt names is there.
func TestLLMs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	index := s.browser().get(t, "/llms.txt").want(t, http.StatusOK)
	named := 0
	for line := range strings.SplitSeq(index.text, "\n") {
		_, rest, found := strings.Cut(line, "]("+localURL)
		path, _, closed := strings.Cut(rest, ")")
		if found && closed {
			named++
			s.browser().get(t, path).want(t, http.StatusOK)
		}
	}
	if named < 10 {
		t.Errorf("%d pages are named:\n%s", named, index.text)
	}
}

// RFC 9116: one contact at least, and an end in the future, less than a year away.
func TestSecurityText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fields := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(s.browser().get(t, "/.well-known/security.txt").want(t, http.StatusOK).text), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		fields[name] = value
	}
	expires, err := time.Parse(time.RFC3339, fields["Expires"])
	if left := time.Until(expires); err != nil || left < 24*time.Hour || left > 365*24*time.Hour {
		t.Errorf("expires %q", fields["Expires"])
	}
	if fields["Contact"] != "mailto:security@localhost" || fields["Canonical"] != localURL+"/.well-known/security.txt" {
		t.Errorf("%v", fields)
	}
	s.browser().get(t, strings.TrimPrefix(fields["Policy"], localURL)).want(t, http.StatusOK)
}

// The pricing page says what the table of plans says, and every public page is reached from the front page.
func TestPricing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	front := s.browser().get(t, "/").want(t, http.StatusOK)
	if front.doc.Find(`header a[href="/pricing"]`).Length() != 1 {
		t.Error("the front page does not lead to the pricing")
	}
	page := s.browser().get(t, "/pricing").want(t, http.StatusOK)
	for _, plan := range tenants.PlanTable() {
		text := page.doc.Find(`[data-plan="` + plan.Name + `"]`).Text()
		if text == "" || plan.Monthly > 0 && !strings.Contains(text, "$"+strconv.Itoa(plan.Monthly)) {
			t.Errorf("%s: %q", plan.Name, text)
		}
	}
}

// The endpoint reference has every address of an issuer that a client, a guard or a customer's backend sends requests to.
func TestEndpointReferenceIsComplete(t *testing.T) {
	t.Parallel()
	text := newSite(t).browser().get(t, "/docs/endpoints.md").want(t, http.StatusOK).text
	for _, path := range []string{
		oauth.PathMetadata, oauth.PathAuthorize, oauth.PathToken, oauth.PathRegister, oauth.PathIntrospect, oauth.PathRevoke, oauth.PathJWKS, oauth.PathServer, oauth.PathRevocations, oauth.PathCalls, "/api/oauth/login", "/api/oauth/login/left",
	} {
		if !strings.Contains(text, path) {
			t.Errorf("%s is missing", path)
		}
	}
}
