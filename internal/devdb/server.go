package devdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Role and database names that every installation has.
const (
	RoleSuperuser = "postgres"
	RoleOwner     = "mcpauth_owner"
	RoleApp       = "mcpauth_app"
	Database      = "mcpauth"
)

const (
	socketPort     = 5432
	startLimit     = 60 * time.Second
	fastStopLimit  = 10 * time.Second
	quickStopLimit = 5 * time.Second
)

// Options says where a server keeps its data and how careful it is with it.
type Options struct {
	// DataDir is created when missing. One process at a time can use it.
	DataDir string
	// Durable false trades safety against an operating system crash for speed; right for tests only.
	Durable bool
	// Reset throws the cluster's data away before the start.
	Reset bool
	// Log gets a line for what takes long or was repaired; nil discards.
	Log *slog.Logger

	systemDir string // where clusters go that cannot live in their data folder; tests set it
	find      finder // how binaries are found; tests set it
}

// Server is one running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	socketDir string
	version   version
	proc      *process
	locks     []*fileLock
	cleanup   func()
	stopOnce  sync.Once
	stopErr   error
}

// Start starts the PostgreSQL of a data folder and makes sure that the roles and the database exist. The context limits the
// start, not the server's life. It fails with a *LockedError when another process uses the folder.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.systemDir == "" {
		opts.systemDir = "/var/lib/mcpauth-dev"
	}
	if opts.find == nil {
		opts.find = findInstalled
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s := &Server{}
	if err := s.start(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("starting PostgreSQL in %s: %w", opts.DataDir, err), s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, opts Options) error {
	acct, err := chooseAccount()
	if err != nil {
		return err
	}
	pl, err := locate(ctx, opts, acct)
	s.locks = pl.locks
	if err != nil {
		return err
	}
	if err := stopLeftover(ctx, pl.pgdata(), opts.Log); err != nil {
		return err
	}
	if opts.Reset {
		if err := os.RemoveAll(pl.pgdata()); err != nil {
			return err
		}
	}
	if acct, err = acct.ownerOf(pl.pgdata()); err != nil {
		return err
	}
	bins, err := chooseBinaries(ctx, opts, pl, acct)
	if err != nil {
		return err
	}
	s.version = bins.version
	if err := ensureCluster(ctx, pl, bins, acct, opts); err != nil {
		return err
	}
	if s.socketDir, s.cleanup, err = makeSocketDir(ctx, pl, acct); err != nil {
		return err
	}
	if err := s.launch(ctx, pl, bins, acct, opts); err != nil {
		return err
	}
	return s.prepare(ctx)
}

// prepare makes the roles and the database, on every start, so that an interrupted first start completes.
func (s *Server) prepare(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.SuperuserURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := EnsureRoles(ctx, conn); err != nil {
		return err
	}
	return EnsureDatabase(ctx, conn, Database)
}

// OwnerURL is the connection string of the role that owns and migrates the schema, for one database of this server.
func (s *Server) OwnerURL(database string) string { return s.url(RoleOwner, database) }

// AppURL is the connection string of the application's role: not an owner, not a superuser, bound by row-level security.
func (s *Server) AppURL(database string) string { return s.url(RoleApp, database) }

// SuperuserURL is the connection string of the cluster's superuser.
func (s *Server) SuperuserURL(database string) string { return s.url(RoleSuperuser, database) }

func (s *Server) url(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.socketDir}, "port": {strconv.Itoa(socketPort)}}.Encode()
	return u.String()
}

// PID is the process id of the PostgreSQL server.
func (s *Server) PID() int { return s.proc.pid }

// Version is the PostgreSQL version as its program prints it, such as "15.18".
func (s *Server) Version() string { return s.version.text }

// Done is closed when the PostgreSQL process has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop shuts PostgreSQL down, forcibly if it does not end within ten seconds, and frees the data folder. Later calls return
// the first call's result.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() {
		if s.proc != nil {
			s.stopErr = s.proc.stop()
		}
		if s.cleanup != nil {
			s.cleanup()
		}
		for _, l := range s.locks {
			l.release()
		}
	})
	return s.stopErr
}
