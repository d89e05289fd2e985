package endpoints

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/oauth"
)

type resolvedKey struct{}

// resolved is what dispatch found out about the address of a request: the issuer, or why there is none.
type resolved struct {
	issuer *oauth.Issuer
	err    error
}

func resolvedOf(c echo.Context) resolved {
	found, _ := c.Request().Context().Value(resolvedKey{}).(resolved)
	return found
}

// issuerOf is the issuer that dispatch found for the request; nil where there is none, which requireIssuer keeps from the handlers.
func issuerOf(c echo.Context) *oauth.Issuer { return resolvedOf(c).issuer }

const wellKnown = "/.well-known/"

// Claims reports whether a path on the root host belongs to an issuer in path form.
func (h *Handler) Claims(path string) bool {
	if h.pathPrefix == "" {
		return false
	}
	_, _, ok := h.splitPath(path)
	return ok
}

// splitPath takes a path apart into the issuer's and the endpoint's. The well-known documents stand before the issuer's path as well
// (RFC 8414 section 3.1; A4): /.well-known/oauth-authorization-server/t/demo, /t/demo/.well-known/oauth-authorization-server.
func (h *Handler) splitPath(path string) (issuerPath, rest string, ok bool) {
	document := ""
	if after, isWellKnown := strings.CutPrefix(path, wellKnown); isWellKnown {
		name, tail, _ := strings.Cut(after, "/")
		document, path = wellKnown+name, "/"+tail
	}
	slug, isIssuer := strings.CutPrefix(path, h.pathPrefix)
	if !isIssuer {
		return "", "", false
	}
	slug, rest, hasRest := strings.Cut(slug, "/")
	if slug == "" || (document != "" && rest != "") {
		return "", "", false
	}
	if document != "" {
		return h.pathPrefix + slug, document, true
	}
	if hasRest {
		rest = "/" + rest
	}
	return h.pathPrefix + slug, rest, true
}

// ServeHTTP finds the issuer from host and path, never from a forwarded header (catalogue 3, 4), and answers in its name.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := normalHost(r.Host)
	issuerPath, path := "", r.URL.Path
	if h.pathPrefix != "" {
		if before, rest, ok := h.splitPath(path); ok {
			issuerPath, path = before, rest
		}
	}
	found := resolved{err: oauth.ErrNotFound}
	if r.URL.RawPath == "" { // no path of ours needs escaping, and an escaped slash would name something else than it routes to
		found.issuer, found.err = h.issuers.Resolve(r.Context(), host+issuerPath)
	}
	if found.err == nil && found.issuer.Suspended && !answersSuspended(r.Method, path) {
		found = resolved{err: oauth.ErrNotFound}
	}
	inner := r.WithContext(context.WithValue(r.Context(), resolvedKey{}, found))
	inner.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	h.echo.ServeHTTP(w, inner)
}

// answersSuspended names what goes on for a suspended project: introspection, where every token is inactive, and the feed, which tells
// guards so (catalogue 274).
func answersSuspended(method, path string) bool {
	return path == oauth.PathIntrospect && method == http.MethodPost || path == oauth.PathRevocations && method == http.MethodGet
}

// requireIssuer answers for what is no project's, the same whether it never existed, is suspended or is gone (catalogue 7), and for
// what cannot be known at the moment.
func requireIssuer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch found := resolvedOf(c); {
		case errors.Is(found.err, oauth.ErrNotFound):
			return echo.ErrNotFound
		case found.err != nil:
			return oauth.Fault(found.err)
		}
		return next(c)
	}
}

// normalHost gives equivalent spellings of a host one form: lower case, no trailing dot, no default port.
func normalHost(host string) string {
	host = strings.ToLower(host)
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i:]
	}
	name = strings.TrimSuffix(name, ".")
	if port == ":80" || port == ":443" {
		port = ""
	}
	return name + port
}
