package endpoints

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

func (h *Handler) registration(c echo.Context) error {
	registration, refused := h.oauth.FindRegistration(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), c.Param("client_id"))
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusOK, registration)
}

func (h *Handler) replaceRegistration(c echo.Context) error {
	body, err := metadataBody(c)
	if err != nil {
		return err
	}
	registration, refused := h.oauth.ReplaceRegistration(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), c.Param("client_id"), body)
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusOK, registration)
}

func (h *Handler) deleteRegistration(c echo.Context) error {
	if refused := h.oauth.DeleteRegistration(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), c.Param("client_id")); refused != nil {
		return refused
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.NoContent(http.StatusNoContent)
}
