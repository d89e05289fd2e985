package egress

import (
	"container/list"
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of the memory of documents and of how long one is believed.
const (
	documentsMax    = 2000
	assumedFresh    = 5 * time.Minute
	leastFresh      = time.Minute
	longestFresh    = 24 * time.Hour
	waitingMax      = 64 // requests that wait for addresses that strangers chose, in this process
	perOriginBurst  = 20
	perOriginEvery  = 3 * time.Second
	perProjectBurst = 120
	perProjectEvery = 500 * time.Millisecond
)

// ErrBusy says that too many documents are asked for, of this origin, for this project or in total.
var ErrBusy = errors.New("egress: too many requests to addresses of strangers")

// Counter counts uses of a limit; an error refuses. See web.Limits.
type Counter func(burst int, every time.Duration, parts ...string) error

// Documents fetches small JSON documents and remembers good ones as long as HTTP says, within bounds. Errors are never remembered. It
// is safe for concurrent use.
type Documents struct {
	client    *Client
	count     Counter
	now       func() time.Time
	overrides map[string][]byte

	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // of *document, the latest used first
	flights map[string]*flight
}

type document struct {
	key   string
	body  []byte
	until time.Time
}

// flight is one request that several wait for.
type flight struct {
	done chan struct{}
	body []byte
	err  error
}

// NewDocuments returns an empty memory. Overrides answer for their URLs instead of the network.
func NewDocuments(client *Client, count Counter, now func() time.Time, overrides map[string][]byte) *Documents {
	return &Documents{client: client, count: count, now: now, overrides: overrides, entries: map[string]*list.Element{}, order: list.New(),
		flights: map[string]*flight{}}
}

// Fetch returns a document of at most limit bytes. Valid judges it before it is remembered. One request per URL is on its way at a
// time; project is for whom it is made.
func (d *Documents) Fetch(ctx context.Context, project, target string, limit int64, valid func([]byte) error) ([]byte, error) {
	if body, ok := d.overrides[target]; ok {
		return body, valid(body)
	}
	key := documentKey(target, limit)
	d.mu.Lock()
	if body, ok := d.remembered(key); ok {
		d.mu.Unlock()
		return body, valid(body) // it may be good for one project and not for another
	}
	going, ok := d.flights[key]
	if !ok {
		if len(d.flights) >= waitingMax {
			d.mu.Unlock()
			return nil, ErrBusy
		}
		going = &flight{done: make(chan struct{})}
		d.flights[key] = going
	}
	d.mu.Unlock()
	if ok {
		select {
		case <-going.done:
			if going.err != nil {
				return nil, going.err
			}
			return going.body, valid(going.body)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	going.body, going.err = d.ask(context.WithoutCancel(ctx), project, target, limit, valid) // others wait for it
	d.mu.Lock()
	delete(d.flights, key)
	d.mu.Unlock()
	close(going.done)
	return going.body, going.err
}

// documentKey keeps what was read under one limit from who asks with another: a large key set is no document, and what makes a bad
// document may make a good key set.
func documentKey(target string, limit int64) string {
	return strconv.FormatInt(limit, 10) + " " + target
}

// Len is the number of documents in memory.
func (d *Documents) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.order.Len()
}

// remembered looks into the memory. The caller holds the lock, so that nobody asks for what has just come.
func (d *Documents) remembered(key string) ([]byte, bool) {
	element, ok := d.entries[key]
	if !ok {
		return nil, false
	}
	found, _ := element.Value.(*document)
	if !d.now().Before(found.until) {
		d.order.Remove(element)
		delete(d.entries, key)
		return nil, false
	}
	d.order.MoveToFront(element)
	return found.body, true
}

func (d *Documents) ask(ctx context.Context, project, target string, limit int64, valid func([]byte) error) ([]byte, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, ErrRefused
	}
	if d.count(perOriginBurst, perOriginEvery, "document-origin", strings.ToLower(u.Host)) != nil || // catalogue 63
		d.count(perProjectBurst, perProjectEvery, "document-project", project) != nil {
		return nil, ErrBusy
	}
	response, err := d.client.Get(ctx, target, "application/json", limit)
	if err != nil {
		return nil, err
	}
	if !isJSON(response.Header.Get("Content-Type")) {
		return nil, ErrAnswer
	}
	if err := valid(response.Body); err != nil {
		return nil, err
	}
	if fresh := freshness(response.Header); fresh > 0 {
		d.remember(&document{key: documentKey(target, limit), body: response.Body, until: d.now().Add(fresh)})
	}
	return response.Body, nil
}

func (d *Documents) remember(fresh *document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.entries[fresh.key]; ok {
		d.order.Remove(old)
	}
	d.entries[fresh.key] = d.order.PushFront(fresh)
	for d.order.Len() > documentsMax {
		oldest := d.order.Back()
		d.order.Remove(oldest)
		if gone, ok := oldest.Value.(*document); ok {
			delete(d.entries, gone.key)
		}
	}
}

// isJSON accepts application/json and types with the suffix +json.
func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json"))
}

// freshness is how long an answer may be used (RFC 9111 section 4.2), between one minute and a day; 0: not at all. What is said twice
// in different ways counts as not at all.
func freshness(header http.Header) time.Duration {
	for _, vary := range header.Values("Vary") {
		if strings.Contains(vary, "*") {
			return 0
		}
	}
	age, shared := -1, -1
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache", "private":
			return 0
		case "max-age", "s-maxage":
			seconds, err := strconv.Atoi(strings.Trim(value, `"`))
			into := &age
			if name == "s-maxage" {
				into = &shared
			}
			if err != nil || seconds < 0 || *into >= 0 && *into != seconds {
				return 0
			}
			*into = min(seconds, int(longestFresh/time.Second))
		}
	}
	if shared >= 0 {
		age = shared
	}
	if age < 0 {
		return assumedFresh
	}
	if old, err := strconv.Atoi(header.Get("Age")); err == nil && old > 0 {
		age = max(0, age-old)
	}
	return min(max(time.Duration(age)*time.Second, leastFresh), longestFresh)
}
