package oauth

import (
	"context"

	"mcpauth.example/internal/secret"
)

// RegistrationPolicy says who may register a client with a project.
type RegistrationPolicy string

// Open takes strangers, closed only holders of an initial access token or a registration secret, off nobody.
const (
	RegistrationOpen   RegistrationPolicy = "open"
	RegistrationClosed RegistrationPolicy = "closed"
	RegistrationOff    RegistrationPolicy = "off"
)

// offersRegistration is false for a policy that is not known as well.
func (i *Issuer) offersRegistration() bool {
	return i.RegistrationPolicy == RegistrationOpen || i.RegistrationPolicy == RegistrationClosed
}

// admitRegistration reports whether the registration is authenticated (RFC 7591 section 3, initial access token). A token that is
// presented has to be good under the open policy too: its holder would otherwise get less than it believes.
func (s *Server) admitRegistration(ctx context.Context, issuer *Issuer, authorization string) (authenticated bool, refused *Error) {
	token := BearerToken(authorization)
	switch {
	case !issuer.offersRegistration():
		return false, newError(AccessDenied, "Registration is switched off here. Ask whoever runs this server for a client_id.")
	case token == "" && issuer.RegistrationPolicy == RegistrationOpen:
		return false, nil
	}
	unknown := newError(InvalidToken, "Registration needs Authorization: Bearer with an initial access token that is neither expired nor revoked.").at("Authorization", "")
	if token == "" {
		return false, unknown
	}
	err := s.clients.AdmitRegistration(ctx, issuer.ID, secret.Hash(token))
	switch {
	case isNotFound(err):
		return false, unknown
	case err != nil:
		return false, Fault(err)
	}
	return true, nil
}
