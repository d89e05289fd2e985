package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// answerLimit is how long one answer may take before it counts as an error, bodyLimit how long it may be in bytes.
const (
	answerLimit = 10 * time.Second
	bodyLimit   = 1 << 20
)

// link is one kept-alive HTTP/1.1 connection. It costs less than net/http's client, and so leaves more of the machine to what is measured.
type link struct {
	address string
	host    string
	conn    net.Conn
	reader  *bufio.Reader
	buffer  []byte
}

// reply is one answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// dial connects to an address of this computer; any other is refused.
func dial(ctx context.Context, address, host string) (*link, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not an address of this computer", address)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &link{address: address, host: host, conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (l *link) close() { _ = l.conn.Close() }

// get asks for a path. Headers are alternating names and values.
func (l *link) get(path string, headers ...string) (reply, error) {
	return l.send("GET", path, "", "", headers)
}

// form posts values.
func (l *link) form(path string, values url.Values, headers ...string) (reply, error) {
	return l.send("POST", path, "application/x-www-form-urlencoded", values.Encode(), headers)
}

// post sends a JSON document.
func (l *link) post(path, body string) (reply, error) {
	return l.send("POST", path, "application/json", body, nil)
}

func (l *link) send(method, path, contentType, body string, headers []string) (reply, error) {
	l.buffer = fmt.Appendf(l.buffer[:0], "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nUser-Agent: mcpauth-bench\r\n", method, path, l.host)
	for i := 0; i+1 < len(headers); i += 2 {
		l.buffer = fmt.Appendf(l.buffer, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if contentType != "" {
		l.buffer = fmt.Appendf(l.buffer, "Content-Type: %s\r\nContent-Length: %d\r\n", contentType, len(body))
	}
	l.buffer = append(append(l.buffer, "\r\n"...), body...)
	if err := l.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return reply{}, err
	}
	if _, err := l.conn.Write(l.buffer); err != nil {
		return reply{}, err
	}
	response, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit+1))
	if err != nil {
		return reply{}, err
	}
	if response.Close || len(read) > bodyLimit {
		return reply{}, errors.New("the server closed the connection, or its answer is too long")
	}
	return reply{status: response.StatusCode, header: response.Header, body: read}, nil
}

// unexpected describes an answer that is not the expected one, without the tokens it may hold.
func (r reply) unexpected(expected string) error {
	text := string(r.body[:min(len(r.body), 300)])
	if strings.Contains(text, "_token") {
		text = "(a body with tokens)"
	}
	return fmt.Errorf("expected %s, got status %d: %s", expected, r.status, text)
}
