package oauth

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// RedirectKind says what is behind a redirect URI.
type RedirectKind string

// The kinds of redirect.
const (
	RedirectWeb      RedirectKind = "web"      // https
	RedirectLoopback RedirectKind = "loopback" // an app on this computer (RFC 8252 section 7.3)
	RedirectApp      RedirectKind = "app"      // private-use scheme (RFC 8252 section 7.1)
)

const redirectURIMax = 2000

var (
	schemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]{1,60}$`)
	hostPattern   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// refusedSchemes run script, read files or start programs of the system; no app calls itself by one of them.
var refusedSchemes = []string{
	"about", "blob", "callto", "chrome", "chrome-extension", "chrome-untrusted", "cid", "content", "data", "devtools", "dict", "edge",
	"facetime", "facetime-audio", "feed", "file", "filesystem", "ftp", "ftps", "gopher", "hcp", "help", "imap", "intent", "itms-apps",
	"itms-services", "jar", "javascript", "ldap", "ldaps", "livescript", "mailto", "market", "mhtml", "mid", "mocha", "moz-extension",
	"news", "nfs", "nntp", "rdp", "res", "resource", "rlogin", "rtsp", "search", "search-ms", "sftp", "shell", "sip", "sips", "smb", "sms",
	"ssh", "tel", "telnet", "tn3270", "urn", "vbscript", "view-source", "vnc", "wais", "ws", "wss", "wyciwyg", "x-apple.systempreferences",
	"xmpp",
}

// CheckRedirectURI decides whether a client may register a redirect URI, and returns the form in which it is stored and compared:
// unchanged, or for a loopback redirect without its port. https anywhere, http on loopback only, private-use schemes with a host part
// or a reverse domain name (A11, A12, P4).
func CheckRedirectURI(raw string) (stored string, kind RedirectKind, err *Error) {
	refuse := func(expected string) (string, RedirectKind, *Error) {
		return "", "", newError(InvalidRedirectURI, "Redirect URI refused: "+expected).at("redirect_uris", raw)
	}
	if raw == "" || len(raw) > redirectURIMax {
		return refuse("expected 1 to 2000 characters.")
	}
	for i := range len(raw) {
		if c := raw[i]; c <= 0x20 || c > 0x7e || strings.IndexByte("\\\"<>^`{|}*#", c) >= 0 {
			return refuse("expected printable ASCII without spaces, wildcards, backslashes or a fragment.")
		}
	}
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || !schemePattern.MatchString(scheme) {
		return refuse("expected a lower-case scheme such as https.")
	}
	u, parseErr := url.Parse(raw)
	if parseErr != nil || u.User != nil || strings.Contains(u.Host, "@") {
		return refuse("expected a URI without user name.")
	}
	switch {
	case scheme == "https":
		if !validHost(u) {
			return refuse("expected https://host/path with a lower-case host.")
		}
		return raw, RedirectWeb, nil
	case scheme == "http":
		without, ok := withoutLoopbackPort(raw)
		if !ok {
			return refuse("http is for localhost, 127.0.0.1 and [::1] only; expected https.")
		}
		return without, RedirectLoopback, nil
	case slices.Contains(refusedSchemes, scheme) || strings.HasPrefix(scheme, "ms-"):
		return refuse("the scheme " + scheme + " is not an app's own.")
	case strings.HasPrefix(rest, "//") && u.Host != "", strings.Contains(scheme, ".") && len(rest) > 0:
		return raw, RedirectApp, nil
	default:
		return refuse("expected a private-use scheme with a host, such as com.example.app://callback.")
	}
}

func validHost(u *url.URL) bool {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return hostPattern.MatchString(host) && len(host) <= 253 && !strings.Contains(host, "..") && !strings.HasSuffix(u.Host, ":")
}

// withoutLoopbackPort removes the port of an http URI on exactly localhost, 127.0.0.1 or [::1]; nothing else of the URI changes.
func withoutLoopbackPort(raw string) (string, bool) {
	rest, ok := strings.CutPrefix(raw, "http://")
	if !ok {
		return "", false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		port, ok := strings.CutPrefix(authority, host)
		if !ok {
			continue
		}
		if port == "" || (port[0] == ':' && isPort(port[1:])) {
			return "http://" + host + tail, true
		}
	}
	return "", false
}

func isLoopback(uri string) bool {
	_, ok := withoutLoopbackPort(uri)
	return ok
}

func isPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= 65535
}

// redirectRegistered compares a requested redirect URI with the registered ones: exactly, the port of a loopback redirect aside.
func redirectRegistered(registered []string, requested string) bool {
	stored, _, err := CheckRedirectURI(requested)
	return err == nil && slices.Contains(registered, stored)
}

// isOurs reports whether a redirect URI leads back to the issuer itself, on any of its URLs and however its port is spelled. http is
// loopback only, where every name is the same machine and the port decides.
func (i *Issuer) isOurs(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return true
	}
	for _, own := range i.URLs {
		o, err := url.Parse(own)
		if err != nil || o.Scheme != u.Scheme {
			continue
		}
		if (u.Scheme == "https" && strings.EqualFold(o.Hostname(), u.Hostname())) || (u.Scheme == "http" && loopbackPort(o) == loopbackPort(u)) {
			return true
		}
	}
	return false
}

func loopbackPort(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return "80"
}

// Redirection is where an authorization response goes.
type Redirection struct {
	URI    string
	State  string
	Issuer string
	// Trusted redirects may happen without the person's doing: loopback and private-use ones, which lead to an app of theirs. An https
	// redirect of a client that nobody verified would make us an open redirector (catalogue 93).
	Trusted    bool
	ClientName string
}

// Success is the redirect URI with code, state and iss, each once (RFC 6749 section 4.1.2, RFC 9207 section 2).
func (r Redirection) Success(code string) string {
	return r.with(url.Values{"code": {code}})
}

// Failure is the redirect URI with error, error_description, state and iss (RFC 6749 section 4.1.2.1).
func (r Redirection) Failure(err *Error) string {
	return r.with(url.Values{"error": {string(err.Code)}, "error_description": {err.Description}})
}

func (r Redirection) with(params url.Values) string {
	params.Set("iss", r.Issuer)
	if r.State != "" {
		params.Set("state", r.State)
	}
	separator := "?"
	if strings.Contains(r.URI, "?") {
		separator = "&"
	}
	return r.URI + separator + params.Encode()
}
