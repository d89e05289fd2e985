package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// Content security policies (CSP level 3). The pages of an issuer run no script, passkeys aside; the dashboard
// runs its own.
const (
	PolicyFlow = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

	// PolicyFlowScript is for the pages on which a passkey can be used, which takes a script.
	PolicyFlowScript = PolicyFlow + "; script-src 'self'"

	PolicyDashboard = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

// HeaderOption adjusts SecurityHeaders.
type HeaderOption func(http.Header)

// HSTS asks browsers to use https for a year, subdomains included, when the configured base URL is https; otherwise it does nothing.
func HSTS(baseURL string) HeaderOption {
	if !strings.HasPrefix(baseURL, "https://") {
		return func(http.Header) {}
	}
	return func(h http.Header) { h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains") }
}

// OpenableByClients keeps the connection to the page that opened this one: clients that run in a browser open the sign-in in a window of
// its own and wait for that window to come back to them.
func OpenableByClients(h http.Header) { h.Set("Cross-Origin-Opener-Policy", "unsafe-none") }

// noReferrer tells a browser to say nowhere which page a request comes from, its forms included: they arrive with "Origin: null".
const noReferrer = "no-referrer"

// FormOrigin lets the forms of pages say their own origin, for browsers without Fetch Metadata, where CrossOrigin knows nothing else (WHATWG Fetch,
// append a request Origin header). Other origins still learn nothing. Pages at the paths given keep silent even here: their addresses carry a secret.
func FormOrigin(secretPaths ...string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r := c.Request(); r.Method != http.MethodGet && r.Method != http.MethodHead || !slices.Contains(secretPaths, c.Path()) {
				c.Response().Header().Set("Referrer-Policy", "same-origin")
			}
			return next(c)
		}
	}
}

// SecurityHeaders sets, before the handler runs and so on errors too, what a browser must be told about every page of a surface.
func SecurityHeaders(policy string, options ...HeaderOption) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", noReferrer)
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			for _, option := range options {
				option(h)
			}
			return next(c)
		}
	}
}

// CrossOrigin refuses unsafe requests that a browser says come from another origin, siblings under the same site included: with one
// subdomain per project, SameSite cookies do not keep one project's pages from posting to another's. deny renders the refusal.
func CrossOrigin(deny func(echo.Context) error) echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if protection.Check(c.Request()) != nil {
				return deny(c)
			}
			return next(c)
		}
	}
}
