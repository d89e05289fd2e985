package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

const (
	// feedPoll is the pause between two reads of a followed project: the safety net behind NOTIFY, and the proof to guards that the feed
	// is up to date.
	feedPoll = time.Second
	// feedReadTimeout bounds one read.
	feedReadTimeout = 3 * time.Second
	// feedLinger is how many polls a project without followers stays ready for the next one.
	feedLinger = 30
	// feedBacklog is how many batches may wait for a follower before it is cut off to come again.
	feedBacklog = 16
	// feedFollowers and feedProjectFollowers are how many guards may follow at once, in a process and of one project.
	feedFollowers        = 10000
	feedProjectFollowers = 1000
)

// Feed tells guards which grants ended. A process reads each followed project once, whatever the number of its followers.
type Feed struct {
	store *Store
	log   *slog.Logger
	poll  time.Duration

	mu        sync.Mutex
	projects  map[id.ID]*projectFeed
	followers int
	closed    bool
}

// projectFeed is the one reader of a project. Its maps are guarded by Feed.mu.
type projectFeed struct {
	project   id.ID
	followers map[*follower]struct{}
	wake      chan struct{}
	ready     chan struct{} // closed when begun or failed is set
	failed    error
	cursor    string
	sent      map[string]struct{} // grants of the last read, which overlaps with the next
}

type follower struct {
	hash string // of the registration secret, in hex
	next chan oauth.RevocationBatch
}

// NewFeed returns a feed that nobody follows.
func NewFeed(store *Store, log *slog.Logger) *Feed {
	return &Feed{store: store, log: log, poll: feedPoll, projects: map[id.ID]*projectFeed{}}
}

// Follow implements oauth.RevocationFeed. The project's reader has its place before the follower reads what came before it, so that
// nothing falls between the two.
func (f *Feed) Follow(ctx context.Context, project id.ID, secretHash []byte, cursor string) (*oauth.Revocations, error) {
	me := &follower{hash: hex.EncodeToString(secretHash), next: make(chan oauth.RevocationBatch, feedBacklog)}
	reader, err := f.join(project, me)
	if err != nil {
		return nil, err
	}
	stop := func() { f.leave(reader, me) }
	select {
	case <-reader.ready:
	case <-ctx.Done():
		stop()
		return nil, translate(ctx.Err())
	}
	if reader.failed != nil {
		stop()
		return nil, reader.failed
	}
	read, err := f.store.readRevocations(ctx, project, cursor)
	if err != nil {
		stop()
		return nil, err
	}
	server, ok := read.servers[me.hash]
	if !ok {
		stop()
		return nil, errNotFound
	}
	return &oauth.Revocations{First: read.batch(server, nil), Next: me.next, Stop: stop}, nil
}

func (f *Feed) join(project id.ID, me *follower) (*projectFeed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reader := f.projects[project]
	switch {
	case f.closed:
		return nil, errUnavailable
	case f.followers >= feedFollowers, reader != nil && len(reader.followers) >= feedProjectFollowers:
		return nil, oauth.ErrTooMany
	case reader == nil:
		reader = &projectFeed{project: project, followers: map[*follower]struct{}{}, wake: make(chan struct{}, 1), ready: make(chan struct{})}
		f.projects[project] = reader
		go f.read(reader)
	}
	reader.followers[me] = struct{}{}
	f.followers++
	return reader, nil
}

// leave may be called more than once.
func (f *Feed) leave(reader *projectFeed, me *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := reader.followers[me]; ok {
		delete(reader.followers, me)
		f.followers--
		close(me.next)
	}
}

// Wake has a project read at once, or every followed one when project is zero.
func (f *Feed) Wake(project id.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, reader := range f.projects {
		if project.IsZero() || id == project {
			select {
			case reader.wake <- struct{}{}:
			default: // it will read anyway
			}
		}
	}
}

// Close cuts every follower off, for a process that ends: they go on at another.
func (f *Feed) Close() {
	f.mu.Lock()
	readers := make([]*projectFeed, 0, len(f.projects))
	for _, reader := range f.projects {
		readers = append(readers, reader)
	}
	f.closed = true
	f.mu.Unlock()
	for _, reader := range readers {
		f.cut(reader, func(*follower) bool { return true })
	}
	f.Wake(id.ID{})
}

// cut ends the followers that a condition names.
func (f *Feed) cut(reader *projectFeed, named func(*follower) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for me := range reader.followers {
		if named(me) {
			delete(reader.followers, me)
			f.followers--
			close(me.next)
		}
	}
}

// read is the loop of one project. It ends when nobody has followed for a while.
func (f *Feed) read(reader *projectFeed) {
	first, err := f.readOnce(reader.project, "")
	reader.failed, reader.cursor = err, first.cursor
	reader.sent = first.grants()
	if err != nil {
		f.remove(reader, true)
		close(reader.ready)
		return
	}
	close(reader.ready)
	ticker := time.NewTicker(f.poll)
	defer ticker.Stop()
	for idle, down := 0, false; ; {
		select {
		case <-reader.wake:
		case <-ticker.C:
		}
		if f.idle(reader) {
			if idle++; f.remove(reader, idle > feedLinger) {
				return
			}
			continue
		}
		idle = 0
		read, err := f.readOnce(reader.project, reader.cursor)
		if err != nil {
			if !down { // guards hear nothing and ask for each token until it is over
				f.log.Warn("revocations cannot be read", "project", reader.project, "error", err)
			}
			down = true
			continue
		}
		down = false
		f.deliver(reader, read)
	}
}

func (f *Feed) readOnce(project id.ID, cursor string) (revocationsRead, error) {
	ctx, cancel := context.WithTimeout(context.Background(), feedReadTimeout)
	defer cancel()
	return f.store.readRevocations(ctx, project, cursor)
}

func (f *Feed) idle(reader *projectFeed) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(reader.followers) == 0
}

// remove takes the reader away if it should go: when the feed was closed, when it is long enough without followers, or, before it
// began, with those that wait for it.
func (f *Feed) remove(reader *projectFeed, due bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	begun := reader.failed == nil
	if !f.closed && (!due || begun && len(reader.followers) > 0) {
		return false
	}
	delete(f.projects, reader.project)
	return true
}

// deliver gives every follower what is news for its MCP server, and cuts off those whose secret is no more or who read too slowly.
func (f *Feed) deliver(reader *projectFeed, read revocationsRead) {
	sent := reader.sent
	if read.snapshot {
		sent = nil
	}
	f.cut(reader, func(me *follower) bool {
		server, ok := read.servers[me.hash]
		if !ok {
			return true
		}
		select {
		case me.next <- read.batch(server, sent):
			return false
		default:
			return true
		}
	})
	reader.cursor, reader.sent = read.cursor, read.grants()
}

// revocationsRead is one moment's view of a project's revocations.
type revocationsRead struct {
	cursor    string
	snapshot  bool
	suspended bool
	servers   map[string]id.ID // MCP servers by the hash of their living secrets, in hex
	revoked   []revocationRow
}

type revocationRow struct {
	Server id.ID  `json:"server"`
	Grant  string `json:"sid"`
	Until  int64  `json:"until"`
}

func (r revocationsRead) grants() map[string]struct{} {
	all := make(map[string]struct{}, len(r.revoked))
	for _, row := range r.revoked {
		all[row.Grant] = struct{}{}
	}
	return all
}

// batch is what one MCP server learns, without the grants that were sent before.
func (r revocationsRead) batch(server id.ID, sent map[string]struct{}) oauth.RevocationBatch {
	b := oauth.RevocationBatch{Cursor: r.cursor, Snapshot: r.snapshot, Suspended: r.suspended, Revoked: []oauth.RevokedGrant{}}
	for _, row := range r.revoked {
		if _, before := sent[row.Grant]; !before && row.Server == server {
			b.Revoked = append(b.Revoked, oauth.RevokedGrant{GrantID: row.Grant, Until: row.Until})
		}
	}
	return b
}

// readRevocations reads what was written since a cursor. Commits do not come in the order of their transaction ids: a cursor is the
// oldest transaction that was under way when it was made, and everything from that one on is given again. Whatever was not visible
// then is of that transaction or a younger one, so nothing is ever missed. A cursor of another database, or of a time that this one
// has not reached since it was restored, gets everything.
func (s *Store) readRevocations(ctx context.Context, project id.ID, cursor string) (revocationsRead, error) {
	incarnation, since, ok := strings.Cut(cursor, ".")
	if !ok || len(since) == 0 || len(since) > 19 || strings.Trim(since, "0123456789") != "" {
		incarnation, since = "", "0"
	}
	var read revocationsRead
	var position, rows, secrets string
	err := s.query(ctx, project, func(row pgx.Row) error {
		return row.Scan(&read.suspended, &read.snapshot, &position, &rows, &secrets)
	}, `
		WITH here AS (
			SELECT d.incarnation::text AS incarnation, pg_snapshot_xmin(pg_current_snapshot()) AS oldest,
				d.incarnation::text <> $2::text OR $3::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()) AS anew
			FROM deployment d
		)
		SELECT `+isSuspended+`, here.anew, here.incarnation || '.' || here.oldest::text,
			(SELECT coalesce(json_agg(json_build_object('server', r.mcp_server_id, 'sid', r.grant_id, 'until', ceil(extract(epoch FROM r.until))::bigint)), '[]')::text
				FROM revocations r WHERE r.project_id = $1 AND r.until > now() AND r.written >= CASE WHEN here.anew THEN '0'::xid8 ELSE $3::text::xid8 END),
			(SELECT coalesce(json_object_agg(encode(k.secret_hash, 'hex'), k.mcp_server_id), '{}')::text
				FROM registration_secrets k WHERE k.project_id = $1 AND k.revoked_at IS NULL)
		FROM here, projects p JOIN organizations o ON o.id = p.organization_id WHERE p.id = $1`, incarnation, since)
	if err != nil {
		return revocationsRead{}, err
	}
	read.cursor = position
	if err := json.Unmarshal([]byte(rows), &read.revoked); err != nil {
		return revocationsRead{}, err
	}
	return read, json.Unmarshal([]byte(secrets), &read.servers)
}
