package oauth

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
)

func TestPKCE(t *testing.T) {
	t.Parallel()
	// RFC 7636 appendix B
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	if got, ok := challengeOf(verifier); !ok || got != challenge {
		t.Errorf("%q, %v", got, ok)
	}
	for name, bad := range map[string]string{ // catalogue 160
		"empty": "", "42": verifier[:42], "129": strings.Repeat("a", 129), "plus": verifier[:42] + "+", "slash": verifier[:42] + "/", "equals": verifier + "=",
		"space": verifier[:42] + " ", "NUL": verifier[:42] + "\x00", "umlaut": verifier[:42] + "ü",
	} {
		if got, ok := challengeOf(bad); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, good := range []string{strings.Repeat("a", 43), strings.Repeat("~", 128), strings.Repeat("-._~aZ09", 6)} {
		if got, ok := challengeOf(good); !ok || !validChallenge(got) {
			t.Errorf("%q: %q, %v", good, got, ok)
		}
	}
	for name, bad := range map[string]string{ // catalogue 79
		"short": challenge[:42], "long": challenge + "A", "padded": challenge[:42] + "=", "standard alphabet": "+" + challenge[1:], "not canonical": challenge[:42] + "N",
		"newline": challenge[:42] + "\n", "empty": "",
	} {
		if validChallenge(bad) {
			t.Errorf("challenge: %s is accepted", name)
		}
	}
}

// P5, P6, catalogue 85.
func TestResolveResource(t *testing.T) {
	t.Parallel()
	issuer := issuerOf(t)
	issuer.Resources = append(issuer.Resources, Resource{ID: id.New(), Name: "Second", URL: "https://notes.example.com:8443/b/mcp"},
		Resource{ID: id.New(), Name: "Query", URL: "https://query.example.com/mcp?tenant=1"}, Resource{ID: id.New(), Name: "Root", URL: "https://root.example.com"})
	tools, query, root := issuer.Resources[0].URL, issuer.Resources[3].URL, issuer.Resources[4].URL
	for name, c := range map[string]struct{ asked, want string }{
		"exact": {tools, tools}, "trailing slash": {tools + "/", tools}, "upper-case host": {"https://TOOLS.example.com/mcp", tools}, "upper-case scheme": {"HTTPS://tools.example.com/mcp", tools},
		"default port": {"https://tools.example.com:443/mcp", tools}, "origin of the only server there": {"https://tools.example.com", tools},
		"that origin with a slash": {"https://tools.example.com/", tools}, "query": {query, query}, "root with slash": {root + "/", root}, "none": {"", tools},
	} {
		if got, refused := issuer.resolveResource([]string{c.asked}); refused != nil || got.URL != c.want {
			t.Errorf("%s: %q, %v", name, got.URL, refused)
		}
	}
	if got, refused := issuer.resolveResource(nil); refused != nil || got.URL != tools { // P6
		t.Errorf("no resource: %q, %v", got.URL, refused)
	}
	for name, asked := range map[string][]string{
		"other path": {tools + "x"}, "below": {tools + "/below"}, "two slashes": {tools + "//"}, "case of the path": {"https://tools.example.com/MCP"}, "http": {"http://tools.example.com/mcp"},
		"other port": {"https://tools.example.com:8443/mcp"}, "origin of two servers": {"https://notes.example.com:8443"}, "other query": {"https://query.example.com/mcp?tenant=2"},
		"added query": {tools + "?x=1"}, "fragment": {tools + "#x"}, "empty fragment": {tools + "#"}, "relative": {"/mcp"}, "userinfo": {"https://a@tools.example.com/mcp"}, "no host": {"https:///mcp"},
		"urn": {"urn:example:mcp"}, "list": {tools, tools}, "suffix": {"https://tools.example.com.evil.test/mcp"}, "host without scheme": {"tools.example.com/mcp"}, "NUL": {tools + "\x00"},
		"escaped": {"https://tools.example.com/%6dcp"}, "long": {"https://tools.example.com/" + strings.Repeat("a", 3000)}, "dots": {"https://tools.example.com/x/../mcp"},
		"space": {" " + tools}, "part of the origin": {"https://tools.example"},
	} {
		got, refused := issuer.resolveResource(asked)
		if refused == nil || refused.Code != InvalidTarget || len(asked) == 1 && !strings.Contains(refused.Description, tools) {
			t.Errorf("%s: %q, %v", name, got.URL, refused)
		}
	}
	if _, refused := (&Issuer{}).resolveResource(nil); refused == nil || refused.Code != InvalidTarget {
		t.Errorf("no server at all: %v", refused)
	}
}

// P13, P12, catalogue 84.
func TestScopes(t *testing.T) {
	t.Parallel()
	issuer := issuerOf(t)
	for asked, want := range map[string]string{
		"": "mcp:tools", "mcp:tools": "mcp:tools", "notes:write mcp:tools": "mcp:tools notes:write", "notes:write": "notes:write", "offline_access": "mcp:tools offline_access",
		"offline_access notes:write": "notes:write offline_access", "mcp:read mcp:tools": "mcp:tools", "mcp:tools mcp:tools": "mcp:tools", "  mcp:tools  ": "mcp:tools",
		"unknown": "", "MCP:TOOLS": "", "unknown offline_access": "", "mcp:tools\tnotes:write": "", "mcp:tools\x00": "", "openid profile": "",
	} {
		got, refused := issuer.grantable(parseScope(asked))
		if strings.Join(got, " ") != want || (want == "") != (refused != nil) || refused != nil && refused.Code != InvalidScope {
			t.Errorf("%q: %q, %v", asked, got, refused)
		}
	}
	for asked, want := range map[string]string{"": "", "offline_access": "", "notes:write": "notes:write", "notes:write offline_access": "notes:write", "notes:write other": "notes:write"} {
		if got, refused := issuer.narrowed(asked); refused != nil || strings.Join(got, " ") != want {
			t.Errorf("token request with %q: %q, %v", asked, got, refused)
		}
	}
	if _, refused := issuer.narrowed("other"); refused == nil || refused.Code != InvalidScope {
		t.Errorf("token request for nothing that exists: %v", refused)
	}
	described := issuer.Describe([]string{"offline_access", "notes:write", "gone"})
	if len(described) != 1 || described[0].Description != "Add notes" {
		t.Errorf("%+v", described)
	}
}

// A23, P14, catalogue 164.
func TestReadCredentials(t *testing.T) {
	t.Parallel()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, c := range map[string]struct {
		header string
		form   url.Values
		want   credentials
		code   Code
	}{
		"body":                      {"", url.Values{"client_id": {"a"}}, credentials{id: "a"}, ""},
		"basic":                     {basic("a:"), nil, credentials{id: "a", basic: true}, ""},
		"basic and the same id":     {basic("a:"), url.Values{"client_id": {"a"}}, credentials{id: "a", basic: true}, ""},
		"lower-case scheme":         {"basic " + base64.StdEncoding.EncodeToString([]byte("a:")), nil, credentials{id: "a", basic: true}, ""},
		"basic with secret":         {basic("a:s"), nil, credentials{id: "a", secret: "s", basic: true}, ""},
		"basic is form-encoded":     {basic("a%3Ab:s%20t"), nil, credentials{id: "a:b", secret: "s t", basic: true}, ""},
		"empty secret in the body":  {"", url.Values{"client_id": {"a"}, "client_secret": {""}}, credentials{id: "a"}, ""},
		"bearer is not ours":        {"Bearer x", url.Values{"client_id": {"a"}}, credentials{id: "a"}, ""},
		"basic without colon":       {basic("a"), nil, credentials{}, InvalidClient},
		"basic that is not base64":  {"Basic %%%", nil, credentials{}, InvalidClient},
		"basic that is not encoded": {basic("a%zz:s%"), nil, credentials{id: "a%zz", secret: "s%", basic: true}, ""},
		"two different ids":         {basic("a:"), url.Values{"client_id": {"b"}}, credentials{}, InvalidRequest},
		"two secrets":               {basic("a:s"), url.Values{"client_id": {"a"}, "client_secret": {"s"}}, credentials{}, InvalidRequest},
	} {
		got, refused := readCredentials(c.header, c.form)
		if c.code == "" && (refused != nil || got != c.want) || c.code != "" && (refused == nil || refused.Code != c.code) {
			t.Errorf("%s: %+v, %v", name, got, refused)
		}
	}
}

// Catalogue 97.
func TestAcceptsSession(t *testing.T) {
	t.Parallel()
	s, sealed, own := &Server{}, time.Now(), id.New()
	for name, c := range map[string]struct {
		request Request
		age     time.Duration
		want    bool
	}{
		"any":                        {Request{MaxAge: -1}, 24 * time.Hour, true},
		"prompt=login":               {Request{MaxAge: -1, Fresh: true}, time.Millisecond, false},
		"prompt=login, this flow's":  {Request{MaxAge: -1, Fresh: true, Session: own}, time.Millisecond, true},
		"prompt=login, another flow": {Request{MaxAge: -1, Fresh: true, Session: id.New()}, time.Millisecond, false},
		"max_age met":                {Request{MaxAge: 60}, 59 * time.Second, true},
		"max_age passed":             {Request{MaxAge: 60}, 61 * time.Second, false},
		"max_age=0":                  {Request{MaxAge: 0}, time.Millisecond, false},
	} {
		c.request.SealedAt = sealed
		if got := s.AcceptsSession(&c.request, own, sealed.Add(-c.age)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestErrorsAreSafeToShow(t *testing.T) {
	t.Parallel()
	shown := newError(InvalidTarget, "Expected: \"a\\b\"\r\n\x00ü")
	if strings.ContainsAny(shown.Description, "\"\\\r\n\x00") || strings.ContainsFunc(shown.Description, func(r rune) bool { return r > 0x7e }) {
		t.Errorf("%q", shown.Description)
	}
	for code, status := range map[Code]int{InvalidClient: 401, InvalidGrant: 400, InvalidTarget: 400, TemporarilyUnavailable: 503, ServerError: 500, AccessDenied: 403, InvalidToken: 401} {
		if got := newError(code, "").Status(); got != status {
			t.Errorf("%s: %d", code, got)
		}
	}
	if fault := Fault(ErrUnavailable); fault.Code != TemporarilyUnavailable {
		t.Errorf("%v", fault)
	}
	if fault := Fault(errors.New("SELECT secret")); fault.Code != ServerError || strings.Contains(fault.Description, "SELECT") {
		t.Errorf("%v", fault)
	}
}
