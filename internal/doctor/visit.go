package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	protocolVersion = "2025-11-25"
	// origin is the page that a browser's requests claim to come from.
	origin = "https://client.example"
	// bodyLimit is the most bytes of an answer that are read.
	bodyLimit = 1 << 20
)

// request is one run.
type request struct {
	ctx      context.Context
	client   *http.Client
	address  string
	register bool
	version  string
	steps    []*Step
	// resourceScopes are the scopes of the protected resource metadata.
	resourceScopes []string
}

// answer is what came back; status is 0 when nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (v *request) note(request, purpose string) *Step {
	s := &Step{Request: request, Purpose: purpose, Findings: []Finding{}}
	v.steps = append(v.steps, s)
	return s
}

// ask sends a request and notes the step. Without an answer the step has failed already.
func (v *request) ask(purpose, method, address string, header map[string]string, body string) (*Step, answer) {
	s := v.note(method+" "+printable(address), purpose)
	request, err := http.NewRequestWithContext(v.ctx, method, address, strings.NewReader(body))
	if err != nil {
		s.Answer = "not sent"
		s.fail("the address is not a URL: "+printable(err.Error()), "correct the address")
		return s, answer{}
	}
	request.Header.Set("User-Agent", UserAgent)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := v.client.Do(request)
	if err != nil {
		s.Answer = "no answer"
		s.fail("no answer: "+printable(err.Error()), "make the address reachable from where clients run, with a certificate they trust")
		return s, answer{}
	}
	defer response.Body.Close()
	s.Answer = fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode))
	a := answer{status: response.StatusCode, header: response.Header}
	if mediaType(a) == "text/event-stream" {
		return s, a // it may never end
	}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, bodyLimit)); err != nil {
		s.fail("the body ends early: "+printable(err.Error()), "send complete answers")
		a.status = 0
	}
	return s, a
}

// document reads a 200 answer as a JSON object and tells whether it is one.
func (s *Step) document(a answer, into any) bool {
	if a.status == 0 || s.redirect(a) {
		return false
	}
	if a.status != http.StatusOK {
		s.fail(fmt.Sprintf("expected 200, got %d", a.status), "serve the document here, without authentication")
		return false
	}
	return s.object(a, into)
}

// redirect notes a redirect. P18
func (s *Step) redirect(a answer) bool {
	if a.status < 300 || a.status > 399 {
		return false
	}
	s.fail(fmt.Sprintf("redirects to %q", a.header.Get("Location")), "answer at this address itself: clients do not follow redirects here")
	return true
}

// object reads an answer as a JSON object, whatever its status.
func (s *Step) object(a answer, into any) bool {
	if t := mediaType(a); t != "application/json" {
		s.fail(fmt.Sprintf("expected Content-Type application/json, got %q", a.header.Get("Content-Type")), "send JSON with its media type")
	}
	if !strings.HasPrefix(strings.TrimSpace(string(a.body)), "{") {
		s.fail("the body is not a JSON object: "+excerpt(a.body), "send a JSON object")
		return false
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		s.fail("the body cannot be read: "+printable(err.Error()), "send the member with the type its specification names")
		return false
	}
	return true
}

// allowed checks that a browser's page may read the answer. P1
func (s *Step) allowed(a answer) {
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" && got != origin {
		s.fail(fmt.Sprintf("expected Access-Control-Allow-Origin *, got %q", got), "allow every origin, on errors as well: clients in browsers cannot read this answer")
	}
}

// preflight asks as a browser does before a request with these headers. P1
func (v *request) preflight(address, headers string) {
	s, a := v.ask("a browser asks before it sends a request", http.MethodOptions, address, map[string]string{
		"Origin": origin, "Access-Control-Request-Method": http.MethodPost, "Access-Control-Request-Headers": strings.ToLower(headers),
	}, "")
	if a.status == 0 || s.redirect(a) {
		return
	}
	if a.status < 200 || a.status > 299 {
		s.fail(fmt.Sprintf("preflight refused: expected 200 or 204, got %d", a.status), "answer OPTIONS before authentication and rate limits")
	}
	s.allowed(a)
	got := strings.ToLower(strings.Join(a.header.Values("Access-Control-Allow-Headers"), ","))
	for name := range strings.SplitSeq(headers, ", ") {
		lower := strings.ToLower(name)
		if listed(got, lower) || listed(got, "*") && lower != "authorization" {
			continue
		}
		s.fail(fmt.Sprintf("Access-Control-Allow-Headers lacks %s, it is %q", name, got), "list "+name+" (* never covers Authorization)")
	}
}

func listed(list, name string) bool {
	for entry := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(entry) == name {
			return true
		}
	}
	return false
}

func mediaType(a answer) string {
	t, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// secure tells whether clients send credentials there: https, or this computer. A10
func secure(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// printable keeps control characters of strangers off the terminal.
func printable(s string) string {
	q := fmt.Sprintf("%+q", s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

func excerpt(body []byte) string {
	return fmt.Sprintf("%.80q", string(body))
}
