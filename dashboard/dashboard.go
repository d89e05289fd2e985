// Package dashboard is the door for members: the site's front page, sign-up and sign-in, and the pages on which an organization
// configures its projects.
//
// A handler parses, calls tenants or signin, and renders; pages.go lists all of them. The package must not import another door or
// internal/postgres; no business rule and no SQL lives here.
package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// maxForm bounds a posted form in bytes: a password of 1,000 characters, percent-encoded, and the rest.
const maxForm = 32 << 10

// realm names the members among the sets of accounts that limits are counted for.
const realm = "members"

// Memberships says which organizations a member belongs to.
type Memberships interface {
	Memberships(ctx context.Context, member id.ID) ([]tenants.Membership, error)
}

// Config is what the door needs. Every field but TrustedProxies, Limits, GitHub and Billing is required.
type Config struct {
	SignIn      *signin.Service
	Accounts    signin.Accounts // of the members
	Memberships Memberships
	// Ways are passkeys and accounts at GitHub; GitHub is this service as GitHub knows it, nil: members cannot sign in there. IdentityProviders
	// speaks to it.
	Ways              signin.MemberWays
	GitHub            *signin.Provider
	IdentityProviders *signin.IdentityProviders
	Projects          tenants.Projects
	// Identities of one project's people; the simulator of an own login reads its secret there.
	Identities func(project id.ID) signin.Identities
	// Organizations has the same store as Projects.
	Organizations tenants.Organizations
	// Usage is the meter, and Billing what organizations pay for; nil: billing is off.
	Usage   tenants.UsageStore
	Billing *billing.Service
	// Outgoing asks addresses that members name. It reaches no address of our own network, and reads little of an answer.
	Outgoing *http.Client
	// Keys seal positions in lists.
	Keys *secret.Keyring
	// BaseURL is the root of the service, such as https://mcpauth.example, without trailing slash. Cookies follow its scheme.
	BaseURL string
	// Reviews says that the consent screen tells people what nobody has looked at.
	Reviews        bool
	TrustedProxies []netip.Prefix
	// Limits of strangers; nil for none.
	Limits *web.Limits
	Log    *slog.Logger
	Now    func() time.Time
}

// dashboard holds what the handlers share. It keeps nothing between requests.
type dashboard struct {
	Config
	cookies web.Cookies
	once    web.Once
}

// New returns the door. It answers at "/" and below "/dashboard"; static files are served beside it.
func New(config Config) *echo.Echo {
	d := &dashboard{Config: config, cookies: web.Cookies{Secure: strings.HasPrefix(config.BaseURL, "https://")}}
	d.once = web.Once{Cookies: d.cookies, Keys: config.Keys, Now: config.Now}
	e := web.New(config.Log, web.TrustedProxies(config.TrustedProxies...))
	e.HTTPErrorHandler = d.renderError
	e.Use(
		web.SecurityHeaders(web.PolicyDashboard, web.HSTS(config.BaseURL)),
		web.FormOrigin(pathGitHubCallback, pathTestCallback),
		web.CrossOrigin(func(echo.Context) error { return errCrossOrigin }),
	)
	for _, p := range d.pages() {
		if !p.stated() {
			panic(p.method + " " + p.path + " does not say which proof it asks for")
		}
		e.Add(p.method, p.path, d.serve(p), web.MaxBody(max(maxForm, p.body)))
	}
	return e
}
