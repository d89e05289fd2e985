package templates

import (
	"errors"
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// ErrLocation is returned for an address that no page of ours may lead to.
var ErrLocation = errors.New("templates: not an address a page may lead to")

// refusedSchemes run code in a page, carry their own document, or read local files.
var refusedSchemes = map[string]bool{
	"about": true, "blob": true, "chrome": true, "data": true, "file": true, "filesystem": true, "jar": true, "javascript": true,
	"livescript": true, "mhtml": true, "mocha": true, "resource": true, "vbscript": true, "view-source": true,
}

// ClientLocation is the only way past templ's own URL check, which knows no private-use schemes such as cursor://. It accepts an
// absolute URI (RFC 3986 section 3) whose scheme is http, https or private-use, and returns ErrLocation for a scheme that runs
// code or carries a document, for http(s) without a host or with credentials in it, and for characters that browsers drop or
// rewrite before they read the scheme.
func ClientLocation(location string) (templ.SafeURL, error) {
	for i := range len(location) {
		if c := location[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return "", ErrLocation
		}
	}
	scheme, rest, found := strings.Cut(location, ":")
	scheme = strings.ToLower(scheme)
	if !found || rest == "" || !isScheme(scheme) || refusedSchemes[scheme] {
		return "", ErrLocation
	}
	if scheme == "http" || scheme == "https" {
		u, err := url.Parse(location)
		if err != nil || u.Hostname() == "" || u.User != nil {
			return "", ErrLocation
		}
	}
	return templ.SafeURL(location), nil
}

// isScheme checks the grammar of RFC 3986 section 3.1 on a lower-case scheme.
func isScheme(scheme string) bool {
	for i := range len(scheme) {
		c := scheme[i]
		switch {
		case c >= 'a' && c <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return scheme != ""
}

// leaveTarget is the place a LeavePage leads to, checked.
type leaveTarget struct {
	url     templ.SafeURL
	refresh string // content of the meta refresh
	web     bool   // a web page or an app's local listener rather than an app opened by its scheme
}

// target returns ErrLocation when the page must not lead anywhere.
func (p LeavePage) target() (leaveTarget, error) {
	location, err := ClientLocation(p.Location)
	if err != nil {
		return leaveTarget{}, err
	}
	scheme, _, _ := strings.Cut(strings.ToLower(string(location)), ":")
	return leaveTarget{url: location, refresh: "0;url=" + string(location), web: scheme == "http" || scheme == "https"}, nil
}

// link is where the link of the message leads: a page of ours or, checked, back to a client; empty when there is none.
func (p MessagePage) link() templ.SafeURL {
	if location, err := ClientLocation(p.LinkURL); err == nil {
		return location
	}
	return templ.URL(p.LinkURL)
}
