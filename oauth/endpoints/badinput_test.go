package endpoints_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/oauth/endpoints"
)

// attempt is one bad request and the status it deserves.
type attempt struct {
	name, method  string
	target, body  string
	header        http.Header
	status        int
	formatIsOther bool // an answer that is no error, or a redirect
}

// badInput makes every bad request from a good one. A kind that an endpoint has no place for gives none.
var badInput = map[string]func(g goodRequest, method, target string) []attempt{
	"missing": func(g goodRequest, method, target string) (out []attempt) {
		for name, status := range g.missing {
			fewer := maps.Clone(g.params)
			delete(fewer, name)
			empty := maps.Clone(g.params)
			empty[name] = []string{""}
			out = append(out, g.attempt("no "+name, method, target, fewer, status))
			if status >= 300 || name != "email" { // an empty address is a mistake, none at all asks for the form
				out = append(out, g.attempt("empty "+name, method, target, empty, status))
			}
		}
		if g.authorization != 0 {
			for name, sent := range map[string][]string{"no credential": nil, "empty credential": {"Bearer "}, "other scheme": {"Digest x"}, "NUL": {"Bearer a\x00"}, "not UTF-8": {"Bearer \xff"}, "twice": {"Bearer x", g.header.Get("Authorization")}} {
				a := g.attempt(name, method, target, g.params, g.authorization)
				if a.header["Authorization"] = sent; sent == nil {
					delete(a.header, "Authorization")
				}
				out = append(out, a)
			}
		}
		if g.json != "" {
			out = append(out, g.raw("no body", method, target, "", 400), g.raw("no member", method, target, "{}", 400))
		}
		return out
	},
	"repeated": func(g goodRequest, method, target string) (out []attempt) {
		for name, values := range g.params {
			status := 400
			if name == "resource" && g.page {
				status = 303
			}
			out = append(out, g.attempt(name+" twice", method, target, with(maps.Clone(g.params), name, values[0], values[0]+"x"), status))
		}
		if g.json != "" {
			first, _, _ := strings.Cut(strings.TrimPrefix(g.json, `{"`), `"`)
			out = append(out, g.raw("member twice", method, target, strings.Replace(g.json, `{"`, `{"`+first+`":[],"`, 1), 400))
		}
		return out
	},
	"oversized": func(g goodRequest, method, target string) []attempt {
		if g.inQuery && g.params == nil {
			return nil
		}
		if g.json != "" {
			return []attempt{g.raw("70 KB", method, target, strings.Replace(g.json, "Bad", strings.Repeat("a", 70<<10), 1), 413)}
		}
		status := 413
		if g.inQuery {
			status = 400
		}
		return []attempt{g.attempt("70 KB", method, target, with(maps.Clone(g.params), "x", strings.Repeat("a", 70<<10)), status)}
	},
	"wrong type": func(g goodRequest, method, target string) (out []attempt) {
		if g.inQuery {
			return nil
		}
		for _, contentType := range []string{"", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencoded", ";", "a/b/c"} {
			if contentType == g.header.Get("Content-Type") {
				continue
			}
			a := g.attempt("Content-Type "+contentType, method, target, g.params, 415)
			if g.json != "" {
				a.body = g.json
			}
			if a.header.Set("Content-Type", contentType); contentType == "" {
				a.header.Del("Content-Type")
			}
			out = append(out, a)
		}
		if g.json == "" {
			return append(out, g.raw("broken escape", method, target, "a=%zz", 400), g.raw("semicolons", method, target, "a=1;b=2", 400))
		}
		for _, body := range []string{`[]`, `1`, `"x"`, `{"redirect_uris":"x"}`, `{"redirect_uris":{}}`, `{"redirect_uris":[1]}`, `{"redirect_uris":["https://a.example/"],"client_name":[]}`, g.json + g.json} {
			out = append(out, g.raw(body, method, target, body, 400))
		}
		return out
	},
	"NUL": func(g goodRequest, method, target string) []attempt {
		return g.spoiled("\x00", `\u0000`, method, target)
	},
	"invalid UTF-8": func(g goodRequest, method, target string) []attempt { return g.spoiled("\xff", "\xff", method, target) },
	"wrong method": func(g goodRequest, _, target string) (out []attempt) {
		for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "TRACE", "PROPFIND"} {
			out = append(out, g.attempt(method, method, target, g.params, 405))
		}
		return out
	},
}

// spoiled puts something into every parameter and its name.
func (g goodRequest) spoiled(dirt, dirtInJSON, method, target string) (out []attempt) {
	for name, values := range g.params {
		out = append(out, g.attempt(name, method, target, with(maps.Clone(g.params), name, values[0]+dirt), 400))
	}
	if g.params != nil && !g.inQuery {
		out = append(out, g.attempt("a name", method, target, with(maps.Clone(g.params), "x"+dirt, "1"), 400))
	}
	if g.json != "" {
		out = append(out, g.raw("a member", method, target, strings.Replace(g.json, "Bad", "Bad"+dirtInJSON, 1), 400),
			g.raw("a redirect", method, target, strings.Replace(g.json, "bad-input", "bad"+dirtInJSON, 1), 400))
	}
	return out
}

func (g goodRequest) attempt(name, method, target string, params url.Values, status int) attempt {
	a := attempt{name: name, method: method, target: target, header: g.header.Clone(), status: status, formatIsOther: status < 400}
	if a.header == nil {
		a.header = http.Header{}
	}
	switch {
	case g.json != "":
		a.body = g.json
	case g.inQuery && params != nil:
		a.target += "?" + params.Encode()
	case !g.inQuery:
		a.body = params.Encode()
	}
	return a
}

func (g goodRequest) raw(name, method, target, body string, status int) attempt {
	a := g.attempt(name, method, target, nil, status)
	a.body = body
	return a
}

// Every endpoint answers every kind of bad input in its own format, with the right code, and writes nothing (catalogue 25, 165; P15).
// An endpoint without a row fails the test.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows, answers := badInputRows(w), map[string]bool{}
	for _, route := range endpoints.Routes(&endpoints.Handler{}) {
		answers[route.Method+" "+route.Path] = true
	}
	for _, route := range endpoints.Routes(&endpoints.Handler{}) {
		key := route.Method + " " + route.Path
		good, ok := rows[key]
		if !ok {
			t.Errorf("%s has no row", key)
			continue
		}
		delete(rows, key)
		target, count := w.demo.issuer+strings.Replace(route.Path, ":client_id", good.client, 1), 0
		for _, kind := range slices.Sorted(maps.Keys(badInput)) {
			before := w.rows()
			for _, a := range badInput[kind](good, route.Method, target) {
				if kind == "wrong method" && answers[a.method+" "+route.Path] {
					continue
				}
				count++
				got := good.browser.send(a.method, a.target, a.header, a.body)
				checkBadAnswer(t, key+": "+kind+": "+a.name, good.page, a, got)
			}
			if w.unchanged(before); t.Failed() {
				t.Fatalf("%s: %s", key, kind)
			}
		}
		if count < 5 {
			t.Errorf("%s: %d bad requests", key, count)
		}
		last := good.attempt("good", route.Method, target, good.params, good.status)
		if got := good.browser.send(last.method, last.target, last.header, last.body); got.StatusCode != good.status || strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%s: the good request is answered with %d %s", key, got.StatusCode, got.body)
		}
	}
	for key := range rows {
		t.Errorf("%s is no endpoint", key)
	}
}

func checkBadAnswer(t *testing.T, name string, page bool, a attempt, got *answer) {
	t.Helper()
	if got.StatusCode != a.status {
		t.Errorf("%s: expected %d, got %d %s", name, a.status, got.StatusCode, got.body)
		return
	}
	checkHeaders(t, name, got)
	contentType := got.Header.Get("Content-Type")
	switch {
	case a.status == http.StatusSeeOther:
		if got.callback().Get("error") == "" {
			t.Errorf("%s: %s", name, got.location())
		}
	case page:
		if !strings.HasPrefix(contentType, "text/html") || !got.has("h1") {
			t.Errorf("%s: %s %s", name, contentType, got.body)
		}
	case !a.formatIsOther && a.method != http.MethodHead:
		if got.isError(a.status, got.text("error")); got.text("error") == "" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}
