package tryout

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Bounds of what is kept of an exchange.
const (
	maxExchanges = 60
	maxBody      = 4 << 10 // bytes
)

// recorder passes requests on and keeps what may be shown of them.
type recorder struct {
	next      http.RoundTripper
	model     *http.Client
	mu        sync.Mutex
	exchanges []Exchange
}

func (t Tryout) recorder() *recorder {
	next := t.HTTP.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	return &recorder{next: next, model: t.HTTP}
}

func (r *recorder) client() *http.Client { return r.with("") }

// with sends the token with every request.
func (r *recorder) with(token string) *http.Client {
	client := *r.model
	client.Transport = carrier{r, token}
	return &client
}

type carrier struct {
	recorder *recorder
	token    string
}

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", UserAgent)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	var sent []byte
	if request.Body != nil {
		var err error
		if sent, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		_ = request.Body.Close()
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	e := Exchange{Host: request.URL.Host, Request: request.Method + " " + request.URL.String(), SentHeader: headers(request.Header), Sent: redact(sent)}
	response, err := c.recorder.next.RoundTrip(request)
	if err != nil {
		e.Answer = "no answer"
		c.recorder.record(e)
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	e.Answer, e.ReceivedHeader, e.Received = fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)), headers(response.Header), redact(body)
	c.recorder.record(e)
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	return response, nil
}

// failing ends a body as the original did.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

func (r *recorder) record(e Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exchanges) < maxExchanges {
		r.exchanges = append(r.exchanges, e)
	}
}

// headers are lines in the order of their names.
func headers(h http.Header) (lines []string) {
	for name, values := range h {
		for _, value := range values {
			if name == "Authorization" || name == "Set-Cookie" || name == "Cookie" {
				value = left
			}
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return lines
}

// left stands for what is not shown.
const left = "(left out)"

var credentials = []*regexp.Regexp{
	regexp.MustCompile(`("(?:access_token|refresh_token|id_token|client_secret|registration_access_token|code)"\s*:\s*")[^"]*(")`),
	regexp.MustCompile(`((?:^|&)(?:code|code_verifier|refresh_token|token|client_secret)=)[^&]*()`),
}

// redact is the beginning of a body without credentials.
func redact(body []byte) string {
	text := string(body)
	for _, c := range credentials {
		text = c.ReplaceAllString(text, "${1}"+left+"${2}")
	}
	if len(text) > maxBody {
		text = text[:maxBody] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
