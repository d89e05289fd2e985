package mail

import (
	"errors"
	"net/url"
	"strconv"
)

type tlsMode int

const (
	tlsStart    tlsMode = iota // STARTTLS (RFC 3207), required: without it nothing is sent
	tlsImplicit                // TLS from the first byte (RFC 8314 section 3.3)
	tlsOff
)

type server struct {
	host, user, password string
	port                 int
	mode                 tlsMode
}

// parseServer reads smtp://user:password@host:587 (STARTTLS is required, port 587 unless given), smtps://host (TLS from the start,
// port 465 unless given) or smtp://host:1025?tls=off (no encryption; then no credentials may be given). All problems are reported
// at once and none of them quotes the URL.
func parseServer(raw string) (server, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return server{}, errors.New("mail server URL: expected smtp://user:password@host:587 or smtps://host") // err quotes the URL
	}
	out := server{host: u.Hostname()}
	var problems []error
	switch u.Scheme {
	case "smtp":
		out.port = 587
	case "smtps":
		out.port, out.mode = 465, tlsImplicit
	default:
		problems = append(problems, errors.New("mail server URL: expected the scheme smtp or smtps"))
	}
	if out.host == "" || (u.Path != "" && u.Path != "/") || u.Fragment != "" || u.Opaque != "" {
		problems = append(problems, errors.New("mail server URL: expected a host and nothing after it but ?tls=off"))
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			problems = append(problems, errors.New("mail server URL: expected a port from 1 to 65535"))
		}
		out.port = int(n)
	}
	if u.User != nil {
		out.user = u.User.Username()
		out.password, _ = u.User.Password()
		if out.user == "" || out.password == "" {
			problems = append(problems, errors.New("mail server URL: expected a user and a password, or neither"))
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil, len(query) > 1, len(query) == 1 && (len(query["tls"]) != 1 || query.Get("tls") != "off"):
		problems = append(problems, errors.New("mail server URL: expected no parameter but tls=off"))
	case len(query) == 0:
	case u.Scheme == "smtps":
		problems = append(problems, errors.New("mail server URL: smtps and tls=off contradict each other"))
	case u.User != nil:
		problems = append(problems, errors.New("mail server URL: credentials are not sent without TLS; remove them or tls=off"))
	default:
		out.mode = tlsOff
	}
	return out, errors.Join(problems...)
}
