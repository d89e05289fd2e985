package endpoints

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/oauth"
)

const (
	// feedBeat is how long a stream of events may be silent; guards wait three times as long before they distrust it.
	feedBeat = 5 * time.Second
	// feedWrite is how long one message may take to be written.
	feedWrite = 10 * time.Second
)

// revocations is the feed: server-sent events for those who accept them, otherwise one answer to each poll.
func (h *Handler) revocations(c echo.Context) error {
	request := c.Request()
	version, spoken := oauth.GuardVersion(request.Header.Values(oauth.HeaderGuardVersion))
	c.Response().Header().Set(oauth.HeaderGuardVersion, version)
	if !spoken { // a guard that read this feed as another version might miss an end: it asks about each token instead
		return answer(c, http.StatusNotAcceptable, map[string]string{
			"error": string(oauth.InvalidRequest), "error_description": "Unexpected " + oauth.HeaderGuardVersion + ". Expected version " + version + ".",
		})
	}
	cursor, wait, refused := oauth.RevocationQuery(request.URL.RawQuery)
	if refused != nil {
		return refused
	}
	stream := strings.Contains(request.Header.Get("Accept"), "text/event-stream")
	if last := request.Header.Get("Last-Event-ID"); stream && last != "" {
		cursor = last
	}
	feed, refused := h.oauth.FollowRevocations(request.Context(), issuerOf(c), oauth.BearerToken(request.Header.Get("Authorization")), cursor)
	if refused != nil {
		return refused
	}
	defer feed.Stop()
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}) // nothing more is read; the server's limit would end the request
	if stream {
		return streamRevocations(c, feed)
	}
	return pollRevocations(c, feed, wait)
}

// pollRevocations answers as soon as there is something to tell, at the latest after wait, and at once about a suspended project.
func pollRevocations(c echo.Context, feed *oauth.Revocations, wait time.Duration) error {
	batch := feed.First
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(wait + feedWrite))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for waiting := wait > 0; waiting && !batch.Snapshot && len(batch.Revoked) == 0 && !batch.Suspended; {
		select {
		case next, ok := <-feed.Next:
			if waiting = ok; ok {
				batch = next
			}
		case <-timer.C:
			waiting = false
		case <-c.Request().Context().Done():
			return nil
		}
	}
	return answer(c, http.StatusOK, batch)
}

// streamRevocations writes until either side ends. A beat is written only after the feed was read again, so it proves that nothing is
// missing.
func streamRevocations(c echo.Context, feed *oauth.Revocations) error {
	response, control := c.Response(), http.NewResponseController(c.Response())
	header := response.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep events until there are enough of them
	response.WriteHeader(http.StatusOK)
	write := func(message []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(feedWrite))
		_, err := response.Write(message)
		return err == nil && control.Flush() == nil
	}
	if !write(event(feed.First)) {
		return nil
	}
	last, suspended := time.Now(), feed.First.Suspended
	for {
		select {
		case <-c.Request().Context().Done():
			return nil
		case batch, ok := <-feed.Next:
			if !ok {
				return nil
			}
			var message []byte
			switch news := batch.Snapshot || len(batch.Revoked) > 0 || batch.Suspended != suspended; {
			case news:
				message = event(batch)
			case time.Since(last) >= feedBeat:
				message = []byte(": beat\n\n")
			default:
				continue
			}
			if last, suspended = time.Now(), batch.Suspended; !write(message) {
				return nil
			}
		}
	}
}

// event is one batch as a server-sent event (HTML standard, section 9.2.5).
func event(batch oauth.RevocationBatch) []byte {
	data, err := json.Marshal(batch)
	if err != nil { // strings and numbers only
		return nil
	}
	name := "revoked"
	if batch.Snapshot {
		name = "snapshot"
	}
	return bytes.Join([][]byte{[]byte("event: " + name), []byte("id: " + batch.Cursor), append([]byte("data: "), data...), nil, nil}, []byte("\n"))
}
