package postgres_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// A backup does not know who was signed out after it was made, who left the customer's site, or who was blocked: after a restore nobody is
// signed in, users of every project and members alike, and a sign-in that began before begins no session.
func TestRestoredSignsEverybodyOut(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	r := newAccountsRigAs(t, database, database.AppURL)
	lists := map[string]signin.Accounts{"users": r.users, "users of another project": r.others, "members": r.members}
	accounts, tokens := map[string]signin.Account{}, map[string]string{}
	for name, list := range lists {
		accounts[name] = r.signUp(list, "ada@example.com")
		token, _, err := r.service.NewSession(t.Context(), list, withPassword(accounts[name]))
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = token
	}
	if _, err := postgres.Restored(t.Context(), database.OwnerURL); err != nil {
		t.Fatal(err)
	}
	for name, list := range lists {
		if got, err := list.FindSession(t.Context(), secret.Hash(tokens[name])); !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: the session from before: got %+v %v, want ErrNotFound", name, got, err)
		}
		late := signin.NewSession{Account: accounts[name], Way: signin.Way{Method: tenants.SignInPassword}, Lifetime: time.Hour}
		if _, err := list.CreateSession(t.Context(), secret.Hash("late"), late); !errors.Is(err, signin.ErrSignedOut) {
			t.Errorf("%s: a sign-in from before: got %v, want ErrSignedOut", name, err)
		}
		late.Account.Epoch++
		if _, err := list.CreateSession(t.Context(), secret.Hash("anew"), late); err != nil {
			t.Errorf("%s: a sign-in anew: got %v, want none", name, err)
		}
	}
}
