package catcher

import (
	"context"
	"fmt"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T) *Catcher {
	t.Helper()
	c, err := Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func deliver(t *testing.T, c *Catcher, raw string) error {
	t.Helper()
	raw = strings.ReplaceAll(raw, "\n", "\r\n")
	return smtp.SendMail(c.listener.Addr().String(), nil, "from@example.com", []string{"to@example.com"}, []byte(raw))
}

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, subject, text, html string }{
		{"plain", "Subject: Hi\n\nhello\n", "Hi", "hello\n", ""},
		{
			"quoted-printable and encoded subject",
			"Subject: =?UTF-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9F=\ne\n",
			"Grüße", "Grüße\n", "",
		},
		{
			"base64 in nested alternatives",
			"Subject: Hi\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n" +
				"--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVs\nbG8=\n--b\nContent-Type: text/html\n\n<p>hello</p>\n--b--\n--a--\n",
			"Hi", "hello", "<p>hello</p>",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			if err := deliver(t, c, test.raw); err != nil {
				t.Fatal(err)
			}
			m := c.Messages()[0]
			if m.Subject != test.subject || m.Text != test.text || m.HTML != test.html || m.To != "to@example.com" || m.From != "from@example.com" {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestMalformedMessageIsRefused(t *testing.T) {
	t.Parallel()
	nested := "Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n"
	for range maxDepth + 1 {
		nested += "--a\nContent-Type: multipart/mixed; boundary=a\n\n"
	}
	for name, raw := range map[string]string{
		"no header":        "just text without header\n",
		"no boundary":      "Subject: x\nContent-Type: multipart/mixed\n\ntext\n",
		"nested too much":  nested,
		"bad content type": "Subject: x\nContent-Type: ;;\n\ntext\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			if err := deliver(t, c, raw); err == nil {
				t.Error("accepted")
			}
			if len(c.Messages()) != 0 {
				t.Error("kept")
			}
		})
	}
}

func TestKeepsTheLastMessagesNewestFirst(t *testing.T) {
	t.Parallel()
	c := start(t)
	for i := range Keep + 5 {
		c.add(Message{Subject: fmt.Sprint(i)})
	}
	got := c.Messages()
	if len(got) != Keep || got[0].Subject != fmt.Sprint(Keep+4) || got[Keep-1].Subject != "5" {
		t.Errorf("got %d messages from %s to %s", len(got), got[0].Subject, got[len(got)-1].Subject)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	c := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		c.add(Message{Subject: "other"})
		c.add(Message{Subject: "wanted"})
	}()
	m, err := c.Wait(ctx, func(m Message) bool { return m.Subject == "wanted" })
	if err != nil || m.Subject != "wanted" {
		t.Fatalf("got %+v, %v", m, err)
	}
	cancel()
	if _, err := c.Wait(ctx, func(Message) bool { return false }); err == nil {
		t.Error("expected the context's error")
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	if c, err := Start("0.0.0.0:0"); err == nil {
		_ = c.Close()
		t.Error("listens on every address")
	}
}
