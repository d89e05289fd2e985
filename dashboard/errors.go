package dashboard

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// errCrossOrigin is a form that was sent from a page of another origin.
var errCrossOrigin = errors.New("form of another origin")

// errSuspendedOrganization is an invitation to an organization that the operator suspended.
var errSuspendedOrganization = errors.New("suspended organization admits nobody")

// errNoInvitation is an invitation that cannot be accepted; which of the reasons it is says nothing about those of others.
var errNoInvitation = errors.New("no such invitation")

// renderError is the one place where errors become pages. What is not known here stays in the log.
func (d *dashboard) renderError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, message := explain(err)
	message.RequestID = web.RequestID(c)
	if often, ok := errors.AsType[*web.TooManyError](err); ok {
		often.SetRetryAfter(c.Response().Header())
	}
	if status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, "5")
	}
	if web.Render(c, status, templates.Message(message)) != nil {
		_ = c.NoContent(http.StatusInternalServerError)
	}
}

// explain says what happened, what was expected and what to do.
func explain(err error) (status int, message templates.MessagePage) {
	status = web.Status(err)
	if _, ok := errors.AsType[*web.TooManyError](err); ok {
		return http.StatusTooManyRequests, templates.MessagePage{
			Title: "Too many attempts", Text: "This was tried too often in a short time. Nothing was changed.", Steps: []string{"Wait a minute and try again."},
		}
	}
	switch {
	case errors.Is(err, errSuspendedOrganization):
		return http.StatusForbidden, templates.MessagePage{
			Title: "This organization admits nobody at the moment", Text: "Whoever runs this service suspended it. That is not because of you, and your invitation stays open until it ends.",
			Steps: []string{"Ask whoever invited you."}, LinkText: "Your invitations", LinkURL: pathInvitations,
		}
	case errors.Is(err, errNoInvitation):
		return http.StatusNotFound, templates.MessagePage{
			Title: "This invitation is not open", Text: "It was used or taken back, is older than seven days or for another address, or whoever sent it may not invite any more.",
			Steps: []string{"Ask somebody of the organization to invite you again."}, LinkText: "Your invitations", LinkURL: pathInvitations,
		}
	case errors.Is(err, tenants.ErrSuspended):
		return http.StatusForbidden, templates.MessagePage{
			Title: "This organization is suspended", Text: "Nothing was changed. Whoever runs this service suspended it; the audit log says why.",
			Steps: []string{"Write to the support of this service."}, LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	case errors.Is(err, errCrossOrigin):
		return http.StatusForbidden, templates.MessagePage{
			Title: "This form came from another site", Text: "Nothing was changed.",
			Expected: "a form that was opened on this site", Steps: []string{"Open the dashboard in this browser and try again there."},
			LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	case errors.Is(err, signin.ErrSignedOut):
		return http.StatusForbidden, templates.MessagePage{
			Title: "This account was just signed out everywhere", Text: "That came after you proved who you are and before you were signed in.",
			Steps: []string{"Sign in again."}, LinkText: "Sign in", LinkURL: pathSignIn,
		}
	case errors.Is(err, errNotWaiting):
		return http.StatusConflict, templates.MessagePage{
			Title: "There is nothing to confirm here any more", Text: "Nothing was changed. What you entered was kept for a quarter of an hour, for the sign-in in which you entered it.",
			Steps: []string{"Go back to the page that you came from, and send it again."}, LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	case errors.Is(err, errCursor):
		return http.StatusBadRequest, templates.MessagePage{
			Title: "This place in the list does not exist", Text: "The address was changed, or it belongs to another list.",
			Expected: "the address of a page that this site linked to", Steps: []string{"Go back to the list and page through it again."},
			LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	case errors.Is(err, tenants.ErrForbidden):
		return http.StatusForbidden, templates.MessagePage{
			Title: "Your role does not allow this", Text: "Nothing was changed.",
			Expected: "a role in this organization that may do this", Steps: []string{"Ask an owner of the organization for another role."},
			LinkText: "Back to the dashboard", LinkURL: pathDashboard,
		}
	case errors.Is(err, tenants.ErrUnavailable), errors.Is(err, signin.ErrUnavailable), errors.Is(err, signin.ErrBusy):
		return http.StatusServiceUnavailable, templates.MessagePage{
			Title: "The service cannot answer right now", Text: "Nothing was changed.", Steps: []string{"Try again in a few seconds."},
		}
	case errors.Is(err, tenants.ErrNotFound), status == http.StatusNotFound:
		return http.StatusNotFound, templates.MessagePage{
			Title: "There is nothing here", Text: "The page does not exist, or it belongs to an organization that you are not a member of.",
			Steps:    []string{"Check the address.", "Ask the person who sent it to you whether you were invited."},
			LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	case status == http.StatusRequestEntityTooLarge:
		return status, templates.MessagePage{Title: "The form is too large", Text: "Nothing was changed.", Expected: "at most 32 KB"}
	case status < http.StatusInternalServerError:
		return status, templates.MessagePage{
			Title: "This request cannot be read", Text: "Nothing was changed.", Expected: "a form of this site, sent by a browser",
			LinkText: "Open the dashboard", LinkURL: pathDashboard,
		}
	default:
		return http.StatusInternalServerError, templates.MessagePage{
			Title: "Something went wrong on our side", Text: "It has been recorded under the number below.",
			Steps: []string{"Try again.", "If it happens again, send us the number."},
		}
	}
}

// fieldErrors collects what the rules said about each field of a form. It returns false when err is something else.
func fieldErrors(err error) (map[string]string, bool) {
	found := map[string]string{}
	var walk func(error) bool
	walk = func(err error) bool {
		var ofTenants tenants.FieldError
		var ofSignIn signin.FieldError
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				if !walk(one) {
					return false
				}
			}
			return true
		}
		switch {
		case errors.As(err, &ofTenants):
			found[ofTenants.Field] = ofTenants.Message
		case errors.As(err, &ofSignIn):
			found[ofSignIn.Field] = ofSignIn.Message
		default:
			return false
		}
		return true
	}
	return found, walk(err) && len(found) > 0
}
