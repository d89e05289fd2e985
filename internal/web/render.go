package web

import (
	"bytes"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Render answers with a page that no cache keeps. It is rendered as a whole first: a component that fails becomes an error, not half a page.
func Render(c echo.Context, status int, component templ.Component) error {
	var page bytes.Buffer
	if err := component.Render(c.Request().Context(), &page); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.HTMLBlob(status, page.Bytes())
}

// RenderLeaving answers with a page that leads somewhere else, which is not told where the person comes from.
func RenderLeaving(c echo.Context, component templ.Component) error {
	c.Response().Header().Set("Referrer-Policy", noReferrer)
	return Render(c, http.StatusOK, component)
}
