package mcpauth

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// Register mounts handler at path, protected, and beside it what clients need to find their way: the protected
// resource metadata (RFC 9728) at the well-known address of the path and at the root's, and for clients older than
// that a copy of the issuer's metadata at /.well-known/oauth-authorization-server. With several guards on one mux the
// first has the root's addresses. It panics when path does not begin with a slash or is taken, as
// [http.ServeMux.Handle] does.
func (g *Guard) Register(mux *http.ServeMux, path string, handler http.Handler) {
	if !strings.HasPrefix(path, "/") {
		panic(fmt.Sprintf("mcpauth: path %q does not begin with a slash", path))
	}
	mux.Handle(path, g.Protect(handler))
	metadata := g.metadataHandler(path)
	suffix := strings.TrimSuffix(path, "/")
	for _, name := range []string{protectedResource, authorizationServers} {
		// One method each: a pattern for all methods would clash with an application's own "GET /".
		for _, pattern := range []string{name + suffix, name, name + "/"} {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				if !taken(mux, method, pattern) {
					mux.Handle(method+" "+pattern, metadata)
				}
			}
		}
	}
}

// taken reports whether another guard has exactly this pattern.
func taken(mux *http.ServeMux, method, path string) bool {
	request, err := http.NewRequest(method, path, nil)
	if err != nil {
		return false
	}
	_, pattern := mux.Handler(request)
	return pattern == method+" "+path
}

// MetadataHandler serves the same documents as [Guard.Register] for applications with a router of their own. Route
// /.well-known/oauth-protected-resource and /.well-known/oauth-authorization-server to it, with everything below.
func (g *Guard) MetadataHandler() http.Handler { return g.metadataHandler("") }

func (g *Guard) metadataHandler(mount string) http.Handler {
	mount = strings.TrimSuffix(mount, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
		switch r.Method {
		case http.MethodOptions:
			preflight(w, r, "GET, HEAD, OPTIONS")
			return
		case http.MethodGet, http.MethodHead:
		default:
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			writeError(w, http.StatusMethodNotAllowed, "invalid_request", "this address answers GET only")
			return
		}
		if suffix, ok := below(r.URL.Path, protectedResource); ok {
			g.serveResourceMetadata(w, r, mount, suffix)
			return
		}
		if suffix, ok := below(r.URL.Path, authorizationServers); ok {
			g.serveIssuerMetadata(w, r, mount, suffix)
			return
		}
		notHere(w)
	})
}

// below returns what follows name in path, without a last slash, if path is name or lies below it.
func below(path, name string) (string, bool) {
	suffix, ok := strings.CutPrefix(path, name)
	if !ok || suffix != "" && suffix[0] != '/' {
		return "", false
	}
	return strings.TrimSuffix(suffix, "/"), true
}

func notHere(w http.ResponseWriter) {
	writeError(w, http.StatusNotFound, "not_found", "there is no such document here")
}

func (g *Guard) serveResourceMetadata(w http.ResponseWriter, r *http.Request, mount, suffix string) {
	known, err := g.settings.get(r.Context())
	if err != nil {
		g.answerUnavailable(w, r, err)
		return
	}
	if suffix != "" && suffix != mount && suffix != known.resourcePath {
		notHere(w)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	writeJSON(w, http.StatusOK, oauthex.ProtectedResourceMetadata{
		Resource:               known.Resource,
		AuthorizationServers:   []string{known.Issuer},
		ScopesSupported:        known.ScopesSupported,
		BearerMethodsSupported: []string{"header"},
		ResourceName:           known.ResourceName,
	})
}

// serveIssuerMetadata is for clients of the 2025-03-26 revision, which take the MCP server's own origin for the
// authorization server.
func (g *Guard) serveIssuerMetadata(w http.ResponseWriter, r *http.Request, mount, suffix string) {
	known, err := g.settings.get(r.Context())
	if err == nil && suffix != "" && suffix != mount && suffix != known.resourcePath {
		notHere(w)
		return
	}
	document, err := g.issuerMetadata.get(r.Context())
	if err != nil {
		g.answerUnavailable(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	writeJSON(w, http.StatusOK, document)
}
