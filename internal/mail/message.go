package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// Message is one e-mail to one person, rendered by the surface that causes it.
type Message struct {
	// To is a bare ASCII address without display name, such as ada@example.com.
	To string
	// FromName is the display name of the sender; the sender's address is the operator's. Empty: the address alone.
	FromName string
	Subject  string
	// Text is the plain text body; it is required, because not every reader shows HTML.
	Text string
	// HTML is the same content as markup; empty: the message is plain text only.
	HTML string
}

// maxBody bounds each body in bytes: our messages are a few kilobytes.
const maxBody = 256 << 10

// Validate refuses what could change the envelope or add a header (RFC 5322 section 2.2): line breaks and other control characters
// outside the bodies, several recipients, addresses with a display name. The error never contains the address.
func (m Message) Validate() error {
	var problems []error
	if err := validAddress(m.To); err != nil {
		problems = append(problems, fmt.Errorf("recipient: %w", err))
	}
	if err := validHeader(m.FromName); err != nil {
		problems = append(problems, fmt.Errorf("sender name: %w", err))
	}
	if err := validHeader(m.Subject); err != nil {
		problems = append(problems, fmt.Errorf("subject: %w", err))
	}
	if m.Subject == "" {
		problems = append(problems, errors.New("subject: expected one"))
	}
	if m.Text == "" {
		problems = append(problems, errors.New("text: expected a plain text body"))
	}
	if len(m.Text) > maxBody || len(m.HTML) > maxBody {
		problems = append(problems, fmt.Errorf("body: expected at most %d bytes", maxBody))
	}
	return errors.Join(problems...)
}

// validAddress accepts a bare addr-spec in ASCII that net/mail reads back as itself.
func validAddress(address string) error {
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c >= 0x7f {
			return errors.New("expected a plain ASCII e-mail address")
		}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address || strings.ContainsAny(address, "<>,;") {
		return errors.New("expected one e-mail address without display name")
	}
	return nil
}

// validHeader accepts text of one line.
func validHeader(value string) error {
	if !utf8.ValidString(value) || len(value) > 500 {
		return errors.New("expected valid UTF-8 of at most 500 bytes")
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || (r >= 0x80 && r < 0xa0) {
			return errors.New("expected one line without control characters")
		}
	}
	return nil
}
