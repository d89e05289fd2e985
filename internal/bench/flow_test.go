package main

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"mcpauth.example/internal/secret"
)

func TestHiddenField(t *testing.T) {
	t.Parallel()
	page := []byte(`<form><input type="hidden" name="request" value="a&amp;b"><input type="hidden" name="approval" value="c"><input name="open" value="d`)
	for name, want := range map[string]string{"request": "a&b", "approval": "c", "open": "", "none": ""} {
		if got := hiddenField(page, name); got != want {
			t.Errorf("%s: %q, expected %q", name, got, want)
		}
	}
}

func TestCodeOfTheLeavingPage(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		`<a id="continue" href="https://client.example/callback?code=c%2B1&amp;state=s">`: "c+1",
		`<a id="continue" href="https://client.example/callback?error=access_denied">`:    "",
		`<a id="continue" href="https://client.example/%zz">`:                             "",
		`<p>Something went wrong</p>`:                                                     "",
	} {
		if got := codeOf([]byte(page)); got != want {
			t.Errorf("%s: %q, expected %q", page, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	parts, err := split([]byte(`<a>v&amp;w</a><b>v&amp;w</b>`), "v&w")
	if err != nil || !slices.Equal(parts, []string{"<a>", "</a><b>", "</b>"}) {
		t.Errorf("%q, %v", parts, err)
	}
	if parts, err := split([]byte("<a></a>"), "v"); err == nil {
		t.Errorf("%q without an error: the floor would answer with less", parts)
	}
}

func TestConstantHeaders(t *testing.T) {
	t.Parallel()
	got := constant(reply{header: http.Header{"Date": {"x"}, "Set-Cookie": {"x"}, "Content-Length": {"1"}, "X-Frame-Options": {"DENY"}}})
	if len(got) != 1 || got.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%v", got)
	}
}

func TestAuthorizePath(t *testing.T) {
	t.Parallel()
	u, err := url.Parse((&target{prefix: "/t/bench", clientID: "c d"}).authorizePath())
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	if u.Path != "/t/bench/oauth/authorize" || query.Get("client_id") != "c d" || query.Get("code_challenge") != secret.Encode(secret.Hash(verifier)) ||
		query.Get("scope") != flowScopes || query.Get("resource") != resourceURL || len(verifier) < 43 {
		t.Errorf("%s", u)
	}
}
