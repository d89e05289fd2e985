// Package egress is the HTTP client for addresses that strangers choose: client id metadata documents, key sets, logos, webhooks.
//
// It owns what such a request may reach and how much of an answer is read. Each connection goes to an address that was resolved and
// checked for that connection alone, so that a name cannot lead elsewhere the second time. It must not import the doors or the store.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// Bounds of one request.
const (
	defaultTimeout = 5 * time.Second
	headerBytesMax = 16 << 10
)

// Errors of Get. Their texts name nothing of what answered, since they may reach whoever chose the address (catalogue 57).
var (
	ErrRefused  = errors.New("egress: this address is not asked")
	ErrAnswer   = errors.New("egress: expected status 200 and a plain body")
	ErrTooLarge = errors.New("egress: the answer is too large")
)

// Config is what a Client needs; the zero value is for production.
type Config struct {
	// Agent is the User-Agent header: it says who asks, so that the owner of an address knows whom to tell.
	Agent string
	// Loopback admits this computer, by http and https and on any port, for local work.
	Loopback bool
	// Lookup resolves a name; nil: the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial connects to an address that was checked; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds everything from resolving to the last byte; zero: 5 seconds.
	Timeout time.Duration
	// Roots are the certificate authorities; nil: the system's.
	Roots *x509.CertPool
}

// Client asks addresses that strangers choose. It is safe for concurrent use.
type Client struct {
	config   Config
	guardian *ssrf.Guardian
	http     *http.Client
}

// special lists what the registries of special-use addresses leave out: addresses of cloud platforms that are public in form only, and
// old forms that can hold an address of another kind.
var (
	specialV4 = []netip.Prefix{netip.MustParsePrefix("168.63.129.16/32"), netip.MustParsePrefix("0.0.0.0/8")}
	specialV6 = []netip.Prefix{
		netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("fec0::/10"),
	}
)

// New returns a client.
func New(config Config) *Client {
	if config.Lookup == nil {
		config.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Dial == nil {
		config.Dial = (&net.Dialer{}).DialContext
	}
	c := &Client{config: config, guardian: ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(specialV4...), ssrf.WithDeniedV6Prefixes(specialV6...))}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: c.dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: headerBytesMax,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.Roots},
		},
	}
	return c
}

// Response is an answer with status 200.
type Response struct {
	Header http.Header
	Body   []byte
}

// Get asks once, without following redirects, and reads at most limit bytes. Errors: ErrRefused, ErrAnswer, ErrTooLarge, or what the
// network said.
func (c *Client) Get(ctx context.Context, target, accept string, limit int64) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil || !c.admits(u) {
		return Response{}, ErrRefused
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Response{}, ErrRefused
	}
	request.Header.Set("User-Agent", c.config.Agent)
	request.Header.Set("Accept", accept)
	response, err := c.http.Do(request)
	if err != nil {
		return Response{}, fmt.Errorf("egress: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "" {
		return Response{}, ErrAnswer
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Response{}, fmt.Errorf("egress: %w", err)
	}
	if int64(len(body)) > limit {
		return Response{}, ErrTooLarge
	}
	return Response{Header: response.Header, Body: body}, nil
}

// admits judges an address before anything is asked; dial judges where it leads.
func (c *Client) admits(u *url.URL) bool {
	return u.User == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && c.config.Loopback && isLocal(u.Hostname()))
}

// dial resolves, checks every address, and connects to one of those it checked (catalogue 51 to 56).
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, ErrRefused
	}
	local := c.config.Loopback && isLocal(host)
	addresses := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if literal, err := netip.ParseAddr(host); err == nil {
		addresses = []netip.Addr{literal}
	} else if !local {
		if addresses, err = c.config.Lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	for _, a := range addresses { // one bad address spoils the name: it may be chosen next time (catalogue 54)
		if local && a.Unmap().IsLoopback() {
			continue
		}
		if err := c.check(a, port); err != nil {
			return nil, err
		}
	}
	err = ErrRefused
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = c.config.Dial(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (c *Client) check(address netip.Addr, port string) error {
	address = address.Unmap()
	network := "tcp4"
	if address.Is6() {
		network = "tcp6"
	}
	if address.Zone() != "" || c.guardian.Safe(network, net.JoinHostPort(address.String(), port), nil) != nil {
		return ErrRefused
	}
	return nil
}

// isLocal reports whether a host is this computer by its name or address.
func isLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
