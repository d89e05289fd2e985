package endpoints

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// documentCache is how long clients and proxies may keep metadata and keys. A key is published longer than that before it signs.
const documentCache = "public, max-age=300"

func (h *Handler) metadata(c echo.Context) error {
	return document(c, issuerOf(c).MetadataJSON())
}

func (h *Handler) jwks(c echo.Context) error {
	return document(c, issuerOf(c).JWKSJSON())
}

func document(c echo.Context, body []byte) error {
	c.Response().Header().Set("Cache-Control", documentCache)
	return c.JSONBlob(http.StatusOK, body)
}

func (h *Handler) register(c echo.Context) error {
	body, err := metadataBody(c)
	if err != nil {
		return err
	}
	registration, refused := h.oauth.Register(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), body)
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusCreated, registration)
}

// metadataBody reads a body of JSON, such as that of a registration.
func metadataBody(c echo.Context) ([]byte, error) {
	mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" { // a form could be posted by any page (catalogue 32)
		return nil, echo.ErrUnsupportedMediaType
	}
	return io.ReadAll(c.Request().Body)
}

func (h *Handler) token(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	response, refused := h.oauth.Token(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), form)
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusOK, response)
}

func (h *Handler) introspect(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	token := oauth.BearerToken(c.Request().Header.Get("Authorization"))
	response, refused := h.oauth.Introspect(c.Request().Context(), issuerOf(c), token, form)
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusOK, response)
}

func (h *Handler) revoke(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	if refused := h.oauth.Revoke(c.Request().Context(), issuerOf(c), c.Request().Header.Get("Authorization"), form); refused != nil {
		return refused
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.NoContent(http.StatusOK)
}

func (h *Handler) guardConfiguration(c echo.Context) error {
	token := oauth.BearerToken(c.Request().Header.Get("Authorization"))
	configuration, refused := h.oauth.GuardConfiguration(c.Request().Context(), issuerOf(c), token)
	if refused != nil {
		return refused
	}
	return answer(c, http.StatusOK, configuration)
}

func (h *Handler) recordCalls(c echo.Context) error {
	body, err := metadataBody(c)
	if err != nil {
		return err
	}
	token := oauth.BearerToken(c.Request().Header.Get("Authorization"))
	if refused := h.oauth.RecordCalls(c.Request().Context(), issuerOf(c), token, body); refused != nil {
		return refused
	}
	return c.NoContent(http.StatusNoContent)
}

func answer(c echo.Context, status int, body any) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(status, body)
}

// isProtocol tells the endpoints that programs call, which answer JSON and anyone's origin, from the pages that people see.
func isProtocol(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, wellKnown)
}

// crossOrigin lets browser-based clients call the protocol endpoints from any origin, without cookies (P1), and refuses form posts to
// the pages from every origin but their own, siblings included (catalogue 139, 261).
func (h *Handler) crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	guarded := web.CrossOrigin(func(c echo.Context) error {
		return &oauth.Error{Code: oauth.AccessDenied, Description: "This form was sent from another website."}
	})(next)
	return func(c echo.Context) error {
		if !isProtocol(c.Request().URL.Path) {
			return guarded(c)
		}
		header := c.Response().Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
		allowed := "Authorization, Content-Type, Accept, MCP-Protocol-Version"
		if asked := c.Request().Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) < 1000 {
			allowed = asked
		}
		header.Set("Access-Control-Allow-Headers", allowed)
		header.Set("Access-Control-Max-Age", "3600")
		header.Set("Vary", "Access-Control-Request-Headers")
		return c.NoContent(http.StatusNoContent)
	}
}

// renderError is the one place where an error becomes a response: JSON for programs, a page for people.
func (h *Handler) renderError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, shown := describe(err)
	if status >= http.StatusInternalServerError {
		h.log.ErrorContext(c.Request().Context(), "request failed", "error", err, "route", c.Path(), "request_id", web.RequestID(c))
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	var often *web.TooManyError
	switch {
	case errors.As(err, &often):
		often.SetRetryAfter(header)
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		header.Set("Retry-After", "2")
	case shown.Code == oauth.InvalidClient && shown.Basic:
		header.Set("WWW-Authenticate", `Basic realm="mcpauth"`) // RFC 6749 section 5.2
	case shown.Code == oauth.InvalidToken:
		header.Set("WWW-Authenticate", `Bearer realm="mcpauth", error="invalid_token"`)
	}
	if !isProtocol(c.Request().URL.Path) {
		h.renderErrorPage(c, status, shown)
		return
	}
	_ = c.JSON(status, map[string]string{"error": string(shown.Code), "error_description": shown.Description})
}

// describe gives every error an OAuth code and a status. Errors of the router and of reading the request keep their own status.
func describe(err error) (int, *oauth.Error) {
	var shown *oauth.Error
	var routed *echo.HTTPError
	var often *web.TooManyError
	switch {
	case errors.As(err, &often):
		return http.StatusTooManyRequests, &oauth.Error{Code: oauth.TooManyRequests, Description: "Too many requests. Wait as long as Retry-After says, in seconds."}
	case errors.Is(err, tenants.ErrLimit): // of people in a development project
		return http.StatusForbidden, &oauth.Error{Code: oauth.AccessDenied, Parameter: "limit", Description: "This project is for trying out and has as many people as it can hold. Whoever runs it can make it a production project."}
	case errors.As(err, &shown):
		return shown.Status(), shown
	case errors.As(err, &routed) && routed.Code < http.StatusInternalServerError:
		return routed.Code, &oauth.Error{Code: oauth.InvalidRequest, Description: expectations[routed.Code], Parameter: misplaced[routed.Code],
			Expected: accepted[routed.Code]}
	default:
		fault := oauth.Fault(err)
		return fault.Status(), fault
	}
}

// misplaced is the part of the request that such a refusal is about.
var misplaced = map[int]string{
	http.StatusBadRequest:            "body",
	http.StatusRequestEntityTooLarge: "body",
	http.StatusUnsupportedMediaType:  "Content-Type",
}

// accepted is what the timeline says would have been right.
var accepted = map[int]string{
	http.StatusRequestEntityTooLarge: "at most 64 KiB",
	http.StatusUnsupportedMediaType:  "application/json or application/x-www-form-urlencoded",
}

// expectations says what was expected where the router or the reader of a body refuses.
var expectations = map[int]string{
	http.StatusBadRequest:            "The request body is not well-formed.",
	http.StatusNotFound:              "There is no project and no endpoint at this address. The metadata document of a project lists its endpoints.",
	http.StatusMethodNotAllowed:      "This endpoint does not answer this method. The Allow header lists what it answers.",
	http.StatusRequestEntityTooLarge: "The request body is too large. Expected at most 64 KiB.",
	http.StatusUnsupportedMediaType:  "Unexpected Content-Type. Expected application/json for registration and reports of calls, application/x-www-form-urlencoded elsewhere.",
}
