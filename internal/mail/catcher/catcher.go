// Package catcher is an SMTP server that delivers nothing: it keeps the last messages in memory, for local work and for tests.
//
// It owns receiving and reading them back; it listens on loopback only and imports nothing of the project.
package catcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Keep is how many messages are kept; the oldest go first.
const Keep = 200

// maxMessage bounds one message, in bytes.
const maxMessage = 1 << 20

// Message is one caught e-mail, decoded.
type Message struct {
	// ID is unique within the process, and grows.
	ID      string
	From    string
	To      string
	Subject string
	Text    string
	HTML    string
	// Header holds the raw header fields by canonical name.
	Header map[string][]string
	At     time.Time
}

// Catcher is a running server. It is safe for concurrent use.
type Catcher struct {
	server   *smtp.Server
	listener net.Listener
	served   chan struct{}

	mu       sync.Mutex
	messages []Message
	count    int
	changed  chan struct{} // closed and replaced when a message arrives
	refusals []int         // SMTP codes that the next recipients get
	refused  int
}

// Start listens on an address of this computer, such as localhost:1025; port 0 chooses a free one.
func Start(address string) (*Catcher, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("mail catcher: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close()
		return nil, errors.New("mail catcher: expected a loopback address: it shows every message to whoever asks")
	}
	c := &Catcher{listener: listener, served: make(chan struct{}), changed: make(chan struct{})}
	c.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{catcher: c}, nil }))
	c.server.Domain = "localhost"
	c.server.MaxMessageBytes = maxMessage
	c.server.MaxRecipients = 10
	c.server.ReadTimeout, c.server.WriteTimeout = 30*time.Second, 30*time.Second
	c.server.ErrorLog = log.New(io.Discard, "", 0)
	go func() {
		defer close(c.served)
		_ = c.server.Serve(listener)
	}()
	return c, nil
}

// URL is the address as a mail sender is configured with it.
func (c *Catcher) URL() string { return "smtp://" + c.listener.Addr().String() + "?tls=off" }

// Close ends the server and its connections; messages stay readable.
func (c *Catcher) Close() error {
	err := c.server.Close()
	_ = c.listener.Close() // the server does not know it before it has begun to serve
	<-c.served
	return err
}

// Messages returns what was caught, newest first.
func (c *Catcher) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.messages)
	slices.Reverse(out)
	return out
}

// Wait returns the newest message that matches as soon as there is one, or the context's error.
func (c *Catcher) Wait(ctx context.Context, match func(Message) bool) (Message, error) {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		for _, m := range c.Messages() {
			if match(m) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return Message{}, ctx.Err()
		case <-changed:
		}
	}
}

// RefuseNext answers the coming recipients with these SMTP codes (400 to 599), one each in this order, before accepting again.
func (c *Catcher) RefuseNext(codes ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusals = append(c.refusals, codes...)
}

// Refused is how many recipients were refused so far.
func (c *Catcher) Refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *Catcher) refusal(recipient string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) == 0 {
		return nil
	}
	code := c.refusals[0]
	c.refusals = c.refusals[1:]
	c.refused++
	// Real servers quote the recipient: so does this one, which shows that it does not reach a log.
	return &smtp.SMTPError{
		Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "<" + recipient + "> refused as asked",
	}
}

func (c *Catcher) add(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	m.ID = strconv.Itoa(c.count)
	c.messages = append(c.messages, m)
	if over := len(c.messages) - Keep; over > 0 {
		c.messages = slices.Delete(c.messages, 0, over)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}
