package oauth

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// fuzzServer is a server with one issuer that has a key of each algorithm; nothing here reaches a store.
func fuzzServer(f *testing.F) (*Server, *Issuer) {
	f.Helper()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		f.Fatal(err)
	}
	issuer := &Issuer{ID: id.New(), URL: "https://demo.mcpauth.example", URLs: []string{"https://demo.mcpauth.example"}, AccessTokenTTL: time.Hour}
	for _, algorithm := range []string{ES256, EdDSA, RS256} {
		kid, pkcs8, err := GenerateKey(algorithm)
		if err != nil {
			f.Fatal(err)
		}
		key, err := ParseSigningKey(kid, algorithm, KeyCurrent, pkcs8)
		if err != nil {
			f.Fatal(err)
		}
		issuer.Keys = append(issuer.Keys, key)
	}
	return NewServer(Config{Keys: keys, Epoch: 1, Now: time.Now, Log: slog.New(slog.DiscardHandler)}), issuer
}

// Catalogue 24, 25, 28, 45, 60: what is accepted of a registration and of a document is clean.
func FuzzClientDocument(f *testing.F) {
	f.Add(`{"client_id":"` + documentURL + `","client_name":"App","redirect_uris":["https://client.example/cb"],"grant_types":["refresh_token"]}`)
	f.Add(`{"client_id":"` + documentURL + `","client_name":"\u202e","redirect_uris":["http://localhost:1/"],"jwks":{"keys":[{"kty":"EC"}]},"client_name":1}`)
	f.Add(`[{"a":` + strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, body string) {
		issuer := &Issuer{URLs: []string{"https://demo.mcpauth.example"}}
		clients := []Client{}
		if client, refused := parseClientDocument(issuer, documentURL, []byte(body)); refused == nil {
			if client.ID != documentURL || client.AuthMethod != AuthMethodNone {
				t.Fatalf("%+v", client)
			}
			clients = append(clients, client)
		}
		if registration, stored, refused := parseBody(issuer, body); refused == nil {
			clients = append(clients, Client{Name: registration.ClientName, RedirectURIs: stored})
		} else if refused.Status() >= 500 || strings.ContainsAny(refused.Description, "\"\\\n") {
			t.Fatalf("%v", refused)
		}
		for _, client := range clients {
			if client.Name == "" || utf8.RuneCountInString(client.Name) > clientNameMax || !isText(client.Name) || strings.ContainsAny(client.Name, "\n\u202e\u200b") {
				t.Fatalf("name %q", client.Name)
			}
			for _, uri := range client.RedirectURIs {
				if _, _, refused := CheckRedirectURI(uri); refused != nil || issuer.isOurs(uri) {
					t.Fatalf("redirect %q", uri)
				}
			}
		}
	})
}

// Catalogue 164, 165, P14: whatever a token request holds, it is read or refused, and never two identities at once.
func FuzzTokenForm(f *testing.F) {
	f.Add("Basic Y2xpZW50OnNlY3JldA==", "grant_type=authorization_code&client_id=client&code=x")
	f.Add("basic OjpA", "client_id=a&client_id=b&resource=1&resource=2")
	f.Add("", "client_id=%00&client_secret=%ff")
	f.Fuzz(func(t *testing.T, authorization, body string) {
		form, err := url.ParseQuery(body)
		if err != nil || once(form) != nil {
			return
		}
		read, refused := readCredentials(authorization, form)
		if refused != nil {
			if status := refused.Status(); status != 400 && status != 401 {
				t.Fatalf("%d", status)
			}
			return
		}
		if named := form.Get("client_id"); named != "" && read.id != named {
			t.Fatalf("%q in the body, %q read", named, read.id)
		}
	})
}

// Catalogue 209 to 214: no token but one that was signed here says anything.
func FuzzAccessToken(f *testing.F) {
	s, issuer := fuzzServer(f)
	grant := GrantState{ID: id.New(), UserID: id.New(), ClientID: "client", Resource: "https://tools.example.com/mcp", Now: time.Now()}
	for i := range issuer.Keys {
		signing := *issuer
		signing.Keys = issuer.Keys[i : i+1]
		token, err := signing.signAccessToken(grant, []string{"a"})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token)
		parts := strings.Split(token, ".")
		f.Add("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + ".")
		f.Add(parts[0] + "." + parts[1] + "." + parts[2] + "A")
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, ok := s.verifyAccessToken(issuer, token)
		if ok && (claims.Subject != grant.UserID.String() || claims.GrantID != grant.ID.String() || claims.Audience != grant.Resource || claims.Scope != "a") {
			t.Fatalf("%q says %+v", token, claims)
		}
		if elsewhere := (&Issuer{ID: id.New(), Keys: issuer.Keys[:0]}); ok {
			if _, ok := s.verifyAccessToken(elsewhere, token); ok {
				t.Fatalf("%q is good at another issuer", token)
			}
		}
	})
}

// Catalogue 168, 169, 170: no code and no refresh token but one that was made here is read, and each as what it is only.
func FuzzReference(f *testing.F) {
	s, issuer := fuzzServer(f)
	made := map[string]reference{}
	for generation := range uint64(3) {
		kind := kindRefresh
		if generation == 0 {
			kind = kindCode
		}
		r := reference{kind: kind, grant: id.New(), generation: generation, random: secret.Bytes(randomSize)}
		text := s.newReference(issuer, r)
		made[text] = r
		f.Add(text)
		f.Add(text[:len(text)-1])
		f.Add(kindCode.prefix + strings.TrimPrefix(strings.TrimPrefix(text, kindRefresh.prefix), kindCode.prefix))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []referenceKind{kindCode, kindRefresh} {
			read, ok := s.readReference(issuer, kind, text)
			original, known := made[text]
			if ok != (known && original.kind == kind) || ok && (read.grant != original.grant || read.generation != original.generation) {
				t.Fatalf("%q as %s: %t %+v", text, kind.prefix, ok, read)
			}
			if _, ok := s.readReference(&Issuer{ID: id.New()}, kind, text); ok {
				t.Fatalf("%q is good at another issuer", text)
			}
		}
	})
}
