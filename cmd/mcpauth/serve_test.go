package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/built"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

const parallel = 50

// nodes are two processes of the built binary on one database, and the means to approve a request without a browser.
type nodes struct {
	addresses []string
	database  *pgtest.Database
	oauth     *oauth.Server
	issuer    *oauth.Issuer
	clientID  string
	session   signin.Session

	projects     tenants.Projects
	organization id.ID
	store        *postgres.Store
	guard        string // registration secret
}

// TestTwoProcesses proves that codes are single-use and refresh tokens have one lineage across processes (catalogue 158, 178).
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	n := startNodes(t)

	t.Run("one brand", n.testBrand)

	t.Run("certificates", n.testCertificates)

	t.Run("no insides", n.testInsides)

	t.Run("own packages", n.testPackages)

	t.Run("one operator", n.testOperator)

	t.Run("one code", func(t *testing.T) {
		statuses := map[int]int{}
		for _, a := range n.storm(t, n.codeForm(t)) {
			statuses[a.status]++
		}
		if statuses[http.StatusOK] != 1 || statuses[http.StatusBadRequest] != parallel-1 {
			t.Errorf("answers by status: %v, want one 200 and %d times 400", statuses, parallel-1)
		}
		// The others were valid second redemptions: what the first one gave is revoked (catalogue 156).
		if got := n.count(t, `SELECT count(*) FROM grants WHERE revoked_at IS NOT NULL AND revoked_reason = 'code_replayed'`); got != 1 {
			t.Errorf("%d grants revoked, want 1", got)
		}
	})

	t.Run("one refresh token", func(t *testing.T) {
		first := n.post(t, n.addresses[0], n.codeForm(t))
		if first.status != http.StatusOK {
			t.Fatalf("redeeming: %d %s", first.status, first.Description)
		}
		successors := map[string]int{}
		for _, a := range n.storm(t, n.refreshForm(first.RefreshToken)) {
			if a.status != http.StatusOK {
				t.Errorf("refresh: %d %s %s", a.status, a.Error, a.Description)
			}
			successors[a.RefreshToken]++
		}
		if len(successors) != 1 {
			t.Errorf("%d different successors, want one lineage", len(successors))
		}
		if got := n.count(t, `SELECT generation FROM grants WHERE revoked_at IS NULL`); got != 2 {
			t.Errorf("generation %d after one rotation, want 2", got)
		}
		// The lineage goes on, and its first token is older than a predecessor now: it ends the connection (catalogue 177, 181).
		for successor := range successors {
			next := n.post(t, n.addresses[1], n.refreshForm(successor))
			if next.status != http.StatusOK {
				t.Fatalf("refreshing again: %d %s", next.status, next.Description)
			}
			if old := n.post(t, n.addresses[0], n.refreshForm(first.RefreshToken)); old.Error != "invalid_grant" {
				t.Errorf("grandparent: %d %s, want invalid_grant", old.status, old.Error)
			}
			if after := n.post(t, n.addresses[0], n.refreshForm(next.RefreshToken)); after.Error != "invalid_grant" {
				t.Errorf("after the reuse: %d %s, want invalid_grant", after.status, after.Error)
			}
		}
	})
}

func startNodes(t *testing.T) *nodes {
	t.Helper()
	ctx := context.Background()
	db := pgtest.New(t)
	ringText := secret.NewKeyringText()
	keys, err := secret.ParseKeyring(ringText)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := postgres.Open(ctx, postgres.Config{URL: db.AppURL, MaxConnections: 4}, keys, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	n := &nodes{database: db, oauth: oauth.NewServer(oauth.Config{Clients: store, Grants: store, Guards: store, Keys: keys, Epoch: 1, Now: time.Now, Log: log})}
	n.seed(t, store, log)
	binary := built.Product(t)
	for range 2 {
		n.addresses = append(n.addresses, startNode(t, binary, db.AppURL, strings.TrimSpace(ringText)).address)
	}
	return n
}

// node is one process.
type node struct {
	address string
	process *os.Process
	killed  bool
}

// kill ends the process without a word, as kill -9 does.
func (n *node) kill() error {
	n.killed = true
	return n.process.Kill()
}

// seed makes a project, a client and a signed-in person.
func (n *nodes) seed(t *testing.T, store *postgres.Store, log *slog.Logger) {
	t.Helper()
	ctx := context.Background()
	template, err := tenants.ParseIssuerTemplate("https://{project}.mcpauth.example")
	if err != nil {
		t.Fatal(err)
	}
	_, organization, err := store.EnsureMember(ctx, "member@example.com", "-", "Acme")
	if err != nil {
		t.Fatal(err)
	}
	n.projects, n.organization = tenants.Projects{Store: store, Primary: template}, organization
	project, _, guard, err := n.projects.Create(ctx, tenants.SystemActor, organization, "Acme", "https://tools.example/mcp")
	if err != nil {
		t.Fatal(err)
	}
	n.store, n.guard = store, guard
	if n.issuer, err = postgres.NewIssuers(store, time.Now, log).Resolve(ctx, tenants.Address(project.Issuer)); err != nil {
		t.Fatal(err)
	}
	registration, refused := n.oauth.Register(ctx, n.issuer, "",
		[]byte(`{"client_name":"Test","redirect_uris":["https://app.example/cb"],"grant_types":["authorization_code","refresh_token"]}`))
	if refused != nil {
		t.Fatal(refused)
	}
	n.clientID = registration.ClientID
	user, err := store.EnsureUser(ctx, project.ID, "user@example.com", "-")
	if err != nil {
		t.Fatal(err)
	}
	if n.session, err = store.Users(project.ID).CreateSession(ctx, secret.Hash(secret.Token("")), signin.NewSession{Account: signin.Account{ID: user, Epoch: signin.FirstEpoch}, Way: signin.Way{Method: tenants.SignInPassword}, Lifetime: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

// startNode starts one process and returns as soon as it says that it serves. environment comes on top of what every process needs.
func startNode(t *testing.T, binary, databaseURL, keys string, environment ...string) *node {
	t.Helper()
	cmd := exec.Command(binary, "serve", "--no-jobs")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "MCPAUTH_LISTEN=127.0.0.1:0", "MCPAUTH_BASE_URL=https://mcpauth.example",
		"MCPAUTH_ISSUER_TEMPLATE=https://{project}.mcpauth.example", "MCPAUTH_DATABASE_URL=" + databaseURL, "MCPAUTH_MASTER_KEYS=" + keys,
		"MCPAUTH_SMTP_URL=smtp://127.0.0.1:1?tls=off", "MCPAUTH_MAIL_FROM=mail@mcpauth.example"}
	cmd.Env = append(cmd.Env, environment...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := &node{process: cmd.Process}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, stderr)
		if err := cmd.Wait(); err != nil && !started.killed {
			t.Errorf("the server did not end cleanly: %v", err)
		}
	})
	lines := bufio.NewScanner(stderr)
	var seen []string
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			started.address = line.Address
			return started
		}
		seen = append(seen, lines.Text())
	}
	t.Fatalf("the server did not start:\n%s", strings.Join(seen, "\n"))
	return nil
}

const verifier = "a-verifier-of-at-least-forty-three-characters"

// codeForm approves a fresh request and returns the form that redeems its code.
func (n *nodes) codeForm(t *testing.T) url.Values {
	t.Helper()
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{"client_id": {n.clientID}, "redirect_uri": {"https://app.example/cb"}, "response_type": {"code"},
		"code_challenge": {secret.Encode(challenge[:])}, "code_challenge_method": {"S256"}}
	request, client, err := n.oauth.Authorize(t.Context(), n.issuer, query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	location, err := n.oauth.Approve(t.Context(), n.issuer, request, client, n.session.ID, n.session.Account.ID, oauth.Decision{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {n.clientID}, "code": {back.Query().Get("code")},
		"code_verifier": {verifier}, "redirect_uri": {"https://app.example/cb"}}
}

func (n *nodes) refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {n.clientID}, "refresh_token": {token}}
}

type tokenAnswer struct {
	status       int
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
}

func (n *nodes) post(t *testing.T, address string, form url.Values) tokenAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+oauth.PathToken, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = tenants.Address(n.issuer.URL)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return tokenAnswer{}
	}
	defer func() { _ = response.Body.Close() }()
	answer := tokenAnswer{status: response.StatusCode}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	return answer
}

// storm posts the same form many times at the same moment, to both processes alternately.
func (n *nodes) storm(t *testing.T, form url.Values) []tokenAnswer {
	t.Helper()
	answers := make([]tokenAnswer, parallel)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-begin
			answers[i] = n.post(t, n.addresses[i%2], form)
		})
	}
	close(begin)
	all.Wait()
	return answers
}

func (n *nodes) count(t *testing.T, query string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), n.database.SuperuserURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var number int
	if err := conn.QueryRow(t.Context(), query).Scan(&number); err != nil {
		t.Fatal(err)
	}
	return number
}
