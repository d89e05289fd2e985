package egress

import (
	"io"
	"net/http"
	"strings"
)

// HTTP returns a client for libraries that speak a protocol of several requests, such as OpenID Connect: the same addresses, time and
// redirect rules as Get, any method, and at most limit bytes of each answer. A User-Agent of the request's own is put before ours.
func (c *Client) HTTP(limit int64) *http.Client {
	return &http.Client{CheckRedirect: c.http.CheckRedirect, Timeout: c.config.Timeout, Transport: bounded{c, limit}}
}

type bounded struct {
	client *Client
	limit  int64
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	if !b.client.admits(request.URL) {
		return nil, ErrRefused
	}
	request = request.Clone(request.Context())
	agent := b.client.config.Agent
	if part := request.Header.Get("User-Agent"); part != "" { // which part of us asks; who we are follows
		agent = strings.TrimSpace(part + " " + agent)
	}
	request.Header.Set("User-Agent", agent)
	response, err := b.client.http.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.Header.Get("Content-Encoding") != "" {
		_ = response.Body.Close()
		return nil, ErrAnswer
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: b.limit}
	return response, nil
}

// boundedBody fails after its limit, so that a part is never taken for the whole.
type boundedBody struct {
	io.ReadCloser

	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
