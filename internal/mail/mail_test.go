package mail_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/mail/catcher"
)

const from = "no-reply@mcpauth.example"

func startCatcher(t *testing.T) *catcher.Catcher {
	t.Helper()
	c, err := catcher.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func newSender(t *testing.T, url string) *mail.Sender {
	t.Helper()
	s, err := mail.NewSender(url, from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func context30(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestSendIsCaught(t *testing.T) {
	t.Parallel()
	c := startCatcher(t)
	err := newSender(t, c.URL()).Send(context30(t), mail.Message{
		To: "ada@example.com", FromName: `Käse "GmbH" <x@evil.example>`, Subject: "Ihr Code für Acme – 123456",
		Text: "Grüße\n.\nFrom here on: 123456\n" + strings.Repeat("long ", 400), HTML: "<p>Grüße <b>123456</b></p>",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := c.Messages()
	if len(got) != 1 {
		t.Fatalf("caught %d messages, want 1", len(got))
	}
	m := got[0]
	if m.From != from || m.To != "ada@example.com" || m.Subject != "Ihr Code für Acme – 123456" {
		t.Errorf("envelope or subject wrong: %+v", m)
	}
	if !strings.HasPrefix(m.Text, "Grüße\n.\nFrom here on: 123456\nlong long") || m.HTML != "<p>Grüße <b>123456</b></p>" {
		t.Errorf("bodies wrong: %q %q", m.Text, m.HTML)
	}
	// A display name is a name, whatever it looks like (catalogue 116).
	if fields := m.Header["From"]; len(fields) != 1 || !strings.HasSuffix(fields[0], "<"+from+">") || strings.Contains(fields[0], "evil.example>") {
		t.Errorf("From header: %q", fields)
	}
	for name, values := range m.Header {
		if strings.EqualFold(name, "User-Agent") || strings.EqualFold(name, "X-Mailer") {
			t.Errorf("header %s reveals software: %q", name, values)
		}
	}
	if !strings.HasSuffix(strings.Join(m.Header["Message-Id"], ""), "@mcpauth.example>") {
		t.Errorf("Message-ID: %q", m.Header["Message-Id"])
	}
}

// Catalogue 116: nothing that a tenant or a stranger chooses adds a header or a recipient.
func TestHeaderInjectionIsRefused(t *testing.T) {
	t.Parallel()
	c := startCatcher(t)
	sender := newSender(t, c.URL())
	good := mail.Message{To: "ada@example.com", FromName: "Acme", Subject: "Code", Text: "123456"}
	tests := map[string]func(*mail.Message){
		"line break in the recipient":   func(m *mail.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" },
		"second recipient":              func(m *mail.Message) { m.To = "ada@example.com, eve@example.com" },
		"display name in the recipient": func(m *mail.Message) { m.To = "Ada <ada@example.com>" },
		"SMTP command in the recipient": func(m *mail.Message) { m.To = "ada@example.com>\r\nRCPT TO:<eve@example.com" },
		"non-ASCII recipient":           func(m *mail.Message) { m.To = "adа@example.com" },
		"quoted local part":             func(m *mail.Message) { m.To = `"a b"@example.com` },
		"line break in the name":        func(m *mail.Message) { m.FromName = "Acme\r\nBcc: eve@example.com" },
		"bare line feed in the subject": func(m *mail.Message) { m.Subject = "Code\nBcc: eve@example.com" },
		"bare return in the subject":    func(m *mail.Message) { m.Subject = "Code\rBcc: eve@example.com" },
		"line separator in the subject": func(m *mail.Message) { m.Subject = "Code\u2028Bcc: eve@example.com" },
		"NUL in the name":               func(m *mail.Message) { m.FromName = "Acme\x00" },
		"invalid UTF-8 in the subject":  func(m *mail.Message) { m.Subject = "Code\xff" },
		"no text":                       func(m *mail.Message) { m.Text = "" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := good
			change(&m)
			err := sender.Send(t.Context(), m)
			if !mail.IsPermanent(err) {
				t.Fatalf("got %v, want a permanent error", err)
			}
			if strings.Contains(err.Error(), "example.com") {
				t.Errorf("error quotes the message: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(c.Messages()); n != 0 {
			t.Errorf("%d messages went out", n)
		}
	})
}

func TestRefusalsAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		code      int
		permanent bool
	}{
		{"mailbox busy", 450, false},
		{"insufficient storage", 452, false},
		{"service not available", 421, false},
		{"no such mailbox", 550, true},
		{"message refused", 554, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := startCatcher(t)
			c.RefuseNext(test.code)
			err := newSender(t, c.URL()).Send(context30(t), mail.Message{To: "ada@example.com", Subject: "s", Text: "t"})
			var send *mail.SendError
			if !errors.As(err, &send) || send.Code != test.code || mail.IsPermanent(err) != test.permanent {
				t.Fatalf("got %#v, want code %d permanent %t", err, test.code, test.permanent)
			}
			if strings.Contains(err.Error(), "ada@") {
				t.Errorf("error quotes the recipient: %v", err)
			}
		})
	}
}

func TestNetworkFailureIsTemporary(t *testing.T) {
	t.Parallel()
	c := startCatcher(t)
	url := c.URL()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"nobody listens":                url,
		"server without STARTTLS":       strings.TrimSuffix(startCatcher(t).URL(), "?tls=off"),
		"TLS to a server without TLS":   "smtps" + strings.TrimSuffix(strings.TrimPrefix(startCatcher(t).URL(), "smtp"), "?tls=off"),
		"server that hangs up":          hangUp(t),
		"server that refuses greetings": greet(t, "554 5.3.2 go away\r\n"),
	}
	for name, url := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newSender(t, url).Send(context30(t), mail.Message{To: "ada@example.com", Subject: "s", Text: "t"})
			var send *mail.SendError
			if !errors.As(err, &send) || send.Permanent || send.Stage != "connect" {
				t.Fatalf("got %#v, want a temporary error at connecting", err)
			}
		})
	}
}

func TestContextEndsSending(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan struct{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte("220 slow ESMTP\r\n"))
		buffer := make([]byte, 512)
		_, _ = conn.Read(buffer) // EHLO
		_, _ = conn.Write([]byte("250 slow\r\n"))
		_, _ = conn.Read(buffer) // NOOP, never answered
		close(accepted)
		_, _ = conn.Read(buffer)
	}()
	go func() {
		<-accepted
		cancel()
	}()
	err = newSender(t, "smtp://"+listener.Addr().String()+"?tls=off").Send(ctx, mail.Message{To: "ada@example.com", Subject: "s", Text: "t"})
	if err == nil || mail.IsPermanent(err) {
		t.Fatalf("got %v, want a temporary error", err)
	}
}

func hangUp(t *testing.T) string {
	t.Helper()
	return greet(t, "")
}

// greet is a server that says one thing and hangs up.
func greet(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(text))
			_ = conn.Close()
		}
	}()
	return "smtp://" + listener.Addr().String() + "?tls=off"
}

func TestNewSender(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url, from string
		ok        bool
	}{
		{"smtp://mail.example.com", from, true},
		{"smtp://user:p%40ss@mail.example.com:587", from, true},
		{"smtps://user:pass@mail.example.com", from, true},
		{"smtp://localhost:1025?tls=off", from, true},
		{"smtp://[::1]:1025/?tls=off", from, true},
		{"", from, false},
		{"mail.example.com:587", from, false},
		{"http://mail.example.com", from, false},
		{"smtp://", from, false},
		{"smtp://mail.example.com:0", from, false},
		{"smtp://mail.example.com:99999", from, false},
		{"smtp://mail.example.com/path", from, false},
		{"smtp://mail.example.com?tls=on", from, false},
		{"smtp://mail.example.com?tls=off&tls=off", from, false},
		{"smtp://mail.example.com?TLS=off", from, false},
		{"smtps://mail.example.com?tls=off", from, false},
		{"smtp://user:hunter2secret@mail.example.com?tls=off", from, false},
		{"smtp://user@mail.example.com", from, false},
		{"smtp://user:hunter2secret@mail.exa mple.com", from, false},
		{"smtp://mail.example.com", "Acme <no-reply@mcpauth.example>", false},
		{"smtp://mail.example.com", "", false},
	}
	for _, test := range tests {
		t.Run(test.url+" "+test.from, func(t *testing.T) {
			t.Parallel()
			_, err := mail.NewSender(test.url, test.from)
			if (err == nil) != test.ok {
				t.Fatalf("got %v, want ok %t", err, test.ok)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2secret") {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}
