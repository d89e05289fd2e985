package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// StoredGrant is what a refused exchange is compared with. It is read after the statement refused, and holds nothing secret.
type StoredGrant struct {
	UserID, ServerID                                       id.ID
	IssuerURL, ClientID, AuthMethod, Challenge, RedirectTo string
	Resource                                               string
	Scopes                                                 []string
	Refreshable, PersonBlocked, ReviewOver                 bool
	Generation                                             uint64
	RevokedReason                                          string
	// Times that have not come are zero. Now is the store's clock.
	ApprovedAt, CodeExpiresAt, RedeemedAt, IdleExpiresAt, ExpiresAt, RevokedAt, Now time.Time
}

// difference is one thing that kept an exchange from succeeding: what came beside what would have been right.
type difference struct{ parameter, got, expected, reason string }

// because tells the project's timeline alone what was wrong; the client's answer stays as it is (RFC 6749 section 5.2).
func (e *Error) because(d difference) *Error {
	e.at(d.parameter, d.got).Reason = d.reason
	return e.expecting(plain(cut(d.expected, gotMax)))
}

// whyRefused is the answer to an exchange that the one statement refused. The client is told of another resource, or of more scopes than
// were granted, if it is right in everything else (catalogue 174, 184), and otherwise no more than vague says; the project's timeline has
// what came first beside what was expected. The reference was authentic, else nobody would look.
func (s *Server) whyRefused(ctx context.Context, r tokenRequest, ref reference, vague *Error, compare func(StoredGrant) []difference) *Error {
	stored, err := s.grants.FindGrant(ctx, r.issuer.ID, ref.grant, secret.Hash(string(ref.random)))
	switch {
	case isNotFound(err):
		return vague
	case err != nil:
		return Fault(err)
	}
	if stored.ClientID == r.client.ID {
		TraceOf(ctx).UserID, TraceOf(ctx).ServerID = stored.UserID, stored.ServerID
	}
	found := compare(stored)
	if len(found) == 0 {
		return vague
	}
	switch first := found[0]; first.parameter {
	case "resource":
		return newError(InvalidTarget, first.reason+". Expected: "+stored.Resource).because(first)
	case "scope": // P20: what was not granted takes a new authorization
		return newError(InvalidScope, "Not granted: authorize again for more. Granted: "+strings.Join(stored.Scopes, " ")).because(first)
	default:
		return vague.because(first)
	}
}

// codeDifferences lists what kept a code from being exchanged, the weightiest first.
func (g StoredGrant) codeDifferences(r CodeRedemption) []difference {
	d := g.bindings(r.IssuerURL, r.ClientID)
	switch {
	case !g.RedeemedAt.IsZero():
		d = append(d, difference{"code", "used at " + moment(g.RedeemedAt), "unused", "The code was used before"})
	case !g.RevokedAt.IsZero():
		d = append(d, g.ended("code"))
	case !g.Now.Before(g.CodeExpiresAt):
		d = append(d, difference{"code", span(g.Now.Sub(g.ApprovedAt)) + " old", "at most " + span(g.CodeExpiresAt.Sub(g.ApprovedAt)) + " old", "The code has expired"})
	}
	d = append(d, g.proof(r.Confidential)...)
	if r.Challenge != g.Challenge {
		d = append(d, difference{"code_verifier", r.Challenge, g.Challenge, "The code_verifier does not belong to the code_challenge of the authorization request"})
	}
	if r.RedirectURI != "" && r.RedirectURI != g.RedirectTo {
		d = append(d, difference{"redirect_uri", r.RedirectURI, g.RedirectTo, "The redirect_uri is not that of the authorization request"})
	}
	d = append(d, g.person()...)
	if r.Resource != "" && r.Resource != g.Resource {
		d = append(d, difference{"resource", r.Resource, g.Resource, "The code was issued for another resource"})
	}
	return d
}

// refreshDifferences lists what kept a refresh token from being exchanged, the weightiest first.
func (g StoredGrant) refreshDifferences(r Rotation) []difference {
	d := g.bindings(r.IssuerURL, r.ClientID)
	late := func(until time.Time, reason string) {
		d = append(d, difference{"refresh_token", "presented at " + moment(g.Now), "before " + moment(until), reason})
	}
	switch {
	case !g.RevokedAt.IsZero():
		d = append(d, g.ended("refresh_token"))
	case !g.Now.Before(g.ExpiresAt):
		late(g.ExpiresAt, "The connection is past its longest life")
	case !g.IdleExpiresAt.IsZero() && !g.Now.Before(g.IdleExpiresAt):
		late(g.IdleExpiresAt, "The refresh token was unused for too long")
	case r.Generation+1 < g.Generation:
		d = append(d, difference{"refresh_token", numbered(r.Generation), numbered(g.Generation), "The refresh token was used before"})
	}
	d = append(append(d, g.proof(r.Confidential)...), g.person()...)
	if r.Resource != "" && r.Resource != g.Resource {
		d = append(d, difference{"resource", r.Resource, g.Resource, "The refresh token was issued for another resource"})
	}
	if slices.ContainsFunc(r.Scopes, func(name string) bool { return !slices.Contains(g.Scopes, name) }) {
		d = append(d, difference{"scope", strings.Join(r.Scopes, " "), strings.Join(g.Scopes, " "), "More scopes than were granted"})
	}
	return d
}

func (g StoredGrant) bindings(issuerURL, clientID string) (d []difference) {
	if clientID != g.ClientID {
		d = append(d, difference{"client_id", clientID, g.ClientID, "It was issued to another client"})
	}
	if issuerURL != g.IssuerURL {
		d = append(d, difference{"issuer", issuerURL, g.IssuerURL, "It was issued at another address of this project"})
	}
	return d
}

func (g StoredGrant) proof(confidential bool) []difference {
	if g.AuthMethod == AuthMethodNone || confidential {
		return nil
	}
	return []difference{{"client_secret", AuthMethodNone, g.AuthMethod, "The client proved who it is at the approval and does not now"}}
}

func (g StoredGrant) person() []difference {
	switch {
	case g.PersonBlocked:
		return []difference{{"account", "blocked", "not blocked", "The account is blocked"}}
	case g.ReviewOver:
		return []difference{{"account", "a reviewer's, ended", "living", "The day on which the reviewer's account ends has passed"}}
	default:
		return nil
	}
}

func (g StoredGrant) ended(parameter string) difference {
	return difference{parameter, "ended at " + moment(g.RevokedAt), "", EndedBecause(g.RevokedReason)}
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func span(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(time.Second)/time.Second))
	}
	return d.Round(time.Second).String()
}

// endings say why a connection ended, by the reason that its row keeps.
var endings = map[string]string{
	ReasonRevokedByUser: "The person disconnected the app", ReasonRevokedByClient: "The app gave its access back",
	"code_replayed": "The code was used twice, which ended the connection", "refresh_token_reused": "An old refresh token was used again, which ended the connection",
	"password_reset": "The person chose a new password, which ends what was connected before", "account_deleted": "The person deleted the account",
	"reviewer_ended": "The reviewer's account was ended, or got another code",
	"user_blocked":   "A member blocked the person", "client_blocked": "A member blocked the client", "client_deleted": "The client was deleted",
	"redirect_uris_changed": "The client's redirect URIs were changed", "member": "A member ended the connection",
	"domain_removed": "The domain that it was made at was removed", "server_removed": "The MCP server was removed", "project_deleted": "The project was deleted",
	"organization_left": "The person left the organization that it was for", "own_login_removed": "The project's own login was removed, which says who is in an organization",
	"restored": "The database was restored from a backup",
}

// EndedBecause says why a connection ended.
func EndedBecause(reason string) string {
	if words, ok := endings[reason]; ok {
		return words
	}
	return "The connection was ended"
}
