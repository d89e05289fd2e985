// Package mail sends e-mail through SMTP.
//
// It owns the message, the address of the mail server, and the judgement whether a failure is worth another try. It imports nothing
// of the project but internal/secret, and knows neither templates nor the queue.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"mcpauth.example/internal/secret"
)

// timeout bounds connecting, and each exchange with the server.
const timeout = 15 * time.Second

// Sender delivers messages to one SMTP server, a connection per message. It is safe for concurrent use.
type Sender struct {
	server server
	from   string
	roots  *x509.CertPool // nil: the system's
}

// NewSender reads the server's URL (see parseServer) and the bare address that messages come from. Errors never contain the password.
func NewSender(rawURL, from string) (*Sender, error) {
	parsed, err := parseServer(rawURL)
	if err != nil {
		return nil, err
	}
	if validAddress(from) != nil {
		return nil, errors.New("mail sender address: expected a plain address such as no-reply@example.com")
	}
	return &Sender{server: parsed, from: from}, nil
}

// Send delivers one message or returns a *SendError. Once the server has taken the message, later trouble on the connection is not a
// failure: another try would deliver it twice.
func (s *Sender) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return &SendError{Permanent: true, Stage: "message", Reason: err.Error()}
	}
	message, err := s.compose(m)
	if err != nil {
		return &SendError{Permanent: true, Stage: "message", Reason: "cannot be composed"}
	}
	var conn net.Conn
	client, err := gomail.NewClient(s.server.host, s.options(&conn)...)
	if err != nil {
		return &SendError{Stage: "connect", Reason: "settings of the mail server"}
	}
	defer func() {
		if conn != nil {
			_ = conn.Close() // the library leaves it open when the greeting or the sign-in fails
		}
	}()
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return connectError(err)
	}
	// The library does not watch the context after dialling: closing the connection ends what is under way.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = client.SendWithSMTPClient(session, message)
	if message.IsDelivered() {
		_ = client.CloseWithSMTPClient(session)
		return nil
	}
	if err == nil {
		err = errors.New("not delivered")
	}
	return sendError(err)
}

// compose builds the MIME message. Names pass through net/mail, which quotes and encodes them; they are never spliced into a header.
func (s *Sender) compose(m Message) (*gomail.Msg, error) {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	sender := netmail.Address{Name: m.FromName, Address: s.from}
	if err := out.From(sender.String()); err != nil {
		return nil, err
	}
	if err := out.To(m.To); err != nil {
		return nil, err
	}
	out.Subject(m.Subject)
	out.SetDate()
	_, domain, _ := strings.Cut(s.from, "@")
	out.SetMessageIDWithValue(secret.Encode(secret.Bytes(18)) + "@" + domain) // the library's own would name this host
	out.SetGenHeader("Auto-Submitted", "auto-generated")                      // RFC 3834 section 5: no vacation replies
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return out, nil
}

// options dials itself, so that the connection can be closed whatever the library does with it.
func (s *Sender) options(conn *net.Conn) []gomail.Option {
	config := &tls.Config{ServerName: s.server.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots}
	options := []gomail.Option{
		gomail.WithPort(s.server.port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(config),
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			if s.server.mode == tlsImplicit {
				*conn, err = (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
			} else {
				*conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			}
			return *conn, err
		}),
	}
	if s.server.mode == tlsStart {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS)) // encrypted by the dialer, or not wanted
	}
	if s.server.user != "" {
		options = append(options, gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert)
}
