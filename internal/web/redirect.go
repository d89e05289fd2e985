package web

import (
	"net/url"
	"strings"
)

// LocalPath returns where to go next on this origin: the given path with its query, or fallback for everything else. Another origin can
// hide behind "//", "/\", control characters that browsers drop, dot segments and encoded separators; none of those is accepted.
func LocalPath(next, fallback string) string {
	if len(next) == 0 || len(next) > 2000 || next[0] != '/' {
		return fallback
	}
	for i := range len(next) {
		if c := next[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return fallback
		}
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return fallback
	}
	for segment := range strings.SplitSeq(u.Path[1:], "/") {
		if segment == "" && u.Path != "/" || segment == "." || segment == ".." {
			return fallback
		}
	}
	if escaped := strings.ToLower(u.EscapedPath()); strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c") || hasControl(u.Path) {
		return fallback
	}
	return next
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
