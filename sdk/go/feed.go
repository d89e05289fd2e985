package mcpauth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// feedSilence is how long the feed may be silent before it is distrusted: three of its beats.
	feedSilence = 15 * time.Second
	// feedFirst is how long a stream may keep its first event back before it is taken for buffered on the way.
	feedFirst = 5 * time.Second
	// feedPollWait is what a poll waits for news, less than feedSilence so that an answer comes in time.
	feedPollWait = 8 * time.Second
	// feedPollPause is the least time between two polls, for what may answer without waiting.
	feedPollPause = 250 * time.Millisecond
	// feedPolls is how many polls are made before a stream is tried again.
	feedPolls = 60
	// feedIdle is how long the feed is followed without a request.
	feedIdle = 10 * time.Minute
	// feedLine bounds one event, in bytes: room for about 100,000 revoked grants.
	feedLine = 8 << 20
)

// errBuffered means that something between the project and this server keeps events back.
var errBuffered = errors.New("the stream of events is buffered on its way")

// feed knows which grants ended although their access tokens have not expired. It follows the project while requests come; whenever it
// is not connected and up to date it says so, and tokens are introspected instead.
type feed struct {
	guard *Guard

	mu        sync.Mutex
	running   bool
	closed    bool
	stop      context.CancelFunc
	lastUse   time.Time
	connected bool
	heard     time.Time
	cursor    string
	suspended bool
	revoked   map[string]int64 // grants, until when in seconds since 1970
	swept     time.Time
}

// batch is one message of the feed.
type batch struct {
	Cursor    string `json:"cursor"`
	Snapshot  bool   `json:"snapshot"`
	Suspended bool   `json:"suspended"`
	Revoked   []struct {
		Grant string `json:"sid"`
		Until int64  `json:"until"`
	} `json:"revoked"`
}

// fresh reports whether the feed can be relied on at this moment, and follows it from the first call on.
func (f *feed) fresh(known *settings) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.guard.now()
	f.lastUse = now
	if !f.running && !f.closed && known.RevocationFeed != "" {
		ctx, cancel := context.WithCancel(context.Background())
		f.running, f.stop = true, cancel
		go f.follow(ctx, known.RevocationFeed)
	}
	return f.connected && now.Sub(f.heard) < feedSilence
}

// refuses reports whether a grant ended. A revocation is final, so it counts whether or not the feed is up to date.
func (f *feed) refuses(grant string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ended := f.revoked[grant]
	return ended
}

// isSuspended reports whether the project refuses everything.
func (f *feed) isSuspended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connected && f.suspended
}

// close ends the feed for good.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.stop != nil {
		f.stop()
	}
}

// follow streams, polls where streams do not get through, and comes again after every interruption.
func (f *feed) follow(ctx context.Context, address string) {
	defer func() {
		f.mu.Lock()
		f.running, f.connected = false, false
		f.mu.Unlock()
	}()
	for failures, polls := 0, 0; ctx.Err() == nil && !f.idle(); {
		var err error
		before := f.lastHeard()
		if polls > 0 {
			err = f.poll(ctx, address)
			polls--
		} else if err = f.stream(ctx, address); errors.Is(err, errBuffered) {
			polls = feedPolls
			continue
		}
		if err == nil {
			failures = 0
			continue
		}
		f.lost()
		if f.lastHeard() != before { // it worked for a while
			failures = 0
		}
		wait := time.Duration(rand.N(int64(250 * time.Millisecond))) //nolint:gosec,forbidigo // spreads retries, hides nothing
		if failures > 0 {
			wait += backoff(min(failures, 5)-1, err)
		}
		failures++
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (f *feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guard.now().Sub(f.lastUse) > feedIdle
}

func (f *feed) lastHeard() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard
}

func (f *feed) lost() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connected = false
}

// hear notes a sign of life, and takes in what it says. A snapshot of a restored database may lack what this guard knows already:
// nothing is forgotten before its time.
func (f *feed) hear(b *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.guard.now()
	f.connected, f.heard = true, now
	if b == nil {
		return
	}
	f.cursor, f.suspended = b.Cursor, b.Suspended
	if f.revoked == nil {
		f.revoked = map[string]int64{}
	}
	for _, r := range b.Revoked {
		f.revoked[r.Grant] = max(f.revoked[r.Grant], r.Until)
	}
	if now.Sub(f.swept) > time.Minute {
		f.swept = now
		for grant, until := range f.revoked {
			if now.Add(-maxClockTolerance).Unix() > until {
				delete(f.revoked, grant)
			}
		}
	}
}

// open asks the feed, from where the last answer ended.
func (f *feed) open(ctx context.Context, address, accept string, wait time.Duration) (*http.Response, error) {
	f.mu.Lock()
	cursor := f.cursor
	f.mu.Unlock()
	if accept != "text/event-stream" {
		address += "?" + url.Values{"cursor": {cursor}, "wait": {strconv.Itoa(int(wait.Seconds()))}}.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &unavailable{reason: "the revocation feed could not be asked", cause: err}
	}
	request.Header.Set("Authorization", "Bearer "+f.guard.secret.value)
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(headerGuardVersion, guardVersion)
	if accept == "text/event-stream" && cursor != "" {
		request.Header.Set("Last-Event-ID", cursor)
	}
	response, err := f.guard.streams.Do(request)
	if err != nil {
		return nil, &unavailable{reason: "the revocation feed could not be reached", cause: err}
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, &unavailable{reason: describeStatus("the revocation feed", response.StatusCode), retryAfter: retryAfter(response.Header)}
	}
	if version := response.Header.Get(headerGuardVersion); version != "" && version != guardVersion {
		_ = response.Body.Close()
		return nil, &unavailable{reason: "the revocation feed speaks another version than was asked for"}
	}
	return response, nil
}

// stream reads events until the connection ends or is silent for too long.
func (f *feed) stream(ctx context.Context, address string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(feedFirst, cancel)
	defer watchdog.Stop()
	response, err := f.open(ctx, address, "text/event-stream", 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || mediaType != "text/event-stream" {
		return errBuffered
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(make([]byte, 0, 4<<10), feedLine)
	for begun := false; ; {
		if !lines.Scan() {
			if !begun && ctx.Err() != nil {
				return errBuffered
			}
			return &unavailable{reason: "the revocation feed ended", cause: lines.Err()}
		}
		watchdog.Reset(feedSilence)
		line := lines.Text()
		if strings.HasPrefix(line, ":") && begun {
			f.hear(nil)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var b batch
		if json.Unmarshal([]byte(data), &b) != nil || b.Cursor == "" {
			return &unavailable{reason: "the revocation feed sent what cannot be read"}
		}
		begun = true
		f.hear(&b)
		if f.idle() {
			return nil
		}
	}
}

// poll asks once, and waits for news where there is none.
func (f *feed) poll(ctx context.Context, address string) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, feedSilence)
	defer cancel()
	response, err := f.open(ctx, address, "application/json", feedPollWait)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var b batch
	if json.NewDecoder(io.LimitReader(response.Body, feedLine)).Decode(&b) != nil || b.Cursor == "" {
		return &unavailable{reason: "the revocation feed sent what cannot be read"}
	}
	f.hear(&b)
	pause := feedPollPause - time.Since(begun)
	if b.Suspended { // told at once: ask again when a beat would come
		pause = feedFirst
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
	return nil
}
