package endpoints

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// brandFile serves the style sheet and the logo of the brand that is shown now. They are made of parsed values and of pixels; the
// policy keeps a browser from taking them for anything else (catalogue 149, 150, 262).
func (h *Handler) brandFile(c echo.Context) error {
	brand, content, kind := issuerOf(c).Brand, []byte(nil), ""
	switch name := c.Param("file"); {
	case name == "":
	case name == brand.StylesheetName():
		content, kind = brand.Stylesheet, "text/css; charset=utf-8"
	case name == brand.LogoName():
		content, kind = brand.Logo, "image/png"
	}
	if content == nil {
		return echo.ErrNotFound
	}
	header := c.Response().Header()
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	return c.Blob(http.StatusOK, kind, content)
}
