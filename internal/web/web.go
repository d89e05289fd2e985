// Package web is what the HTTP doors share: the echo instance with request ids, logging and recovery, security headers, the refusal of
// cross-origin form posts, cookies, body limits, rendering, and the server with its time limits.
//
// It owns no route and no business rule. Of the project it imports internal/secret only.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/secret"
)

// HeaderRequestID names the response header that carries the request id.
const HeaderRequestID = "X-Request-ID"

const requestIDKey = "web.request_id"

// ErrPanic is what a surface's error renderer is given after a handler panicked; the cause is only in the log.
var ErrPanic = errors.New("internal error")

// Option adjusts what New returns.
type Option func(*echo.Echo)

// TrustedProxies names the networks whose X-Forwarded-For is believed. Without it the direct peer is the client, whatever headers say.
func TrustedProxies(networks ...netip.Prefix) Option {
	return func(e *echo.Echo) {
		if len(networks) == 0 {
			return
		}
		trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
		for _, n := range networks {
			n = n.Masked()
			trust = append(trust, echo.TrustIPRange(&net.IPNet{
				IP: n.Addr().AsSlice(), Mask: net.CIDRMask(n.Bits(), n.Addr().BitLen()),
			}))
		}
		e.IPExtractor = echo.ExtractIPFromXFFHeader(trust...)
	}
}

// New returns an echo instance that gives every request an id, logs it, and survives panics. The surface sets its own HTTPErrorHandler;
// the one set here answers with the bare status text.
func New(log *slog.Logger, options ...Option) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = plainError
	for _, option := range options {
		option(e)
	}
	e.Use(requestID, logRequests(log), recoverPanics(log))
	return e
}

// RequestID is the id of the request, as it stands in the log and in the response header; empty outside New's instances.
func RequestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// Status is the HTTP status that an error which no surface knows better asks for: that of an echo.HTTPError, else 500.
func Status(err error) int {
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code
	}
	return http.StatusInternalServerError
}

func plainError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := Status(err)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status)
		return
	}
	_ = c.String(status, http.StatusText(status)+"\n")
}

// requestID draws an id of its own: one sent by the client could be used to confuse the log.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := secret.Encode(secret.Bytes(12))
		c.Set(requestIDKey, id)
		c.Response().Header().Set(HeaderRequestID, id)
		return next(c)
	}
}

// logRequests writes one line per request. Paths, query strings, headers and bodies stay out of it: they may carry credentials.
func logRequests(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			started := time.Now()
			err := next(c)
			if err != nil {
				c.Error(err) // the surface's renderer decides the status
			}
			route := c.Path()
			if route == "" {
				route = "unmatched"
			}
			attrs := []slog.Attr{
				slog.String("method", knownMethod(c.Request().Method)),
				slog.String("route", route),
				slog.Int("status", c.Response().Status),
				slog.Duration("duration", time.Since(started)),
				slog.String("request_id", RequestID(c)),
			}
			level := slog.LevelInfo
			if c.Response().Status >= http.StatusInternalServerError {
				if !abandoned(c, err) {
					level = slog.LevelError
				}
				if err != nil {
					attrs = append(attrs, slog.String("error", err.Error()))
				}
			}
			log.LogAttrs(c.Request().Context(), level, "request", attrs...)
			return nil
		}
	}
}

// abandoned reports whether a request failed only because whoever sent it did not wait for the answer: nothing is wrong here then.
func abandoned(c echo.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(c.Request().Context().Err(), context.Canceled)
}

// knownMethod keeps methods that a stranger made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodConnect, http.MethodTrace:
		return method
	default:
		return "other"
	}
}

// recoverPanics turns a panic into ErrPanic. The value of a panic may hold user data: only runtime errors are written out.
func recoverPanics(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				value := recover()
				if value == nil {
					return
				}
				if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
					panic(value)
				}
				cause := fmt.Sprintf("%T", value)
				if fault, ok := value.(runtime.Error); ok {
					cause = fault.Error()
				}
				log.Error("panic", "cause", cause, "request_id", RequestID(c), "stack", string(debug.Stack()))
				err = ErrPanic
			}()
			return next(c)
		}
	}
}
