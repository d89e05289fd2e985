package endpoints_test

import (
	"net/http"
	"sync"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
)

const parallel = 50

// atOnce sends the same form to two processes from many goroutines that start together.
func atOnce(t *testing.T, doors []*endpoints.Handler, target, body string) []*answer {
	t.Helper()
	return atOnceAs(t, doors, target, formHeader, body)
}

func atOnceJSON(t *testing.T, doors []*endpoints.Handler, target, body string) []*answer {
	t.Helper()
	return atOnceAs(t, doors, target, http.Header{"Content-Type": {"application/json"}}, body)
}

func atOnceAs(t *testing.T, doors []*endpoints.Handler, target string, header http.Header, body string) []*answer {
	t.Helper()
	answers := make([]*answer, parallel)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			<-start
			answers[i] = call(t, doors[i%len(doors)], http.MethodPost, target, header, body)
		})
	}
	close(start)
	wait.Wait()
	return answers
}

// Catalogue 158: of 50 redemptions at two processes exactly one gets tokens; the others are replays, so it ends.
func TestParallelRedemptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, second := w.newDoor()
	a := w.demo.approve(newBrowser(t, w.door), w.demo.client())
	var won []tokens
	for _, got := range atOnce(t, []*endpoints.Handler{w.door, second}, w.demo.issuer+oauth.PathToken, a.codeForm().Encode()) {
		if got.StatusCode == http.StatusOK {
			won = append(won, got.tokens())
			continue
		}
		got.isError(400, "invalid_grant")
	}
	if len(won) != 1 {
		t.Fatalf("%d redemptions succeeded", len(won))
	}
	if l := w.lineage(won[0].access); l != (lineage{1, 0, "code_replayed"}) || w.demo.active(won[0].access) {
		t.Errorf("%+v", l)
	}
	w.demo.token(a.refreshForm(won[0].refresh)).isError(400, "invalid_grant")
}

// Catalogue 178, P10: 50 refreshes at two processes carry on one lineage. Without the comparison of the generation they would be many.
func TestParallelRefreshes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, second := w.newDoor()
	doors := []*endpoints.Handler{w.door, second}
	a, first := w.demo.connected(newBrowser(t, w.door), w.demo.client())
	for round := range 2 {
		successors := map[string]bool{}
		var last tokens
		for _, got := range atOnce(t, doors, w.demo.issuer+oauth.PathToken, a.refreshForm(first.refresh).Encode()) {
			last = got.tokens()
			successors[last.refresh] = true
		}
		if l := w.lineage(first.access); len(successors) != 1 || l != (lineage{2 + round, (round + 1) * (parallel - 1), ""}) {
			t.Fatalf("%d successors, %+v", len(successors), l)
		}
		if !w.demo.active(last.access) {
			t.Error("the lineage is dead")
		}
		first = last
	}
}

// A reuse and a refresh at the same moment never leave a living successor of a revoked connection (catalogue 179).
func TestParallelReuseAndRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, second := w.newDoor()
	a, first := w.demo.connected(newBrowser(t, w.door), w.demo.client())
	middle := w.demo.token(a.refreshForm(first.refresh)).tokens()
	current := w.demo.token(a.refreshForm(middle.refresh)).tokens()
	target := w.demo.issuer + oauth.PathToken
	var wait sync.WaitGroup
	var stolen, rightful []*answer
	wait.Go(func() {
		stolen = atOnce(t, []*endpoints.Handler{w.door}, target, a.refreshForm(first.refresh).Encode())
	})
	wait.Go(func() {
		rightful = atOnce(t, []*endpoints.Handler{second}, target, a.refreshForm(current.refresh).Encode())
	})
	wait.Wait()
	for _, got := range stolen {
		got.isError(400, "invalid_grant")
	}
	if l := w.lineage(first.access); l.revoked != "refresh_token_reused" {
		t.Errorf("%+v", l)
	}
	for _, got := range rightful {
		if got.StatusCode == http.StatusOK {
			won := got.tokens()
			if w.demo.active(won.access) {
				t.Error("an access token survived the revocation")
			}
			w.demo.token(a.refreshForm(won.refresh)).isError(400, "invalid_grant")
		}
	}
}

// Identical registrations are one client, so its first approvals may come from many people at once: all of them succeed.
func TestParallelFirstApprovals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, client := newBrowser(t, w.door), w.demo.client()
	pages := make([]*answer, 16)
	for i := range pages {
		pages[i] = w.demo.signedIn(b, w.demo.request(client))
	}
	lefts := make([]*answer, len(pages))
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i, page := range pages {
		wait.Go(func() {
			<-start
			lefts[i] = b.submit(page, "button[value=allow]", allow)
		})
	}
	close(start)
	wait.Wait()
	codes := map[string]bool{}
	for _, left := range lefts {
		codes[left.callback().Get("code")] = true
	}
	if n := value[int](w, `SELECT count(*) FROM grants`); len(codes) != len(pages) || n != len(pages) {
		t.Errorf("%d codes, %d grants", len(codes), n)
	}
}
