package endpoints

import (
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/web"
)

// How often one source may use an endpoint of one project, on one node. Hosted clients act for thousands of people from a few
// addresses, so what every connection needs is wide; what strangers could fill tables with is narrower. Guessing is hopeless at any
// rate: the credentials that these endpoints check hold 128 random bits and more.
var (
	perSourceRegister  = web.Rate{Burst: 120, Every: 500 * time.Millisecond}   // then 2 a second
	perSourceAuthorize = web.Rate{Burst: 300, Every: 50 * time.Millisecond}    // then 20 a second
	perSourceToken     = web.Rate{Burst: 1000, Every: 5 * time.Millisecond}    // then 200 a second
	perSourceGuard     = web.Rate{Burst: 10000, Every: 200 * time.Microsecond} // then 5,000 a second
	perSourcePage      = web.Rate{Burst: 300, Every: 50 * time.Millisecond}
	// perProjectRegister bounds the work that many sources cause together.
	perProjectRegister = web.Rate{Burst: 600, Every: 20 * time.Millisecond} // then 50 a second
)

// limited counts the requests to a route by source (catalogue 33, 34).
func (h *Handler) limited(name string, rate web.Rate, perProject ...web.Rate) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			issuer := issuerOf(c)
			if err := h.limits.Local(rate, name, issuer.ID.String(), web.Source(c)); err != nil {
				return err
			}
			for _, shared := range perProject {
				if err := h.limits.Local(shared, name, issuer.ID.String()); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}
