package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// claim adds a domain and returns the records that its page asks for.
func (w *world) claim(t *testing.T, b *browser, domain string) (value, target string) {
	t.Helper()
	b.post(t, w.of(t, "/domains"), "domain", domain).want(t, http.StatusSeeOther)
	return w.records(t, b, domain)
}

func (w *world) records(t *testing.T, b *browser, domain string) (value, target string) {
	t.Helper()
	codes := b.get(t, w.of(t, "/domains")).want(t, http.StatusOK).doc.Find(`[data-domain="` + domain + `"] dd code`)
	if codes.Length() != 4 || codes.Eq(0).Text() != "_mcpauth."+domain || codes.Eq(2).Text() != domain {
		t.Fatalf("%d records are shown: %q", codes.Length(), codes.Text())
	}
	return codes.Eq(1).Text(), codes.Eq(3).Text()
}

func (w *world) check(t *testing.T, b *browser, domain string) (text string) {
	t.Helper()
	b.post(t, w.of(t, "/domains/of/"+domain+"/check")).want(t, http.StatusSeeOther)
	return b.get(t, w.of(t, "/domains")).want(t, http.StatusOK).doc.Find(`[data-domain="` + domain + `"]`).Text()
}

// answers counts the projects that answer at a domain.
func (w *world) answers(t *testing.T, domain string, project id.ID) int {
	t.Helper()
	return w.rows(t, `SELECT FROM project_issuers WHERE url = 'https://' || $1::text AND project_id = $2`, domain, project.String())
}

// Catalogue 264: no name is claimed that nobody may have, each for its reason.
func TestDomainNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	for name, says := range map[string]string{
		"": "Enter a host name", "https://auth.example.com": "without https://", "auth.example.com/x": "without https://", "auth.example.com:8443": "without https://",
		"*.example.com": "not a wildcard", "аuth.example.com": "xn--", "example.com": "can have no CNAME", "co.uk": "can have no CNAME", "acme.localhost": "can have no CNAME",
		"127.0.0.1": "no host name", "auth..example.com": "no host name", "evil.localhost": "can have no CNAME", "a.evil.localhost": "belongs to the service", "auth.example.com": "has this domain already",
	} {
		page := b.post(t, w.of(t, "/domains"), "domain", name).want(t, http.StatusUnprocessableEntity)
		if got := page.doc.Find("#domain-error").Text(); !strings.Contains(got, says) {
			t.Errorf("%q: %q, expected %q", name, got, says)
		}
	}
	b.post(t, w.of(t, "/domains"), "domain", "AUTH2.Example.com.").want(t, http.StatusSeeOther) // one spelling
	w.records(t, b, "auth2.example.com")
	b.post(t, w.of(t, "/domains"), "domain", "auth2.example.com").want(t, http.StatusUnprocessableEntity)
}

// Catalogue 264, 265: a domain belongs to who proves it first, with a token of their own; who gives it up needs a new token to get it
// back, everybody else has to wait, and nobody answers there meanwhile.
func TestDomainsAreProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.inSecond(t)
	b := w.as(t, "developer")
	const domain = "login.example.com"
	value, target := w.claim(t, b, domain)
	other, otherTarget := second.claim(t, b, domain)
	if value == other || target == otherTarget || !strings.HasPrefix(value, "mcpauth-domain-verification=") {
		t.Fatalf("%q to %q, %q to %q", value, target, other, otherTarget)
	}
	if text := w.check(t, b, domain); !strings.Contains(text, "no TXT record") || w.answers(t, domain, w.project) != 0 {
		t.Errorf("without records: %s", text)
	}
	w.dns.Set("TXT", "_mcpauth."+domain, value, other)
	w.dns.Set("CNAME", domain, target)
	if text := second.check(t, b, domain); !strings.Contains(text, "CNAME") || w.answers(t, domain, second.project) != 0 {
		t.Errorf("with the CNAME to another project: %s", text)
	}
	if text := w.check(t, b, domain); !strings.Contains(text, "Verified") || w.answers(t, domain, w.project) != 1 {
		t.Errorf("proved: %s", text)
	}
	w.dns.Set("CNAME", domain, otherTarget) // the owner moves it; the first project answers until it gives it up
	if text := second.check(t, b, domain); !strings.Contains(text, "Another project answers") || w.answers(t, domain, second.project) != 0 {
		t.Errorf("taken: %s", text)
	}

	// What was connected through it ends with it.
	w.exec(t, `UPDATE grants SET issuer = 'https://`+domain+`' WHERE project_id = $1`, w.project.String())
	b.post(t, w.of(t, "/domains/of/"+domain+"/remove"), "confirm", "other").want(t, http.StatusUnprocessableEntity)
	b.post(t, w.of(t, "/domains/of/"+domain+"/remove"), "confirm", domain).want(t, http.StatusSeeOther)
	if living := w.rows(t, `SELECT FROM grants WHERE project_id = $1 AND revoked_at IS NULL`, w.project.String()); living != 0 || w.answers(t, domain, w.project) != 0 {
		t.Errorf("removed: %d living grants", living)
	}
	if text := second.check(t, b, domain); !strings.Contains(text, "gave it up") || w.answers(t, domain, second.project) != 0 {
		t.Errorf("within the cool-down: %s", text)
	}
	w.dns.Set("CNAME", domain, target)
	if again, _ := w.claim(t, b, domain); again == value {
		t.Error("the old token proves again")
	} else if text := w.check(t, b, domain); !strings.Contains(text, "expected") || w.answers(t, domain, w.project) != 0 {
		t.Errorf("with the old record: %s", text)
	}
	w.dns.Set("CNAME", domain, otherTarget)
	w.exec(t, `UPDATE released_domains SET released_at = released_at - interval '7 days 1 minute'`)
	if text := second.check(t, b, domain); !strings.Contains(text, "Verified") || w.answers(t, domain, second.project) != 1 {
		t.Errorf("after the cool-down: %s", text)
	}
	// A project that is deleted gives its domains up too.
	w.as(t, "owner").post(t, second.of(t, "/settings/danger/delete"), "confirm", "Second").want(t, http.StatusSeeOther)
	if n := w.rows(t, `SELECT FROM released_domains WHERE domain = $1 AND released_at > now() - interval '1 minute'`, domain); n != 1 {
		t.Error("the domain of a deleted project is free at once")
	}
}

// Catalogue 265: a domain whose records are gone is given up after the grace, by the worker; a fault of the DNS proves nothing either way.
func TestDomainsAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	const domain = "login.example.com"
	value, target := w.claim(t, b, domain)
	w.dns.Set("TXT", "_mcpauth."+domain, value)
	w.dns.Set("CNAME", domain, target)
	pass := func() {
		t.Helper()
		w.exec(t, `UPDATE project_domains SET check_at = now()`)
		if err := w.projects.CheckDueDomains(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if pass(); w.answers(t, domain, w.project) != 1 {
		t.Fatal("the worker does not notice the records")
	}
	w.dns.Fail(true)
	if pass(); w.rows(t, `SELECT FROM project_domains WHERE failing_since IS NOT NULL`) != 0 {
		t.Error("a name server that fails is taken for missing records")
	}
	w.dns.Fail(false)
	w.dns.Set("CNAME", domain)
	if pass(); w.answers(t, domain, w.project) != 1 || !strings.Contains(b.get(t, w.of(t, "/domains")).text, "Records missing") {
		t.Error("missing records are not told, or the domain is gone at once")
	}
	w.exec(t, `UPDATE project_domains SET failing_since = failing_since - interval '1 hour'`)
	w.dns.Set("CNAME", domain, target)
	if pass(); w.rows(t, `SELECT FROM project_domains WHERE failing_since IS NOT NULL`) != 0 {
		t.Error("records that came back are not noticed")
	}
	w.dns.Set("TXT", "_mcpauth."+domain)
	pass()
	w.exec(t, `UPDATE project_domains SET failing_since = failing_since - $1::interval WHERE failing_since IS NOT NULL`, (tenants.DomainGrace + time.Minute).String())
	if pass(); w.answers(t, domain, w.project) != 0 {
		t.Error("the project still answers at a domain without records")
	}
	if n := w.rows(t, `SELECT FROM audit_log WHERE action = 'domain.removed' AND detail->>'reason' <> ''`); n != 1 {
		t.Errorf("%d rows of the log tell it", n)
	}
}

// The main address is what guards and new secrets carry; it goes back when its domain goes.
func TestPrimaryAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	const domain = "login.example.com"
	value, target := w.claim(t, b, domain)
	w.dns.Set("TXT", "_mcpauth."+domain, value)
	w.dns.Set("CNAME", domain, target)
	b.post(t, w.of(t, "/domains/primary"), "url", "https://"+domain).want(t, http.StatusNotFound) // not proved
	w.check(t, b, domain)
	b.post(t, w.of(t, "/domains/primary"), "url", "https://"+domain).want(t, http.StatusSeeOther)
	primary := func() string {
		t.Helper()
		return must(w.projects.Open(t.Context(), tenants.SystemActor, w.organization, w.project)).Issuer
	}
	if got := primary(); got != "https://"+domain {
		t.Errorf("primary %s", got)
	}
	b.post(t, w.of(t, "/domains/primary"), "url", "https://elsewhere.example").want(t, http.StatusNotFound)
	b.post(t, w.of(t, "/domains/of/"+domain+"/remove"), "confirm", domain).want(t, http.StatusSeeOther)
	if got := primary(); !strings.HasPrefix(got, "http://") {
		t.Errorf("primary %s after its domain is gone", got)
	}
}
