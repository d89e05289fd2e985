package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"
)

// SendError says why a message was not accepted. Its text never holds an address or what the server said in words (servers quote the
// recipient), so that it can be logged and stored.
type SendError struct {
	// Permanent: the server refused this message for good (5yz, RFC 5321 section 4.2.1) or it cannot be sent at all.
	Permanent bool
	// Code is the SMTP reply code; 0 when there was none.
	Code int
	// Enhanced is the enhanced status code (RFC 3463), such as 5.1.1; empty when there was none.
	Enhanced string
	// Stage is where it happened: "message", "connect" or "send".
	Stage string
	// Reason is a word for what happened when there is no code, such as "timeout".
	Reason string
}

func (e *SendError) Error() string {
	kind := "temporary"
	if e.Permanent {
		kind = "permanent"
	}
	text := fmt.Sprintf("mail not sent: %s failure at %s", kind, e.Stage)
	if e.Code != 0 {
		text += fmt.Sprintf(": SMTP %d", e.Code)
	}
	if e.Enhanced != "" {
		text += " " + e.Enhanced
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// IsPermanent reports whether sending the same message again is useless.
func IsPermanent(err error) bool {
	var send *SendError
	return errors.As(err, &send) && send.Permanent
}

// connectError: whatever goes wrong before the message was offered (network, TLS, greeting, credentials) says nothing about the
// message, so it is worth another try once the operator or the server has recovered.
func connectError(err error) error {
	out := &SendError{Stage: "connect", Reason: reason(err)}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		out.Code, out.Reason = reply.Code, ""
	}
	return out
}

// sendError classifies the server's answer to the message itself.
func sendError(err error) error {
	out := &SendError{Stage: "send", Reason: reason(err)}
	if send, ok := errors.AsType[*gomail.SendError](err); ok {
		out.Code, out.Enhanced = send.ErrorCode(), send.EnhancedStatusCode()
		if out.Code != 0 {
			out.Reason = ""
		}
		out.Permanent = out.Code >= 500
		switch send.Reason {
		case gomail.ErrGetSender, gomail.ErrGetRcpts, gomail.ErrNoUnencoded:
			out.Permanent = true
		case gomail.ErrConnCheck:
			out.Permanent = false // the answer to NOOP is not about the message
		default:
		}
	}
	return out
}

// reason names a failure without quoting its text.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &dns):
		return "host name not found"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	case isTLS(err):
		return "TLS"
	default:
		return "protocol or network"
	}
}
