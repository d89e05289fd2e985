package endpoints_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// browser is a person's browser: it keeps cookies and says where a form comes from.
type browser struct {
	t    *testing.T
	door http.Handler
	jar  *cookiejar.Jar
}

// answer is a response with its body.
type answer struct {
	t *testing.T
	*http.Response
	body string
}

func newBrowser(t *testing.T, door http.Handler) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, door: door, jar: jar}
}

// call sends one request the way a server receives it.
func call(t *testing.T, door http.Handler, method, target string, header http.Header, body string) *answer {
	t.Helper()
	scheme, rest, _ := strings.Cut(target, "://")
	host, path, _ := strings.Cut(rest, "/")
	if scheme == "" || host == "" {
		t.Fatalf("target %q", target)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.RemoteAddr, r.RequestURI = host, "192.0.2.1:1234", "/"+path
	maps.Copy(r.Header, header)
	recorder := httptest.NewRecorder()
	door.ServeHTTP(recorder, r)
	response := recorder.Result()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{t: t, Response: response, body: string(read)}
}

func (b *browser) send(method, target string, header http.Header, body string) *answer {
	b.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		b.t.Fatal(err)
	}
	sent := header.Clone()
	if sent == nil {
		sent = http.Header{}
	}
	for _, cookie := range b.jar.Cookies(u) {
		sent.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	got := call(b.t, b.door, method, target, sent, body)
	b.jar.SetCookies(u, got.Cookies())
	return got
}

func (b *browser) get(target string) *answer {
	b.t.Helper()
	return b.send(http.MethodGet, target, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}, "")
}

// post submits a form from a page of the same origin.
func (b *browser) post(target string, form url.Values) *answer {
	b.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		b.t.Fatal(err)
	}
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {u.Scheme + "://" + u.Host}}
	return b.postAs(target, form, header)
}

func (b *browser) postAs(target string, form url.Values, header http.Header) *answer {
	b.t.Helper()
	sent := header.Clone()
	sent.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(http.MethodPost, target, sent, form.Encode())
}

// submit fills in the form that holds the named element and posts it.
func (b *browser) submit(page *answer, selector string, fields url.Values) *answer {
	b.t.Helper()
	target, form := page.form(selector)
	maps.Copy(form, fields)
	return b.post(target, form)
}

func (a *answer) document() *goquery.Document {
	a.t.Helper()
	document, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return document
}

// form returns the action and the hidden fields of the form that holds an element.
func (a *answer) form(selector string) (string, url.Values) {
	a.t.Helper()
	form := a.document().Find("form").Has(selector).First()
	action, ok := form.Attr("action")
	action = form.Find(selector).AttrOr("formaction", action)
	if !ok {
		a.t.Fatalf("no form with %s on the page (%d):\n%s", selector, a.StatusCode, a.body)
	}
	fields := url.Values{}
	form.Find("input[type=hidden]").Each(func(_ int, s *goquery.Selection) {
		fields.Set(s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	return action, fields
}

func (a *answer) has(selector string) bool {
	a.t.Helper()
	return a.document().Find(selector).Length() > 0
}

// location is where a leave page or a redirect leads; empty for every other answer.
func (a *answer) location() string {
	a.t.Helper()
	if location := a.Header.Get("Location"); location != "" {
		return location
	}
	return a.document().Find("a#continue").AttrOr("href", "")
}

// callback is the query that the client gets.
func (a *answer) callback() url.Values {
	a.t.Helper()
	u, err := url.Parse(a.location())
	if err != nil || a.location() == "" {
		a.t.Fatalf("no way back to the client (%d): %v\n%s", a.StatusCode, err, a.body)
	}
	return u.Query()
}

func (a *answer) json() map[string]any {
	a.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		a.t.Fatalf("%d %s: %v\n%s", a.StatusCode, a.Header.Get("Content-Type"), err, a.body)
	}
	return out
}

func (a *answer) text(member string) string {
	a.t.Helper()
	text, _ := a.json()[member].(string)
	return text
}

// isError checks an OAuth error for programs (A22, catalogue 171).
func (a *answer) isError(status int, code string) {
	a.t.Helper()
	if a.StatusCode != status || a.text("error") != code {
		a.t.Errorf("expected %d %s, got %d %s", status, code, a.StatusCode, a.body)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") || a.Header.Get("Cache-Control") != "no-store" || a.text("error_description") == "" {
		a.t.Errorf("%v: %s", a.Header, a.body)
	}
}

// isLocal checks that an answer is a page of ours that leads nowhere (catalogue: LOCAL).
func (a *answer) isLocal(status int) {
	a.t.Helper()
	if a.StatusCode != status || a.location() != "" || a.has("meta[http-equiv=refresh]") || a.has("a.button") ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.t.Errorf("expected a page with %d that leads nowhere, got %d %v\n%s", status, a.StatusCode, a.Header, a.body)
	}
}
