package floor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// schema has one key per table and nothing besides.
const schema = `
	CREATE TABLE clients (id text PRIMARY KEY, fingerprint bytea NOT NULL UNIQUE, name text NOT NULL, redirect_uris text[] NOT NULL,
		metadata jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
	CREATE TABLE grants (id uuid PRIMARY KEY, random_hash bytea NOT NULL, user_id uuid NOT NULL, client_id text NOT NULL,
		redirect_uri text NOT NULL, code_challenge text NOT NULL, resource text NOT NULL, scopes text[] NOT NULL,
		generation bigint NOT NULL DEFAULT 0, code_expires_at timestamptz NOT NULL, expires_at timestamptz NOT NULL) WITH (fillfactor = 80);
	CREATE TABLE secrets (hash bytea PRIMARY KEY, server text NOT NULL);
	CREATE TABLE tokens (hash bytea PRIMARY KEY, grant_id uuid NOT NULL, user_id uuid NOT NULL, client_id text NOT NULL,
		resource text NOT NULL, scopes text[] NOT NULL, issued_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz);`

// Tables fills the floor's database from outside. It may run while the server answers.
type Tables struct {
	conn *pgx.Conn
	user [16]byte
	// ClientID, RedirectURI, Challenge, Resource and Scopes are what the load asks for.
	ClientID, RedirectURI, Challenge, Resource string
	Scopes                                     []string
}

// NewTables connects and makes the tables in an empty database.
func NewTables(ctx context.Context, databaseURL, registrationSecret string) (*Tables, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	t := &Tables{conn: conn, user: newID()}
	if _, err := conn.Exec(ctx, schema); err != nil {
		return nil, fmt.Errorf("floor tables: %w", err)
	}
	hash := sha256.Sum256([]byte(registrationSecret))
	_, err = conn.Exec(ctx, `INSERT INTO secrets (hash, server) VALUES ($1, 'tools')`, hash[:])
	return t, err
}

// Close ends the connection.
func (t *Tables) Close(ctx context.Context) { _ = t.conn.Close(ctx) }

// AddClient stores the client that the load is.
func (t *Tables) AddClient(ctx context.Context) error {
	_, err := t.conn.Exec(ctx, `INSERT INTO clients (id, fingerprint, name, redirect_uris, metadata) VALUES ($1, $2, 'Bench', $3, '{}')`,
		t.ClientID, []byte(t.ClientID), []string{t.RedirectURI})
	return err
}

// Codes makes codes that can be redeemed.
func (t *Tables) Codes(ctx context.Context, count int) ([]string, error) {
	codes := make([]string, count)
	end := time.Now().Add(time.Hour)
	columns := []string{"id", "random_hash", "user_id", "client_id", "redirect_uri", "code_challenge", "resource", "scopes", "code_expires_at", "expires_at"}
	_, err := t.conn.CopyFrom(ctx, pgx.Identifier{"grants"}, columns, pgx.CopyFromSlice(count, func(i int) ([]any, error) {
		r := reference{grant: newID()}
		rand.Read(r.random[:])
		codes[i] = r.encode(codePrefix)
		hash := sha256.Sum256(r.random[:])
		return []any{r.grant, hash[:], t.user, t.ClientID, t.RedirectURI, t.Challenge, t.Resource, t.Scopes, end, end}, nil
	}))
	return codes, err
}

// Tokens makes access tokens of the given length that introspection finds.
func (t *Tables) Tokens(ctx context.Context, count, length int) ([]string, error) {
	tokens := make([]string, count)
	columns := []string{"hash", "grant_id", "user_id", "client_id", "resource", "scopes", "issued_at", "expires_at"}
	_, err := t.conn.CopyFrom(ctx, pgx.Identifier{"tokens"}, columns, pgx.CopyFromSlice(count, func(i int) ([]any, error) {
		raw := make([]byte, length)
		rand.Read(raw)
		tokens[i] = base64.RawURLEncoding.EncodeToString(raw)[:length]
		hash := sha256.Sum256([]byte(tokens[i]))
		return []any{hash[:], newID(), t.user, t.ClientID, t.Resource, t.Scopes, time.Now(), time.Now().Add(time.Hour)}, nil
	}))
	return tokens, err
}
