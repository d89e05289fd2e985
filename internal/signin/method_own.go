package signin

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"mcpauth.example/internal/id"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/secret"
)

const (
	// ProviderOwn is the customer's own site: it signs the person in and says who they are, from server to server.
	ProviderOwn = "own"
	// OwnLoginLifetime is how long a person may take at the site.
	OwnLoginLifetime = 10 * time.Minute
	// MaxOrganizations is how many organizations one person may be said to belong to.
	MaxOrganizations = 50

	purposeOwnRequest = "own-login-request"
	maxOwnText        = 100 // characters of a name, and of an organization's id
)

// ErrOwnRequest says that a request is none of ours, too old or answered before.
var ErrOwnRequest = errors.New("the request is unknown, expired or answered before")

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

// OwnLogin is what the site says of a person. It vouches for the address.
type OwnLogin struct {
	Subject       string         `json:"subject"`
	Email         string         `json:"email"`
	Name          string         `json:"name"`
	Organizations []Organization `json:"organizations"`
}

// OwnLogins is where answers wait for the browser.
type OwnLogins interface {
	// KeepOwnLogin stores the answer of a visit; ErrConflict when it has one: a request is answered once. ErrNotFound: the site may not
	// sign people in any more.
	KeepOwnLogin(ctx context.Context, provider, visit id.ID, answerHash []byte, login OwnLogin) error
	// FindOwnLogin returns the answer without using it up; ErrNotFound for any other one.
	FindOwnLogin(ctx context.Context, provider, visit id.ID, answerHash []byte) (OwnLogin, error)
	// SignInOwn uses the answer up and returns the account of the person that it speaks of, which it makes if there is none. ErrNotFound
	// for any other answer, and for one that EndMembership took back; ErrBlocked.
	SignInOwn(ctx context.Context, provider, visit id.ID, answerHash []byte) (Account, error)
	// EndMembership takes an organization from a person of the site, with "" all, ends the connections that were made for it, takes back
	// answers that no browser has brought yet, and returns what organizations remain. It succeeds when nobody is known by the subject.
	EndMembership(ctx context.Context, provider id.ID, subject, organization string) ([]Organization, error)
}

// OwnVisit is one time that a flow leads to the site. A flow can lead there again, for another person or a younger sign-in.
type OwnVisit struct{ Provider, Flow, ID id.ID }

// OwnRequest is the signed name of a visit, which the browser carries to the site and the site's backend brings back. It says nothing
// about the person or the app.
func (s *Service) OwnRequest(issuer id.ID, visit OwnVisit, now time.Time) string {
	version := s.Keys.Current()
	body := slices.Concat([]byte{version}, visit.Provider[:], visit.Flow[:], visit.ID[:])
	body = binary.BigEndian.AppendUint64(body, uint64(now.Add(OwnLoginLifetime).Unix())) //nolint:gosec // after 1970
	return secret.Encode(append(body, s.Keys.MAC(version, purposeOwnRequest, issuer[:], body)...))
}

// ReadOwnRequest returns the visit that a request names, or ErrOwnRequest.
func (s *Service) ReadOwnRequest(issuer id.ID, request string, now time.Time) (OwnVisit, error) {
	const size = 1 + 16 + 16 + 16 + 8
	raw, err := secret.Decode(request)
	if err != nil || len(raw) != size+32 {
		return OwnVisit{}, ErrOwnRequest
	}
	body := raw[:size]
	mac := s.Keys.MAC(raw[0], purposeOwnRequest, issuer[:], body)
	if mac == nil || !secret.Equal(mac, raw[size:]) || uint64(now.Unix()) > binary.BigEndian.Uint64(body[49:]) { //nolint:gosec // after 1970
		return OwnVisit{}, ErrOwnRequest
	}
	return OwnVisit{Provider: id.ID(body[1:17]), Flow: id.ID(body[17:33]), ID: id.ID(body[33:49])}, nil
}

// Uses of an answer: to finish the flow that a browser began, or to open the account page in any browser. One is of no use as the other.
const (
	OwnForFlow    = "flow"
	OwnForAccount = "account"
)

// OwnAnswerHash is how an answer for a use is stored.
func OwnAnswerHash(use, answer string) []byte { return secret.Hash(use + " " + answer) }

// FinishOwnLogin takes what the site's backend says, and returns the value with which the browser comes back for that use. Errors: a FieldError that
// names a member of the JSON, ErrOwnRequest, ErrUnavailable.
func FinishOwnLogin(ctx context.Context, store OwnLogins, visit OwnVisit, use string, login OwnLogin) (answer string, err error) {
	if login, err = readOwnLogin(login); err != nil {
		return "", err
	}
	answer = secret.Encode(secret.Bytes(32))
	err = store.KeepOwnLogin(ctx, visit.Provider, visit.ID, OwnAnswerHash(use, answer), login)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return "", ErrOwnRequest
	}
	return answer, err
}

// OwnLeave is what the site says of a person who left one organization, or all of them.
type OwnLeave struct {
	Subject      string  `json:"subject"`
	Organization *string `json:"organization"`
	All          bool    `json:"all"`
}

// EndMembership takes what the site's backend says of somebody who left, any number of times, and returns what organizations they still
// have. Errors: a FieldError that names a member of the JSON, ErrUnavailable.
func EndMembership(ctx context.Context, store OwnLogins, provider id.ID, leave OwnLeave) ([]Organization, error) {
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
func (l OwnLogin) Identity() Identity {
	return Identity{Issuer: OwnIssuer, Subject: l.Subject, Email: l.Email, EmailVerified: true, FromOwn: true, Name: l.Name, Organizations: l.Organizations}
}

func readOwnLogin(login OwnLogin) (OwnLogin, error) {
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
