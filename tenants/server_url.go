package tenants

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is the longest address of an MCP server or issuer, in bytes.
const maxURL = 2000

// ParseServerURL reads the address of an MCP server and returns the one spelling that is stored and compared: scheme and host in lower
// case, no default port, no trailing slash. It returns a FieldError for "server_url" that says what was expected.
func ParseServerURL(raw string) (string, error) {
	canonical, problem := canonicalURL(strings.TrimSpace(raw))
	if problem != "" {
		return "", FieldError{Field: "server_url", Message: problem}
	}
	return canonical, nil
}

// canonicalURL returns the canonical spelling, or a sentence about what was expected.
func canonicalURL(raw string) (canonical, problem string) {
	switch {
	case raw == "":
		return "", "Enter the address at which clients reach the server, such as https://tools.example.com/mcp."
	case len(raw) > maxURL:
		return "", "Use an address of at most 2,000 characters."
	case !isURLText(raw):
		return "", "Use letters, digits and the usual punctuation of addresses; write other characters percent-encoded, host names in punycode (xn--)."
	case strings.Contains(raw, "*"):
		return "", "Name one exact address; * is not a wildcard here."
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || u.Opaque != "":
		return "", "Enter a complete address that begins with https://, such as https://tools.example.com/mcp."
	case u.User != nil:
		return "", "Leave out user name and password."
	case u.RawQuery != "" || u.ForceQuery:
		return "", "Leave out the ? and what follows it."
	case strings.Contains(raw, "#"):
		return "", "Leave out the # and what follows it."
	}
	host, problem := canonicalHost(u)
	if problem != "" {
		return "", problem
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if problem := checkPath(path); problem != "" {
		return "", problem
	}
	return strings.ToLower(u.Scheme) + "://" + host + path, ""
}

// canonicalHost checks scheme, host and port and returns host and port as they are stored.
func canonicalHost(u *url.URL) (host, problem string) {
	scheme, name := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	switch {
	case !isHostName(name):
		return "", "The host name is not valid; expected one such as tools.example.com."
	case scheme == "http" && !isLoopbackName(name):
		return "", "Use https://; http:// is for localhost only, since tokens would travel readable."
	case scheme != "https" && scheme != "http":
		return "", "Use https:// (or http:// on localhost)."
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	port := u.Port()
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return name, ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "", "The port must be a number from 1 to 65535."
	}
	return name + ":" + port, ""
}

// checkPath refuses paths that other programs would rewrite, and so compare differently.
func checkPath(path string) (problem string) {
	if path == "" {
		return ""
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		decoded, err := url.PathUnescape(segment)
		switch {
		case err != nil, strings.ContainsAny(decoded, "/\\"), strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return "The path holds characters that programs read differently; leave out encoded slashes and control characters."
		case segment == "", decoded == ".", decoded == "..":
			return "Write the path without empty, . or .. parts."
		}
	}
	return ""
}

// isURLText accepts the characters of RFC 3986 section 2, and * which gets a message of its own.
func isURLText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// isHostName accepts an IP address in its usual form and DNS names of RFC 1123; a name that ends in a number is neither.
func isHostName(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == "" && addr.String() == name
	}
	if len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9'
}

// isLoopbackName accepts the names of this computer that never leave it (RFC 6761 section 6.3, RFC 8252 section 7.3).
func isLoopbackName(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1" || strings.HasSuffix(name, ".localhost")
}
