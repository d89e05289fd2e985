package mcpauth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxCacheTTL        = 5 * time.Second
	maxClockTolerance  = time.Minute
	earlyTolerance     = 30 * time.Second // for hosts whose clock runs behind
	defaultMaxBody     = 4 << 20
	cacheEntries       = 10_000
	settingsTTL        = time.Minute
	issuerMetadataTTL  = 5 * time.Minute
	requestTimeout     = 5 * time.Second
	maxAnswerBytes     = 256 << 10
	maxTokenBytes      = 16 << 10
	introspectionsOpen = 64
)

// Config is what a [Guard] is made from. Only RegistrationSecret is required.
type Config struct {
	// RegistrationSecret is the credential of this MCP server, as shown once in the dashboard.
	RegistrationSecret string

	// RequiredScopes are needed for every request. Without them any valid token for this server may call it, and
	// clients are told to ask for the project's default scopes.
	RequiredScopes []string

	// ToolScopes are needed, beyond RequiredScopes, to call the named tools. A call that lacks one is answered with
	// a challenge that lets the client ask its user for more (step-up) and try again.
	ToolScopes map[string][]string

	// ImpliedScopes says which scopes a granted scope includes, for example {"notes:admin": {"notes:write"}}.
	ImpliedScopes map[string][]string

	// Resource is the URL under which clients reach this server, when it differs from the one in the dashboard.
	// Tokens must carry it as their audience, byte for byte.
	Resource string

	// Address replaces the project's address carried in the secret, for networks in which the project is reached
	// under another name. https, or http on a loopback host.
	Address string

	// AllowedOrigins are the values of the Origin header that browsers may send. Empty allows all of them, which is
	// safe because tokens are accepted from the Authorization header only, and browsers never add that by themselves.
	AllowedOrigins []string

	// AlwaysIntrospect asks the project about tokens (RFC 7662) instead of verifying them here with its keys and the feed of
	// revocations, which is done otherwise and whenever keys and feed are not up to date.
	AlwaysIntrospect bool

	// DisableCallReports keeps from the project which tools are called with which approval. Arguments are never told.
	DisableCallReports bool

	// CacheTTL is how long a positive introspection answer is reused: 0 means five seconds, which is also the most,
	// a negative value asks for every request, whatever AlwaysIntrospect says.
	CacheTTL time.Duration

	// ClockTolerance is how long after its expiry a token that the project still calls active is accepted, for hosts
	// whose clock runs ahead. At most a minute.
	ClockTolerance time.Duration

	// MaxBodyBytes bounds the request body that is read to find the tool's name. 0 means 4 MiB.
	MaxBodyBytes int64

	// HTTPClient carries the requests to the project. It is copied; redirects are never followed.
	HTTPClient *http.Client

	// Logger receives warnings, never tokens or secrets. nil means [slog.Default].
	Logger *slog.Logger
}

// New checks the configuration, all problems at once, and makes no request: the project is asked on first use. What the
// configuration refers to must not be changed afterwards.
func New(config Config) (*Guard, error) {
	var problems []error
	secret, err := parseSecret(config.RegistrationSecret)
	if err != nil {
		problems = append(problems, err)
	}
	address := secret.address
	if config.Address != "" {
		address = strings.TrimSuffix(config.Address, "/")
		if _, err := parseAddress(address); err != nil {
			problems = append(problems, fmt.Errorf("field Address: %w", err))
		}
	}
	problems = append(problems, config.check()...)
	if len(problems) > 0 {
		return nil, fmt.Errorf("mcpauth: %w", errors.Join(problems...))
	}
	if config.CacheTTL == 0 {
		config.CacheTTL = maxCacheTTL
	}
	if config.MaxBodyBytes == 0 {
		config.MaxBodyBytes = defaultMaxBody
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return newGuard(config, secret, address), nil
}

func (c *Config) check() []error {
	var problems []error
	if c.CacheTTL > maxCacheTTL {
		problems = append(problems, errors.New("CacheTTL: at most five seconds, so that revocation takes effect"))
	}
	if c.ClockTolerance < 0 || c.ClockTolerance > maxClockTolerance {
		problems = append(problems, errors.New("ClockTolerance: between zero and a minute"))
	}
	if c.MaxBodyBytes < 0 {
		problems = append(problems, errors.New("MaxBodyBytes: must not be negative"))
	}
	if c.Resource != "" {
		if err := checkResource(c.Resource); err != nil {
			problems = append(problems, fmt.Errorf("field Resource: %w", err))
		}
	}
	problems = append(problems, checkScopes("RequiredScopes", c.RequiredScopes)...)
	for tool, scopes := range c.ToolScopes {
		problems = append(problems, checkScopes(fmt.Sprintf("ToolScopes[%q]", tool), scopes)...)
	}
	for scope, implied := range c.ImpliedScopes {
		problems = append(problems, checkScopes(fmt.Sprintf("ImpliedScopes[%q]", scope), implied)...)
	}
	return problems
}

func checkScopes(field string, scopes []string) []error {
	var problems []error
	for _, scope := range scopes {
		switch {
		case !validScope(scope):
			problems = append(problems, fmt.Errorf("%s: %q is not a scope", field, scope))
		case scope == "offline_access":
			problems = append(problems, fmt.Errorf("%s: offline_access is between client and issuer, a resource must not ask for it", field))
		}
	}
	return problems
}

// validScope reports whether s is a scope-token (RFC 6749 section 3.3), which also makes it safe in a challenge.
func validScope(s string) bool {
	if s == "" {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(b byte) bool {
		return b < 0x21 || b > 0x7e || b == '"' || b == '\\'
	})
}

// checkResource accepts an absolute http or https URL without fragment (RFC 8707 section 2). Plain http is allowed on
// any host: in front of the server may be a proxy, and what clients accept is theirs to decide.
func checkResource(resource string) error {
	u, err := url.Parse(resource)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https:// or http://")
	case u.Host == "" || u.User != nil || strings.Contains(resource, "#"):
		return errors.New("must name a host, without user name and fragment")
	}
	return nil
}
