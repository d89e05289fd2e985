package endpoints

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mcpauth/mcpauth/oauth"
)

type issuerKey struct{}

// issuerOf is the issuer that dispatch found for the request.
func issuerOf(c echo.Context) *oauth.Issuer {
	issuer, _ := c.Request().Context().Value(issuerKey{}).(*oauth.Issuer)
	return issuer
}

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
	if r.URL.RawPath != "" { // no path of ours needs escaping, and an escaped slash would name something else than it routes to
		writeUnknown(w)
		return
	}
	issuer, err := h.issuers.Resolve(r.Context(), host+issuerPath)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		h.log.ErrorContext(r.Context(), "project cannot be resolved", "error", err)
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The server cannot answer at the moment. Try again shortly.", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		writeUnknown(w)
		return
	}
	ctx := context.WithValue(r.Context(), issuerKey{}, issuer)
	inner := r.WithContext(ctx)
	inner.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	h.echo.ServeHTTP(w, inner)
}

// writeUnknown answers for what is no project's: the same words whether it never existed, is suspended or is gone (catalogue 7).
func writeUnknown(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("There is no project at this address.\n"))
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

// refuseSuspended lets a suspended issuer answer introspection only, where every token is inactive (catalogue 274).
func refuseSuspended(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if issuerOf(c).Suspended && c.Path() != oauth.PathIntrospect {
			writeUnknown(c.Response())
			return nil
		}
		return next(c)
	}
}
