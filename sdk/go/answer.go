package mcpauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	allowedHeaders = "Authorization, Content-Type, Accept, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name"
	exposedHeaders = "WWW-Authenticate, Mcp-Session-Id, Retry-After"
)

// unauthorized begins the description of every 401: some clients, such as older releases of the MCP Inspector, recognize the answer by this
// word in its body and not by its status.
const unauthorized = "Unauthorized: "

// refuse writes the one answer a refusal stands for.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, known *settings, why *refusal) {
	if why.unavailable != nil {
		g.answerUnavailable(w, r, why.unavailable)
		return
	}
	if why.rpcCode != 0 {
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, why.status, map[string]any{
			"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": why.rpcCode, "message": why.description},
		})
		return
	}
	if why.status == http.StatusUnauthorized {
		why.description = unauthorized + why.description
	}
	w.Header().Set("WWW-Authenticate", challenge(why, known.resourceMetadataURL))
	code := why.code
	if code == "" {
		code = "unauthorized"
	}
	writeError(w, why.status, code, why.description)
}

// challenge is one Bearer challenge (RFC 6750 section 3) that names where to learn about the resource (RFC 9728
// section 5.1). All values are free of quotation marks and backslashes: descriptions are ours, scopes and URLs checked.
func challenge(why *refusal, resourceMetadataURL string) string {
	var parameters []string
	add := func(name, value string) {
		if value != "" {
			parameters = append(parameters, fmt.Sprintf(`%s="%s"`, name, value))
		}
	}
	if why.code != "" {
		add("error", why.code)
		add("error_description", why.description)
	}
	add("scope", strings.Join(why.scopes, " "))
	add("resource_metadata", resourceMetadataURL)
	return "Bearer " + strings.Join(parameters, ", ")
}

// answerUnavailable is 503 with the time to wait: the failure is on this side, whatever the token is.
func (g *Guard) answerUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		g.warnUnavailable(err)
	}
	var wait time.Duration
	if down := (*unavailable)(nil); errors.As(err, &down) {
		wait = down.retryAfter
	}
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "access tokens cannot be checked at the moment, try again later")
}

func writeError(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// writeJSON leaves &, < and > as they are, so that URLs read the same in the text of a document.
func writeJSON(w http.ResponseWriter, status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// allowOrigin lets browsers read the answer, or answers 403 to a page that is not allowed to call at all.
func (g *Guard) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
	if len(g.config.AllowedOrigins) == 0 {
		header.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	header.Add("Vary", "Origin")
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 || !slices.Contains(g.config.AllowedOrigins, origins[0]) {
		writeError(w, http.StatusForbidden, "access_denied", "pages of this origin may not call this server")
		return false
	}
	header.Set("Access-Control-Allow-Origin", origins[0])
	return true
}

// preflight allows the headers that MCP clients use and any other the browser asks for: none of them carries
// authority that the page did not already hold.
func preflight(w http.ResponseWriter, r *http.Request, methods string) {
	headers := allowedHeaders
	for name := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		name = strings.TrimSpace(name)
		if isHeaderName(name) && len(headers) < 1024 && !containsFold(headers, name) {
			headers += ", " + name
		}
	}
	header := w.Header()
	header.Add("Vary", "Access-Control-Request-Headers")
	header.Set("Access-Control-Allow-Methods", methods)
	header.Set("Access-Control-Allow-Headers", headers)
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func containsFold(list, name string) bool {
	return slices.ContainsFunc(strings.Split(list, ", "), func(entry string) bool { return strings.EqualFold(entry, name) })
}

// isHeaderName allows less than a token (RFC 9110 section 5.6.2) may hold: letters, digits, hyphen and underscore.
func isHeaderName(name string) bool {
	return name != "" && len(name) <= 64 && !slices.ContainsFunc([]byte(name), func(b byte) bool {
		return !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_')
	})
}
