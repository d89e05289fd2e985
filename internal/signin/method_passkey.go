package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

const (
	// PasskeyLifetime is how long the challenge of a ceremony may be answered (catalogue 126).
	PasskeyLifetime = 5 * time.Minute
	// MaxPasskeys is how many passkeys one account may have at one host.
	MaxPasskeys = 20
	// PasskeyAnswerMax bounds what a browser answers, in bytes.
	PasskeyAnswerMax = 16 << 10
)

// ErrPasskey says that a passkey is not known here, or that what the browser answered is not accepted.
var ErrPasskey = errors.New("the passkey is not accepted")

// Passkey is one passkey of a person.
type Passkey struct {
	ID         []byte // credential id
	Agent      string // User-Agent of the browser it was made in
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
	Record     []byte    // JSON of what verifies it
}

// Passkeys is where a project keeps them. The host is the relying party id.
type Passkeys interface {
	// ListPasskeys returns the passkeys of an account at a host, the oldest first.
	ListPasskeys(ctx context.Context, account id.ID, host string) ([]Passkey, error)
	// FindPasskey returns a passkey and whose it is, or ErrNotFound.
	FindPasskey(ctx context.Context, host string, id []byte) (Passkey, id.ID, error)
	// AddPasskey stores a passkey; ErrConflict when it is known, ErrTooMany at MaxPasskeys, ErrElsewhere.
	AddPasskey(ctx context.Context, account id.ID, host string, passkey Passkey) error
	// UsePasskey notes a sign-in: of any number with one challenge, one succeeds, the others get ErrNotFound. ErrBlocked.
	UsePasskey(ctx context.Context, host string, passkey Passkey, challengeHash []byte) (Account, error)
	// RemovePasskey forgets a passkey of the account; it succeeds when there is none.
	RemovePasskey(ctx context.Context, account id.ID, host string, id []byte) error
}

// Ceremony is a challenge on its way: Options go to the browser, State comes back with its answer and must be kept from being changed.
type Ceremony struct {
	Host    string
	Options []byte // JSON of PublicKeyCredentialCreationOptions or PublicKeyCredentialRequestOptions, below "publicKey"
	State   []byte
}

// relyingParty takes the exact host of an issuer: never a parent domain, which siblings share (catalogue 126).
func relyingParty(issuerURL, name string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(issuerURL)
	if err != nil {
		return nil, err
	}
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: PasskeyLifetime, TimeoutUVD: PasskeyLifetime}
	return webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
	})
}

// person is an account as the library sees it. The handle is the account's id, which says nothing about the person.
type person struct {
	account Account
	keys    []webauthn.Credential
}

func (p person) WebAuthnID() []byte                         { return p.account.ID[:] }
func (p person) WebAuthnName() string                       { return p.account.Called() }
func (p person) WebAuthnDisplayName() string                { return p.account.Called() }
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.keys }

func personOf(account Account, passkeys []Passkey) (person, error) {
	p := person{account: account}
	for _, k := range passkeys {
		var record webauthn.Credential
		if err := json.Unmarshal(k.Record, &record); err != nil {
			return person{}, fmt.Errorf("passkey: %w", err)
		}
		p.keys = append(p.keys, record)
	}
	return p, nil
}

func ceremony(rp *webauthn.WebAuthn, options any, session *webauthn.SessionData) (Ceremony, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, err
	}
	state, err := json.Marshal(session)
	return Ceremony{Host: rp.Config.RPID, Options: encoded, State: state}, err
}

// BeginPasskeySignIn makes a challenge that any passkey of the host may answer: the person need not say who they are.
func BeginPasskeySignIn(issuerURL, name string) (Ceremony, error) {
	rp, err := relyingParty(issuerURL, name)
	if err != nil {
		return Ceremony{}, err
	}
	options, session, err := rp.BeginDiscoverableLogin()
	if err != nil {
		return Ceremony{}, err
	}
	return ceremony(rp, options, session)
}

// FinishPasskeySignIn returns the account whose passkey answered (WebAuthn section 7.2). Errors: ErrPasskey, ErrBlocked, ErrUnavailable.
func FinishPasskeySignIn(ctx context.Context, store Passkeys, issuerURL, name string, state []byte, answer string) (Account, error) {
	rp, session, err := resumeCeremony(issuerURL, name, state)
	if err != nil {
		return Account{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return Account{}, passkeyFault(err)
	}
	var stored Passkey
	var broken error // of ours, not of the answer
	_, credential, err := rp.ValidatePasskeyLogin(func(id, handle []byte) (webauthn.User, error) {
		found, owner, err := store.FindPasskey(ctx, rp.Config.RPID, id)
		if err != nil {
			if !errors.Is(err, ErrNotFound) {
				broken = err
			}
			return nil, err
		}
		if !secret.Equal(owner[:], handle) {
			return nil, ErrNotFound
		}
		stored = found
		return personOf(Account{ID: owner}, []Passkey{found})
	}, session, parsed)
	switch {
	case broken != nil:
		return Account{}, broken
	case err != nil:
		return Account{}, passkeyFault(err)
	case credential.Authenticator.CloneWarning: // its counter went back: there are two of it
		return Account{}, fmt.Errorf("%w: its counter went back", ErrPasskey)
	}
	if stored.Record, err = json.Marshal(credential); err != nil {
		return Account{}, err
	}
	account, err := store.UsePasskey(ctx, rp.Config.RPID, stored, secret.Hash("passkey "+session.Challenge))
	if errors.Is(err, ErrNotFound) {
		return Account{}, fmt.Errorf("%w: the challenge was answered before", ErrPasskey)
	}
	return account, err
}

// BeginPasskey makes a challenge with which the account gets a further passkey.
func BeginPasskey(ctx context.Context, store Passkeys, issuerURL, name string, account Account) (Ceremony, error) {
	rp, err := relyingParty(issuerURL, name)
	if err != nil {
		return Ceremony{}, err
	}
	known, err := store.ListPasskeys(ctx, account.ID, rp.Config.RPID)
	if err != nil {
		return Ceremony{}, err
	}
	p, err := personOf(account, known)
	if err != nil {
		return Ceremony{}, err
	}
	options, session, err := rp.BeginRegistration(p, webauthn.WithExclusions(webauthn.Credentials(p.keys).CredentialDescriptors()))
	if err != nil {
		return Ceremony{}, err
	}
	return ceremony(rp, options, session)
}

// FinishPasskey stores the passkey that the browser made (WebAuthn section 7.1). Errors: ErrPasskey, ErrTooMany, ErrUnavailable.
func FinishPasskey(ctx context.Context, store Passkeys, issuerURL, name string, account Account, state []byte, answer, agent string) error {
	rp, session, err := resumeCeremony(issuerURL, name, state)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return passkeyFault(err)
	}
	credential, err := rp.CreateCredential(person{account: account}, session, parsed)
	if err != nil {
		return passkeyFault(err)
	}
	credential.Attestation = webauthn.CredentialAttestation{} // nobody asks for it again
	record, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	err = store.AddPasskey(ctx, account.ID, rp.Config.RPID, Passkey{ID: credential.ID, Agent: cleanAgent(agent), Record: record})
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: it is known already", ErrPasskey)
	}
	return err
}

func resumeCeremony(issuerURL, name string, state []byte) (*webauthn.WebAuthn, webauthn.SessionData, error) {
	var session webauthn.SessionData
	rp, err := relyingParty(issuerURL, name)
	if err != nil {
		return nil, session, err
	}
	if err := json.Unmarshal(state, &session); err != nil {
		return nil, session, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	return rp, session, nil
}

// passkeyFault keeps the library's word for what was wrong, which repeats nothing that was sent.
func passkeyFault(err error) error {
	if known, ok := errors.AsType[*protocol.Error](err); ok {
		return fmt.Errorf("%w: %s", ErrPasskey, known.Details)
	}
	return fmt.Errorf("%w: it cannot be read", ErrPasskey)
}
