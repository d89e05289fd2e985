package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// callback is where the browser brings the authorization response (RFC 8252 section 7.3).
type callback struct {
	redirectURL string
	servers     []*http.Server
	responses   chan url.Values
}

// listen opens the port on both loopback addresses, since browsers differ in which one localhost is; the second is
// left out where there is no IPv6.
func listen(ctx context.Context, port int) (*callback, error) {
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the browser's return: %w", err)
	}
	bound, ok := first.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("expected a TCP address, got %s", first.Addr())
	}
	port = bound.Port
	c := &callback{
		redirectURL: fmt.Sprintf("http://localhost:%d/callback", port),
		responses:   make(chan url.Values, 8),
	}
	listeners := []net.Listener{first}
	if second, err := config.Listen(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(port))); err == nil {
		listeners = append(listeners, second)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", c.receive)
	for _, listener := range listeners {
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		c.servers = append(c.servers, server)
		go func() { _ = server.Serve(listener) }()
	}
	return c, nil
}

func (c *callback) close() {
	for _, server := range c.servers {
		_ = server.Close()
	}
}

func (c *callback) receive(w http.ResponseWriter, r *http.Request) {
	select {
	case c.responses <- r.URL.Query():
	default: // nobody is waiting for that many
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Returned</title><p id="returned">You can close this window.</p></html>`)
}

// wait returns the authorization response. Whether state and issuer are the right ones is for the go-sdk to judge.
func (c *callback) wait(ctx context.Context, limit time.Duration) (*auth.AuthorizationResult, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("the user did not return: %w", ctx.Err())
	case response := <-c.responses:
		if code := response.Get("error"); code != "" {
			return nil, fmt.Errorf("authorization failed: %s: %s", code, response.Get("error_description"))
		}
		if !response.Has("code") {
			return nil, errors.New("the authorization response holds neither code nor error")
		}
		return &auth.AuthorizationResult{Code: response.Get("code"), State: response.Get("state"), Iss: response.Get("iss")}, nil
	}
}

// forget drops responses of earlier attempts.
func (c *callback) forget() {
	for {
		select {
		case <-c.responses:
		default:
			return
		}
	}
}
