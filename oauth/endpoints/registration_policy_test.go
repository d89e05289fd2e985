package endpoints_test

import (
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

const anyRegistration = `{"client_name":"Any","redirect_uris":["` + registered + `"]}`

// initialToken stores an initial access token.
func (tn *tenant) initialToken() string {
	tn.w.t.Helper()
	token := secret.Token("mcpauth_it_")
	tn.w.exec(`INSERT INTO initial_access_tokens (project_id, id, name, token_hash) VALUES ($1::text::uuid, $2::text::uuid, 'CI', $3)`,
		tn.project.ID.String(), id.New().String(), secret.Hash(token))
	return token
}

func (tn *tenant) registerAs(token string) *answer {
	tn.w.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathRegister, header, anyRegistration)
}

func (tn *tenant) setRegistration(policy oauth.RegistrationPolicy) {
	tn.w.t.Helper()
	tn.w.exec(`UPDATE projects SET registration_policy = $2 WHERE id = $1::text::uuid`, tn.project.ID.String(), string(policy))
	tn.w.forget()
}

// Catalogue 37, A30, P19: the policy decides who registers, and the metadata says whether anybody can.
func TestRegistrationPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	endpoint := func() bool {
		_, given := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathMetadata, nil, "").json()["registration_endpoint"]
		return given
	}
	good, expired, revoked, foreign := tn.initialToken(), tn.initialToken(), tn.initialToken(), w.other.initialToken()
	w.exec(`UPDATE initial_access_tokens SET expires_at = now() - interval '1 second' WHERE token_hash = $1`, secret.Hash(expired))
	w.exec(`UPDATE initial_access_tokens SET revoked_at = now() WHERE token_hash = $1`, secret.Hash(revoked))
	for _, policy := range []oauth.RegistrationPolicy{oauth.RegistrationOpen, oauth.RegistrationClosed} {
		tn.setRegistration(policy)
		if !endpoint() {
			t.Errorf("%s: not advertised", policy)
		}
		before := w.rows()
		for name, wrong := range map[string]string{"expired": expired, "revoked": revoked, "another project's": foreign, "another project's secret": w.other.guard,
			"random": secret.Token("mcpauth_it_"), "upper case": strings.ToUpper(good), "hash": secret.Encode(secret.Hash(good))} {
			got := tn.registerAs(wrong)
			if got.isError(401, "invalid_token"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s, %s: no challenge", policy, name)
			}
		}
		w.unchanged(before)
		ids := map[string]bool{}
		for _, token := range []string{good, good, tn.guard} { // clients of their own
			got := tn.registerAs(token)
			if got.StatusCode != http.StatusCreated {
				t.Fatalf("%s: %d %s", policy, got.StatusCode, got.body)
			}
			ids[got.text("client_id")] = true
		}
		if len(ids) != 3 {
			t.Errorf("%s: authenticated registrations share a client", policy)
		}
	}
	tn.registerAs("").isError(401, "invalid_token")
	if !value[bool](w, `SELECT last_used_at IS NOT NULL FROM initial_access_tokens WHERE token_hash = $1`, secret.Hash(good)) {
		t.Error("the use of the token is not noted")
	}
	tn.setRegistration(oauth.RegistrationOff)
	before := w.rows()
	for _, token := range []string{"", good, tn.guard} {
		tn.registerAs(token).isError(403, "access_denied")
	}
	w.unchanged(before)
	if endpoint() {
		t.Error("advertised although it is off")
	}
}
