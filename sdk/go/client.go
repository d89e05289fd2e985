package mcpauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Version is that of this module. Every request to the project names it.
const Version = "0.1.0"

// guardVersion is the version of the protocol between guard and project that this module speaks. Every request names it; an answer that
// names another one must not be read as this one. A project from before there were versions names none and speaks the first.
const (
	guardVersion       = "1"
	headerGuardVersion = "Mcpauth-Guard-Version"
)

const userAgent = "mcpauth-go/" + Version

// newHTTPClient copies the given client, or makes one whose connections to the project are bounded. A redirect is an
// answer like any other, so that no credential ever follows one.
func newHTTPClient(given *http.Client) *http.Client {
	client := &http.Client{Timeout: requestTimeout}
	if given != nil {
		*client = *given
		if client.Timeout <= 0 || client.Timeout > requestTimeout {
			client.Timeout = requestTimeout
		}
	} else {
		client.Transport = newTransport()
	}
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func newTransport() *http.Transport {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if base, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = base.Clone()
	}
	transport.MaxConnsPerHost = introspectionsOpen
	transport.MaxIdleConnsPerHost = introspectionsOpen / 4
	dialer := &net.Dialer{Timeout: requestTimeout, KeepAlive: 30 * time.Second}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		// Many resolvers do not know names under localhost, which can only mean this machine (RFC 6761 section 6.3).
		if host, port, err := net.SplitHostPort(address); err == nil && isLocalhost(host) {
			address = net.JoinHostPort("localhost", port)
		}
		return dialer.DialContext(ctx, network, address)
	}
	return transport
}

// unavailable is our own failure, or the project's. It is always answered 503 and never blamed on the token.
type unavailable struct {
	reason     string
	retryAfter time.Duration
	cause      error
}

func (e *unavailable) Error() string {
	if e.cause == nil {
		return e.reason
	}
	return e.reason + ": " + e.cause.Error()
}

func (e *unavailable) Unwrap() error { return e.cause }

// fetchJSON sends the request and decodes a 200 answer of at most maxAnswerBytes; anything else is *unavailable. It
// returns the raw document too.
func fetchJSON(client *http.Client, request *http.Request, what string, into any) ([]byte, error) {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(headerGuardVersion, guardVersion)
	response, err := client.Do(request)
	if err != nil {
		return nil, &unavailable{reason: what + " could not be reached", cause: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, &unavailable{reason: what + " broke off its answer", cause: err}
	}
	if response.StatusCode != http.StatusOK {
		return nil, &unavailable{reason: describeStatus(what, response.StatusCode), retryAfter: retryAfter(response.Header)}
	}
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return nil, &unavailable{reason: what + " did not answer with JSON"}
	}
	if len(body) > maxAnswerBytes {
		return nil, &unavailable{reason: what + " sent too long an answer"}
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The decoder's message may quote the document, which must not reach a log.
		return nil, &unavailable{reason: what + " sent an answer that cannot be read", cause: errors.New("malformed JSON")}
	}
	return body, nil
}

func describeStatus(what string, status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return what + " refused the registration secret: it may have been revoked"
	case status >= 300 && status < 400:
		return fmt.Sprintf("%s answered with a redirect (%d), which is never followed", what, status)
	default:
		return fmt.Sprintf("%s answered %d", what, status)
	}
}

// retryAfter reads the delay form of Retry-After, bounded to a minute; 0 when there is none.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(header.Get("Retry-After")))
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 60))*time.Second, time.Minute)
}
