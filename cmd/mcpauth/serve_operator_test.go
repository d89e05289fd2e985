package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/names"
	"mcpauth.example/oauth"
	"mcpauth.example/sdk"
	"mcpauth.example/tenants"
)

// What the operator suspends is refused by every node within seconds, its living tokens are inactive, and resuming gives everything back
// (catalogue 274).
func (n *nodes) testOperator(t *testing.T) {
	first := n.post(t, n.addresses[0], n.codeForm(t))
	if first.status != http.StatusOK {
		t.Fatalf("redeeming: %d %s", first.status, first.Description)
	}
	operator := tenants.Operator{Store: n.store}
	for what, steps := range map[string][2]func() error{
		"organization": {
			func() error { return operator.Suspend(t.Context(), n.organization, "phishing") },
			func() error { return operator.Resume(t.Context(), n.organization) },
		},
		"project": {
			func() error { return operator.SuspendByOperator(t.Context(), n.issuer.ID, "phishing") },
			func() error { return operator.Release(t.Context(), n.issuer.ID) },
		},
	} {
		for i, suspended := range []bool{true, false} {
			if err := steps[i](); err != nil {
				t.Fatal(err)
			}
			for _, address := range n.addresses {
				n.until(t, address, what, suspended, first.AccessToken)
			}
			if suspended {
				for _, address := range n.addresses {
					if got := n.post(t, address, n.refreshForm(first.RefreshToken)); got.status == http.StatusOK {
						t.Errorf("%s suspended: %s gives tokens", what, address)
					}
				}
			}
		}
	}
	if got := n.post(t, n.addresses[1], n.refreshForm(first.RefreshToken)); got.status != http.StatusOK {
		t.Errorf("resumed: %d %s", got.status, got.Description)
	}
	if got := n.count(t, `SELECT count(*) FROM organization_audit_log WHERE actor = 'system' AND (detail->>'reason' = 'phishing' OR action IN ('organization.resumed', 'project.released'))`); got != 4 {
		t.Errorf("%d rows of the log tell it, expected 4", got)
	}
	// The owner of a held project does not end the hold by resuming the project.
	if err := operator.SuspendByOperator(t.Context(), n.issuer.ID, "phishing"); err != nil {
		t.Fatal(err)
	}
	if err := n.projects.Resume(t.Context(), tenants.SystemActor, n.organization, n.issuer.ID); err != nil {
		t.Fatal(err)
	}
	n.until(t, n.addresses[0], "held", true, first.AccessToken)
	if err := operator.Release(t.Context(), n.issuer.ID); err != nil {
		t.Fatal(err)
	}
	for _, address := range n.addresses {
		n.until(t, address, "released", false, first.AccessToken)
	}
}

// A proxy that makes certificates on demand is told yes for hosts that a project or the site answers at, and for nothing else
// (catalogue 266).
func (n *nodes) testCertificates(t *testing.T) {
	for domain, want := range map[string]int{
		tenants.Address(n.issuer.URL): http.StatusNoContent, "mcpauth.example": http.StatusNoContent, strings.ToUpper(tenants.Address(n.issuer.URL)): http.StatusNoContent,
		"nobody.mcpauth.example": http.StatusNotFound, "evil.example": http.StatusNotFound, "": http.StatusNotFound, tenants.Address(n.issuer.URL) + "/x": http.StatusNotFound,
	} {
		if got, _ := n.send(t, n.addresses[0], http.MethodGet, "/tls-ask?domain="+url.QueryEscape(domain), ""); got != want {
			t.Errorf("%q: %d, expected %d", domain, got, want)
		}
	}
}

// Nothing of the inside is served, on no host and for no program (catalogue 233).
// testPackages proves that our own packages are given out on the root host and nowhere else, whatever a project calls itself.
func (n *nodes) testPackages(t *testing.T) {
	for _, path := range []string{"/go/" + names.GoSDK + "/@v/list", "/go/" + names.GoSDK + "/@latest", "/sdk/mcpauth-" + sdk.Version() + ".tgz"} {
		for host, want := range map[string]int{"mcpauth.example": http.StatusOK, tenants.Address(n.issuer.URL): http.StatusNotFound, "127.0.0.1": http.StatusNotFound} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.addresses[0]+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s on %s: got %d, want %d", path, host, response.StatusCode, want)
			}
		}
	}
}

func (n *nodes) testInsides(t *testing.T) {
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/version", "/status", "/server-status", "/actuator", "/.env", "/.git/config", "/swagger", "/api", "/api/nothing", "/healthz/x", "/readyz/../metrics"} {
		for _, host := range []string{tenants.Address(n.issuer.URL), "mcpauth.example", "127.0.0.1", "localhost"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.addresses[0]+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			request.Header.Set("User-Agent", "kube-probe/1.30")
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode < 300 || response.StatusCode >= 500 {
				t.Errorf("%s on %s: %d", path, host, response.StatusCode)
			}
			if kind := response.Header.Get("Content-Type"); path == "/api/nothing" && host == "mcpauth.example" && kind != "application/problem+json" {
				t.Errorf("programs are answered with %q", kind)
			}
		}
	}
}

// until asks a node for metadata and about a token until it refuses both, or neither.
func (n *nodes) until(t *testing.T, address, what string, suspended bool, token string) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; {
		status, _ := n.send(t, address, http.MethodGet, oauth.PathMetadata, "")
		introspected, body := n.send(t, address, http.MethodPost, oauth.PathIntrospect, url.Values{"token": {token}}.Encode())
		active := strings.Contains(body, `"active":true`)
		if introspected != http.StatusOK {
			t.Fatalf("introspection: %d %s", introspected, body)
		}
		if (status == http.StatusNotFound) == suspended && active != suspended {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s still answers %d, active %v", what, address, status, active)
		}
	}
}

func (n *nodes) send(t *testing.T, address, method, path, form string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = tenants.Address(n.issuer.URL)
	request.Header.Set("Authorization", "Bearer "+n.guard)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var body bytes.Buffer
	if _, err := io.Copy(&body, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body.String()
}
