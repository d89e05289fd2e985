package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
)

const (
	serverSetting = "MCPAUTH_TEST_DATABASE_URL"
	testPrefix    = "test_"
	maxSlots      = 64 // test processes at once
)

// cluster is a running server that tests make databases in.
type cluster struct {
	// url makes the connection string of a role (empty: the superuser) for a database.
	url      func(role, database string) string
	template string
	own      bool          // nobody else uses it, so what is in it may be removed
	server   *devdb.Server // nil for a given one
}

// openCluster takes the server that the setting names, or starts one.
func openCluster(ctx context.Context) (*cluster, error) {
	if given := os.Getenv(serverSetting); given != "" {
		return openGiven(given)
	}
	base, err := slotsFolder(temporary())
	if err != nil {
		return nil, err
	}
	return openSlot(ctx, base)
}

// slotsFolder is the private folder with this user's test clusters. The temporary folder is shared with other users: a folder
// of that name which is not ours is refused.
func slotsFolder(temp string) (string, error) {
	dir := filepath.Join(temp, "mcpauth-pgtest-"+strconv.Itoa(os.Geteuid()))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return "", fmt.Errorf("%s must be a folder of our own account; remove it or set TMPDIR", dir)
	}
	return dir, os.Chmod(dir, 0o711)
}

// openSlot starts the first cluster of the pool that no living process has.
func openSlot(ctx context.Context, base string) (*cluster, error) {
	for i := range maxSlots {
		dir := filepath.Join(base, strconv.Itoa(i))
		server, err := startSlot(ctx, dir)
		if _, taken := errors.AsType[*devdb.LockedError](err); taken {
			continue
		}
		if err != nil {
			return nil, err
		}
		c := &cluster{own: true, server: server, url: func(role, database string) string {
			switch role {
			case devdb.RoleOwner:
				return server.OwnerURL(database)
			case devdb.RoleApp:
				return server.AppURL(database)
			default:
				return server.SuperuserURL(database)
			}
		}}
		return c, nil
	}
	return nil, fmt.Errorf("all %d test clusters in %s are in use", maxSlots, base)
}

// startSlot starts a cluster and starts over with an empty one where its data cannot be trusted (it does not wait for the
// disk, so a crash of the machine may have damaged it) or cannot be used.
func startSlot(ctx context.Context, dir string) (*devdb.Server, error) {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // elsewhere a damaged cluster fails to start
	marker := filepath.Join(dir, "boot")
	known, err := os.ReadFile(marker)
	reset := err != nil || string(known) != string(boot)
	server, err := devdb.Start(ctx, devdb.Options{DataDir: dir, Reset: reset})
	if _, taken := errors.AsType[*devdb.LockedError](err); err != nil && !reset && !taken {
		server, err = devdb.Start(ctx, devdb.Options{DataDir: dir, Reset: true})
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(marker, boot, 0o600); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// openGiven uses a running server. Where its superuser needs a password so do the roles; theirs is derived from it, so that
// processes agree.
func openGiven(given string) (*cluster, error) {
	super, err := url.Parse(given)
	if err != nil || super.User == nil || (super.Scheme != "postgres" && super.Scheme != "postgresql") {
		return nil, fmt.Errorf("%s must look like postgres://user:password@host:port/database", serverSetting)
	}
	c := &cluster{url: givenURLs(super)}
	return c, c.admin(func(ctx context.Context, conn *pgx.Conn) error {
		if err := lockServer(ctx, conn); err != nil {
			return err
		}
		if err := devdb.EnsureRoles(ctx, conn); err != nil {
			return err
		}
		for _, role := range []string{devdb.RoleOwner, devdb.RoleApp} {
			password := rolePassword(super, role)
			if password == "" {
				continue
			}
			if _, err := conn.Exec(ctx, `alter role `+role+` password '`+password+`'`); err != nil {
				return fmt.Errorf("setting the password of role %s: %w", role, err)
			}
		}
		return nil
	})
}

func givenURLs(super *url.URL) func(role, database string) string {
	return func(role, database string) string {
		u := *super
		u.Path = "/" + database
		if role != "" {
			u.User = url.User(role)
			if password := rolePassword(super, role); password != "" {
				u.User = url.UserPassword(role, password)
			}
		}
		return u.String()
	}
}

func rolePassword(super *url.URL, role string) string {
	password, ok := super.User.Password()
	if !ok {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"pgtest", role, password}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// admin runs a function on a superuser's connection.
func (c *cluster) admin(do func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit) // a test's own context ends before its clean-up
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("", "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return do(ctx, conn)
}

// lockServer lets one process at a time change what all share, until the connection ends.
func lockServer(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `select pg_advisory_lock(hashtext('mcpauth pgtest'))`)
	return err
}
