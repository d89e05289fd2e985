// Package oauth is OAuth 2.1 for MCP: what an authorization server decides, one file per grant or RFC.
//
// It speaks of an Issuer, never of a tenant or a customer. It imports the standard library, internal/secret and golang-jwt only; HTTP
// handlers live in oauth/endpoints, statements in internal/postgres. Stores are small interfaces declared beside the code that calls
// them; their verbs are atomic, and expiry is judged by the store's clock.
package oauth

import (
	"log/slog"
	"time"

	"mcpauth.example/internal/secret"
)

// Server decides requests for every issuer. It keeps no state besides a cache of signatures it has verified, so any number of
// processes can serve one database.
type Server struct {
	clients        ClientStore
	assertions     AssertionStore
	grants         GrantStore
	guards         GuardStore
	feed           RevocationFeed
	documents      DocumentFetcher
	localDocuments bool
	keys           *secret.Keyring
	epoch          uint32
	now            func() time.Time
	log            *slog.Logger
	checked        *verifiedTokens
}

// Config is what a Server needs. Every field but the documents is required.
type Config struct {
	Clients ClientStore
	Grants  GrantStore
	Guards  GuardStore
	// Feed tells guards of revocations.
	Feed RevocationFeed
	// Documents gets client id metadata documents; nil: there are none. LocalDocuments admits those on this computer, for local work.
	Documents      DocumentFetcher
	LocalDocuments bool
	// Keys authenticate codes and refresh tokens and seal requests on their way through the browser.
	Keys *secret.Keyring
	// Epoch of the deployment, part of every MAC: raised after a restore from backup, so that nothing older works any more.
	Epoch uint32
	// Now is the clock for what the store does not judge: the age of a sealed request.
	Now func() time.Time
	Log *slog.Logger
}

// NewServer returns a Server.
func NewServer(c Config) *Server {
	return &Server{clients: c.Clients, assertions: c.Clients, grants: c.Grants, guards: c.Guards, feed: c.Feed, documents: c.Documents, localDocuments: c.LocalDocuments, keys: c.Keys, epoch: c.Epoch, now: c.Now, log: c.Log,
		checked: newVerifiedTokens(verifiedTokensMax)}
}
