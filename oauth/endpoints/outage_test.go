package endpoints_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth"
)

// cable is the network between a process and its database, which a test can cut.
type cable struct {
	listener net.Listener
	network  string
	address  string

	mu    sync.Mutex
	conns []net.Conn
}

// layCable returns a connection string that leads through a cable.
func layCable(t *testing.T, databaseURL string) (through string, c *cable) {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(int(config.Port))
	c = &cable{network: "tcp", address: net.JoinHostPort(config.Host, port)}
	if filepath.IsAbs(config.Host) {
		c.network, c.address = "unix", filepath.Join(config.Host, ".s.PGSQL."+port)
	}
	if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.cut)
	go c.serve()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: c.listener.Addr().String(), Path: config.Database,
		RawQuery: "sslmode=disable"}
	return u.String(), c
}

func (c *cable) serve() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial(c.network, c.address)
		if err != nil {
			_ = near.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, near, far)
		c.mu.Unlock()
		go func() { _, _ = io.Copy(far, near) }()
		go func() { _, _ = io.Copy(near, far) }()
	}
}

// cut ends every connection and refuses new ones.
func (c *cable) cut() {
	_ = c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// Catalogue 188, 204, P26: an outage is 503 with Retry-After, never a verdict; documents that are known are served on.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a, held := tn.connected(newBrowser(t, w.door), tn.client())
	tn.active(held.access)
	page := newBrowser(t, w.door)
	consent := tn.signedIn(page, tn.request(a.clientID))
	w.cut()
	for !errors.Is(w.store.Ping(t.Context()), oauth.ErrUnavailable) { // until the pool has dropped the connections that were open
		if t.Context().Err() != nil {
			t.Fatal("the pool does not notice")
		}
	}
	w.forget()
	for name, got := range map[string]*answer{
		"token": tn.token(a.codeForm()), "refresh": tn.token(a.refreshForm(held.refresh)), "introspection": tn.introspect(tn.guard, held.access),
		"revocation": tn.revoke(a.clientID, held.refresh), "guard": call(t, w.door, http.MethodGet, tn.issuer+oauth.PathServer, bearer(tn.guard), ""),
		"registration": call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, `{"redirect_uris":["https://client.example/cb"]}`),
	} {
		if got.isError(503, "temporarily_unavailable"); got.Header.Get("Retry-After") == "" || strings.Contains(got.body, "pool") {
			t.Errorf("%s: %v %s", name, got.Header, got.body)
		}
	}
	for _, got := range []*answer{page.get(tn.authorizeURL(tn.request(a.clientID))), page.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}})} {
		if got.isLocal(503); got.Header.Get("Retry-After") == "" {
			t.Errorf("%v", got.Header)
		}
	}
	for _, path := range []string{oauth.PathMetadata, oauth.PathJWKS} {
		if got := call(t, w.door, http.MethodGet, tn.issuer+path, nil, ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	got := call(t, w.door, http.MethodPost, tn.host().issuer+oauth.PathToken, formHeader, a.codeForm().Encode()) // not in memory
	if got.isError(503, "temporarily_unavailable"); got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", got.Header)
	}
}

// After a restore from backup nothing from before works, since what was revoked after the backup is not known any more: neither codes nor
// refresh tokens nor access tokens, and guards get the whole feed again. Accounts and clients stay.
func TestRestoredDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	unused := tn.approve(newBrowser(t, w.door), client)
	a, held := tn.connected(newBrowser(t, w.door), client)
	cursor := tn.revocations(tn.guard, "").Cursor
	if ended, err := postgres.Restored(t.Context(), w.db.OwnerURL); err != nil || ended != 2 {
		t.Fatalf("ended %d, %v", ended, err)
	}
	w.store, w.door = w.newDoor()
	tn.token(unused.codeForm()).isError(400, "invalid_grant")
	tn.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	if tn.active(held.access) {
		t.Error("the access token is active")
	}
	if told := tn.revocations(tn.guard, cursor); !told.Snapshot || !tells(told, claims(t, held.access).GrantID) {
		t.Errorf("the feed tells %+v", told)
	}
	// A reference with the grant of the time before, were it living again, is of another epoch.
	w.exec(`UPDATE grants SET revoked_at = NULL, revoked_reason = NULL`)
	tn.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	tn.connected(newBrowser(t, w.door), client)
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'deployment.restored'`); n != 2 {
		t.Errorf("%d audit rows", n)
	}
}
