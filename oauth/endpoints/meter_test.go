package endpoints_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// counted is what the meter shows of the organization for a month.
func (w *world) counted(month time.Time) int {
	w.t.Helper()
	found, err := w.store.MonthlyActiveUsers(w.t.Context(), w.org, month)
	if err != nil {
		w.t.Fatal(err)
	}
	total := 0
	for _, day := range found {
		total += day.Count
	}
	return total
}

// A connected user is a person who got an access token of a production project in a calendar month: once, whatever the number of
// clients, tokens and processes, and not for what was refused.
func TestConnectedUsersAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	month := tenants.MonthOf(value[time.Time](w, `SELECT now()`))
	last := month.AddDate(0, -1, 0)
	w.demo.connected(newBrowser(t, w.door), w.demo.client())
	if n := w.counted(month); n != 0 {
		t.Errorf("%d counted in a development project", n)
	}
	w.exec(`UPDATE projects SET environment = 'production' WHERE id = $1`, w.demo.project.ID)
	b := newBrowser(t, w.door)
	a, held := w.demo.connected(b, w.demo.client())
	if n := w.counted(month); n != 1 {
		t.Fatalf("%d counted after a code was redeemed", n)
	}
	w.demo.connected(b, w.demo.client())
	held = w.demo.token(a.refreshForm(held.refresh)).tokens()
	if n := w.counted(month); n != 1 {
		t.Errorf("%d counted after a second client and a refresh", n)
	}
	if n := w.counted(last); n != 0 {
		t.Errorf("%d counted in the month before", n)
	}
	w.exec(`UPDATE connected_users SET month = $1::date, counted_at = $1`, last) // the month ends
	w.demo.token(a.refreshForm("wrong"+held.refresh)).isError(400, "invalid_grant")
	if n := w.counted(month); n != 0 {
		t.Errorf("%d counted for a token that was refused", n)
	}
	_, w.door = w.newDoor() // another process
	held = w.demo.token(a.refreshForm(held.refresh)).tokens()
	if now, before := w.counted(month), w.counted(last); now != 1 || before != 1 {
		t.Errorf("%d counted in the new month, %d in the one before", now, before)
	}
	w.exec(`UPDATE connected_users SET month = $1::date WHERE month = $2::date`, last.AddDate(0, -1, 0), last)
	w.exec(`UPDATE connected_users SET month = $1::date WHERE month = $2::date`, last, month)
	w.exec(`UPDATE grants SET generation = generation + 5`)
	w.demo.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	if n := w.counted(month); n != 0 {
		t.Errorf("%d counted for a reused token", n)
	}
	if _, err := w.store.MonthlyActiveUsers(t.Context(), id.New(), month); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("an organization that does not exist: %v", err)
	}
	w.other.connected(newBrowser(t, w.door), w.other.client())
	if n := w.counted(month); n != 0 {
		t.Errorf("%d counted for another project", n)
	}
}
