package main

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// What is published appears on the pages of every node without a restart, and a version that is shown again is exactly the earlier one.
func (n *nodes) testBrand(t *testing.T) {
	publish := func(accent string) {
		t.Helper()
		err := n.projects.SetBrandDraft(t.Context(), tenants.SystemActor, n.organization, n.issuer.ID, tenants.Brand{Accent: accent, Radius: -1}, nil)
		if err == nil {
			_, err = n.projects.PublishBrand(t.Context(), tenants.SystemActor, n.organization, n.issuer.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	publish("#5b1a55")
	first := n.looks(t, "") // without a brand there is no such link
	publish("#1a5b20")
	second := n.looks(t, first[0])
	if first[0] == second[0] || first[0] == "" {
		t.Fatalf("two versions look alike: %s", first[0])
	}
	if err := n.projects.ShowBrand(t.Context(), tenants.SystemActor, n.organization, n.issuer.ID, 1); err != nil {
		t.Fatal(err)
	}
	again := n.looks(t, second[0])
	for i := range again {
		if again[i] != first[i] {
			t.Errorf("node %d shows\n%s\nexpected\n%s", i, again[i], first[i])
		}
	}
}

var brandLink = regexp.MustCompile(`href="([^"]+/oauth/brand/[^"]+\.css)"`)

// looks asks every node for the sign-in page of an authorization until its style sheet is another than before, and returns what each
// serves. The product promises a few seconds.
func (n *nodes) looks(t *testing.T, before string) (looks []string) {
	t.Helper()
	query := url.Values{"client_id": {n.clientID}, "redirect_uri": {"https://app.example/cb"}, "response_type": {"code"}, "code_challenge": {secret.Encode(make([]byte, 32))}, "code_challenge_method": {"S256"}}
	for _, address := range n.addresses {
		look := ""
		for deadline := time.Now().Add(15 * time.Second); ; {
			page := n.get(t, address, oauth.PathAuthorize+"?"+query.Encode())
			if link := brandLink.FindStringSubmatch(page); link != nil {
				u, err := url.Parse(link[1])
				if err != nil {
					t.Fatal(err)
				}
				if look = n.get(t, address, u.Path); !strings.HasPrefix(look, ":root") { // it changed between page and style sheet
					look = before
				}
			}
			if look != before {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s still shows what was there before", address)
			}
		}
		looks = append(looks, look)
	}
	return looks
}

func (n *nodes) get(t *testing.T, address, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = tenants.Address(n.issuer.URL)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
