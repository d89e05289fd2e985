package egress_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mcpauth.example/internal/egress"
)

// shelf is a memory of documents on an internet of its own, with a clock that stands still until a test moves it.
type shelf struct {
	*egress.Documents
	t        *testing.T
	net      *internet
	requests atomic.Int32
	offset   atomic.Int64
	budget   egress.Counter
}

func newShelf(t *testing.T, handler http.HandlerFunc) *shelf {
	t.Helper()
	s, began := &shelf{t: t}, time.Now()
	s.net = newInternet(t, func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	})
	count := func(burst int, every time.Duration, parts ...string) error {
		if s.budget == nil {
			return nil
		}
		return s.budget(burst, every, parts...)
	}
	now := func() time.Time { return began.Add(time.Duration(s.offset.Load())) }
	s.Documents = egress.NewDocuments(egress.New(s.net.config()), count, now, map[string][]byte{"https://over.example/c": []byte("ride")})
	return s
}

func anything([]byte) error { return nil }

func (s *shelf) fetch(target string) ([]byte, error) {
	return s.Fetch(s.t.Context(), "project", target, 5<<10, anything)
}

// Catalogue 64, A40: HTTP says how long a document is believed, between one minute and a day.
func TestFreshness(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header http.Header
		fresh  time.Duration
	}{
		"nothing said":        {http.Header{}, 5 * time.Minute},
		"max-age":             {http.Header{"Cache-Control": {"max-age=600"}}, 10 * time.Minute},
		"short":               {http.Header{"Cache-Control": {"max-age=1"}}, time.Minute},
		"a year":              {http.Header{"Cache-Control": {"public, max-age=31536000"}}, 24 * time.Hour},
		"s-maxage goes first": {http.Header{"Cache-Control": {"max-age=60, s-maxage=1200"}}, 20 * time.Minute},
		"age":                 {http.Header{"Cache-Control": {"max-age=600"}, "Age": {"300"}}, 5 * time.Minute},
		"no-store":            {http.Header{"Cache-Control": {"no-store, max-age=600"}}, 0},
		"no-cache":            {http.Header{"Cache-Control": {"no-cache"}}, 0},
		"varies on all":       {http.Header{"Cache-Control": {"max-age=600"}, "Vary": {"*"}}, 0},
		"said twice":          {http.Header{"Cache-Control": {"max-age=600", "max-age=700"}}, 0},
		"no number":           {http.Header{"Cache-Control": {"max-age=soon"}}, 0},
		"negative":            {http.Header{"Cache-Control": {"max-age=-1"}}, 0},
	} {
		s := newShelf(t, func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), c.header)
			fine(w, r)
		})
		for i, step := range []struct {
			at       time.Duration
			requests int32
		}{{0, 1}, {c.fresh - time.Second, 1}, {c.fresh, 2}} {
			if step.at < 0 {
				continue
			}
			s.offset.Store(int64(step.at))
			if _, err := s.fetch("https://example.com/c"); err != nil {
				t.Fatal(err)
			}
			if got := s.requests.Load(); got != step.requests {
				t.Errorf("%s, step %d: %d requests, expected %d", name, i, got, step.requests)
			}
		}
	}
}

// Catalogue 47, 48, A40: errors, wrong types and documents that were judged bad are not remembered.
func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	good := atomic.Bool{}
	s := newShelf(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case good.Load():
			fine(w, r)
		case r.URL.Path == "/html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `{}`)
		case r.URL.Path == "/untyped":
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, `{}`)
		case r.URL.Path == "/bad":
			fine(w, r)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	bad := errors.New("bad")
	for _, path := range []string{"/500", "/html", "/untyped", "/bad"} {
		good.Store(false)
		judge := func([]byte) error {
			if path == "/bad" && !good.Load() {
				return bad
			}
			return nil
		}
		if _, err := s.Fetch(t.Context(), "p", "https://example.com"+path, 100, judge); err == nil {
			t.Errorf("%s was taken", path)
		}
		good.Store(true)
		if _, err := s.Fetch(t.Context(), "p", "https://example.com"+path, 100, judge); err != nil {
			t.Errorf("%s afterwards: %v", path, err)
		}
	}
	if _, err := s.Fetch(t.Context(), "other", "https://example.com/bad", 100, func([]byte) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("what one project takes was not judged for another: %v", err)
	}
}

// Catalogue 62, 63, A39: one request per URL at a time; a limit per origin and per project; bounded memory.
func TestDocumentBudgets(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 100), make(chan struct{})
	s := newShelf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		fine(w, r)
	})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := s.fetch("https://example.com/slow"); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered
	close(release)
	wait.Wait()
	if got := s.requests.Load(); got != 1 {
		t.Errorf("%d requests for one URL", got)
	}
	s.net.names["b.example.com"] = []netip.Addr{public}
	var counted []string
	s.budget = func(burst int, every time.Duration, parts ...string) error {
		if burst < 1 || every <= 0 {
			t.Errorf("%d every %s", burst, every)
		}
		counted = append(counted, fmt.Sprint(parts))
		if parts[1] == "example.com" {
			return errors.New("enough")
		}
		return nil
	}
	before := s.requests.Load()
	if _, err := s.fetch("https://EXAMPLE.com/1"); !errors.Is(err, egress.ErrBusy) || s.requests.Load() != before {
		t.Errorf("over the limit of the origin: %v", err)
	}
	if _, err := s.fetch("https://example.com/slow"); err != nil { // from memory, which costs nothing
		t.Error(err)
	}
	if fmt.Sprint(counted) != "[[document-origin example.com]]" {
		t.Errorf("%v", counted)
	}
}

// Catalogue 62: many paths are not as many entries.
func TestDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(fine)) // a TLS handshake for each would take long
	t.Cleanup(plain.Close)
	free := func(int, time.Duration, ...string) error { return nil }
	documents := egress.NewDocuments(egress.New(egress.Config{Loopback: true}), free, time.Now, nil)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 300 {
				if _, err := documents.Fetch(t.Context(), "p", fmt.Sprintf("%s/%d/%d", plain.URL, worker, i), 100, anything); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := documents.Len(); n != 2000 {
		t.Errorf("%d entries after 2,400 documents", n)
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	s := newShelf(t, fine)
	if body, err := s.fetch("https://over.example/c"); err != nil || string(body) != "ride" || s.requests.Load() != 0 {
		t.Errorf("%q %v", body, err)
	}
	bad := errors.New("bad")
	if _, err := s.Fetch(t.Context(), "p", "https://over.example/c", 100, func([]byte) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("%v", err)
	}
}

// Catalogue 49: what was read under a larger limit is not an answer under a smaller one.
func TestLimitsAreKeptApart(t *testing.T) {
	t.Parallel()
	s := newShelf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(make([]byte, 1000))
	})
	for range 2 {
		if body, err := s.Fetch(t.Context(), "project", "https://example.com/keys", 2000, anything); err != nil || len(body) != 1000 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
	}
	if _, err := s.Fetch(t.Context(), "project", "https://example.com/keys", 999, anything); !errors.Is(err, egress.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests", n)
	}
}
