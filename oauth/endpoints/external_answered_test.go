package endpoints_test

import (
	"net/http"
	"runtime"
	"testing"
)

// A request that was answered stays answered after its person left.
func TestRequestOfWhoLeftIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	b := newBrowser(t, w.door)
	request := site.leave(b)
	back := site.answer(request, "ada", "north")
	site.left(`{"subject":"ada","organization":"north"}`)
	before := w.rows()
	if got := site.say(request, ownPerson("ada", "north")); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a second answer: got %d, want 400", got.StatusCode)
	}
	w.unchanged(before)
	if got := b.get(back); got.StatusCode != http.StatusForbidden {
		t.Errorf("the first answer: got %d, want 403", got.StatusCode)
	}
}

// An answer that is being kept while its person leaves is taken back as well: the departure waits for it.
func TestAnswerBeingKeptIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	site.connects("ada", "north")
	tx, err := w.super.Begin(t.Context())
	if err == nil { // the answer waits for the provider's row
		_, err = tx.Exec(t.Context(), `UPDATE upstream_providers SET name = name`)
	}
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, w.door)
	request := site.leave(b)
	answered, left := make(chan *answer, 1), make(chan *answer, 1)
	waiting := func(n int, done chan *answer) {
		for len(done) == 0 && value[int](w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) < n {
			runtime.Gosched()
		}
	}
	go func() { answered <- site.say(request, ownPerson("ada", "north")) }()
	waiting(1, answered)
	go func() { left <- site.left(`{"subject":"ada","organization":"north"}`) }()
	waiting(2, left)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, gone := <-answered, <-left
	if kept.StatusCode != http.StatusOK || gone.StatusCode != http.StatusOK {
		t.Fatalf("got %d and %d %s, want 200 twice", kept.StatusCode, gone.StatusCode, gone.body)
	}
	if got := b.get(kept.text("redirect_to")); got.StatusCode != http.StatusForbidden || b.cookie(w.demo, "mcpauth_session") != "" {
		t.Errorf("the answer: got %d, want 403 and no session", got.StatusCode)
	}
}
