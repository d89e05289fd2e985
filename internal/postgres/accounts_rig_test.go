package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

const (
	goodPassword = "correct horse battery"
	someBrowser  = "a browser's cookie of 128 bits"
)

// accountsRig is a store on a database of its own, and a look past row-level security.
type accountsRig struct {
	t       *testing.T
	url     string
	keys    *secret.Keyring
	store   *postgres.Store
	super   *pgxpool.Pool
	service *signin.Service
	users   signin.Accounts // of one project
	others  signin.Accounts // of another project
	members signin.Accounts
	project id.ID
}

// kinds runs a test on users and on members: they make the same promises.
func kinds(t *testing.T, test func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string)) {
	t.Helper()
	for _, table := range []string{"user", "member"} {
		t.Run(table+"s", func(t *testing.T) {
			t.Parallel()
			r := newAccountsRig(t)
			if table == "user" {
				test(t, r, r.users, table)
			} else {
				test(t, r, r.members, table)
			}
		})
	}
}

func newAccountsRig(t *testing.T) *accountsRig {
	t.Helper()
	database := pgtest.New(t)
	return newAccountsRigAs(t, database, database.AppURL)
}

// newAccountsRigAs lets the store work as another role than the application's.
func newAccountsRigAs(t *testing.T, database *pgtest.Database, url string) *accountsRig {
	t.Helper()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	r := &accountsRig{t: t, url: url, keys: keys}
	r.store = r.open(slog.New(slog.DiscardHandler))
	if r.super, err = pgxpool.New(t.Context(), database.SuperuserURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.super.Close)
	r.service = &signin.Service{Keys: keys, Passwords: signin.NewPasswords()}
	r.project = r.newProject("one")
	r.users, r.others, r.members = r.store.Users(r.project), r.store.Users(r.newProject("two")), r.store.Members()
	return r
}

// open is a node of the server on the rig's database.
func (r *accountsRig) open(log *slog.Logger) *postgres.Store {
	r.t.Helper()
	store, err := postgres.Open(r.t.Context(), postgres.Config{URL: r.url}, r.keys, log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(store.Close)
	return store
}

func (r *accountsRig) newProject(slug string) id.ID {
	r.t.Helper()
	organization, project := id.New(), id.New()
	r.exec("INSERT INTO organizations (id, name) VALUES ($1, $2)", organization.String(), "Organization "+slug)
	r.exec("INSERT INTO projects (id, organization_id, slug, name) VALUES ($1, $2, $3, $4)",
		project.String(), organization.String(), "project-"+slug, "Project "+slug)
	return project
}

// exec and count look at the rows themselves.
func (r *accountsRig) exec(statement string, args ...any) {
	r.t.Helper()
	if _, err := r.super.Exec(r.t.Context(), statement, args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *accountsRig) count(query string, args ...any) int {
	r.t.Helper()
	var n int
	if err := r.super.QueryRow(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// hold keeps a lock until it is released.
func (r *accountsRig) hold(statement string) (release func()) {
	r.t.Helper()
	tx, err := r.super.Begin(r.t.Context())
	if err == nil {
		_, err = tx.Exec(r.t.Context(), statement)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.WithoutCancel(r.t.Context())) }
}

// untilWaiting returns when that many transactions wait for locks.
func (r *accountsRig) untilWaiting(ctx context.Context, many int) {
	r.t.Helper()
	for waiting := 0; waiting < many; {
		err := r.super.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// organization owns the rig's project.
func (r *accountsRig) organization() id.ID {
	r.t.Helper()
	return r.id("SELECT organization_id::text FROM projects WHERE id = $1", r.project.String())
}

// texts returns the single text column of a query.
func (r *accountsRig) texts(query string, args ...any) []string {
	r.t.Helper()
	rows, err := r.super.Query(r.t.Context(), query, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// begin starts a sign-up and returns its challenge and the code that the message would carry.
func (r *accountsRig) begin(accounts signin.Accounts, email string) (id.ID, string) {
	r.t.Helper()
	id, code, _, err := r.tryBegin(accounts, email)
	if err != nil {
		r.t.Fatal(err)
	}
	return id, code
}

func (r *accountsRig) tryBegin(accounts signin.Accounts, email string) (id id.ID, code string, known bool, err error) {
	in := signin.SignUp{Email: email, Password: goodPassword, Detail: "Acme Tools", Browser: someBrowser}
	id, err = r.service.BeginSignUp(r.t.Context(), accounts, in, func(c string, k bool) (mail.Message, error) {
		code, known = c, k
		if k {
			return mail.Message{Subject: "You have an account already", Text: "Sign in instead."}, nil
		}
		return mail.Message{Subject: "Your code", Text: "Your code is " + c}, nil
	})
	return id, code, known, err
}

// signUp makes an account the way people do.
func (r *accountsRig) signUp(accounts signin.Accounts, email string) signin.Account {
	r.t.Helper()
	id, code := r.begin(accounts, email)
	account, err := r.service.FinishSignUp(r.t.Context(), accounts, id, code, someBrowser)
	if err != nil {
		r.t.Fatal(err)
	}
	return account
}

// wrong is a code that is not the given one.
func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
