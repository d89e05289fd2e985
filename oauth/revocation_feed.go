package oauth

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// PathRevocations is the feed of ended grants, for guards that verify access tokens by themselves.
const PathRevocations = "/api/oauth/revocations"

// HeaderGuardVersion carries the versions of the protocol that a guard speaks, and in the answer the one that is spoken.
const HeaderGuardVersion = "Mcpauth-Guard-Version"

// guardVersion is the one version of the protocol that there is. A guard from before there were any speaks it, too.
const guardVersion = 1

// GuardVersion chooses the version to speak with a guard that sent these headers; false: there is none in common.
func GuardVersion(sent []string) (version string, ok bool) {
	if len(sent) == 0 {
		return strconv.Itoa(guardVersion), true
	}
	for one := range strings.SplitSeq(strings.Join(sent, ","), ",") {
		if number, err := strconv.Atoi(strings.TrimSpace(one)); err == nil && number == guardVersion {
			return strconv.Itoa(guardVersion), true
		}
	}
	return strconv.Itoa(guardVersion), false
}

// ErrTooMany means that more followers are connected than are admitted.
var ErrTooMany = errors.New("too many followers")

// RevocationFeed tells guards which grants ended.
type RevocationFeed interface {
	// Follow returns what changed for the MCP server of a registration secret since a cursor, and then goes on telling. An empty cursor,
	// or one of another database, gives everything. ErrNotFound: no living secret; ErrTooMany: the guard must ask again.
	Follow(ctx context.Context, issuer id.ID, secretHash []byte, cursor string) (*Revocations, error)
}

// Revocations is one guard's place in the feed.
type Revocations struct {
	// First is what changed since the cursor that was asked for.
	First RevocationBatch
	// Next gives what changes from then on, also when nothing did: each batch proves that the feed is up to date. It is closed when the
	// guard must connect again: the secret was revoked, the guard reads too slowly, or this process ends.
	Next <-chan RevocationBatch
	// Stop ends it.
	Stop func()
}

// RevocationBatch is one message of the feed. What it does not name stays as it was: a revocation is final.
type RevocationBatch struct {
	// Cursor is where to go on after this batch.
	Cursor string `json:"cursor"`
	// Snapshot means that the batch holds everything that must be refused.
	Snapshot bool `json:"snapshot"`
	// Suspended projects have every token refused, until a batch says otherwise.
	Suspended bool           `json:"suspended,omitempty"`
	Revoked   []RevokedGrant `json:"revoked"`
}

// RevokedGrant is a grant whose access tokens must be refused.
type RevokedGrant struct {
	GrantID string `json:"sid"`
	Until   int64  `json:"until"` // seconds since 1970; later no token of the grant is unexpired
}

const (
	// feedQueryMax bounds the query of a request to the feed, in bytes.
	feedQueryMax = 1000
	// feedWaitMax is the longest that a poll is kept waiting, in seconds.
	feedWaitMax = 30
)

// RevocationQuery reads where a guard wants to go on and how long it wants to wait for news, 0 to 30 seconds.
func RevocationQuery(rawQuery string) (cursor string, wait time.Duration, refused *Error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil || len(rawQuery) > feedQueryMax {
		return "", 0, newError(InvalidRequest, "The query is not well-formed or too long.")
	}
	if refused := once(query); refused != nil {
		return "", 0, refused
	}
	if !query.Has("wait") {
		return query.Get("cursor"), 0, nil
	}
	seconds, err := strconv.Atoi(query.Get("wait"))
	if err != nil || seconds < 0 || seconds > feedWaitMax {
		return "", 0, newError(InvalidRequest, "Unexpected wait. Expected whole seconds from 0 to 30.").at("wait", "")
	}
	return query.Get("cursor"), time.Duration(seconds) * time.Second, nil
}

// FollowRevocations opens the feed for the MCP server behind a registration secret: it learns of its own grants only.
func (s *Server) FollowRevocations(ctx context.Context, issuer *Issuer, registrationSecret, cursor string) (*Revocations, *Error) {
	feed, err := s.feed.Follow(ctx, issuer.ID, secret.Hash(registrationSecret), cursor)
	switch {
	case isNotFound(err):
		return nil, unknownGuard()
	case errors.Is(err, ErrTooMany):
		return nil, newError(TooManyRequests, "Too many guards of this project follow the feed. Expected fewer connections, or polls with the parameter wait=0.")
	case err != nil:
		return nil, Fault(err)
	}
	return feed, nil
}
