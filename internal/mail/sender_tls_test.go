package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// account is a mail server that takes messages from one user only.
type account struct{ delivered atomic.Int64 }

type accountSession struct {
	*account

	signedIn bool
}

func (a *account) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &accountSession{account: a}, nil
}

func (s *accountSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *accountSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "mcpauth" || password != "right" {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *accountSession) Mail(string, *smtp.MailOptions) error {
	if !s.signedIn {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (*accountSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*accountSession) Reset()                               {}
func (*accountSession) Logout() error                        { return nil }
func (s *accountSession) Data(r io.Reader) error {
	s.delivered.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}

// startTLSServer serves STARTTLS or, when implicit, TLS from the first byte, with a certificate for 127.0.0.1.
func startTLSServer(t *testing.T, implicit bool) (host string, roots *x509.CertPool, a *account) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(certificate)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = listener.Addr().String()
	a = &account{}
	server := smtp.NewServer(a)
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	if implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _, _ = server.Close(), listener.Close() })
	return host, roots, a
}

func TestTLS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, scheme, user string
		trusted            bool
		wantCode           int
		delivered          bool
	}{
		{"STARTTLS", "smtp", "mcpauth:right", true, 0, true},
		{"implicit TLS", "smtps", "mcpauth:right", true, 0, true},
		{"STARTTLS, wrong password", "smtp", "mcpauth:wrong", true, 535, false},
		{"STARTTLS, unknown certificate", "smtp", "mcpauth:right", false, 0, false},
		{"implicit TLS, unknown certificate", "smtps", "mcpauth:right", false, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			host, roots, account := startTLSServer(t, test.scheme == "smtps")
			sender, err := NewSender(test.scheme+"://"+test.user+"@"+host, "no-reply@mcpauth.example")
			if err != nil {
				t.Fatal(err)
			}
			sender.roots = x509.NewCertPool()
			if test.trusted {
				sender.roots = roots
			}
			err = sender.Send(t.Context(), Message{To: "ada@example.com", Subject: "s", Text: "t"})
			if (err == nil) != test.delivered || (account.delivered.Load() == 1) != test.delivered {
				t.Fatalf("got %v and %d delivered, want delivered %t", err, account.delivered.Load(), test.delivered)
			}
			var send *SendError
			if err != nil && (!errors.As(err, &send) || send.Permanent || send.Code != test.wantCode) {
				t.Errorf("got %#v, want a temporary error with code %d", err, test.wantCode)
			}
		})
	}
}
