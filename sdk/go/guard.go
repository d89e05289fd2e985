package mcpauth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// Guard protects one MCP server. It is made by [New] and safe for concurrent use.
type Guard struct {
	config  Config
	secret  registrationSecret
	address string
	client  *http.Client
	now     func() time.Time
	tokens  *tokenCache

	settings       *lazy[*settings]
	keys           *lazy[*keySet]
	streams        *http.Client // for answers without end
	feed           *feed
	usernames      usernames
	calls          *callReports
	issuerMetadata *lazy[json.RawMessage]

	warned   sync.Once
	warnings warningGate
}

func newGuard(config Config, secret registrationSecret, address string) *Guard {
	g := &Guard{
		config: config, secret: secret, address: address,
		client: newHTTPClient(config.HTTPClient),
		now:    time.Now,
	}
	streams := *g.client
	streams.Timeout = 0
	g.streams, g.feed, g.calls = &streams, &feed{guard: g}, &callReports{guard: g}
	clock := func() time.Time { return g.now() }
	g.tokens = newTokenCache(config.CacheTTL, cacheEntries, clock)
	g.settings = &lazy[*settings]{fetch: g.fetchSettings, maxAge: settingsTTL, now: clock, onFailed: func(err error) {
		g.config.Logger.Warn("mcpauth: no configuration for this MCP server", "error", err)
	}}
	g.keys = &lazy[*keySet]{fetch: g.fetchKeys, maxAge: keysTTL, now: clock, onFailed: func(err error) {
		g.config.Logger.Warn("mcpauth: no keys to verify access tokens with, asking about each", "error", err)
	}}
	g.issuerMetadata = &lazy[json.RawMessage]{fetch: g.fetchIssuerMetadata, maxAge: issuerMetadataTTL, now: clock, onFailed: func(err error) {
		g.config.Logger.Warn("mcpauth: no issuer metadata to show to older clients", "error", err)
	}}
	return g
}

// Ready asks the project for this server's configuration now rather than at the first request. The error says why it
// cannot be had, and with it requests are answered 503; the guard keeps trying.
func (g *Guard) Ready(ctx context.Context) error {
	_, err := g.settings.get(ctx)
	return err
}

// Close ends what runs in the background, and tells the project of the last calls. Requests are checked on, by asking about each.
func (g *Guard) Close(ctx context.Context) {
	g.feed.close()
	g.calls.send(ctx)
}

// Protect returns a handler that lets only requests with a valid token for this server through to next. They carry an
// [auth.TokenInfo] in their context and no longer carry the Authorization header, because a token for this server
// must not be passed on to another. Preflight requests are answered without a token. The metadata that clients look
// for is served by [Guard.Register] or [Guard.MetadataHandler].
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.allowOrigin(w, r) {
			return
		}
		if r.Method == http.MethodOptions {
			preflight(w, r, "GET, POST, DELETE, OPTIONS")
			return
		}
		known, err := g.settings.get(r.Context())
		if err != nil {
			g.answerUnavailable(w, r, err)
			return
		}
		caller, tools, refused := g.admit(w, r, known)
		if refused != nil {
			if caller != nil {
				g.calls.refused(caller.Grant, tools, refused)
			}
			g.refuse(w, r, known, refused)
			return
		}
		if tools == nil {
			tools = g.peekTools(r)
		}
		seen := &watcher{ResponseWriter: w}
		passOn(seen, r, caller.tokenInfo(), next)
		g.calls.add(caller.Grant, tools, seen.outcome(), "")
	})
}

// refusal is why a request does not get through: exactly one HTTP answer.
type refusal struct {
	status      int
	code        string   // OAuth error code; "" when the client sent no credentials (RFC 6750 section 3.1)
	description string   // printable ASCII without quotation marks
	scopes      []string // what a new token should allow
	cause       string   // what was wrong with a token, for the project alone
	rpcCode     int      // JSON-RPC error code, when the request and not its credentials is at fault
	unavailable error
}

// admit decides about one request. The body is read only when the token is good. With a refusal it returns the caller when it is known.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request, known *settings) (caller *claims, tools []string, refused *refusal) {
	base := g.config.RequiredScopes
	if len(base) == 0 {
		base = known.DefaultScopes
	}
	token, refused := bearerToken(r)
	if refused != nil {
		refused.scopes = base
		return nil, nil, refused
	}
	answer, err := g.check(r.Context(), known, token)
	if err != nil {
		return nil, nil, &refusal{unavailable: err}
	}
	if err := g.judge(answer, known); err != nil {
		return answer, nil, &refusal{status: http.StatusUnauthorized, code: "invalid_token", description: err.Error(), scopes: base, cause: causes[err]}
	}
	scopes := g.toolScopes(known)
	if tools, refused = g.calledTools(w, r, scopes); refused != nil {
		return answer, nil, refused
	}
	var extra []string
	for _, tool := range tools {
		extra = append(extra, scopes[tool]...)
	}
	granted := strings.Fields(answer.Scope)
	if lacking := g.lacking(granted, union(g.config.RequiredScopes, extra)); len(lacking) > 0 {
		return answer, tools, &refusal{
			status: http.StatusForbidden, code: "insufficient_scope",
			description: "this needs more than the access token allows: " + strings.Join(lacking, " "),
			scopes:      union(base, extra),
		}
	}
	return answer, tools, nil
}

// toolScopes are those of this server's code, and the project's where the code says nothing.
func (g *Guard) toolScopes(known *settings) map[string][]string {
	if len(g.config.ToolScopes) > 0 {
		return g.config.ToolScopes
	}
	return known.ToolScopes
}

// passOn goes through the go-sdk's own middleware, the only way to put a TokenInfo where the go-sdk finds it. All
// checks are done, so it is told not to repeat any.
func passOn(w http.ResponseWriter, r *http.Request, info *auth.TokenInfo, next http.Handler) {
	verified := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) { return info, nil }
	options := &auth.RequireBearerTokenOptions{ClockSkew: 2 * maxClockTolerance}
	auth.RequireBearerToken(verified, options)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header = r.Header.Clone()
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})).ServeHTTP(w, r)
}

// bearerToken takes the token from the Authorization header and nowhere else.
func bearerToken(r *http.Request) (string, *refusal) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", &refusal{status: http.StatusUnauthorized, description: "an access token is needed"}
	}
	fields := strings.Fields(values[0])
	if len(values) == 1 && (len(fields) < 2 || !strings.EqualFold(fields[0], "Bearer")) { // the scheme alone presents nothing
		return "", &refusal{status: http.StatusUnauthorized, description: "an access token of type Bearer is needed"}
	}
	if len(values) > 1 || len(fields) != 2 {
		return "", &refusal{
			status: http.StatusBadRequest, code: "invalid_request",
			description: "the Authorization header must hold the word Bearer and one access token",
		}
	}
	if len(fields[1]) > maxTokenBytes || !isTokenSyntax(fields[1]) {
		return "", &refusal{status: http.StatusUnauthorized, code: "invalid_token", description: "this is not an access token"}
	}
	return fields[1], nil
}

// isTokenSyntax reports whether s is a b64token (RFC 6750 section 2.1).
func isTokenSyntax(s string) bool {
	body := strings.TrimRight(s, "=")
	return body != "" && !slices.ContainsFunc([]byte(body), func(b byte) bool {
		return !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("-._~+/", b) >= 0)
	})
}

func union(lists ...[]string) []string {
	var all []string
	for _, scope := range slices.Concat(lists...) {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// warnUnknownScopes says once that scopes are required here which the project does not have, because no client could
// ever get them.
func (g *Guard) warnUnknownScopes(known *settings) {
	var unknown []string
	needed := [][]string{g.config.RequiredScopes}
	for _, scopes := range g.config.ToolScopes {
		needed = append(needed, scopes)
	}
	for _, scope := range union(needed...) {
		if !slices.Contains(known.ScopesSupported, scope) {
			unknown = append(unknown, scope)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		g.warned.Do(func() {
			g.config.Logger.Warn("mcpauth: scopes are required that the project does not offer", "scopes", unknown)
		})
	}
}

// warningGate lets one warning through in a while, so that an outage does not fill the log.
type warningGate struct {
	mu   sync.Mutex
	last time.Time
}

func (g *warningGate) open(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.last.IsZero() && now.Sub(g.last) < 10*time.Second {
		return false
	}
	g.last = now
	return true
}

func (g *Guard) warnUnavailable(err error) {
	if !errors.Is(err, context.Canceled) && g.warnings.open(g.now()) {
		g.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "mcpauth: a request could not be checked", slog.Any("error", err))
	}
}
