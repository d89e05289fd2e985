package catcher

import (
	"io"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// session is one client's connection.
type session struct {
	catcher *Catcher
	from    string
	to      []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.catcher.refusal(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := read(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "expected a MIME message"}
	}
	m.From, m.To, m.At = s.from, strings.Join(s.to, ", "), time.Now()
	s.catcher.add(m)
	return nil
}
