package signin

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

const (
	// ProviderOwn is the customer's own site: it signs the person in and says who they are, from server to server.
	ProviderOwn = "own"
	// ExternalLoginLifetime is how long a person may take at the site.
	ExternalLoginLifetime = 10 * time.Minute
	// MaxOrganizations is how many organizations one person may be said to belong to.
	MaxOrganizations = 50

	purposeExternalRequest = "own-login-request"
	maxOwnText             = 100 // characters of a name, and of an organization's id
)

// ErrExternalRequest says that a request is none of ours, too old or answered before.
var ErrExternalRequest = errors.New("the request is unknown, expired or answered before")

// Organization is a customer of the customer, to which a person belongs.
type Organization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Choice is what a session lets its person choose. Organizations are theirs at the customer's site, not the account's: the identity that
// made the session has them.
type Choice struct {
	Organizations []Organization
	// Again says that the account has organizations, but that the session did not begin at the site, or too long ago.
	Again bool
}

// ExternalLogin is what the site says of a person. It vouches for the address.
type ExternalLogin struct {
	Subject       string         `json:"subject"`
	Email         string         `json:"email"`
	Name          string         `json:"name"`
	Organizations []Organization `json:"organizations"`
}

// ExternalLogins is where answers wait for the browser.
type ExternalLogins interface {
	// StoreExternalLogin stores the answer of a visit; ErrConflict when it has one: a request is answered once. ErrNotFound: the site may not
	// sign people in any more.
	StoreExternalLogin(ctx context.Context, provider, visit id.ID, answerHash []byte, login ExternalLogin) error
	// FindExternalLogin returns the answer without using it up; ErrNotFound for any other one.
	FindExternalLogin(ctx context.Context, provider, visit id.ID, answerHash []byte) (ExternalLogin, error)
	// SignInExternal uses the answer up and returns the account of the person that it speaks of, which it makes if there is none. ErrNotFound
	// for any other answer, and for one that EndMembership took back; ErrBlocked.
	SignInExternal(ctx context.Context, provider, visit id.ID, answerHash []byte) (Account, error)
	// EndMembership takes an organization from a person of the site, with "" all, ends the connections that were made for it, takes back
	// answers that no browser has brought yet, and returns what organizations remain. It succeeds when nobody is known by the subject.
	EndMembership(ctx context.Context, provider id.ID, subject, organization string) ([]Organization, error)
}

// ExternalLoginRequest is one time that a flow leads to the site. A flow can lead there again, for another person or a younger sign-in.
type ExternalLoginRequest struct{ Provider, Flow, ID id.ID }

// ExternalRequest is the signed name of a visit, which the browser carries to the site and the site's backend brings back. It says nothing
// about the person or the app.
func (s *Service) ExternalRequest(issuer id.ID, visit ExternalLoginRequest, now time.Time) string {
	version := s.Keys.Current()
	body := slices.Concat([]byte{version}, visit.Provider[:], visit.Flow[:], visit.ID[:])
	body = binary.BigEndian.AppendUint64(body, uint64(now.Add(ExternalLoginLifetime).Unix())) //nolint:gosec // after 1970
	return secret.Encode(append(body, s.Keys.MAC(version, purposeExternalRequest, issuer[:], body)...))
}

// ReadExternalRequest returns the visit that a request names, or ErrExternalRequest.
func (s *Service) ReadExternalRequest(issuer id.ID, request string, now time.Time) (ExternalLoginRequest, error) {
	const size = 1 + 16 + 16 + 16 + 8
	raw, err := secret.Decode(request)
	if err != nil || len(raw) != size+32 {
		return ExternalLoginRequest{}, ErrExternalRequest
	}
	body := raw[:size]
	mac := s.Keys.MAC(raw[0], purposeExternalRequest, issuer[:], body)
	if mac == nil || !secret.Equal(mac, raw[size:]) || uint64(now.Unix()) > binary.BigEndian.Uint64(body[49:]) { //nolint:gosec // after 1970
		return ExternalLoginRequest{}, ErrExternalRequest
	}
	return ExternalLoginRequest{Provider: id.ID(body[1:17]), Flow: id.ID(body[17:33]), ID: id.ID(body[33:49])}, nil
}

// Uses of an answer: to finish the flow that a browser began, or to open the account page in any browser. One is of no use as the other.
const (
	ForFlow    = "flow"
	ForAccount = "account"
)

// ExternalAnswerHash is how an answer for a use is stored.
func ExternalAnswerHash(use, answer string) []byte { return secret.Hash(use + " " + answer) }

// FinishExternalLogin takes what the site's backend says, and returns the value with which the browser comes back for that use. Errors: a FieldError that
// names a member of the JSON, ErrExternalRequest, ErrUnavailable.
func FinishExternalLogin(ctx context.Context, store ExternalLogins, visit ExternalLoginRequest, use string, login ExternalLogin) (answer string, err error) {
	if login, err = readExternalLogin(login); err != nil {
		return "", err
	}
	answer = secret.Encode(secret.Bytes(32))
	err = store.StoreExternalLogin(ctx, visit.Provider, visit.ID, ExternalAnswerHash(use, answer), login)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return "", ErrExternalRequest
	}
	return answer, err
}

// SignOutRequest is what the site says of a person who left one organization, or all of them.
type SignOutRequest struct {
	Subject      string  `json:"subject"`
	Organization *string `json:"organization"`
	All          bool    `json:"all"`
}

// EndMembership takes what the site's backend says of somebody who left, any number of times, and returns what organizations they still
// have. Errors: a FieldError that names a member of the JSON, ErrUnavailable.
func EndMembership(ctx context.Context, store ExternalLogins, provider id.ID, leave SignOutRequest) ([]Organization, error) {
	switch {
	case !goodSubject(leave.Subject):
		return nil, FieldError{Field: "subject", Message: "Expected the id that your answers name the person by, 1 to 255 bytes."}
	case (leave.Organization != nil) == leave.All:
		return nil, FieldError{Field: "organization", Message: "Expected either the id of one organization, or all with the value true."}
	case leave.All:
		return store.EndMembership(ctx, provider, leave.Subject, "")
	case *leave.Organization == "" || utf8.RuneCountInString(*leave.Organization) > maxOwnText || !plainText(*leave.Organization):
		return nil, FieldError{Field: "organization", Message: "Expected the id of one organization, in plain text of at most 100 characters."}
	}
	return store.EndMembership(ctx, provider, leave.Subject, *leave.Organization)
}

func goodSubject(subject string) bool {
	return subject != "" && len(subject) <= 255 && plainText(subject)
}

// Identity is who the site spoke of. It vouches for the address.
func (l ExternalLogin) Identity() Identity {
	return Identity{Issuer: OwnIssuer, Subject: l.Subject, Email: l.Email, EmailVerified: true, FromOwn: true, Name: l.Name, Organizations: l.Organizations}
}

func readExternalLogin(login ExternalLogin) (ExternalLogin, error) {
	address, err := ParseEmail(login.Email)
	if err != nil {
		return login, FieldError{Field: "email", Message: "Expected the person's e-mail address, which you have verified."}
	}
	login.Email = address
	login.Name = strings.TrimSpace(login.Name)
	switch {
	case !goodSubject(login.Subject):
		return login, FieldError{Field: "subject", Message: "Expected your own, unchanging id of the person, 1 to 255 bytes."}
	case utf8.RuneCountInString(login.Name) > maxOwnText || !plainText(login.Name):
		return login, FieldError{Field: "name", Message: "Expected the person's name in plain text, at most 100 characters."}
	case len(login.Organizations) > MaxOrganizations:
		return login, FieldError{Field: "organizations", Message: "Expected at most 50 organizations."}
	}
	seen := map[string]bool{}
	for _, o := range login.Organizations {
		if o.ID == "" || seen[o.ID] || utf8.RuneCountInString(o.ID) > maxOwnText || utf8.RuneCountInString(o.Name) > maxOwnText || !plainText(o.ID+o.Name) {
			return login, FieldError{Field: "organizations", Message: "Expected objects with an id of its own and a name, each in plain text of at most 100 characters."}
		}
		seen[o.ID] = true
	}
	return login, nil
}

func plainText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// OrganizationsJSON is how a list is stored; an empty one is an empty list.
func OrganizationsJSON(list []Organization) []byte {
	if len(list) == 0 {
		return []byte("[]")
	}
	encoded, err := json.Marshal(list)
	if err != nil {
		return []byte("[]") // strings always encode
	}
	return encoded
}
