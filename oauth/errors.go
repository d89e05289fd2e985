package oauth

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// What a store answers besides success. Anything else is a fault of ours.
var (
	ErrNotFound    = errors.New("not found")
	ErrUnavailable = errors.New("temporarily unavailable")
)

// Code is an error code of OAuth 2.0 or an extension, as it travels in "error".
type Code string

// The codes in use. Each is defined by RFC 6749 (sections 4.1.2.1 and 5.2) unless another source is named.
const (
	InvalidRequest              Code = "invalid_request"
	InvalidClient               Code = "invalid_client"
	InvalidGrant                Code = "invalid_grant"
	UnauthorizedClient          Code = "unauthorized_client"
	UnsupportedGrantType        Code = "unsupported_grant_type"
	UnsupportedResponseType     Code = "unsupported_response_type"
	InvalidScope                Code = "invalid_scope"
	AccessDenied                Code = "access_denied"
	ServerError                 Code = "server_error"
	TemporarilyUnavailable      Code = "temporarily_unavailable"
	InvalidTarget               Code = "invalid_target"                // RFC 8707 section 2
	InvalidRedirectURI          Code = "invalid_redirect_uri"          // RFC 7591 section 3.2.2
	InvalidClientMetadata       Code = "invalid_client_metadata"       // RFC 7591 section 3.2.2
	UnapprovedSoftwareStatement Code = "unapproved_software_statement" // RFC 7591 section 3.2.2
	InvalidToken                Code = "invalid_token"                 // RFC 6750 section 3.1
	LoginRequired               Code = "login_required"                // OpenID Connect Core section 3.1.2.6
	ConsentRequired             Code = "consent_required"              // OpenID Connect Core section 3.1.2.6
	RequestNotSupported         Code = "request_not_supported"         // OpenID Connect Core section 3.1.2.6
	RequestURINotSupported      Code = "request_uri_not_supported"     // OpenID Connect Core section 3.1.2.6
	TooManyRequests             Code = "too_many_requests"             // of no RFC; the MCP SDKs know it by this name
)

// statuses is the one table from code to HTTP status; what is not listed is 400.
var statuses = map[Code]int{
	InvalidClient:          http.StatusUnauthorized,
	InvalidToken:           http.StatusUnauthorized,
	AccessDenied:           http.StatusForbidden,
	ServerError:            http.StatusInternalServerError,
	TemporarilyUnavailable: http.StatusServiceUnavailable,
	TooManyRequests:        http.StatusTooManyRequests,
}

// Error is shown to whoever sent the request and never redirected. Its description is for developers: printable ASCII without quotes
// or backslashes (RFC 6749 section 5.2), and without anything secret.
type Error struct {
	Code        Code
	Description string
	// Parameter is the one that is wrong, and Got what it was, cut; empty when none in particular is, or when it is a secret. Expected is
	// the value that would have been right. Reason says in words what the description may not tell to strangers; empty: the description
	// says it. All four are for the project's own timeline.
	Parameter, Got, Expected, Reason string
	// Basic asks for a WWW-Authenticate: Basic challenge, because the client tried that scheme.
	Basic bool
	cause error
}

// Errorf is not offered on purpose: descriptions are constants or built from validated values.
func newError(code Code, description string) *Error {
	return &Error{Code: code, Description: printable(description)}
}

// gotMax bounds what is kept of a wrong value, in bytes.
const gotMax = 300

// at names the parameter that is wrong, and what it was; never give it anything secret.
func (e *Error) at(parameter, got string) *Error {
	e.Parameter, e.Got = printable(cut(parameter, 64)), plain(cut(got, gotMax))
	return e
}

func (e *Error) expecting(expected string) *Error {
	e.Expected = expected
	return e
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// plain replaces what no store keeps and no page shows.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Description
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause, which is logged and never shown.
func (e *Error) Unwrap() error { return e.cause }

// Status is the HTTP status of the code.
func (e *Error) Status() int {
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusBadRequest
}

// RedirectError is an authorization error that the client may be told: client and redirect URI are known to be good.
type RedirectError struct {
	Err *Error
	To  Redirection
}

func (e *RedirectError) Error() string { return e.Err.Error() }

// Unwrap gives the error that travels.
func (e *RedirectError) Unwrap() error { return e.Err }

// Fault turns any error into one that can be shown: an outage is 503, everything unknown a 500 without details.
func Fault(err error) *Error {
	var shown *Error
	switch {
	case errors.As(err, &shown):
		return shown
	case errors.Is(err, ErrUnavailable):
		return &Error{Code: TemporarilyUnavailable, Description: "The server cannot answer at the moment. Try again shortly.", cause: err}
	default:
		return &Error{Code: ServerError, Description: "Something went wrong on the server. It has been recorded.", cause: err}
	}
}

// printable replaces what RFC 6749 section 5.2 does not allow in error_description.
func printable(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			out[i] = '\''
		}
	}
	return string(out)
}
