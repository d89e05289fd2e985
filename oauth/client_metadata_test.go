package oauth

import (
	"strings"
	"testing"
)

const documentURL = "https://client.example/app.json"

// Catalogue 44, 52, 56, 65, 69, A34: what is not the address of a document is not asked for.
func TestClientURL(t *testing.T) {
	t.Parallel()
	issuer := &Issuer{URL: "https://demo.mcpauth.example", URLs: []string{"https://demo.mcpauth.example"}}
	for _, good := range []string{
		documentURL, "https://claude.ai/oauth/claude-code-client-metadata", "https://client.example/a?b=c", "https://client.example:443/a",
		"https://xn--bcher-kva.example/a", "https://a.b.c.example/..a/b..c",
	} {
		if reason := checkClientURL(issuer, good, false); reason != "" {
			t.Errorf("%s: %s", good, reason)
		}
	}
	for _, bad := range []string{
		"http://client.example/a", "https://client.example", "https://client.example/", "https://client.example/a#b", "https://client.example/a#",
		"https://user@client.example/a", "https://user:pass@client.example/a", "https://client.example/./a", "https://client.example/a/../b",
		"https://client.example/%2e%2e/b", "https://client.example/%2E/b", "https://client.example/a/..", "https://127.0.0.1/a", "https://[::1]/a",
		"https://2130706433/a", "https://0x7f.1/a", "https://0177.0.0.1/a", "https://127.1/a", "https://localhost/a", "https://intranet/a",
		"https://client.example:8443/a", "https://client.example:/a", "https://demo.mcpauth.example/a", "https://DEMO.mcpauth.example/a",
		"https:///a", "https://CLIENT.example/a", "https://client.example/a b", `https://client.example\@evil.example/a`, "https://clіent.example/a", "https://client..example/a", "https://%63lient.example/a",
	} {
		if reason := checkClientURL(issuer, bad, false); reason == "" {
			t.Errorf("%s was taken", bad)
		}
	}
	for _, local := range []string{"http://localhost:3000/client.json", "http://127.0.0.1:3000/client.json"} {
		if reason := checkClientURL(issuer, local, true); reason != "" || checkClientURL(issuer, local, false) == "" {
			t.Errorf("%s: %q", local, reason)
		}
	}
	if reason := checkClientURL(issuer, "https://client.example:8443/a", true); reason == "" {
		t.Error("the exception for local work is wider than this computer")
	}
}

// Catalogue 45, 48, 58, 59, 60, A36, A37: what a document must and must not say.
func TestClientDocument(t *testing.T) {
	t.Parallel()
	good := `{"client_id":"` + documentURL + `","client_name":"App","redirect_uris":["https://client.example/cb","http://localhost/callback"],"grant_types":["authorization_code","refresh_token"]`
	client, refused := parseClientDocument(&Issuer{}, documentURL, []byte(good+`,"token_endpoint_auth_method":"none","unknown":{"a":1}}`))
	if refused != nil || client.ID != documentURL || client.Name != "App" || !client.Document || len(client.RedirectURIs) != 2 || len(client.GrantTypes) != 2 {
		t.Fatalf("%+v %v", client, refused)
	}
	for name, body := range map[string]string{
		"another id":          strings.Replace(good, "app.json", "App.json", 1) + "}",
		"slash":               strings.Replace(good, "app.json", "app.json/", 1) + "}",
		"port":                strings.Replace(good, "client.example/app", "client.example:443/app", 1) + "}",
		"encoding":            strings.Replace(good, "app.json", "%61pp.json", 1) + "}",
		"no id":               `{"client_name":"App","redirect_uris":["https://client.example/cb"]}`,
		"id in other letters": strings.Replace(good, "client_id", "Client_ID", 1) + "}",
		"two ids":             good + `,"client_id":"` + documentURL + `"}`,
		"no name":             `{"client_id":"` + documentURL + `","redirect_uris":["https://client.example/cb"]}`,
		"no redirects":        `{"client_id":"` + documentURL + `","client_name":"App"}`,
		"empty redirects":     `{"client_id":"` + documentURL + `","client_name":"App","redirect_uris":[]}`,
		"script":              strings.Replace(good, "https://client.example/cb", "javascript:alert(1)", 1) + "}",
		"a secret":            good + `,"client_secret":"s"}`,
		"expiry of a secret":  good + `,"client_secret_expires_at":0}`,
		"secret_basic":        good + `,"token_endpoint_auth_method":"client_secret_basic"}`,
		"secret_post":         good + `,"token_endpoint_auth_method":"client_secret_post"}`,
		"secret_jwt":          good + `,"token_endpoint_auth_method":"client_secret_jwt"}`,
		"private key":         good + `,"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}}`,
		"symmetric key":       good + `,"jwks":{"keys":[{"kty":"oct","k":"c"}]}}`,
		"keys twice":          good + `,"jwks":{"keys":[]},"jwks_uri":"https://client.example/keys"}`,
		"keys of no form":     good + `,"jwks":[]}`,
		"array":               "[" + good + "}]",
		"byte order mark":     "\ufeff" + good + "}",
		"cut":                 good,
		"empty":               "",
		"HTML":                "<!doctype html>",
	} {
		if _, refused := parseClientDocument(&Issuer{}, documentURL, []byte(body)); refused == nil {
			t.Errorf("%s was taken", name)
		}
	}
	overloaded := `{"client_id":"` + documentURL + `","client_name":"\u202eApp\u0000","redirect_uris":["https://client.example/cb"]}`
	if _, refused := parseClientDocument(&Issuer{}, documentURL, []byte(overloaded)); refused == nil {
		t.Error("NUL was taken")
	}
}

// A rule about a client goes before one about its host, and both need the exact value.
func TestClientRules(t *testing.T) {
	t.Parallel()
	issuer := &Issuer{DocumentPolicy: DocumentsOpen, ClientRules: []ClientRule{
		{Value: "client.example"}, {Client: true, Value: documentURL, Allow: true}, {Client: true, Value: "registered"},
	}}
	for id, c := range map[string]struct{ decided, allow bool }{
		documentURL: {true, true}, "https://client.example/other": {true, false}, "https://CLIENT.example/other": {true, false},
		"https://sub.client.example/a": {false, false}, "https://client.example.evil/a": {false, false},
	} {
		if rule, decided := issuer.ruleFor(Client{ID: id, Document: true}); decided != c.decided || rule.Allow != c.allow {
			t.Errorf("%s: %+v %t", id, rule, decided)
		}
	}
	if rule, decided := issuer.ruleFor(Client{ID: "registered"}); !decided || rule.Allow {
		t.Errorf("%+v", rule)
	}
}
