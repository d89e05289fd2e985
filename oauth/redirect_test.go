package oauth

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Callback addresses of real clients (A11, A12, P3, P4, catalogue 98).
func TestCheckRedirectURIAcceptsRealClients(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]struct {
		stored string
		kind   RedirectKind
	}{
		"http://127.0.0.1:33418/":                         {"http://127.0.0.1/", RedirectLoopback},
		"http://127.0.0.1/":                               {"http://127.0.0.1/", RedirectLoopback},
		"http://localhost:8787/callback":                  {"http://localhost/callback", RedirectLoopback},
		"http://localhost/callback":                       {"http://localhost/callback", RedirectLoopback},
		"http://localhost:62234/callback":                 {"http://localhost/callback", RedirectLoopback},
		"http://127.0.0.1:19876/mcp/oauth/callback":       {"http://127.0.0.1/mcp/oauth/callback", RedirectLoopback},
		"http://[::1]:6276/oauth/callback?x=1":            {"http://[::1]/oauth/callback?x=1", RedirectLoopback},
		"http://localhost:7777":                           {"http://localhost", RedirectLoopback},
		"https://vscode.dev/redirect":                     {"https://vscode.dev/redirect", RedirectWeb},
		"https://claude.ai/api/mcp/auth_callback":         {"https://claude.ai/api/mcp/auth_callback", RedirectWeb},
		"https://client.example:8443/cb?a=b":              {"https://client.example:8443/cb?a=b", RedirectWeb},
		"https://xn--bcher-kva.example/cb":                {"https://xn--bcher-kva.example/cb", RedirectWeb},
		"cursor://anysphere.cursor-mcp/oauth/callback":    {"cursor://anysphere.cursor-mcp/oauth/callback", RedirectApp},
		"claude://claude.ai/mcp-auth-callback/sdk":        {"claude://claude.ai/mcp-auth-callback/sdk", RedirectApp},
		"vscode://vscode.github-authentication/did-auth":  {"vscode://vscode.github-authentication/did-auth", RedirectApp},
		"com.example.app:/oauth2redirect":                 {"com.example.app:/oauth2redirect", RedirectApp},
		"https://" + strings.Repeat("a", 60) + ".example": {"https://" + strings.Repeat("a", 60) + ".example", RedirectWeb},
	} {
		stored, kind, err := CheckRedirectURI(uri)
		if err != nil || stored != want.stored || kind != want.kind {
			t.Errorf("%s: %q %s, %v", uri, stored, kind, err)
		}
	}
}

// Catalogue 18 to 22: an allow-list of forms, not a list of what is bad.
func TestCheckRedirectURIRefuses(t *testing.T) {
	t.Parallel()
	refused := map[string][]string{
		"script and document schemes (18)": {
			"javascript:alert(1)", "JavaScript:alert(1)", "javascript://client.example/%0aalert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
			"java\nscript:alert(1)", "\x00javascript:alert(1)", "data:text/html,x", "data://text/html,x", "vbscript:x", "vbscript://x/y", "blob:https://a.example/x",
			"file:///etc/passwd", "file://host/etc/passwd", "about:blank", "about://blank", "mailto:a@b.example", "filesystem:https://a/b",
			"view-source:https://a.example", "jar:https://a.example!/b", "mhtml://a/b", "intent://scan/#Intent;end", "ms-word:ofe|u|https://a",
			"ms-settings://privacy", "search-ms://query=x", "smb://host/share", "livescript://a/b", "content://a/b", "tel://112", "ws://a.example/b", "ftp://a.example/b",
		},
		"look-alike loopback (19)": {
			"http://localhost.evil.test/cb", "http://127.0.0.1.evil.test/cb", "http://localhost@evil.test/cb", "http://127.1/cb", "http://0.0.0.0/cb",
			"http://127.0.0.2/cb", "http://2130706433/cb", "http://0x7f.1/cb", "http://0177.0.0.1/cb", "http://localhost./cb", "http://LOCALHOST/cb",
			"http://[::]/cb", "http://[::ffff:127.0.0.1]/cb", "http://[0:0:0:0:0:0:0:1]/cb", "http://[::1%25lo]/cb", "http://localhost:evil.test/cb",
			"http://localhost:80@evil.test/cb", "http://localhost:0/cb", "http://localhost:65536/cb", "http://localhost:080/cb", "http://localhost:/cb",
			"http://localhost:1:2/cb", "http://localhost%2eevil.test/cb", "http://app.localhost/cb", "http:localhost/cb", "http:///cb", "http://",
		},
		"plain http elsewhere (20)": {"http://client.example/cb", "http://10.0.0.1/cb", "HTTP://localhost/cb"},
		"fragment, userinfo, shape (21)": {
			"https://client.example/cb#x", "https://client.example/cb#", "https://user:pw@client.example/cb", "https://a@b@client.example/cb",
			"https://client.example\\@evil.test/cb", "https:\\\\client.example/cb", "https:///x", "//client.example/cb", "/cb", "https:client.example/cb", "https://",
			"https://client.example:/cb", "https://.client.example/cb", "https://client..example/cb", "https://client.example./cb", "https://CLIENT.example/cb",
			"HTTPS://client.example/cb", "https://[::1/cb", "https://[gg::1]/cb", "https://exa%6dple.test/cb", "https://bücher.example/cb", "https://client_a.example/cb",
			"https://client.example/a b", "https://client.example/\x7f", "https://client.example/\r\nSet-Cookie:a=b", "https://client.example/\u202e", "", "https",
			"https://client.example/<script>", "https://client.example/\"x", "foo:bar", "foo://", "foo:///bar", "1foo://bar/x", "foo_bar://x/y", "app://user@host/x",
		},
		"wildcards (22)": {"https://*.evil.test/cb", "https://client.example/*", "https://client.example:*/cb"},
		"oversize (24)":  {"https://client.example/" + strings.Repeat("a", 2000), strings.Repeat("a", 70) + "://host/x"},
	}
	count := 0
	for name, uris := range refused {
		for _, uri := range uris {
			count++
			if stored, kind, err := CheckRedirectURI(uri); err == nil {
				t.Errorf("%s: %q is accepted as %s %q", name, uri, kind, stored)
			} else if err.Code != InvalidRedirectURI || err.Status() != 400 {
				t.Errorf("%q: %v", uri, err)
			}
		}
	}
	if count < 60 {
		t.Errorf("%d hostile URIs", count)
	}
}

// Catalogue 74: no mutant of a registered URI is accepted in its place.
func TestRedirectMutantsDoNotMatch(t *testing.T) {
	t.Parallel()
	registered := []string{"https://client.example/oauth/cb", "cursor://anysphere.cursor-mcp/oauth/callback", "http://127.0.0.1/cb"}
	for _, good := range append(slices.Clone(registered), "http://127.0.0.1:54321/cb") {
		if !redirectRegistered(registered, good) {
			t.Errorf("%s is refused", good)
		}
	}
	mutants := []string{
		"https://client.example/oauth/CB", "https://client.example/Oauth/cb", "https://CLIENT.example/oauth/cb", "HTTPS://client.example/oauth/cb",
		"http://client.example/oauth/cb", "https://client.example/oauth/cb/", "https://client.example//oauth/cb", "https://client.example/oauth//cb",
		"https://client.example/oauth/cb//", "https://client.example/oauth/../oauth/cb", "https://client.example/oauth/./cb", "https://client.example/x/../oauth/cb",
		"https://client.example/oauth/%2e%2e/oauth/cb", "https://client.example/oauth/%63b", "https://client.example/oauth%2fcb", "https://client.example/oauth%2Fcb",
		"https://client.example/oauth/cb;x", "https://client.example/oauth/cb;jsessionid=1", "https://client.example/oauth/cb?", "https://client.example/oauth/cb?x=1",
		"https://client.example/oauth/cb&x=1", "https://client.example/oauth/cb%3fx=1", "https://client.example/oauth/cb#", "https://client.example/oauth/cb#x",
		"https://client.example/oauth/cb%23x", "https://client.example:443/oauth/cb", "https://client.example:444/oauth/cb", "https://client.example:/oauth/cb",
		"https://client.example./oauth/cb", "https://client.example.evil.test/oauth/cb", "https://evilclient.example/oauth/cb", "https://evil.client.example/oauth/cb",
		"https://client.example@evil.test/oauth/cb", "https://evil.test/client.example/oauth/cb", "https://evil.test\\client.example/oauth/cb",
		"https://evil.test\\@client.example/oauth/cb", "https://user@client.example/oauth/cb", "https://user:pw@client.example/oauth/cb", "https://client.example\\oauth\\cb",
		"https://client.example/oauth\\cb", "https:/client.example/oauth/cb", "https:client.example/oauth/cb", "//client.example/oauth/cb", "/oauth/cb",
		" https://client.example/oauth/cb", "https://client.example/oauth/cb ", "\thttps://client.example/oauth/cb", "https://client.example/oauth/cb\n",
		"https://client.example/oauth/cb\x00", "https://client.example/oauth/cb%00", "https://client.example/oauth/cb%0d%0a", "https://client.example/oauth/cb%20",
		"https://client.example/oauth/c\u0062\u0301", "https://сlient.example/oauth/cb", "https://client.example/oauth/cb\u2028", "https://client\u3002example/oauth/cb",
		"https://client.example/oauth", "https://client.example/", "https://client.example", "https://client.example/oauth/c", "https://client.example/oauth/cbx",
		"https://client.example/oauth/cb,https://evil.test", "https://client.example/oauth/cb https://evil.test", "view-source:https://client.example/oauth/cb",
		"cursor://anysphere.cursor-mcp/oauth/callback/", "cursor://anysphere.cursor-mcp:1/oauth/callback", "Cursor://anysphere.cursor-mcp/oauth/callback",
		"cursor://anysphere.cursor-mcp/oauth/callback?x", "cursor:anysphere.cursor-mcp/oauth/callback", "cursor://evil/oauth/callback",
		// catalogue 75: of a loopback redirect the port alone may differ
		"http://127.0.0.1:54321/cb2", "http://127.0.0.1:54321/cb?x=1", "http://127.0.0.1:54321/cb/", "http://127.0.0.1:54321/", "http://localhost:54321/cb",
		"http://[::1]:54321/cb", "https://127.0.0.1:54321/cb", "http://127.0.0.1:54321/CB", "http://127.0.0.1:54321/cb#x", "http://127.0.0.2:54321/cb",
		"http://127.0.0.1:54321@evil.test/cb", "http://127.0.0.1.evil.test:54321/cb", "http://user@127.0.0.1:54321/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:/cb",
		"http://127.0.0.1:99999/cb", "http://127.1:54321/cb", "http://0x7f000001:54321/cb", "http://127.0.0.1:54321//cb", "http://127.0.0.1:54321/%63b",
	}
	if len(mutants) < 60 {
		t.Fatalf("%d mutants", len(mutants))
	}
	for _, mutant := range mutants {
		if redirectRegistered(registered, mutant) {
			t.Errorf("%q is accepted", mutant)
		}
	}
}

// Catalogue 23: a redirect that leads back to the issuer.
func TestRedirectToOurselves(t *testing.T) {
	t.Parallel()
	issuer := &Issuer{URLs: []string{"https://demo.mcpauth.example", "http://localhost:8080/t/demo", "https://auth.customer.example"}}
	for uri, ours := range map[string]bool{
		"https://demo.mcpauth.example/oauth/authorize": true, "https://demo.mcpauth.example:443/x": true, "https://auth.customer.example/x": true,
		"http://localhost:8080/t/other": true, "https://demo.mcpauth.example:0443/x": true, "https://client.example/x": false, "http://localhost:9090/cb": false,
		"cursor://anysphere.cursor-mcp/oauth/callback": false, "https://mydemo.mcpauth.example/x": false,
	} {
		if issuer.isOurs(uri) != ours {
			t.Errorf("%s: ours is %v", uri, !ours)
		}
	}
}

// A16, RFC 9207: code, state and iss once each; what was in the query stays.
func TestRedirectionCarriesEachParameterOnce(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"xyz", "a b&c=d#e?f\"><script>\r\nSet-Cookie: a=b", strings.Repeat("s", 8000), "ünïcode"} { // catalogue 87
		for _, uri := range []string{"https://client.example/cb", "https://client.example/cb?keep=1", "cursor://host/cb", "http://127.0.0.1:1/"} {
			to := Redirection{URI: uri, State: state, Issuer: "https://demo.mcpauth.example"}
			for location, want := range map[string]string{to.Success("the-code"): "code", to.Failure(newError(InvalidScope, "why")): "error", to.Denied(): "error"} {
				u, err := url.Parse(location)
				if err != nil || strings.ContainsAny(location, "\r\n\"<> ") || !strings.HasPrefix(location, uri) {
					t.Fatalf("%q: %v", location, err)
				}
				q := u.Query()
				if !slices.Equal(q["state"], []string{state}) || !slices.Equal(q["iss"], []string{to.Issuer}) || len(q[want]) != 1 ||
					(q.Has("code") && q.Has("error")) || (strings.Contains(uri, "keep") && q.Get("keep") != "1") {
					t.Errorf("%q", location)
				}
			}
		}
	}
	if u, _ := url.Parse(Redirection{URI: "https://a.example/", Issuer: "https://i"}.Success("c")); u.Query().Has("state") {
		t.Error("a state that nobody sent")
	}
}

func TestRedirectHost(t *testing.T) {
	t.Parallel()
	for uri, host := range map[string]string{
		"https://client.example/cb": "client.example", "https://client.example?x=1": "client.example", "https://client.example:8443/cb": "client.example:8443",
		"http://127.0.0.1:1234/cb": "127.0.0.1", "http://localhost:1/": "localhost", "http://[::1]:1/cb": "[::1]",
		"cursor://anysphere.cursor-mcp/oauth/callback": "cursor", "com.example.app:/cb": "com.example.app",
	} {
		if got := RedirectHost(uri); got != host {
			t.Errorf("%s: %q", uri, got)
		}
	}
}

// Whatever is accepted is one of three forms, is compared exactly but for a loopback port, and is read alike by net/url.
func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{
		"https://client.example/cb", "http://localhost:1/cb?x", "http://[::1]:65535", "cursor://a/b", "com.example:/x", "javascript://x/%0a", "java\tscript:x",
		"http://127.0.0.1:1@evil/", "https://a\\@b", "data://x/y", "https://%6c", "x.y:z",
	} {
		f.Add(seed, "8080")
	}
	dangerous := []string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "livescript", "mocha", "jar"}
	f.Fuzz(func(t *testing.T, raw, port string) {
		stored, kind, refused := CheckRedirectURI(raw)
		if refused != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || slices.Contains(dangerous, strings.ToLower(u.Scheme)) || u.User != nil || u.Fragment != "" || strings.ContainsAny(raw, " \t\r\n\x00\\<>\"") {
			t.Fatalf("%q is accepted, %v", raw, err)
		}
		if !redirectRegistered([]string{stored}, raw) {
			t.Fatalf("%q does not match itself", raw)
		}
		again, sameKind, refused := CheckRedirectURI(stored)
		if refused != nil || again != stored || sameKind != kind {
			t.Fatalf("%q is stored as %q, which is read as %q %s, %v", raw, stored, again, sameKind, refused)
		}
		if kind != RedirectLoopback {
			if stored != raw {
				t.Fatalf("%q is stored as %q", raw, stored)
			}
			return
		}
		host := u.Hostname()
		if u.Scheme != "http" || (host != "localhost" && host != "127.0.0.1" && host != "::1") {
			t.Fatalf("%q counts as loopback", raw)
		}
		s, err := url.Parse(stored)
		if err != nil || s.Port() != "" || s.Hostname() != host || s.EscapedPath() != u.EscapedPath() || s.RawQuery != u.RawQuery {
			t.Fatalf("%q is stored as %q", raw, stored)
		}
		moved := *u
		if moved.Host = strings.TrimSuffix(s.Host, ":") + ":" + port; isPort(port) && !redirectRegistered([]string{stored}, moved.String()) && moved.String() == strings.Replace(raw, u.Host, moved.Host, 1) {
			t.Fatalf("%q with port %s does not match", raw, port)
		}
	})
}
